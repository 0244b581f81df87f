"""What limits a net after a few seconds?

Not its size. The lecture's 200 hidden units are more than 10,000 steps can fill. What costs most is the beginning:
with N(0, 1) for all weights the first thousands of steps bring down logits that are far too large, and most of the
hidden layer is flat (3.2). Next comes the rate: 0.1 with a batch of 32 is careful. A batch of 64 gives a less noisy
gradient, so 0.5 does well, if it falls in the end, when the steps should become small. And a context of four
characters tells more than one of three, for no more steps.

How such numbers are found: not by turning one after the other, for they depend on each other, as rate and batch
size do. A tuner tries whole sets of them, most of them for a short while only, and learns where the good ones lie.
Here it is `zth.train.tune.tune`, `zth tune` at the command line. Rates are drawn evenly in their *exponents*:
between 0.001 and 1, nine tenths of evenly drawn numbers would lie above 0.1. The winner is the trial with the
lowest loss on **dev**; a loss of nan is no loss at all, and as every comparison with nan is false, `min` may take
it for the lowest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from string import ascii_lowercase

import numpy as np
from torch import Tensor

from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.models import MLPConfig, MLPModel
from zth.models.protocol import evaluating
from zth.seeds import stream
from zth.train import TrainConfig, fit

__all__ = ["best", "examples", "rates", "train"]

VOCABULARY = Vocabulary.of_lines([ascii_lowercase])
OPTIONS = MLPConfig(block_size=4, embedding=10, hidden=100, init="kaiming")
TRAINING = TrainConfig(steps=6_000, batch_size=64, optimizer="sgd", lr=0.5, schedule="step", drop_at=0.6, drop_to=0.1)
Predict = Callable[[Tensor], Tensor]


def examples(words: Sequence[str], block_size: int) -> tuple[Tensor, Tensor]:
    """Words -> (N, T) contexts, (N,) targets.

    >>> contexts, targets = examples(["ab"], 3)
    >>> contexts.tolist(), targets.tolist()
    ([[0, 0, 0], [0, 0, 1], [0, 1, 2]], [1, 2, 0])
    """
    return windows(words, VOCABULARY, block_size)


def rates(low: float, high: float, n: int) -> list[float]:
    """
    >>> [round(rate, 6) for rate in rates(0.001, 1, 4)]
    [0.001, 0.01, 0.1, 1.0]
    """
    found: list[float] = np.geomspace(low, high, n).tolist()
    return found


def best(trials: Sequence[Mapping[str, float]]) -> int:
    """
    >>> best([{"dev": math.nan}, {"dev": 2.2}, {"dev": 2.1}])
    2
    """
    return min((trial["dev"], i) for i, trial in enumerate(trials) if not math.isnan(trial["dev"]))[1]


def train(words: Sequence[str], seed: int) -> tuple[int, Predict]:
    """The library's net and its training: about a second."""
    model = MLPModel(OPTIONS, generator=stream(seed, "init"))
    fit(model, examples(words, OPTIONS.block_size), TRAINING, seed=seed)

    def predict(contexts: Tensor) -> Tensor:
        with evaluating(model):
            return model.log_probs(contexts).exp()

    return model.block_size, predict
