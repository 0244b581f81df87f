"""layers/embedding.py against torch.nn.Embedding."""

from __future__ import annotations

import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from zth.compare import EXACT, same
from zth.errors import ConfigError, VocabularyError
from zth.layers import Embedding


@pytest.mark.parametrize("shape", [(), (5,), (32, 3), (4, 3, 2), (0, 3)])
@pytest.mark.parametrize("kind", [torch.int64, torch.int32])
def test_equals_torchs(shape, kind, dtype, judge, g) -> None:
    ours, theirs = Embedding(9, 4, generator=g).to(dtype), nn.Embedding(9, 4, dtype=dtype)
    theirs.weight.data = ours.C.detach().clone()
    ids = torch.randint(9, shape, generator=g).to(kind)
    judge(ours, theirs, ids, [(ours.C, theirs.weight, False)])
    assert same(ours(ids), ours.C[ids.long()], EXACT)
    assert same(ours(ids), F.one_hot(ids.long(), 9).to(dtype) @ ours.C, EXACT)


def test_a_row_asked_for_twice_gets_both_gradients(g) -> None:
    layer = Embedding(3, 2, generator=g)
    layer(torch.tensor([[1, 1], [0, 1]])).sum().backward()
    assert layer.C.grad.tolist() == [[1, 1], [3, 3], [0, 0]]


def test_takes_ids_that_are_not_contiguous(g) -> None:
    layer, ids = Embedding(6, 2, generator=g), torch.arange(6).view(2, 3).T
    assert torch.equal(layer(ids), layer.C[ids])


def test_draws_from_n01(g) -> None:
    table = Embedding(500, 100, generator=g).C
    assert table.mean().item() == pytest.approx(0, abs=0.02)
    assert table.std().item() == pytest.approx(1, rel=0.02)
    assert torch.equal(table, Embedding(500, 100, generator=torch.Generator().manual_seed(2147483647)).C)


@pytest.mark.parametrize("wrong", [-1, 27, 1000])
def test_an_id_outside_is_named(wrong, g) -> None:
    ids = torch.tensor([[0, 26], [wrong, 3]])
    with pytest.raises(IndexError):
        nn.Embedding(27, 10)(ids)
    with pytest.raises(VocabularyError, match=re.escape(f"Embedding(27 -> 10) got id {wrong}; ids go from 0 to 26.")):
        Embedding(27, 10, generator=g)(ids)


@pytest.mark.parametrize("kind", [torch.float32, torch.uint8, torch.bool])
def test_what_is_no_id_is_named(kind, g) -> None:
    name = str(kind).removeprefix("torch.")
    with pytest.raises(VocabularyError, match=f"got {name}; it picks rows by int64 ids. Pass ids.long"):
        Embedding(27, 10, generator=g)(torch.ones(2, 3, dtype=kind))


@pytest.mark.parametrize("sizes", [(0, 2), (2, 0)])
def test_refuses_an_empty_table(sizes, g) -> None:
    with pytest.raises(ConfigError, match="at least 1 id and width 1"):
        Embedding(*sizes, generator=g)
