"""SGD, momentum and Adam on flat arrays: (P,) parameters and gradients, changed in place.

They serve a replay's parameters, and those of the eager engine once their numbers stand in an array.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class SGD:
    """x -= rate * dx.

    >>> x = np.array([1.0, 2.0])
    >>> SGD().step(x, np.array([10.0, 0.0]), 0.1)
    >>> x.tolist()
    [0.0, 2.0]
    """

    def step(self, x: Array, dx: Array, rate: float) -> None:
        x -= rate * dx


class Momentum:
    """v = beta * v + dx, then x -= rate * v: PyTorch's SGD with momentum."""

    def __init__(self, beta: float = 0.9) -> None:
        self.beta = beta
        self.velocity: Array | None = None

    def step(self, x: Array, dx: Array, rate: float) -> None:
        if self.velocity is None:
            self.velocity = np.zeros_like(x)
        self.velocity *= self.beta
        self.velocity += dx
        x -= rate * self.velocity


class Adam:
    """Kingma and Ba (2015): a mean of the gradients over the root of a mean of their squares, without their bias."""

    def __init__(self, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> None:
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.steps = 0
        self.mean: Array | None = None
        self.square: Array | None = None

    def step(self, x: Array, dx: Array, rate: float) -> None:
        if self.mean is None or self.square is None:
            self.mean, self.square = np.zeros_like(x), np.zeros_like(x)
        self.steps += 1
        self.mean += (1 - self.beta1) * (dx - self.mean)
        self.square += (1 - self.beta2) * (dx * dx - self.square)
        mean = self.mean / (1 - self.beta1**self.steps)
        square = self.square / (1 - self.beta2**self.steps)
        x -= rate * mean / (np.sqrt(square) + self.eps)
