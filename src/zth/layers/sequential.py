"""Layers put together: one after the other, or side by side."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from zth.errors import ConfigError


class Sequential(nn.Module):
    """x -> the last layer's output: each layer gets what the one before it gave. Without layers, x itself.

    `layers` may be read, indexed and appended to. Raises ConfigError for something that is no torch.nn.Module.

    >>> import torch
    >>> from zth.layers import Linear, Tanh
    >>> model = Sequential(Linear(2, 3, generator=torch.Generator().manual_seed(1)), Tanh())
    >>> tuple(model(torch.zeros(5, 2)).shape), len(model), model[-1]
    ((5, 3), 2, Tanh())
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        strangers = [type(layer).__name__ for layer in layers if not isinstance(layer, nn.Module)]
        if strangers:
            raise ConfigError(
                f"Sequential takes torch.nn.Modules; got {strangers[0]}.", "Unpack a list: Sequential(*layers)."
            )
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[nn.Module]:
        return iter(self.layers)

    def __getitem__(self, index: int) -> nn.Module:
        return self.layers[index]


class Sum(nn.Module):
    """x -> the sum of what each of `branches` makes of it: a skip, or the MLP's direct connections.

    Raises ConfigError without branches.

    >>> import torch
    >>> from zth.layers import Tanh
    >>> Sum(Tanh(), Sequential())(torch.tensor([0.0, 1.0])).tolist()  # tanh(x) + x
    [0.0, 1.7...]
    """

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        if not branches:
            raise ConfigError("Sum needs at least one branch; got none.", "Pass the layers to add: Sum(a, b).")
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        first, *others = self.branches
        y: Tensor = first(x)
        for branch in others:
            y = y + branch(x)
        return y
