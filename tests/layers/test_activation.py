"""layers/activation.py against torch.nn's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zth.layers import GELU, ReLU, SquaredReLU, Tanh

ACTIVATIONS = [
    (Tanh(), nn.Tanh()),
    (ReLU(), nn.ReLU()),
    (SquaredReLU(), lambda x: nn.ReLU()(x) ** 2),
    (GELU(), nn.GELU()),
    (GELU(fused=False), nn.GELU()),
    (GELU(tanh=True), nn.GELU("tanh")),
    (GELU(tanh=True, fused=False), nn.GELU("tanh")),
]


@pytest.mark.parametrize(("ours", "theirs"), ACTIVATIONS)
def test_equals_torchs(ours, theirs, dtype, judge, g) -> None:
    judge(ours, theirs, torch.randn(5, 4, 3, generator=g).to(dtype))
    judge(ours, theirs, torch.tensor([-1000.0, -1.0, -0.0, 0.0, 1e-20, 1000.0], dtype=dtype))


@pytest.mark.parametrize(
    ("layer", "x", "y", "slope"),
    [
        (Tanh(), 0.0, 0.0, 1.0),
        (ReLU(), 0.0, 0.0, 0.0),
        (ReLU(), 2.0, 2.0, 1.0),
        (SquaredReLU(), 3.0, 9.0, 6.0),
        (GELU(), 0.0, 0.0, 0.5),
    ],
)
def test_by_hand(layer, x, y, slope) -> None:
    at = torch.tensor(x, requires_grad=True)
    out = layer(at)
    out.backward()
    assert (out.item(), at.grad.item()) == (y, slope)


def test_leaves_its_input_alone() -> None:
    x = torch.tensor([-1.0, 1.0])
    Tanh()(x), ReLU()(x), SquaredReLU()(x), GELU()(x)
    assert x.tolist() == [-1, 1]
