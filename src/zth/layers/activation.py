"""The nonlinearities of the lectures, as layers, so that hooks and plots find them."""

from __future__ import annotations

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
