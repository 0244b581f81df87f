"""The learning rate of each step: a function of the config and the step's number alone.

With `p` from 0 to 1 the share of the steps behind us (warm-up left out) and `f` = drop_to:

    constant   lr
    step       lr, and from p = drop_at on lr * f                       lecture 3: 0.1, then 0.01
    linear     lr * (1 - (1 - f) * p)
    cosine     lr * (f + (1 - f) * (1 + cos(pi * p)) / 2)               Loshchilov and Hutter 2017
    trapezoid  lr until 1 - p = cooldown, from there in a line to lr * f         Hägele et al. 2024
    inverse    lr / (1 + (1 / f - 1) * p)                               Bengio et al. 2003: lr / (1 + r * step)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from zth.train.config import TrainConfig

FloatArray = NDArray[np.float64]

FACTORS: dict[str, Callable[[FloatArray, TrainConfig], FloatArray]] = {
    "constant": lambda p, _: np.ones_like(p),
    "step": lambda p, c: np.where(p < c.drop_at, 1.0, c.drop_to),
    "linear": lambda p, c: 1 - (1 - c.drop_to) * p,
    "cosine": lambda p, c: c.drop_to + (1 - c.drop_to) * (1 + np.cos(np.pi * p)) / 2,
    "trapezoid": lambda p, c: c.drop_to + (1 - c.drop_to) * np.minimum(1, (1 - p) / c.cooldown),
    "inverse": lambda p, c: 1 / (1 + (1 / c.drop_to - 1) * p),
}


def rates(config: TrainConfig, start: int, stop: int) -> FloatArray:
    """The rates of the steps start .. stop - 1, counted from 0 -> (stop - start,).

    >>> config = TrainConfig(steps=6, lr=0.1, schedule="step", drop_at=0.5, warmup_steps=2)
    >>> rates(config, 0, 6).round(3).tolist()
    [0.05, 0.1, 0.1, 0.1, 0.01, 0.01]
    """
    steps = np.arange(start, stop)
    behind = np.maximum(steps - config.warmup_steps, 0) / max(config.steps - config.warmup_steps, 1)
    rising = np.minimum((steps + 1) / max(config.warmup_steps, 1), 1.0)
    found: FloatArray = config.lr * rising * FACTORS[config.schedule](behind, config)
    return found
