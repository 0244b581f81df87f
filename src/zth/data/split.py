"""Train, dev and test: the course's own split, from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from zth.errors import ConfigError, DataError


@dataclass(frozen=True, kw_only=True)
class Split:
    """Three lists of lines that have no line in common (equal lines may stand in several)."""

    train: list[str]
    dev: list[str]
    test: list[str]


def split_lines(lines: Sequence[str], seed: int = 42) -> Split:
    """Shuffle a copy, then cut it at 80 % and 90 % of the lines: exercise 2.2's split.

    `random.Random(seed).shuffle` draws as the course's `random.seed(42); random.shuffle(words)`, and leaves the
    global generator alone. Raises DataError where a part would be empty.

    >>> split = split_lines([str(n) for n in range(10)])
    >>> len(split.train), split.dev, split.test
    (8, ['0'], ['1'])
    """
    shuffled = list(lines)
    random.Random(seed).shuffle(shuffled)
    first, second = int(0.8 * len(shuffled)), int(0.9 * len(shuffled))
    split = Split(train=shuffled[:first], dev=shuffled[first:second], test=shuffled[second:])
    if not (split.train and split.dev and split.test):
        raise DataError(f"{len(shuffled)} lines cannot be split 80/10/10.", "Use a text of ten lines or more.")
    return split


def split_text(text: str, dev_fraction: float = 0.1) -> tuple[str, str]:
    """One long text -> (train, dev): lecture 7's first 90 % and the rest, unshuffled.

    Raises ConfigError for a fraction outside (0, 1), DataError where a part would be empty.

    >>> split_text("abcdefghij")
    ('abcdefghi', 'j')
    """
    if not 0 < dev_fraction < 1:
        raise ConfigError(f"dev_fraction must lie between 0 and 1; got {dev_fraction}.", "Pass dev_fraction=0.1.")
    cut = int((1 - dev_fraction) * len(text))
    if not 0 < cut < len(text):
        raise DataError(f"{len(text)} characters cannot be split into train and dev.", "Use a longer text.")
    return text[:cut], text[cut:]
