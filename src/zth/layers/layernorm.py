"""Norms over the last axis: each position by itself, so nothing has to be remembered for evaluation (lecture 7).

Letters: C channels.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zth.errors import ConfigError, ShapeError


class LayerNorm(nn.Module):
    """(..., C) -> (..., C): less its mean, over its standard deviation, times gamma, plus beta (Ba et al. 2016).

    torch.nn.LayerNorm's weight and bias under the names of lecture 4's BatchNorm; the variance is over C, not C - 1.
    `fused` takes torch's one kernel instead of the formula spelled out: the same numbers, about six times as fast on
    a CPU, where the formula walks through memory once for each operation. Raises ConfigError for C under 1.

    >>> LayerNorm(2)(torch.tensor([[1.0, 3.0], [10.0, 30.0]])).round(decimals=3).tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """

    def __init__(
        self, width: int, *, weight: bool = True, bias: bool = True, eps: float = 1e-5, fused: bool = True
    ) -> None:
        super().__init__()
        self.width, self.eps, self.fused = _at_least_1(width), eps, fused
        self.gamma = nn.Parameter(torch.ones(width)) if weight else None
        self.beta = nn.Parameter(torch.zeros(width)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Raises ShapeError where the last axis is not C."""
        _check_width(self, x, self.width)
        if self.fused:
            return F.layer_norm(x, (self.width,), self.gamma, self.beta, self.eps)
        x = x - x.mean(-1, keepdim=True)
        x = x * (x.square().mean(-1, keepdim=True) + self.eps).rsqrt()
        x = x if self.gamma is None else x * self.gamma
        return x if self.beta is None else x + self.beta

    def extra_repr(self) -> str:
        return _options(self.width, self.gamma, self.beta)


class RMSNorm(nn.Module):
    """(..., C) -> (..., C): over its root mean square, times gamma (Zhang and Sennrich 2019). The mean stays.

    torch.nn.RMSNorm's weight is `gamma`; None with weight=False. Raises ConfigError for C under 1.

    >>> RMSNorm(4)(torch.tensor([[3.0, 3.0, 3.0, 3.0], [0.0, 8.0, 0.0, 0.0]])).round(decimals=3).tolist()
    [[1.0, 1.0, 1.0, 1.0], [0.0, 2.0, 0.0, 0.0]]
    """

    def __init__(self, width: int, *, weight: bool = True, eps: float = 1e-5) -> None:
        super().__init__()
        self.width, self.eps = _at_least_1(width), eps
        self.gamma = nn.Parameter(torch.ones(width)) if weight else None

    def forward(self, x: Tensor) -> Tensor:
        """Raises ShapeError where the last axis is not C."""
        _check_width(self, x, self.width)
        y = rms_normalised(x, self.eps)
        return y if self.gamma is None else y * self.gamma

    def extra_repr(self) -> str:
        return f"{self.width}" + ("" if self.gamma is not None else ", without gamma")


def rms_normalised(x: Tensor, eps: float = 1e-5) -> Tensor:
    """(..., C) -> (..., C): x / sqrt(mean(x**2) + eps), with a backward written by hand.

    autograd's would walk through memory twice as often. Where no gradient is wanted, it is torch's own.

    >>> rms_normalised(torch.tensor([2.0, -2.0])).round(decimals=4).tolist()
    [1.0, -1.0]
    """
    if not (torch.is_grad_enabled() and x.requires_grad):
        return F.rms_norm(x, x.shape[-1:], eps=eps)
    y: Tensor = _RMSNormalised.apply(x, eps)  # type: ignore[no-untyped-call]  # torch leaves apply untyped
    return y


class _RMSNormalised(torch.autograd.Function):
    """y = x * r with r = (mean(x**2) + eps)**-0.5, so dr/dx = -r**3 * x / C, and

    dx = r * dy - r**3 * x * mean(dy * x) = r * (dy - y * mean(dy * y))
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, eps: float) -> Tensor:
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)  # no x**2 in memory
        r = length.square_().div_(x.shape[-1]).add_(eps).rsqrt_()
        y: Tensor = x * r
        ctx.save_for_backward(y, r)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (dy,) = grads
        y, r = ctx.saved_tensors
        dx = torch.addcmul(dy, y, (dy * y).mean(-1, keepdim=True), value=-1).mul_(r)
        return dx, None


def _at_least_1(width: int) -> int:
    if width < 1:
        raise ConfigError(f"A norm needs a width of at least 1; got {width}.", "Pass the size of the last axis.")
    return width


def _check_width(layer: nn.Module, x: Tensor, width: int) -> None:
    if x.shape[-1:] != (width,):
        raise ShapeError(
            f"{layer!r} got {tuple(x.shape)}; the last axis must be {width}.", f"Pass x of (..., {width})."
        )


def _options(width: int, gamma: Tensor | None, beta: Tensor | None) -> str:
    missing = [name for name, tensor in (("gamma", gamma), ("beta", beta)) if tensor is None]
    return f"{width}" + (f", without {' and '.join(missing)}" if missing else "")
