"""layers/batchnorm.py against torch.nn.BatchNorm1d, whose channels are axis 1 where ours are the last."""

from __future__ import annotations

import math
import re

import pytest
import torch
from torch import nn

from zth.compare import FLOAT64, same
from zth.errors import ConfigError, ShapeError
from zth.layers import BatchNorm1d


def pair(n: int, dtype: torch.dtype, g: torch.Generator, **options):
    """Ours and torch's, with the same random gains and biases."""
    ours, theirs = BatchNorm1d(n, **options).to(dtype), nn.BatchNorm1d(n, dtype=dtype, **options)
    with torch.no_grad():
        ours.gamma += 0.3 * torch.randn(n, generator=g)
        ours.beta += 0.3 * torch.randn(n, generator=g)
        theirs.weight.copy_(ours.gamma)
        theirs.bias.copy_(ours.beta)
    return ours, theirs, [(ours.gamma, theirs.weight, False), (ours.beta, theirs.bias, False)]


def channels_last(module: nn.Module):
    return lambda x: module(x) if x.dim() == 2 else module(x.transpose(1, 2)).transpose(1, 2)


def assert_same_buffers(ours, theirs, tolerance) -> None:
    assert same(ours.running_mean, theirs.running_mean, tolerance)
    assert same(ours.running_var, theirs.running_var, tolerance)


@pytest.mark.parametrize("shape", [(32, 6), (32, 8, 6)])
@pytest.mark.parametrize("options", [{}, {"momentum": 0.001}, {"momentum": 1.0, "eps": 0.1}])
def test_equals_torchs_in_training_and_evaluation(shape, options, dtype, tolerance, judge, g) -> None:
    ours, theirs, pairs = pair(6, dtype, g, **options)
    for _ in range(3):
        judge(ours, channels_last(theirs), (2 * torch.randn(shape, generator=g) + 0.5).to(dtype), pairs)
        assert_same_buffers(ours, theirs, tolerance)
    ours.eval(), theirs.eval()
    before = ours.running_mean.clone(), ours.running_var.clone()
    for rows in (*{shape[0], 1}, 0):
        judge(ours, channels_last(theirs), torch.randn(rows, *shape[1:], generator=g).to(dtype), pairs)
    assert torch.equal(ours.running_mean, before[0])
    assert torch.equal(ours.running_var, before[1])


@pytest.mark.parametrize("shape", [(2, 6), (2, 1, 6), (1, 2, 6)])
def test_equals_torchs_for_two_numbers(shape, g) -> None:
    # two standardised numbers are 1 and -1 whatever they were: dx is next to nothing, and float32 mostly rounds it
    ours, theirs, pairs = pair(6, torch.float64, g)
    x = torch.randn(shape, generator=g).double()
    y, wanted = ours(x), channels_last(theirs)(x)
    assert same(y, wanted)
    assert_same_buffers(ours, theirs, FLOAT64)
    (y**3).sum().backward(), (wanted**3).sum().backward()
    for mine, torchs, _ in pairs:
        assert same(mine.grad, torchs.grad)


def test_its_gradient_is_that_of_finite_differences(g) -> None:
    layer, _, _ = pair(3, torch.float64, g)
    x = torch.randn(4, 2, 3, generator=g, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x,))


def test_each_channel_comes_out_standardised(g) -> None:
    layer = BatchNorm1d(5, eps=1e-12).double()
    y = layer(7 + 3 * torch.randn(32, 8, 5, generator=g, dtype=torch.float64))
    assert same(y.mean((0, 1)), torch.zeros(5))
    assert same(y.var((0, 1), correction=0), torch.ones(5))
    # the lecture's bug would make this the case at each position
    assert not torch.allclose(y.mean(0), torch.zeros(8, 5).double(), atol=0.01)


def test_three_axes_are_two_in_a_row(g) -> None:
    x = torch.randn(4, 3, 5, generator=g)
    one, other = BatchNorm1d(5), BatchNorm1d(5)
    assert same(one(x).flatten(0, 1), other(x.flatten(0, 1)))
    assert same(one.running_var, other.running_var)


def test_bessel_by_hand() -> None:
    layer = BatchNorm1d(1, eps=1e-12, momentum=0.5).double()
    x = torch.tensor([[1.0], [2.0], [6.0]], dtype=torch.float64)
    # mean 3; squares 4 + 1 + 9 = 14: over 3 it normalises, over 2 it is remembered
    assert same(layer(x).flatten(), [(v - 3) / math.sqrt(14 / 3) for v in (1, 2, 6)])
    assert same(layer.running_mean, [0.5 * 0 + 0.5 * 3])
    assert same(layer.running_var, [0.5 * 1 + 0.5 * 7])
    assert same(layer.eval()(x).flatten(), [(v - 1.5) / 2 for v in (1, 2, 6)])


def test_remembers_without_gradients(g) -> None:
    layer = BatchNorm1d(3)
    layer(torch.randn(4, 3, generator=g, requires_grad=True))
    assert not layer.running_mean.requires_grad
    assert set(layer.state_dict()) == {"gamma", "beta", "running_mean", "running_var"}
    assert {name for name, _ in layer.named_parameters()} == {"gamma", "beta"}


@pytest.mark.parametrize("shape", [(1, 6), (1, 1, 6), (0, 6), (4, 0, 6)])
def test_a_batch_of_one_is_an_error_in_training(shape) -> None:
    x, n = torch.zeros(shape), math.prod(shape[:-1])
    layer = BatchNorm1d(6)
    if n == 1:
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            channels_last(nn.BatchNorm1d(6))(x)
    words = f"BatchNorm1d(6) got {shape} in training; the variance of a channel needs at least 2 numbers, and here is"
    with pytest.raises(ShapeError, match=re.escape(f"{words} {n}.")):
        layer(x)
    assert not layer.running_mean.any()
    assert layer.eval()(x).shape == shape


@pytest.mark.parametrize("shape", [(6,), (), (4, 5), (4, 6, 5), (4, 1), (2, 3, 4, 6)])
def test_another_shape_is_an_error(shape) -> None:
    with pytest.raises(ShapeError, match=re.escape(f"BatchNorm1d(6) got {shape}; it takes (B, 6) or (B, T, 6)")):
        BatchNorm1d(6)(torch.zeros(shape))


@pytest.mark.parametrize(
    ("n", "options"),
    [(0, {}), (3, {"eps": 0.0}), (3, {"eps": math.nan}), (3, {"momentum": 1.1}), (3, {"momentum": math.nan})],
)
def test_refuses_what_makes_no_sense(n, options) -> None:
    with pytest.raises(ConfigError):
        BatchNorm1d(n, **options)
