"""The nonlinearities of the lectures, as layers, so that hooks and plots find them."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Tanh(nn.Module):
    """(...) -> (...), into -1..1. Its slope is 1 - tanh(x)**2: where |tanh(x)| nears 1, no gradient comes through.

    >>> import torch
    >>> Tanh()(torch.tensor([0.0, 100.0])).tolist()
    [0.0, 1.0]
    """

    def forward(self, x: Tensor) -> Tensor:
        return x.tanh()


class ReLU(nn.Module):
    """(...) -> (...), the larger of x and 0. Its slope is 1 above 0 and 0 elsewhere: at 0 too, as torch has it.

    >>> import torch
    >>> ReLU()(torch.tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    def forward(self, x: Tensor) -> Tensor:
        return x.relu()


class SquaredReLU(nn.Module):
    """(...) -> (...), relu(x)**2 (So et al. 2021, "Primer"): no kink at 0, and steeper the larger x is.

    Its backward is written by hand: autograd's would keep relu(x) twice, and walk through memory twice as often.

    >>> import torch
    >>> SquaredReLU()(torch.tensor([-1.0, 3.0])).tolist()
    [0.0, 9.0]
    """

    def forward(self, x: Tensor) -> Tensor:
        if not (torch.is_grad_enabled() and x.requires_grad):
            return x.relu().square()
        y: Tensor = _SquaredReLU.apply(x)  # type: ignore[no-untyped-call]  # torch leaves apply untyped
        return y


class _SquaredReLU(torch.autograd.Function):
    """y = r**2 with r = relu(x): dx = 2 r dy, which is 0 where x was cut off."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        r = x.relu()
        ctx.save_for_backward(r)
        return r * r

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (r,) = ctx.saved_tensors
        dx: Tensor = (2 * r).mul_(grads[0])
        return dx


class GELU(nn.Module):
    """(...) -> (...), x * P(a standard normal number is below x) (Hendrycks and Gimpel 2016): a relu with soft knees.

    `tanh` takes GPT-2's approximation of that probability. `fused` takes torch's one kernel instead of the formula
    spelled out: the same numbers, about four times as fast on a CPU.

    >>> import torch
    >>> GELU()(torch.tensor([-10.0, 0.0, 10.0])).abs().tolist()
    [0.0, 0.0, 10.0]
    """

    def __init__(self, *, tanh: bool = False, fused: bool = True) -> None:
        super().__init__()
        self.tanh, self.fused = tanh, fused

    def forward(self, x: Tensor) -> Tensor:
        if self.fused:
            return F.gelu(x, approximate="tanh" if self.tanh else "none")
        if self.tanh:
            return 0.5 * x * (1 + (math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)).tanh())
        return 0.5 * x * (1 + (x / math.sqrt(2)).erf())
