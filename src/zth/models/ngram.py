"""n-grams as counts: how often each id followed each context (lecture 2).

Letters: N examples, B contexts in a batch, T = order - 1 ids in a context, V ids in the vocabulary,
M distinct n-grams that were seen.

An n-gram is one whole number, its ids read as the digits of base V: ".em" is (0 * 27 + 5) * 27 + 13. So counting is
one `bincount` (or one sort, where V**n cells would be many), and looking up is one index (or one binary search). What
is kept is the sorted list of those seen: n-grams of order 6 over 27 characters have 387 million cells, and the 32,033
names fill 0.02 % of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import torch
from torch import Tensor

from zth.errors import ConfigError, DataError, ShapeError
from zth.models.protocol import LanguageModel, check_ids, evaluate, last_ids
from zth.models.space import Between, Space

DENSE_CELLS = 2**22
"""Up to here the table of all V**n counts is laid out in full (32 MiB); beyond, only what was seen is kept."""


class Counts:
    """How often each n-gram was seen: (M,) sorted `keys` and (M,) `values`, both int64."""

    def __init__(self, keys: Tensor, values: Tensor, *, order: int, vocab_size: int) -> None:
        check_key_space(order, vocab_size)
        ordered = keys.shape == values.shape == (len(keys),) and bool((keys.diff() > 0).all())
        if not ordered or (len(keys) > 0 and not 0 <= int(keys[0]) <= int(keys[-1]) < vocab_size**order):
            raise ShapeError(
                f"keys {tuple(keys.shape)} and values {tuple(values.shape)} are not counts of {order}-grams.",
                "keys must be sorted, distinct and in 0 .. V**order - 1, with a value each.",
            )
        self.keys = keys
        self.values = values
        self.order = order
        self.vocab_size = vocab_size
        self.n_cells: int = vocab_size**order

    @classmethod
    def of(cls, contexts: Tensor, targets: Tensor, vocab_size: int) -> Self:
        """(N, T) contexts and the (N,) ids that followed -> counts of order T + 1.

        Raises ShapeError, VocabularyError, DataError for no examples, ConfigError where V**order passes 2**63.

        >>> counts = Counts.of(torch.tensor([[0], [1], [1]]), torch.tensor([1, 0, 0]), vocab_size=2)
        >>> counts.table().tolist()
        [[0, 1], [2, 0]]
        """
        if contexts.dim() != 2 or targets.shape != contexts.shape[:1]:
            raise ShapeError(
                f"contexts {tuple(contexts.shape)} and targets {tuple(targets.shape)} do not belong together.",
                "Pass (N, T) contexts with (N,) targets.",
            )
        order = contexts.shape[1] + 1
        check_key_space(order, vocab_size)
        if len(targets) == 0:
            raise DataError("There is nothing to count: no examples.", "Pass at least one.")
        keys = ngram_keys(torch.cat([contexts, targets[:, None]], dim=1), vocab_size)
        return cls(*tally(keys, vocab_size**order), order=order, vocab_size=vocab_size)

    def table(self) -> Tensor:
        """(V**T, V) int64, a row for each context: the lecture's N. Raises ConfigError where that would be huge."""
        if not self._is_dense:
            raise ConfigError(
                f"A table of {self.vocab_size}**{self.order} counts is too big to lay out.", "Use `rows` instead."
            )
        table = torch.zeros(self.n_cells, dtype=torch.int64)
        table[self.keys] = self.values
        return table.view(-1, self.vocab_size)

    def rows(self, contexts: Tensor) -> Tensor:
        """(B, T) contexts -> (B, V) float64: how often each id followed; zeros for a context never seen.

        >>> counts = Counts.of(torch.tensor([[0], [1], [1]]), torch.tensor([1, 0, 0]), vocab_size=3)
        >>> counts.rows(torch.tensor([[1], [2]])).tolist()
        [[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
        """
        rows = ngram_keys(contexts, self.vocab_size)
        return self._dense[rows] if self._is_dense else self._sparse_rows(rows)

    @property
    def _is_dense(self) -> bool:
        return self.n_cells <= DENSE_CELLS

    @cached_property
    def _dense(self) -> Tensor:
        return self.table().double()

    @cached_property
    def _spans(self) -> tuple[Tensor, Tensor, Tensor]:
        """The C distinct contexts, sorted; where in `keys` the n-grams of each begin; and how many there are."""
        contexts, lengths = torch.unique_consecutive(self.keys // self.vocab_size, return_counts=True)
        return contexts, lengths.cumsum(0) - lengths, lengths

    def _sparse_rows(self, wanted: Tensor) -> Tensor:
        if len(self.keys) == 0:
            return torch.zeros(len(wanted), self.vocab_size, dtype=torch.float64)
        contexts, starts, lengths = self._spans
        at = torch.searchsorted(contexts, wanted).clamp(max=len(contexts) - 1)
        n_found = torch.where(contexts[at] == wanted, lengths[at], 0)
        row = torch.repeat_interleave(n_found)  # [2, 0, 1] -> [0, 0, 2]
        within = torch.arange(len(row)) - (n_found.cumsum(0) - n_found)[row]
        entry = starts[at][row] + within
        rows = torch.zeros(len(wanted), self.vocab_size, dtype=torch.float64)
        rows[row, self.keys[entry] % self.vocab_size] = self.values[entry].double()
        return rows


@dataclass(frozen=True, kw_only=True)
class OrderConfig:
    """What counted n-grams are made from. Raises ConfigError for an order below 2.

    >>> OrderConfig(order=3).block_size
    2
    """

    vocab_size: int = 27
    order: int = 3
    """n: how many characters are counted together, the predicted one included."""

    def __post_init__(self) -> None:
        if self.order < 2:
            raise ConfigError(f"order must be at least 2; got {self.order}.", "2 is the bigram, 3 the trigram.")

    @property
    def block_size(self) -> int:
        return self.order - 1


@dataclass(frozen=True, kw_only=True)
class NgramConfig(OrderConfig):
    """Lecture 2's trigram, smoothed as exercise 2.3 found best."""

    k: float = 0.2
    """What is added to every count; 0: nothing."""


SPACE: Space = {"order": Between(low=2, high=7, log=False), "k": Between(low=0.001, high=10.0)}


class NgramModel(LanguageModel):
    """p(next | context) = (count + k) / (total + k V): counted n-grams with add-k smoothing; k = 0 is unsmoothed.

    Unsmoothed, an id that never followed a context has probability 0, and a set that holds one has infinite loss. A
    context that was itself never seen gives every id the same probability, for all k > 0 and so, as the limit, for
    k = 0 as well. Raises ConfigError for a k below 0. Source: lecture 2.

    >>> contexts, targets = torch.tensor([[0], [1], [1]]), torch.tensor([1, 1, 0])
    >>> NgramModel.fit(contexts, targets, vocab_size=2, k=1).next_distribution([1]).tolist()
    [0.5, 0.5]
    """

    family = "ngram"
    config_class = NgramConfig
    space = SPACE

    def __init__(self, counts: Counts, k: float = 0.0) -> None:
        if not (0 <= k < math.inf):
            raise ConfigError(
                f"k must be a number from 0 up; got {k}.", "Pass k=0 for no smoothing, k=1 for add-one."
            )
        self.counts = counts
        self.k = float(k)
        self.vocab_size = counts.vocab_size
        self.block_size = counts.order - 1

    @classmethod
    def fit(cls, contexts: Tensor, targets: Tensor, vocab_size: int, *, k: float = 0.0) -> Self:
        """Count (N, T) contexts and (N,) targets: order T + 1. Raises as `Counts.of`."""
        return cls(Counts.of(contexts, targets, vocab_size), k)

    @classmethod
    def counted(cls, options: NgramConfig, contexts: Tensor, targets: Tensor) -> Self:
        return cls.fit(contexts, targets, options.vocab_size, k=options.k)

    def with_k(self, k: float) -> NgramModel:
        """The same counts, smoothed otherwise."""
        return NgramModel(self.counts, k)

    def log_probs(self, contexts: Tensor) -> Tensor:
        """(B, T) ids -> (B, V) float64."""
        smoothed = self.counts.rows(last_ids(contexts, self.block_size)) + self.k
        total = smoothed.sum(1, keepdim=True)
        return torch.where(total > 0, smoothed / total, 1 / self.vocab_size).log()

    def config(self) -> dict[str, Any]:
        return {"order": self.counts.order, "vocab_size": self.vocab_size, "k": self.k}

    def tensors(self) -> dict[str, Tensor]:
        return {"keys": self.counts.keys, "values": self.counts.values}

    @classmethod
    def from_parts(cls, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        order, vocab_size = int(config["order"]), int(config["vocab_size"])
        return cls(Counts(tensors["keys"], tensors["values"], order=order, vocab_size=vocab_size), config["k"])

    def __repr__(self) -> str:
        return f"NgramModel(order={self.counts.order}, vocab_size={self.vocab_size}, k={self.k:g})"


def sweep(model: NgramModel, ks: Sequence[float], contexts: Tensor, targets: Tensor) -> dict[float, float]:
    """The loss on (N, T) contexts and (N,) targets under each k, in the order of `ks`; nothing is counted again.

    >>> contexts, targets = torch.tensor([[0], [1], [1]]), torch.tensor([1, 1, 0])
    >>> losses = sweep(NgramModel.fit(contexts, targets, vocab_size=2), [0, 1], contexts, targets)
    >>> {k: round(loss, 4) for k, loss in losses.items()}
    {0: 0.4621, 1: 0.5973}
    """
    return {k: evaluate(model.with_k(k), contexts, targets) for k in ks}


def ngram_keys(ngrams: Tensor, vocab_size: int) -> Tensor:
    """(N, n) ids -> (N,) int64, each row read as a number of base V. Raises VocabularyError for an id outside.

    >>> ngram_keys(torch.tensor([[0, 5, 13], [0, 0, 1]]), 27).tolist()
    [148, 1]
    """
    check_ids(ngrams, vocab_size, "contexts and targets")
    keys = torch.zeros(len(ngrams), dtype=torch.int64)
    for column in ngrams.unbind(1):
        keys = keys * vocab_size + column
    return keys


def tally(keys: Tensor, n_cells: int) -> tuple[Tensor, Tensor]:
    """(N,) keys in 0 .. n_cells - 1 -> the (M,) distinct ones, sorted, and (M,) how often each occurs.

    >>> [column.tolist() for column in tally(torch.tensor([7, 2, 7]), 8)]
    [[2, 7], [1, 2]]
    """
    if n_cells > DENSE_CELLS:
        distinct, n_times = torch.unique(keys, return_counts=True)
        return distinct, n_times
    table = torch.bincount(keys, minlength=n_cells)
    distinct = table.nonzero()[:, 0]
    return distinct, table[distinct]


def check_key_space(order: int, vocab_size: int) -> None:
    """Raises ConfigError unless an n-gram's key fits 63 bits: order 13 over 27 characters, 10 over 65, 7 over 256."""
    if order < 1 or vocab_size < 1:
        raise ConfigError(f"order and vocab_size must be at least 1; got {order} and {vocab_size}.", "Pass more.")
    if vocab_size**order >= 2**63:
        longest = next(n for n in range(order, -1, -1) if vocab_size**n < 2**63)
        raise ConfigError(
            f"{order}-grams over {vocab_size} ids are too many to number: {vocab_size}**{order} passes 2**63.",
            f"Use order {longest} or less: contexts[:, -{longest - 1}:].",
        )
