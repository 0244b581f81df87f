"""layers/shape.py against torch.nn.Flatten, strided slices and unfold."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from zth.compare import EXACT, same
from zth.errors import ConfigError, ShapeError
from zth.layers import FlattenConsecutive


def test_all_of_them_are_torchs_flatten(dtype, judge, g) -> None:
    judge(FlattenConsecutive(8), nn.Flatten(), torch.randn(4, 8, 10, generator=g).to(dtype))


def test_pairs_are_evens_beside_odds(dtype, judge, g) -> None:
    # lecture 6 checks itself in this way
    def explicit(x):
        return torch.cat([x[:, ::2], x[:, 1::2]], dim=2)

    judge(FlattenConsecutive(2), explicit, torch.randn(4, 8, 10, generator=g).to(dtype))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6])
def test_groups_are_windows_that_do_not_overlap(n, g) -> None:
    x = torch.randn(5, 12, 3, generator=g)
    windows = x.unfold(1, n, n).transpose(2, 3).reshape(5, 12 // n, -1)
    assert same(FlattenConsecutive(n)(x), windows, EXACT)


def test_what_cannot_be_viewed_is_copied(g) -> None:
    x = torch.randn(8, 4, 10, generator=g).transpose(0, 1)
    assert same(FlattenConsecutive(2)(x), FlattenConsecutive(2)(x.contiguous()), EXACT)


def test_one_group_loses_its_axis() -> None:
    assert FlattenConsecutive(2)(torch.zeros(5, 2, 3)).shape == (5, 6)
    assert FlattenConsecutive(1)(torch.zeros(5, 1, 3)).shape == (5, 3)
    assert FlattenConsecutive(2)(torch.zeros(0, 4, 3)).shape == (0, 2, 6)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((5, 7, 3), "FlattenConsecutive(2) got (5, 7, 3); T must be a multiple of 2. Pad the context to 8,"),
        ((5, 1, 3), "FlattenConsecutive(2) got (5, 1, 3); T must be a multiple of 2. Pad the context to 2,"),
        ((5, 0, 3), "FlattenConsecutive(2) got (5, 0, 3); T must be a multiple of 2."),
        ((5, 6), "FlattenConsecutive(2) got (5, 6); it takes (B, T, C)."),
    ],
)
def test_names_the_shape(shape, words) -> None:
    with pytest.raises(ShapeError, match=re.escape(words)):
        FlattenConsecutive(2)(torch.zeros(shape))


def test_refuses_groups_of_none() -> None:
    with pytest.raises(ConfigError, match="n of at least 1; got 0"):
        FlattenConsecutive(0)
