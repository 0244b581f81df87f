"""The names as lectures 3 to 6 use them: the course's split, cut into windows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from zth.data.sources import names
from zth.data.split import Split, split_lines
from zth.data.vocab import Vocabulary
from zth.data.windows import windows

if TYPE_CHECKING:
    from torch import Tensor

COURSE_SEED = 42
"""The seed of the course's split; an experiment's own seed never moves it."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Train, dev and test, each as (N, T) contexts and (N,) targets, int64."""

    split: Split
    vocabulary: Vocabulary
    train: tuple[Tensor, Tensor]
    dev: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


@cache
def parts(block_size: int) -> Parts:
    """The names, cut into windows of `block_size` characters.

    >>> made = parts(3)
    >>> [len(targets) for _, targets in (made.train, made.dev, made.test)]
    [182625, 22655, 22866]
    """
    words = names()
    split, vocabulary = split_lines(words, COURSE_SEED), Vocabulary.of_lines(words)
    train, dev, test = (windows(part, vocabulary, block_size) for part in (split.train, split.dev, split.test))
    return Parts(split=split, vocabulary=vocabulary, train=train, dev=dev, test=test)
