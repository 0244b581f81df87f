"""Writing with a cache and without: the same log-probabilities, and how much faster.

Letters: T ids in a text, V ids in the vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from time import perf_counter

import torch
from torch import Tensor

from zth.compare import largest_difference
from zth.models.gpt import GPTModel
from zth.models.protocol import Continuation, evaluating
from zth.workbook.l02_bigrams.costs import one_thread


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One model."""

    apart: float
    """The largest difference of a log-probability, over all positions of a block."""
    without: float
    """Characters a second."""
    cached: float

    @property
    def times(self) -> float:
        return self.cached / self.without


def compare(model: GPTModel, *, seed: int, n_new: int, rounds: int) -> Compared:
    """Random ids as a text: what matters here is the work. Speed is that of the last `n_new` of a full block, on one
    thread, the two ways in turns."""
    ids = torch.randint(model.vocab_size, (1, model.block_size), generator=torch.Generator().manual_seed(seed))
    with evaluating(model), one_thread():
        apart = largest_difference(step_by_step(model, ids), model.log_probs_everywhere(ids)[0])
        start = ids[:, : model.block_size - n_new]
        kinds = (Continuation, type(model.continuation(start[:, :1])))
        rates = [[_rate(kind(model, start), n_new) for kind in kinds] for _ in range(rounds)]
    without, cached = (median(column) for column in zip(*rates, strict=True))
    return Compared(apart=apart, without=without, cached=cached)


def step_by_step(model: GPTModel, ids: Tensor) -> Tensor:
    """(1, T) ids -> (T, V) log-probabilities, each from the cache and one new id."""
    continuation = model.continuation(ids[:, :1])
    found = [continuation.log_probs()]
    for new in ids[0, 1:]:
        continuation.append(new[None])
        found.append(continuation.log_probs())
    return torch.cat(found)


def _rate(continuation: Continuation, n_new: int) -> float:
    """Characters a second, the likeliest each time."""
    started = perf_counter()
    for _ in range(n_new):
        continuation.append(continuation.log_probs().argmax(-1))
    return n_new / (perf_counter() - started)
