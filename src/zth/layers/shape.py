"""Neighbours side by side: the step that makes lecture 6's tree.

Letters: B examples, T positions, C channels.
"""

from __future__ import annotations

from torch import Tensor, nn

from zth.errors import ConfigError, ShapeError


class FlattenConsecutive(nn.Module):
    """(B, T, C) -> (B, T//n, C*n): each n neighbours side by side; (B, C*n) where only one group is left (T == n).

    With n = T it is the flattening of lecture 3's MLP; n = 2, three times over, fuses 8 characters pair by pair
    (lecture 6). It moves nothing in memory. Raises ConfigError for n under 1.

    >>> import torch
    >>> pairs, x = FlattenConsecutive(2), torch.arange(8).view(1, 4, 2)
    >>> pairs(x).tolist()
    [[[0, 1, 2, 3], [4, 5, 6, 7]]]
    >>> tuple(pairs(pairs(x)).shape)
    (1, 8)
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        if n < 1:
            raise ConfigError(f"FlattenConsecutive needs n of at least 1; got {n}.", "Lecture 6 takes n=2.")
        self.n = n

    def forward(self, x: Tensor) -> Tensor:
        """Raises ShapeError where x has not three axes, or T is no multiple of n (or is 0)."""
        if x.dim() != 3:
            raise ShapeError(f"{self!r} got {tuple(x.shape)}; it takes (B, T, C).", "Put it behind an Embedding.")
        B, T, C = x.shape
        if T == 0 or T % self.n:
            raise ShapeError(
                f"{self!r} got {tuple(x.shape)}; T must be a multiple of {self.n}.",
                f"Pad the context to {self.n * (T // self.n + 1)}, or choose another n.",
            )
        if self.n == T:
            return x.reshape(B, T * C)
        return x.reshape(B, T // self.n, C * self.n)

    def extra_repr(self) -> str:
        return str(self.n)
