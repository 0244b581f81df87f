"""models/gpt/attention.py: spelled out equals fused, equals plain loops; places, groups and windows."""

from __future__ import annotations

import math
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor

from zth.compare import FLOAT32, FLOAT64, Tolerance, same
from zth.layers.matmul import onednn
from zth.models.gpt.attention import Attention, Turns, attend_fused, attention_weights, repeated, turned, visible

IN_BFLOAT16 = Tolerance(absolute=0.03)
"""Of the largest: what factors of 8 bits leave of a sum."""


def amx() -> bool:
    """Whether oneDNN may work in bfloat16 here."""
    return bool(torch.cpu.get_capabilities().get("amx_bf16")) if hasattr(torch.cpu, "get_capabilities") else True


@pytest.fixture
def g() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def built(options, g) -> Attention:
    attention = Attention(options, generator=g).double()
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter += 0.5 * torch.randn(parameter.shape, generator=g, dtype=torch.float64)
    return attention


def by_loop(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    """The formula atop attention.py, number by number."""
    y = torch.zeros_like(q)
    B, H, T, D = q.shape
    group = H // k.shape[1]
    for b in range(B):
        for h in range(H):
            for t in range(T):
                places = range(max(0, t - window + 1), t + 1)
                scores = [math.exp(float(q[b, h, t] @ k[b, h // group, s]) / math.sqrt(D)) for s in places]
                for s, score in zip(places, scores, strict=True):
                    y[b, h, t] += score / sum(scores) * v[b, h // group, s]
    return y


@pytest.mark.parametrize("n_groups", [1, 2, 4])
@pytest.mark.parametrize("window", [1, 3, 6, 100])
def test_both_forms_are_the_formula(window, n_groups, g) -> None:
    q = torch.randn(2, 4, 6, 8, generator=g, dtype=torch.float64)
    k, v = (torch.randn(2, n_groups, 6, 8, generator=g, dtype=torch.float64) for _ in range(2))
    wanted = by_loop(q, k, v, window)
    assert same(attention_weights(q, k, window) @ repeated(v, 4), wanted, FLOAT64)
    assert same(attend_fused(q, k, v, window), wanted, FLOAT64)


def test_one_position_may_look_at_all_that_it_is_given(g) -> None:
    q, k, v = (torch.randn(2, 4, n, 8, generator=g, dtype=torch.float64) for n in (1, 6, 6))
    wanted = (q @ k.transpose(-1, -2) / math.sqrt(8)).softmax(-1) @ v
    assert same(attention_weights(q, k, None) @ v, wanted, FLOAT64)
    assert same(attend_fused(q, k, v, None), wanted, FLOAT64)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_fused_and_spelled_out_have_equal_outputs_and_gradients(kind, make_options, dtype, g) -> None:
    fused = built(make_options(kind), g).to(dtype)
    x = torch.randn(3, 12, 16, generator=g).to(dtype).requires_grad_()
    dy = torch.randn(3, 12, 16, generator=g).to(dtype)
    found = []
    for fused.fused in (True, False):
        fused.zero_grad()
        x.grad = None
        y = fused(x)
        y.backward(dy)
        found.append([y, x.grad, *(p.grad for p in fused.parameters())])
    tolerance = FLOAT64 if dtype == torch.float64 else FLOAT32
    for a, b in zip(*found, strict=True):
        scale = b.detach().abs().max().item()  # a sum's rounding error has the size of its largest terms
        assert same(a / scale, b / scale, tolerance)


def test_is_the_same_with_onednn(kind, make_options, g) -> None:
    attention = built(make_options(kind), g).float()
    x = torch.randn(3, 12, 16, generator=g).requires_grad_()
    found = []
    for how in (nullcontext(), onednn()):
        attention.zero_grad()
        x.grad = None
        with how:
            y = attention(x)
            y.square().sum().backward()
        found.append([y, x.grad, *(p.grad for p in attention.parameters())])
    for a, b in zip(*found, strict=True):
        scale = b.detach().abs().max().item()
        assert same(a / scale, b / scale, IN_BFLOAT16 if amx() else FLOAT32)


def test_the_future_is_not_seen_nor_what_lies_before_the_window(make_options, g) -> None:
    for kind, window in (("laptop", 12), ("endless", 5), ("multi-query", 12)):
        attention = built(make_options(kind), g)
        x = torch.randn(1, 12, 16, generator=g, dtype=torch.float64, requires_grad=True)
        for t in range(12):
            (dx,) = torch.autograd.grad(attention(x)[0, t].sum(), x)
            seen = [s for s in range(12) if dx[0, s].abs().max() > 0]
            assert seen == list(range(max(0, t - window + 1), t + 1))


def test_weights_are_kept_when_asked(make_options, g) -> None:
    attention = built(make_options("groups"), g)
    x = torch.randn(2, 5, 16, generator=g, dtype=torch.float64)
    wanted = attention(x)
    assert attention.weights is None
    attention.keep_weights = True
    assert same(attention(x), wanted, FLOAT64)
    assert attention.weights.shape == (2, 4, 5, 5)
    assert same(attention.weights.sum(-1), torch.ones(2, 4, 5), FLOAT64)


def test_dropout_leaves_weights_out_in_training_only(make_options, g) -> None:
    attention = built(make_options("lecture", dropout=0.5, dropout_at="lecture"), g)
    x = torch.randn(2, 5, 16, generator=g, dtype=torch.float64)
    for attention.fused in (True, False):
        assert not torch.equal(attention.train()(x), attention(x))
        assert torch.equal(attention.eval()(x), attention(x))
    branches = built(make_options("lecture", dropout=0.5), g)
    assert torch.equal(branches(x), branches(x))  # there the block drops what attention adds, not its weights


class TestRotary:
    def test_is_the_rotation_matrix_of_each_pair(self, g) -> None:
        x = torch.randn(1, 4, 1, 6, generator=g, dtype=torch.float64)
        y = turned(x, Turns(6).at(10, 4))
        for t in range(4):
            for i in range(3):
                angle = (10 + t) * 10_000 ** (-2 * i / 6)
                turn = torch.tensor(
                    [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]], dtype=torch.float64
                )
                assert same(y[0, t, 0, 2 * i : 2 * i + 2], turn @ x[0, t, 0, 2 * i : 2 * i + 2], FLOAT64)

    def test_products_depend_on_the_distance_alone(self, g) -> None:
        q, k = torch.randn(2, 1, 1, 1, 8, generator=g, dtype=torch.float64)
        turns = Turns(8)

        def product(at_q: int, at_k: int) -> Tensor:
            return (turned(q, turns.at(at_q, 1)) * turned(k, turns.at(at_k, 1))).sum()

        assert same(product(5, 2), product(103, 100), FLOAT64)
        assert not same(product(5, 2), product(5, 3), FLOAT64)
        assert abs(product(10**5, 10**5 - 3) - product(5, 2)) < 1e-9  # far into a text: float64's angles still tell

    def test_keeps_places_and_grows(self) -> None:
        turns = Turns(4)
        first = turns.at(0, 3).clone()
        assert torch.equal(turns.at(90, 10), Turns(4).at(90, 10))
        assert torch.equal(turns.at(0, 3), first)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
    def test_keeps_the_dtype(self, dtype) -> None:
        assert turned(torch.ones(1, 2, 1, 4, dtype=dtype), Turns(4).at(0, 2)).dtype == dtype


def test_visible_by_hand() -> None:
    assert visible(3, 2).tolist() == [[True, False, False], [True, True, False], [False, True, True]]
    assert torch.equal(visible(5, 5), torch.ones(5, 5).tril().bool())
