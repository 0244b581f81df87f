"""layers/dropout.py against torch.nn.Dropout: from one seed the same numbers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zth.errors import ConfigError
from zth.layers import Dropout


@pytest.mark.parametrize("p", [0.0, 0.2, 0.9])
@pytest.mark.parametrize("shape", [(50, 30), (4, 3, 10), (0, 3)])
def test_is_torchs_from_the_same_seed(p, shape, dtype, g) -> None:
    x = torch.randn(shape, generator=g).to(dtype)
    mine, other = (x.clone().requires_grad_() for _ in range(2))
    for at, layer in ((mine, Dropout(p)), (other, nn.Dropout(p))):
        torch.manual_seed(5)
        layer(at).square().sum().backward()
    assert torch.allclose(mine.grad, other.grad, rtol=1e-6, atol=0)
    assert p == 0 or x.numel() == 0 or (mine.grad == 0).any()


def test_keeps_the_expected_value_and_the_share() -> None:
    torch.manual_seed(1)
    y = Dropout(0.2)(torch.ones(100_000))
    # a mean of 100,000 numbers of variance p / (1 - p) = 0.25 is within 5 deviations of 0.0016
    assert abs(y.mean().item() - 1) < 0.008
    assert abs((y == 0).double().mean().item() - 0.2) < 0.007


def test_evaluation_lets_everything_through() -> None:
    x = torch.randn(10)
    assert Dropout(0.5).eval()(x) is x


@pytest.mark.parametrize("p", [-0.1, 1.0, float("nan")])
def test_refuses(p) -> None:
    with pytest.raises(ConfigError, match="p from 0 up and below 1; got"):
        Dropout(p)


def test_says_its_p() -> None:
    assert repr(Dropout(0.2)) == "Dropout(0.2)"
