"""program.py's pieces, judged by NumPy's own expressions; whole nets are judged in test_engine.py."""

from __future__ import annotations

import numpy as np
import pytest

from zth.backprop.program import (
    Loss,
    Pair,
    Program,
    column_sums,
    embedded_linear,
    embedding,
    flatten,
    linear,
    product,
    relu,
    tanh,
)
from zth.compare import FLOAT64, difference

SIZES = [(32, 30, 200), (32, 100, 100), (32, 200, 27), (128, 48, 128), (64, 256, 128), (33, 257, 129), (64, 64, 300)]


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape)


@pytest.mark.parametrize("small_kernels", [True, False])
@pytest.mark.parametrize(("N", "C", "M"), SIZES)
def test_the_three_products_of_a_linear(
    N: int, C: int, M: int, small_kernels: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zth.backprop.program.has_small_kernels", lambda: small_kernels)
    x, W, dy = random(N, C), random(C, M), random(N, M)
    for a, b in ((x, W), (x.T, dy), (dy, W.T)):
        out = np.full((a.shape[0], b.shape[1]), np.nan)
        product(a, b, out)()
        assert difference(out, a @ b, FLOAT64) is None, (a.shape, b.shape)


def test_large_products_are_cut_where_that_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zth.backprop.program.has_small_kernels", lambda: True)
    x, W, dy = random(64, 256), random(256, 128), random(64, 128)
    blocks = [product(a, b, np.empty((a.shape[0], b.shape[1]))).args[0] for a, b in ((x, W), (x.T, dy), (dy, W.T))]
    assert [block.shape for block in blocks] == [(4, 16, 256), (8, 32, 64), (16, 4, 128)]
    assert product(x[:, :100], W[:100], np.empty((64, 128))).args[0].shape == (64, 100)


def test_sums_of_columns() -> None:
    x, out = random(32, 7), np.empty(7)
    column_sums(Program(np.float64), x, out)()
    assert difference(out, x.sum(0), FLOAT64) is None
    column_sums(Program(np.float64), x, out, over=31)()
    assert difference(out, x.sum(0) / 31, FLOAT64) is None


def pair(x: np.ndarray) -> Pair:
    return Pair(x, np.zeros_like(x))


@pytest.mark.parametrize("bias", [True, False])
def test_the_table_is_embedding_flatten_linear(bias: bool) -> None:
    N, n, V, D, M = 40, 2, 27, 24, 16
    ids = np.random.default_rng(2).integers(0, V, N * n)
    dy = random(N, M)
    results = []
    for short in (False, True):
        program = Program(np.float64)
        C, W, b = pair(random(V, D)), pair(random(n * D, M)), pair(random(M)) if bias else None
        if short:
            y = embedded_linear(program, ids, C, W, b, n)
        else:
            y = linear(program, flatten(embedding(program, ids, C), n), W, b)
        y.grad[...] = dy
        for call in program.calls():
            call()
        results.append([y.value.copy(), C.grad, W.grad, *([b.grad] if b else [])])
    for long, ours in zip(*results, strict=True):
        assert np.abs(long).max() > 0.1
        assert difference(ours, long, FLOAT64) is None


@pytest.mark.parametrize(("first", "second"), [(tanh, tanh), (tanh, relu), (relu, tanh)])
def test_nobody_writes_over_what_is_needed_again(first, second) -> None:
    program = Program(np.float64)
    start = random(5, 4)
    x = pair(start.copy())
    y = second(program, first(program, x))
    y.grad[...] = 1.0
    for call in program.calls():
        call()
    value = {tanh: np.tanh, relu: lambda v: np.maximum(v, 0)}
    slope = {tanh: lambda v: 1 - np.tanh(v) ** 2, relu: lambda v: (v > 0) * 1.0}
    middle = value[first](start)
    assert difference(y.value, value[second](middle), FLOAT64) is None
    assert difference(x.grad, slope[first](start) * slope[second](middle), FLOAT64) is None


def test_the_rate_reaches_both_parts_of_dlogits() -> None:
    loss = Loss(Program(np.float64), 4, 3)
    loss.set_rate(0.5)
    assert loss.rate == 0.125
    assert loss.targets.tolist() == (np.eye(3) * 0.125).tolist()
