"""A text as what a model learns from: its vocabulary, the course's split, windows or whole lines.

Letters: N examples, T ids in each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from zth.data.sources import Corpus
from zth.data.split import Split, split_lines
from zth.data.vocab import Vocabulary, common
from zth.data.windows import LONGEST_ROW, padded_lines, windows
from zth.errors import DataError
from zth.models.protocol import LanguageModel, evaluate, model_class

Pair = tuple[Tensor, Tensor]
"""(N, T) ids with the (N,) ids behind them, or with (N, T) where every position is a target."""

MOST_BYTES = 4 * 2**30
"""Of the windows of one text: beyond it most laptops would begin to swap."""
MOST_SCORED = 250_000
"""Examples of the training part that the final train loss is measured on, at most."""


@dataclass(frozen=True, kw_only=True)
class Examples:
    """What a model learns from, is chosen by, and is judged by."""

    train: Pair
    dev: Pair
    test: Pair

    def look(self, model: LanguageModel) -> float:
        """The dev loss."""
        return evaluate(model, *self.dev)

    def steps_between_looks(self, batch_size: int) -> int:  # noqa: ARG002 (as LongExamples)
        """At least so many."""
        return 1

    def losses(self, model: LanguageModel) -> dict[str, float]:
        """Part -> nats a character; of a large training part the first MOST_SCORED examples alone."""
        X, Y = self.train
        parts = {"train": (X[:MOST_SCORED], Y[:MOST_SCORED]), "dev": self.dev, "test": self.test}
        return {name: evaluate(model, *pair) for name, pair in parts.items()}


@dataclass(frozen=True, kw_only=True)
class Text:
    """Lines with their vocabulary, split 80/10/10 as the course does (seed 42).

    >>> from zth.data.sources import load
    >>> text = Text.of(load("names"))
    >>> len(text.vocabulary), len(text.split.train)
    (27, 25626)
    >>> tuple(text.examples("mlp", block_size=3).train[0].shape)
    (182625, 3)
    >>> tuple(text.examples("gru", block_size=16).dev[1].shape)  # whole names
    (3203, 14)
    """

    corpus: Corpus
    vocabulary: Vocabulary
    split: Split

    @classmethod
    def of(cls, corpus: Corpus, known: Vocabulary | None = None) -> Text:
        """A corpus, line by line, also where it is one long text. Raises DataError for fewer than ten lines.

        With `known`, the vocabulary has those characters too.
        """
        lines = corpus.lines()
        try:
            vocabulary = Vocabulary.of_lines(lines)
            vocabulary = common(known, vocabulary) if known else vocabulary
            return cls(corpus=corpus, vocabulary=vocabulary, split=split_lines(lines))
        except DataError as error:
            raise DataError(f"{corpus.name} cannot be learnt from: {error.problem}", error.next_move) from error

    def examples(self, family: str, *, block_size: int) -> Examples:
        """Windows of `block_size`, or whole lines for a family that reads those.

        Raises DataError where they would not fit into `MOST_BYTES`.
        """
        kind = model_class(family)
        whole = bool(getattr(kind, "reads_lines", False))
        longest = min(block_size, LONGEST_ROW) if getattr(kind, "sees_one_block", False) else LONGEST_ROW
        n_ids = sum(len(line) + 1 for part in vars(self.split).values() for line in part)
        n_bytes = 8 * n_ids * (2 if whole else block_size + 1)
        if n_bytes > MOST_BYTES:
            raise DataError(
                f"{self.corpus.name} has {n_ids:,} characters; as examples of {block_size} they would take "
                f"{n_bytes / 2**30:.1f} GiB of memory.",
                "Take a part of it: head -c 100000000 FILE > part.txt",
            )

        def pair(lines: Sequence[str]) -> Pair:
            if whole:
                return padded_lines(lines, self.vocabulary, longest)
            return windows(lines, self.vocabulary, block_size)

        return Examples(train=pair(self.split.train), dev=pair(self.split.dev), test=pair(self.split.test))
