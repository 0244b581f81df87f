"""A Linear layer, spelled out: x @ W + b (lectures 3 to 6)."""

from __future__ import annotations

from typing import NoReturn

import torch
from torch import Tensor, nn

from zth.errors import ConfigError, ShapeError
from zth.layers.init import fan_in_std, normal


class Linear(nn.Module):
    """(..., fan_in) -> (..., fan_out): x @ W + b, with W (fan_in, fan_out) as in the lectures.

    torch.nn.Linear holds the transpose, a `weight` of (fan_out, fan_in); outputs and gradients are the same. W is
    drawn from N(0, std**2), b from N(0, bias_std**2), in float32. `std` is 1/sqrt(fan_in) where none is given;
    zth.layers.init has the others that the lectures use. Raises ConfigError for sizes under 1 or a std that is
    negative or not finite.

    >>> layer = Linear(30, 200, generator=torch.Generator().manual_seed(1))
    >>> layer, tuple(layer.W.shape), tuple(layer(torch.zeros(32, 30)).shape)
    (Linear(30 -> 200), (30, 200), (32, 200))
    """

    def __init__(
        self,
        fan_in: int,
        fan_out: int,
        *,
        generator: torch.Generator,
        bias: bool = True,
        std: float | None = None,
        bias_std: float = 0.0,
    ) -> None:
        super().__init__()
        if fan_in < 1 or fan_out < 1:
            raise ConfigError(
                f"Linear needs at least 1 input and 1 output; got {fan_in} -> {fan_out}.", "Try Linear(30, 200, ...)."
            )
        self.W = nn.Parameter(
            normal(fan_in, fan_out, std=fan_in_std(fan_in) if std is None else std, generator=generator)
        )
        self.b = nn.Parameter(normal(fan_out, std=bias_std, generator=generator)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """(..., fan_in) -> (..., fan_out). Raises ShapeError where the last axis is not fan_in."""
        if x.shape[-1:] != self.W.shape[:1]:
            self._refuse(x)
        y = x @ self.W
        return y if self.b is None else y + self.b

    def extra_repr(self) -> str:
        fan_in, fan_out = self.W.shape
        return f"{fan_in} -> {fan_out}" + (", bias=False" if self.b is None else "")

    def _refuse(self, x: Tensor) -> NoReturn:
        fan_in = len(self.W)
        flattened = x.dim() > 2 and x.shape[1:].numel() == fan_in
        raise ShapeError(
            f"{self!r} got {tuple(x.shape)}; the last axis must be {fan_in}.",
            "Flatten first: x.flatten(1)."
            if flattened
            else f"Pass x of (..., {fan_in}), or build a Linear that fits.",
        )
