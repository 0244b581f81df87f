"""step.py, judged by autograd; the engine's program is judged by it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from zth.backprop import atoms
from zth.backprop.atoms import Parameters
from zth.backprop.engine import Engine
from zth.backprop.step import as_layers, calibrate, gradients, of_layers, predict, train_step
from zth.compare import FLOAT32, FLOAT64, Tolerance, difference, largest_difference
from zth.errors import ConfigError
from zth.layers import Linear, Sequential, Tanh
from zth.seeds import stream

Examples = tuple[Tensor, Tensor]
DTYPES = [(torch.float32, FLOAT32), (torch.float64, FLOAT64)]


def draw(dtype: torch.dtype = torch.float32, hidden: int = 64) -> Parameters:
    return Parameters(*(p.to(dtype) for p in Parameters.draw(stream(42, "init"), hidden=hidden)))


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
def test_the_gradients_are_autograds(dtype: torch.dtype, tolerance: Tolerance, batch: Examples) -> None:
    parameters = draw(dtype)
    loss, ours = gradients(parameters, *batch)
    leaves = Parameters(*(p.clone().requires_grad_() for p in parameters))
    wanted = atoms.forward(leaves, *batch).loss
    wanted.backward()
    assert difference(loss, wanted, tolerance) is None
    for name, p in leaves._asdict().items():
        assert difference(getattr(ours, name), p.grad, tolerance) is None, name


def test_a_step_goes_down_the_gradient_by_lr(batch: Examples) -> None:
    parameters = draw(torch.float64)
    before = Parameters(*(p.clone() for p in parameters))
    wanted, d = gradients(before, *batch)
    assert train_step(parameters, *batch, 0.25) == wanted
    for p, old, dp in zip(parameters, before, d, strict=True):
        assert difference(p, old - 0.25 * dp, FLOAT64) is None


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    # 50 steps let float32's rounding grow to some 1e-6 of parameters of order 1
    [(torch.float32, Tolerance(relative=1e-5, absolute=1e-5)), (torch.float64, FLOAT64)],
)
def test_fifty_steps_of_the_engine_are_fifty_of_these(
    dtype: torch.dtype, tolerance: Tolerance, examples: Callable[[int], Examples]
) -> None:
    X, Y = examples(3)
    ix = torch.randint(len(X), (50, 32), generator=stream(1, "batches"))
    lr = np.linspace(0.2, 0.01, 50)
    parameters = draw(dtype, hidden=200)
    net = as_layers(parameters)
    losses = Engine(net, batch_size=32, block_size=3, bessel=True).steps(X, Y, ix, lr)
    wanted = [train_step(parameters, X[rows], Y[rows], rate).item() for rows, rate in zip(ix, lr, strict=True)]
    assert wanted[-1] < wanted[0]
    assert difference(losses, wanted, tolerance) is None
    for name, ours, p in zip(Parameters._fields, of_layers(net), parameters, strict=True):
        assert difference(ours, p, tolerance) is None, name


def test_calibrated_it_is_the_layers_net_in_evaluation(examples: Callable[[int], Examples]) -> None:
    X, _ = examples(3)
    parameters = draw(torch.float64)
    statistics = calibrate(parameters, X)
    net = as_layers(parameters).eval()
    net[3].running_mean.copy_(statistics.bnmean[0])
    net[3].running_var.copy_(statistics.bnvar[0])
    with torch.no_grad():
        assert difference(predict(parameters, statistics, X[:100]), net(X[:100]), FLOAT64) is None
    # over all examples at once, BatchNorm in training does the same
    t = atoms.forward(parameters, X, torch.zeros(len(X), dtype=torch.int64))
    assert difference(predict(parameters, statistics, X), t.logits, FLOAT64) is None


def test_the_copies_are_copies(batch: Examples) -> None:
    parameters = draw()
    net = as_layers(parameters)
    back = of_layers(net)
    train_step(parameters, *batch, 1.0)
    assert largest_difference(parameters.W2, back.W2) > 1e-4
    assert torch.equal(net[5].W.detach(), back.W2)


def test_only_its_own_net_comes_back() -> None:
    g = stream(1, "init")
    with pytest.raises(ConfigError, match=r"got \['Linear', 'Tanh'\]"):
        of_layers(Sequential(Linear(2, 2, generator=g), Tanh()))
