"""An exponential average of the weights: often better than the last of them (Polyak and Juditsky 1992)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

EVERY = 10
"""Steps from one addition to the next: ten times as cheap, and a weight hardly moves in between."""


class Average:
    """Of all floating tensors of a net, its running statistics included.

    An addition moves it by 1 - decay**EVERY of the way to the net as it is; in the beginning by more, so that the
    initial weights are soon forgotten.

    >>> net = torch.nn.Linear(1, 1, bias=False)
    >>> _ = torch.nn.init.zeros_(net.weight)
    >>> average = Average(net, decay=0.9)
    >>> _ = torch.nn.init.ones_(net.weight)
    >>> average.add(100)
    >>> with average.shown():
    ...     round(net.weight.item(), 4)  # 1 - 0.9**10
    0.6513
    >>> net.weight.item()
    1.0
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self._net, self._kept = net, decay**EVERY
        self.tensors = {name: tensor.clone() for name, tensor in self._current().items()}

    @torch.no_grad()
    def add(self, step: int) -> None:
        """The net as it is after `step` steps; to be called whenever `step` is a multiple of EVERY."""
        n = step // EVERY
        share = 1 - min(self._kept, n / (n + 10))
        for name, tensor in self._current().items():
            self.tensors[name].lerp_(tensor, share)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """The average in the net's place; on leaving, the net goes on as it was."""
        current = self._current()
        before = {name: tensor.clone() for name, tensor in current.items()}
        try:
            self.settle()
            yield
        finally:
            for name, tensor in current.items():
                tensor.copy_(before[name])

    def settle(self) -> None:
        """The net becomes the average."""
        for name, tensor in self._current().items():
            tensor.copy_(self.tensors[name])

    def _current(self) -> dict[str, Tensor]:
        return {name: tensor for name, tensor in self._net.state_dict().items() if tensor.is_floating_point()}
