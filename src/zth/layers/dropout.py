"""Numbers left out by chance while training (Srivastava et al. 2014; lecture 7)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zth.errors import ConfigError


class Dropout(nn.Module):
    """(...) -> (...): while training each number is 0 with probability p, and the others are divided by 1 - p.

    So the expected value stays what it was, and in evaluation x passes as it is. The chance comes from torch's global
    generator, as in torch.nn.Dropout, and is the same number for number: whoever trains seeds it, step by step, if a
    resumed run is to equal one that never stopped. Raises ConfigError for p outside 0 .. 1 (1 excluded).

    >>> layer = Dropout(0.25)
    >>> _ = torch.manual_seed(1)
    >>> sorted(set(layer(torch.full((99,), 3.0)).tolist())), layer.eval()(torch.ones(2)).tolist()
    ([0.0, 4.0], [1.0, 1.0])
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ConfigError(f"Dropout needs a p from 0 up and below 1; got {p}.", "Lecture 7 takes 0.2.")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if self.p == 0 or not self.training:
            return x
        return x * torch.empty_like(x).bernoulli_(1 - self.p).div_(1 - self.p)

    def extra_repr(self) -> str:
        return str(self.p)
