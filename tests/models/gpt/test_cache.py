"""models/gpt/cache.py: a ring that keeps the last, whatever order it keeps them in."""

from __future__ import annotations

import pytest
import torch

from zth.models.gpt.cache import Cache, LayerCache


def numbered(first: int, n: int) -> torch.Tensor:
    return torch.arange(first, first + n, dtype=torch.float32).view(1, 1, n, 1).expand(2, 3, n, 4)


@pytest.mark.parametrize("size", [1, 3, 8])
@pytest.mark.parametrize("n_first", [1, 2, 3, 5, 11])
def test_keeps_the_last(size, n_first) -> None:
    cache = LayerCache(size)
    k, v = cache.extended(numbered(0, n_first), -numbered(0, n_first))
    assert torch.equal(k, numbered(0, n_first))  # a first reading is masked by the caller, not cut here
    for n in range(n_first, 20):
        k, v = cache.extended(numbered(n, 1), -numbered(n, 1))
        wanted = list(range(max(0, n + 1 - size), n + 1))
        assert sorted(k[0, 0, :, 0].tolist()) == wanted
        assert torch.equal(k, -v)
        assert k.shape == (2, 3, len(wanted), 4)
        assert cache.length == n + 1


def test_takes_one_position_at_a_time_when_it_holds_some() -> None:
    cache = LayerCache(4)
    cache.extended(numbered(0, 2), numbered(0, 2))
    with pytest.raises(AssertionError, match=r"\(2, 2\)"):
        cache.extended(numbered(2, 2), numbered(2, 2))


def test_one_for_each_layer() -> None:
    cache = Cache(3, 4)
    assert (len(cache.layers), cache.length) == (3, 0)
