"""n-grams as counts, interpolated by Kneser and Ney's rule.

Letters: N examples, B contexts in a batch, T = order - 1 ids in a context, V ids in the vocabulary; h a context,
h' the same without its first id.

Sources: Kneser and Ney, "Improved backing-off for m-gram language modeling" (1995); Chen and Goodman, "An empirical
study of smoothing techniques for language modeling" (1998), whose interpolated and modified forms these are.

    p(w | h) = max(c(hw) - D, 0) / c(h) + (what D took away) / c(h) * p(w | h')

At the highest order c counts occurrences. Below it, c(hw) counts in how many *different* ways hw was extended to
the left: "Francisco" is frequent but follows one word only, so it is a poor guess after an unknown one. Below order 1
waits the uniform 1/V, so that no id ever has probability 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Self

import torch
from torch import Tensor

from zth.errors import ShapeError
from zth.models.ngram import Counts, OrderConfig, tally
from zth.models.protocol import LanguageModel, last_ids
from zth.models.space import Between, Space

FALLBACK = 0.5
"""The discount where none can be estimated. Above 0, so that something is always left for what was never seen."""


SPACE: Space = {"order": Between(low=2, high=8, log=False)}


class KneserNeyModel(LanguageModel):
    """Interpolated Kneser-Ney of any order, with modified discounts estimated from the counts themselves.

    `start` is the id that stands before a beginning (0, the ".", for lines; None for one long text). Nothing comes
    further to the left, so an n-gram that begins with it keeps its plain count at every order; and the dots of "..e"
    tell no more than that of ".e", so contexts that differ in leading dots only are one, and discounted once.

    >>> contexts, targets = torch.tensor([[0, 0], [0, 1], [1, 1]]), torch.tensor([1, 1, 0])
    >>> model = KneserNeyModel.fit(contexts, targets, vocab_size=3)
    >>> model
    KneserNeyModel(order=3, vocab_size=3)
    >>> round(float(model.next_distribution([1, 1]).sum()), 12)
    1.0
    """

    family = "kneser-ney"
    config_class = OrderConfig
    space = SPACE

    def __init__(self, levels: Sequence[Counts], discounts: Tensor) -> None:
        orders = [level.order for level in levels]
        if orders != list(range(1, len(levels) + 1)) or discounts.shape != (len(levels), 4):
            raise ShapeError(
                f"got counts of orders {orders} and discounts {tuple(discounts.shape)}.",
                "Pass orders 1, 2, ... and for each the discounts of counts 0, 1, 2, 3 and more: (order, 4).",
            )
        self.levels = tuple(levels)
        self.discounts = discounts
        self.vocab_size = levels[0].vocab_size
        self.block_size = len(levels) - 1

    @classmethod
    def fit(cls, contexts: Tensor, targets: Tensor, vocab_size: int, *, start: int | None = 0) -> Self:
        """Count (N, T) contexts and (N,) targets: order T + 1. Raises as `Counts.of`."""
        block_size = contexts.shape[1]
        plain = [Counts.of(contexts[:, block_size - t :], targets, vocab_size) for t in range(block_size + 1)]
        levels = [_continuations(lower, upper, start) for lower, upper in pairwise(plain)] + [plain[-1]]
        levels = [_without_repeated_start(level, start) for level in levels]
        return cls(levels, torch.stack([discounts_of(level.values) for level in levels]))

    @classmethod
    def counted(cls, options: OrderConfig, contexts: Tensor, targets: Tensor) -> Self:
        return cls.fit(contexts, targets, options.vocab_size)

    def log_probs(self, contexts: Tensor) -> Tensor:
        """(B, T) ids -> (B, V) float64, all finite."""
        contexts = last_ids(contexts, self.block_size)
        probs = torch.full((len(contexts), self.vocab_size), 1 / self.vocab_size, dtype=torch.float64)
        for t, (level, discounts) in enumerate(zip(self.levels, self.discounts, strict=True)):
            counts = level.rows(contexts[:, self.block_size - t :])
            total = counts.sum(1, keepdim=True)
            taken = discounts[counts.long().clamp(max=3)]
            higher = (counts - taken + taken.sum(1, keepdim=True) * probs) / total
            probs = torch.where(total > 0, higher, probs)  # a context never seen leaves it to the shorter one
        return probs.log()

    def config(self) -> dict[str, Any]:
        return {"order": len(self.levels), "vocab_size": self.vocab_size}

    def tensors(self) -> dict[str, Tensor]:
        parts = {"discounts": self.discounts}
        for level in self.levels:
            parts |= {f"keys.{level.order}": level.keys, f"values.{level.order}": level.values}
        return parts

    @classmethod
    def from_parts(cls, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        levels = [
            Counts(tensors[f"keys.{n}"], tensors[f"values.{n}"], order=n, vocab_size=int(config["vocab_size"]))
            for n in range(1, int(config["order"]) + 1)
        ]
        return cls(levels, tensors["discounts"])

    def __repr__(self) -> str:
        return f"KneserNeyModel(order={len(self.levels)}, vocab_size={self.vocab_size})"


def _continuations(lower: Counts, upper: Counts, start: int | None) -> Counts:
    """Plain counts of orders n and n + 1 over the same examples -> what order n counts when it is not the highest."""
    n_cells = lower.vocab_size**lower.order
    keys, n_ways = tally(upper.keys % n_cells, n_cells)
    assert torch.equal(keys, lower.keys), (lower.order, len(keys), len(lower.keys))
    if start is not None and lower.order > 1:  # order 1 has no context: there the "." is an end
        n_ways = torch.where(keys // (n_cells // lower.vocab_size) == start, lower.values, n_ways)
    return Counts(keys, n_ways, order=lower.order, vocab_size=lower.vocab_size)


def _without_repeated_start(level: Counts, start: int | None) -> Counts:
    """Drop the n-grams whose context opens with two starts: order n - 1 knows them by their shorter name."""
    if start is None or level.order < 3:
        return level
    kept = level.keys // level.vocab_size ** (level.order - 2) != start * (level.vocab_size + 1)
    return Counts(level.keys[kept], level.values[kept], order=level.order, vocab_size=level.vocab_size)


def discounts_of(counts: Tensor) -> Tensor:
    """(M,) counts -> (4,) float64: what to take from a count of 0, 1, 2, and of 3 or more.

    Chen and Goodman's estimate from n_r, the number of n-grams seen r times: D_r = r - (r + 1) Y n_(r+1) / n_r with
    Y = n_1 / (n_1 + 2 n_2). On the names' dev set it beat the single discount Y at every order (docs/log.md). Where
    the counts allow no estimate (the 27 characters all have large ones) it is `FALLBACK`.

    >>> discounts_of(torch.tensor([1, 1, 1, 1, 2, 2, 3, 4])).tolist()  # Y = 1/2
    [0.0, 0.5, 1.25, 1.0]
    """
    n = [int((counts == times).sum()) for times in (1, 2, 3, 4)]
    discounts = [0.0]
    for times in (1, 2, 3):
        estimable = n[0] > 0 and n[1] > 0 and n[times - 1] > 0
        taken = times - (times + 1) * n[0] / (n[0] + 2 * n[1]) * n[times] / n[times - 1] if estimable else 0.0
        discounts.append(taken if 0 < taken < times else FALLBACK)
    return torch.tensor(discounts, dtype=torch.float64)
