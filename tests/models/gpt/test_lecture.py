"""models/gpt/lecture.py: all steps of the path are equal, down to the gradients (exercise 7.1)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zth.compare import FLOAT64, same
from zth.errors import ConfigError
from zth.models.gpt.lecture import (
    Head,
    HeadList,
    as_attention,
    average_by_loop,
    average_by_matrix,
    average_by_softmax,
)


@pytest.fixture
def g() -> torch.Generator:
    return torch.Generator().manual_seed(1337)


@pytest.mark.parametrize("shape", [(4, 8, 2), (1, 1, 1), (2, 5, 3)])
def test_the_three_averages_are_equal(shape, g) -> None:
    x = torch.randn(shape, generator=g, dtype=torch.float64)
    wanted = x.cumsum(1) / torch.arange(1, shape[1] + 1)[:, None]
    for average in (average_by_loop, average_by_matrix, average_by_softmax):
        assert same(average(x), wanted, FLOAT64)
        assert average(x.float()).dtype == torch.float32


def test_a_head_that_asks_nothing_is_the_average(g) -> None:
    head = Head(6, 6, generator=g).double()
    with torch.no_grad():
        head.query.W.zero_()
        head.value.W.copy_(torch.eye(6))
    x = torch.randn(2, 5, 6, generator=g, dtype=torch.float64)
    assert same(head(x), average_by_loop(x), FLOAT64)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize(("width", "n_heads"), [(12, 3), (8, 1), (8, 8)])
def test_heads_as_a_batch_dimension_are_the_list_of_heads(width, n_heads, fused, g) -> None:
    heads = HeadList(width, n_heads, generator=g).double()
    with torch.no_grad():
        for parameter in heads.parameters():
            parameter += torch.randn(parameter.shape, generator=g, dtype=torch.float64)
    attention = as_attention(heads)
    attention.fused = fused
    x = torch.randn(3, 7, width, generator=g, dtype=torch.float64)
    mine, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    y, wanted = attention(mine), heads(other)
    assert same(y, wanted, FLOAT64)
    dy = torch.randn(y.shape, generator=g, dtype=torch.float64)
    y.backward(dy)
    wanted.backward(dy)
    assert same(mine.grad, other.grad, FLOAT64)
    gradients = [getattr(h, name).W.grad for name in ("query", "key", "value") for h in heads.heads]
    assert same(attention.qkv.W.grad, torch.cat(gradients, 1), FLOAT64)
    assert same(attention.output.W.grad, heads.proj.W.grad, FLOAT64)
    assert same(attention.output.b.grad, heads.proj.b.grad, FLOAT64)


def test_heads_are_torchs_multihead_attention(g) -> None:
    heads = HeadList(12, 3, generator=g).double()
    theirs = nn.MultiheadAttention(12, 3, bias=False, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        for head in heads.heads:
            for part in (head.query, head.key, head.value):
                part.W.mul_(20)
        parts = [getattr(h, name).W for name in ("query", "key", "value") for h in heads.heads]
        theirs.in_proj_weight.copy_(torch.cat(parts, 1).T)
        theirs.out_proj.weight.copy_(heads.proj.W.T)
    x = torch.randn(2, 6, 12, generator=g, dtype=torch.float64)
    future = torch.ones(6, 6).triu(1).bool()
    assert same(heads(x), theirs(x, x, x, attn_mask=future)[0], FLOAT64)


def test_the_copy_shares_no_weights(g) -> None:
    heads = HeadList(8, 2, generator=g).double()
    x = torch.randn(1, 4, 8, generator=g, dtype=torch.float64)
    attention = as_attention(heads)
    before = attention(x).detach()
    with torch.no_grad():
        for parameter in heads.parameters():
            parameter.add_(1)
    assert same(attention(x), before, FLOAT64)
    assert all(parameter.requires_grad and parameter.is_leaf for parameter in attention.parameters())


def test_dropout_is_off_in_evaluation(g) -> None:
    heads = HeadList(8, 2, generator=g, dropout=0.5).eval()
    x = torch.randn(1, 4, 8, generator=g)
    assert torch.equal(heads(x), heads(x))
    assert same(as_attention(heads)(x), as_attention(heads)(x))
    assert not torch.equal(heads.train()(x), heads(x))


def test_refuses() -> None:
    with pytest.raises(ConfigError, match="width 10 does not divide into 3 heads"):
        HeadList(10, 3, generator=torch.Generator())
