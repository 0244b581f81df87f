"""What lecture 3's experiments share: a net trained on the names, and curves that can be read.

Letters: K steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zth.models import MLPConfig, MLPModel, evaluate
from zth.seeds import stream
from zth.train import TrainConfig, fit
from zth.workbook.measure import Lab
from zth.workbook.names import parts

FloatArray = NDArray[np.float64]
T = TypeVar("T")

COLOURS = ("#e0812f", "#b8871b", "#2aa18f", "#6574dc", "#c2549d", "#7d8590")
"""For up to six lines of a plot; readable on light and on dark."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """One training, in plain values that travel between processes."""

    losses: FloatArray
    """(K,) each batch's loss before its step."""
    dev: float
    state: dict[str, Tensor]

    def model(self, options: MLPConfig) -> MLPModel:
        """The net again, ready to be asked."""
        model = MLPModel(options, generator=stream(0, "init"))
        model.load_state_dict(self.state)
        return model.eval()


def trained(options: MLPConfig, config: TrainConfig, seed: int) -> Trained:
    """A net of `options`, trained by `config` on the names' train part, all drawn from `seed`."""
    names = parts(options.block_size)
    model = MLPModel(options, generator=stream(seed, "init"))
    losses = fit(model, names.train, config, seed=seed)
    return Trained(
        losses=losses,
        dev=evaluate(model, *names.dev),
        state={name: tensor.clone() for name, tensor in model.state_dict().items()},
    )


def run_all(lab: Lab, function: Callable[..., T], arguments: Sequence[tuple[Any, ...]], what: str) -> list[T]:
    """[function(*a) for a in arguments]; side by side where it takes longer than to start another process."""
    if not lab.quick:
        return lab.parallel(function, arguments, what)
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # nets this small only wait for a second one
    try:
        return [function(*given) for given in lab.track(arguments, what)]
    finally:
        torch.set_num_threads(n_threads)


def smoothed(losses: FloatArray, width: int) -> FloatArray:
    """(K,) -> (K - width + 1,) means of `width` in a row: a batch of 32 is too noisy to be read.

    >>> smoothed(np.array([1.0, 3.0, 5.0]), 2).tolist()
    [2.0, 4.0]
    """
    sums = np.cumsum(np.concatenate([[0.0], losses]))
    return np.asarray((sums[width:] - sums[:-width]) / width)


def with_error(values: Sequence[float], digits: int = 4) -> str:
    """The mean and its standard error, as a table shows them; a single value has none.

    >>> with_error([1.0, 2.0, 3.0], 2)
    '2.00 ± 0.58'
    """
    middle = f"{mean(values):.{digits}f}"
    return f"{middle} ± {standard_error(values):.{digits}f}" if len(values) > 1 else middle


def standard_error(values: Sequence[float]) -> float:
    """How far the mean of so many values lies from the truth, typically; 0 for a single one.

    >>> round(standard_error([1.0, 2.0, 3.0]), 4)
    0.5774
    """
    return stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
