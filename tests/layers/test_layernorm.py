"""layers/layernorm.py against torch.nn's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zth.errors import ConfigError, ShapeError
from zth.layers import LayerNorm, RMSNorm
from zth.layers.layernorm import rms_normalised

SHAPES = [(7, 10), (4, 3, 10), (10,), (0, 10), (2, 5, 3, 10)]


def shaken(layer: nn.Module, g: torch.Generator, dtype: torch.dtype) -> nn.Module:
    """With weights that are not 1 and 0, so that a lost one shows."""
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter += torch.randn(parameter.shape, generator=g)
    return layer.to(dtype)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_layernorm_is_torchs(shape, fused, dtype, judge, g) -> None:
    ours = shaken(LayerNorm(10, fused=fused), g, dtype)
    theirs = nn.LayerNorm(10, dtype=dtype)
    theirs.load_state_dict({"weight": ours.gamma.detach(), "bias": ours.beta.detach()})
    pairs = [(ours.gamma, theirs.weight, False), (ours.beta, theirs.bias, False)]
    judge(ours, theirs, 3 + 2 * torch.randn(shape, generator=g).to(dtype), pairs)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("weight", [True, False])
def test_layernorm_without_a_bias_or_weights(weight, fused, dtype, judge, g) -> None:
    ours = shaken(LayerNorm(10, weight=weight, bias=False, fused=fused), g, dtype)
    theirs = nn.LayerNorm(10, elementwise_affine=weight, bias=False, dtype=dtype)
    pairs = []
    if weight:
        theirs.load_state_dict({"weight": ours.gamma.detach()})
        pairs = [(ours.gamma, theirs.weight, False)]
    judge(ours, theirs, torch.randn(4, 10, generator=g).to(dtype), pairs)


@pytest.mark.parametrize("weight", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_rmsnorm_is_torchs(shape, weight, dtype, judge, g) -> None:
    ours = shaken(RMSNorm(10, weight=weight), g, dtype)
    theirs = nn.RMSNorm(10, eps=1e-5, elementwise_affine=weight, dtype=dtype)
    pairs = []
    if weight:
        theirs.load_state_dict({"weight": ours.gamma.detach()})
        pairs = [(ours.gamma, theirs.weight, False)]
    judge(ours, theirs, 3 + 2 * torch.randn(shape, generator=g).to(dtype), pairs)


def test_rms_backward_is_its_derivative(g) -> None:
    x = torch.randn(3, 5, generator=g, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(rms_normalised, (x,))
    assert torch.autograd.gradcheck(lambda x: rms_normalised(x[:, ::2].transpose(0, 1)), (x,))  # not contiguous


def test_zeros_stay_zeros_and_their_gradient_is_finite() -> None:
    for layer in (RMSNorm(4), LayerNorm(4), LayerNorm(4, fused=False)):
        x = torch.zeros(2, 4, requires_grad=True)
        y = layer(x)
        (y * torch.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
        assert y.abs().max() == 0
        assert x.grad.isfinite().all()


def test_leave_their_input_alone() -> None:
    x = torch.tensor([[1.0, 5.0]])
    RMSNorm(2)(x), LayerNorm(2)(x), LayerNorm(2, fused=False)(x)
    assert x.tolist() == [[1, 5]]


@pytest.mark.parametrize("kind", [LayerNorm, RMSNorm])
def test_refusals(kind) -> None:
    with pytest.raises(ConfigError, match="width of at least 1; got 0"):
        kind(0)
    with pytest.raises(ShapeError, match=r"got \(3, 5\); the last axis must be 4\. Pass x of \(\.\.\., 4\)"):
        kind(4)(torch.zeros(3, 5))
    with pytest.raises(ShapeError, match=r"got \(\)"):
        kind(4)(torch.tensor(1.0))


def test_say_what_they_lack() -> None:
    assert repr(LayerNorm(4)) == "LayerNorm(4)"
    assert repr(LayerNorm(4, weight=False, bias=False)) == "LayerNorm(4, without gamma and beta)"
    assert repr(RMSNorm(4, weight=False)) == "RMSNorm(4, without gamma)"
