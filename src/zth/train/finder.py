"""The learning-rate finder of lecture 3: a short training whose rate grows with every step.

As long as the rate is too small the loss hardly falls, then it falls fastest, and where the steps become too long it
turns and rises. A good rate lies in that valley.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from zth.errors import ConfigError
from zth.train.backends import begin
from zth.train.batches import Passage
from zth.train.config import TrainConfig

FloatArray = NDArray[np.float64]

EXPONENTS = {"sgd": (-3.0, 0.0), "adamw": (-5.0, -1.0), "muon": (-4.0, 0.0)}
"""Of ten, from where to where: lecture 3's for sgd; AdamW's steps do not depend on the gradient's size."""
SMOOTH = 0.05
"""The share of the sweep that the smooth line's memory reaches back."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What the finder saw: each (steps,)."""

    lrs: FloatArray
    losses: FloatArray
    smooth: FloatArray
    """The exponential mean of the losses, the bias of its beginning corrected."""

    @property
    def suggestion(self) -> float:
        """The rate where the smooth loss is lowest, moved back by what the smooth line lags behind."""
        finite = np.where(np.isfinite(self.smooth), self.smooth, np.inf)
        lowest = int(np.argmin(finite)) - int(SMOOTH * len(self.lrs))
        return float(self.lrs[max(lowest, 0)])

    def figure(self) -> Any:
        """As a Plotly figure."""
        from zth.train.plots import rate_figure

        return rate_figure(self.lrs.tolist(), self.losses.tolist(), self.smooth.tolist(), self.suggestion)


def find_lr(
    net: nn.Module,
    examples: tuple[Tensor, Tensor] | Passage,
    config: TrainConfig,
    *,
    seed: int = 42,
    steps: int = 1000,
    exponents: tuple[float, float] | None = None,
) -> Sweep:
    """Train a copy of `net` for `steps` steps with rates 10**low .. 10**high, evenly spaced in the exponent.

    Optimizer, batch size and backend are the config's; `exponents` those of `EXPONENTS` where none are given. Raises
    ConfigError for fewer than 10 steps or exponents in the wrong order.

    >>> import torch
    >>> from zth.models import MLPConfig, MLPModel
    >>> from zth.seeds import stream
    >>> net = MLPModel(MLPConfig(hidden=20), generator=stream(42, "init"))
    >>> examples = torch.tensor([[0, 0, 1], [0, 1, 2]]), torch.tensor([2, 3])
    >>> sweep = find_lr(net, examples, TrainConfig(optimizer="sgd"), steps=100)
    >>> sweep.lrs[[0, -1]].round(6).tolist()
    [0.001, 1.0]
    """
    low, high = exponents or EXPONENTS[config.optimizer]
    if steps < 10 or not low < high:
        raise ConfigError(
            f"A sweep needs 10 steps or more and rising exponents; got {steps} steps from {low} to {high}.",
            "Lecture 3 takes 1000 steps from -3 to 0.",
        )
    lrs = 10 ** np.linspace(low, high, steps)
    backend, rows = begin(copy.deepcopy(net), examples, config, seed=seed)
    losses = backend.run(rows(0, steps), lrs)
    return Sweep(lrs=lrs, losses=losses, smooth=_smooth(losses, SMOOTH * steps))


def _smooth(values: FloatArray, reach: float) -> FloatArray:
    keep, mean = 1 - 1 / max(reach, 1), 0.0
    smooth = np.empty_like(values)
    for n, value in enumerate(values.tolist(), 1):
        mean = keep * mean + (1 - keep) * value
        smooth[n - 1] = mean / (1 - keep**n)
    return smooth
