"""Every error that zth raises on purpose, drawn as a tree.

::

    ZthError                  something that a person can put right
    ├── DataError             a text or corpus cannot be used (missing, empty, binary, too short, ...)
    │   └── VocabularyError   a character or id outside the vocabulary
    ├── ShapeError            an array's shape does not fit               (also a ValueError)
    ├── DomainError           arithmetic left the real numbers: log(0)    (also an ArithmeticError)
    ├── ConfigError           an option or a combination of options makes no sense (also a ValueError)
    ├── RunError              a run folder or a saved model is missing, foreign or damaged
    ├── ExerciseError         an exercise, its folder or the learner's desk is not as it should be
    └── MissingPartError      an optional package or program is not installed

Each says what was got, what was wanted and what to do next. The command line prints the two sentences and
exits with code 2; it never shows a traceback for one of these.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ZthError(Exception):
    """Something that a person can put right.

    `problem` says what was got and what was wanted; `next_move` says what to do about it.

    >>> str(ZthError("b must be positive; got -1.", "Pass b=1."))
    'b must be positive; got -1. Pass b=1.'
    """

    def __init__(self, problem: str, next_move: str = "") -> None:
        super().__init__(problem, next_move)
        self.problem = problem
        self.next_move = next_move

    def __str__(self) -> str:
        return f"{self.problem} {self.next_move}".rstrip()


class DataError(ZthError):
    """A text or corpus cannot be used."""


class VocabularyError(DataError):
    """A character or an id stands outside the vocabulary."""


class ShapeError(ZthError, ValueError):
    """An array's shape does not fit."""


class DomainError(ZthError, ArithmeticError):
    """Arithmetic left the real numbers."""


class ConfigError(ZthError, ValueError):
    """An option, or a combination of options, makes no sense."""


class RunError(ZthError):
    """A run folder or a saved model is missing, foreign or damaged."""


class ExerciseError(ZthError):
    """An exercise, its folder or the learner's desk is not as it should be."""


class MissingPartError(ZthError):
    """An optional package or program is not installed."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """One sentence: the nearest known name, or all of them.

    >>> did_you_mean("shakspeare", ["names", "plays", "shakespeare"])
    'Did you mean shakespeare?'
    >>> did_you_mean("zebra", ["names", "plays"])
    'Known: names, plays.'
    """
    from zth.texts import say  # which raises errors of ours

    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    return say("Did you mean {name}?", name=near[0]) if near else say("Known: {names}.", names=", ".join(known))
