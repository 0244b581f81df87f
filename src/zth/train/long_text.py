"""One long text as what a model learns from: the first nine tenths in random blocks, the rest to measure by.

Letters: N ids in a part of the text, T ids in a block.

Lecture 7's way, for models that read a block in one pass; all others learn from the text line by line
(zth.train.examples).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from zth.data.own import Progress
from zth.data.sources import Corpus
from zth.data.stream import Ids, TextData, text_data, windows_in_order
from zth.data.vocab import Vocabulary
from zth.errors import DataError
from zth.models.protocol import IGNORED, LanguageModel, evaluate, model_class
from zth.sample import sample
from zth.train.batches import Passage
from zth.train.examples import Text

LOOKED_AT = 2**14
"""Characters that the loss is measured on now and then; at the end it is that of the whole dev part."""
MOST_SCORED = 2**20
"""... up to so many characters of it: the standard error is then near 0.002 nats, and it takes half a minute."""
AT_A_TIME = 4096
"""Predictions; more at one time take longer, for they no longer fit into a processor's cache."""
PASSAGE, GLIMPSE = 600, 120
"""Characters that are drawn at the end, and now and then."""


@dataclass(frozen=True, kw_only=True)
class LongExamples:
    """Two parts of one text, read in blocks of `train.block_size`."""

    train: Passage
    dev: Ids

    def look(self, model: LanguageModel) -> float:
        """The dev loss, of a bounded part."""
        return part_loss(model, self.dev, self.train.block_size)

    def steps_between_looks(self, batch_size: int) -> int:
        """At least so many, so that looks take about a twentieth of the time: a step is three passes, a look one."""
        return math.ceil(20 / 3 * min(LOOKED_AT, len(self.dev)) / (batch_size * self.train.block_size))

    def dev_loss(self, model: LanguageModel) -> float:
        """Nats a character of all of dev; of a very long one (`MOST_SCORED`) of as much as one can wait for."""
        return part_loss(model, self.dev, self.train.block_size, MOST_SCORED)

    def losses(self, model: LanguageModel) -> dict[str, float]:
        """Part -> nats a character: of train a bounded part, of dev all that `dev_loss` reads."""
        train = part_loss(model, self.train.ids, self.train.block_size)
        return {"train": train, "dev": self.dev_loss(model)}


@dataclass(frozen=True, kw_only=True)
class LongText:
    """A corpus as ids, with its vocabulary.

    >>> from zth.data.sources import load
    >>> text = LongText.of(load("plays"))
    >>> len(text.vocabulary), len(text.data.train), len(text.data.dev)
    (74, 3235360, 359485)
    """

    corpus: Corpus
    data: TextData

    @classmethod
    def of(cls, corpus: Corpus, known: Vocabulary | None = None, *, progress: Progress | None = None) -> LongText:
        """With `known`, the vocabulary has those characters too.

        Raises DataError for a text that is too short to be split, or has one character alone.
        """
        data = text_data(corpus, known=known, progress=progress)
        if len(data.vocabulary) < 2:
            raise DataError(
                f"{corpus.name} holds nothing but {data.vocabulary.characters[0]!r}: there is nothing to predict.",
                "Name a text with different characters.",
            )
        return cls(corpus=corpus, data=data)

    @property
    def vocabulary(self) -> Vocabulary:
        return self.data.vocabulary

    def examples(self, family: str, *, block_size: int) -> LongExamples:  # noqa: ARG002 (as Text.examples)
        """Raises DataError where training would not have one block."""
        n_train = len(self.data.train)
        if n_train < block_size + 1:
            raise DataError(
                f"{self.corpus.name} has {n_train} characters to learn from; a block of {block_size} needs "
                f"{block_size + 1}.",
                f"Use a longer text, or --block-size {max(1, n_train // 8)}.",
            )
        return LongExamples(train=Passage(ids=self.data.train, block_size=block_size), dev=self.data.dev)

    def drawn(self, model: LanguageModel, *, seed: int, length: int = PASSAGE) -> str:
        """A passage from the model."""
        keep = max(1, model.block_size // 2)
        (passage,) = sample(model, self.vocabulary, n=1, seed=seed, max_length=length, keep=keep)
        return passage


def in_blocks(corpus: Corpus, family: str) -> bool:
    """Whether a model of this family learns from the corpus in blocks, not line by line.

    >>> from zth.data.sources import load
    >>> in_blocks(load("plays"), "gpt"), in_blocks(load("plays"), "mlp"), in_blocks(load("names"), "gpt")
    (True, False, False)
    """
    return corpus.kind == "text" and bool(getattr(model_class(family), "sees_one_block", False))


def read_for(
    corpus: Corpus, family: str, known: Vocabulary | None = None, *, progress: Progress | None = None
) -> Text | LongText:
    """The corpus as a model of this family learns from it; `known` is the vocabulary of one that is finetuned.

    `progress` is told of a long text's characters.
    """
    return LongText.of(corpus, known, progress=progress) if in_blocks(corpus, family) else Text.of(corpus, known)


def whole_loss(model: LanguageModel, ids: Ids, block_size: int) -> float:
    """Nats a character over a whole part, in blocks that do not overlap; each id but the first counts once."""
    total, n_scored = 0.0, 0
    for x, y in windows_in_order(ids, block_size):
        n = int((y != IGNORED).sum())
        total, n_scored = total + n * evaluate(model, x, y, batch_size=AT_A_TIME), n_scored + n
    return total / n_scored


def part_loss(model: LanguageModel, ids: Ids, block_size: int, n_characters: int = LOOKED_AT) -> float:
    """The same over about `n_characters`, in blocks that lie evenly over the part; over all where there are fewer."""
    if len(ids) <= max(n_characters, block_size + 1):
        return whole_loss(model, ids, block_size)
    n_blocks = math.ceil(n_characters / block_size)
    begins = np.linspace(0, len(ids) - block_size - 1, n_blocks).astype(np.int64)
    rows = torch.from_numpy(ids.rows(begins, block_size + 1))
    return evaluate(model, rows[:, :-1], rows[:, 1:], batch_size=AT_A_TIME)
