"""layers/linear.py against torch.nn.Linear."""

from __future__ import annotations

import math
import re

import pytest
import torch
from torch import nn

from zth.errors import ConfigError, ShapeError
from zth.layers import Linear


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(30,), (32, 30), (1, 30), (4, 3, 30), (2, 1, 3, 30), (0, 30)])
def test_equals_torchs(shape, bias, dtype, judge, g) -> None:
    ours = Linear(30, 20, generator=g, bias=bias, bias_std=0.5).to(dtype)
    theirs = nn.Linear(30, 20, bias=bias, dtype=dtype)
    theirs.weight.data = ours.W.detach().T.clone()
    pairs = [(ours.W, theirs.weight, True)]
    if bias:
        theirs.bias.data = ours.b.detach().clone()
        pairs.append((ours.b, theirs.bias, False))
    judge(ours, theirs, torch.randn(shape, generator=g).to(dtype), pairs)


def test_equals_torchs_when_square(dtype, judge, g) -> None:
    ours, theirs = Linear(7, 7, generator=g).to(dtype), nn.Linear(7, 7, dtype=dtype)
    theirs.weight.data = ours.W.detach().T.clone()
    theirs.bias.data.zero_()
    x = torch.randn(5, 7, generator=g).to(dtype)
    judge(ours, theirs, x, [(ours.W, theirs.weight, True), (ours.b, theirs.bias, False)])
    assert torch.equal(ours(x), x @ ours.W + ours.b)


def test_draws_from_the_generator_alone() -> None:
    def layer(seed: int, **options) -> Linear:
        return Linear(30, 20, generator=torch.Generator().manual_seed(seed), **options)

    torch.manual_seed(1)
    one = layer(1)
    torch.manual_seed(2)
    assert torch.equal(one.W, layer(1).W)
    assert not torch.equal(one.W, layer(2).W)
    # another scale, and the same draws
    assert torch.allclose(layer(1, std=0.2).W, one.W * 0.2 * math.sqrt(30))
    assert one.W.dtype == torch.float32


def test_scales(g) -> None:
    layer = Linear(400, 500, generator=g)
    assert layer.W.std().item() == pytest.approx(0.05, rel=0.01)
    assert not layer.b.any()
    layer = Linear(400, 500, generator=g, std=2.0, bias_std=0.1)
    assert layer.W.std().item() == pytest.approx(2.0, rel=0.01)
    assert layer.b.std().item() == pytest.approx(0.1, rel=0.15)
    assert not Linear(4, 5, generator=g, std=0.0).W.any()


def test_its_state(g) -> None:
    layer = Linear(3, 2, generator=g)
    assert {name: tuple(tensor.shape) for name, tensor in layer.state_dict().items()} == {"W": (3, 2), "b": (2,)}
    assert set(Linear(3, 2, generator=g, bias=False).state_dict()) == {"W"}
    again = Linear(3, 2, generator=g)
    again.load_state_dict(layer.state_dict())
    assert torch.equal(again.W, layer.W)
    assert repr(Linear(3, 2, generator=g, bias=False)) == "Linear(3 -> 2, bias=False)"


@pytest.mark.parametrize(
    ("shape", "next_move"),
    [
        ((32, 3, 10), "Flatten first: x.flatten(1)."),
        ((32, 2, 10), "Pass x of (..., 30), or build a Linear that fits."),
        ((2, 30, 1), "Flatten first: x.flatten(1)."),
        ((32, 29), "Pass x of (..., 30), or build a Linear that fits."),
        ((30, 1), "Pass x of (..., 30), or build a Linear that fits."),
        ((), "Pass x of (..., 30), or build a Linear that fits."),
    ],
)
def test_names_the_shape_and_the_way_out(shape, next_move, g) -> None:
    with pytest.raises(ShapeError) as caught:
        Linear(30, 200, generator=g)(torch.zeros(shape))
    assert str(caught.value) == f"Linear(30 -> 200) got {shape}; the last axis must be 30. {next_move}"


def test_flattening_is_not_advised_where_it_cannot_be_done(g) -> None:
    with pytest.raises(ShapeError, match=r"got \(5,\); the last axis must be 1. Pass x of"):
        Linear(1, 2, generator=g)(torch.zeros(5))


@pytest.mark.parametrize(
    ("sizes", "options", "words"),
    [
        ((0, 2), {}, "Linear needs at least 1 input and 1 output; got 0 -> 2."),
        ((2, -1), {}, "Linear needs at least 1 input and 1 output; got 2 -> -1."),
        ((2, 2), {"std": -1.0}, "std must be a finite number from 0 up; got -1.0."),
        ((2, 2), {"std": math.nan}, "std must be a finite number from 0 up; got nan."),
        ((2, 2), {"bias_std": math.inf}, "std must be a finite number from 0 up; got inf."),
    ],
)
def test_refuses_what_makes_no_layer(sizes, options, words, g) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)):
        Linear(*sizes, generator=g, **options)
