"""Parts that look at one answer: asked once, and judged line by line.

In a long calculation a wrong line makes all that follow wrong. Here is what tells the two apart: what the learner's
code gave for each part (`Asking`), and what a rule makes of the learner's own earlier results (`by_rule`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zth.workbook.answer import Answer, Raised
from zth.workbook.check import Ask, Part

Inputs = tuple[Any, ...]


class NotReached(Exception):
    """The learner's code raised before it came to this part, and an earlier part has told so."""


@dataclass
class _Unfinished:
    """A call that raised, with what the learner's variables held by then."""

    error: Raised
    variables: Mapping[str, Any]
    told: bool = False

    def result_of(self, part: Part) -> Any:
        """What there is for `part`; the first part without raises the exception, the later ones `NotReached`."""
        if part.step is not None and part.step.variable in self.variables:
            return self.variables[part.step.variable]
        if self.told:
            raise NotReached
        self.told = True
        raise self.error


class Asking:
    """Puts parts to one answer. Parts that pick from the same results share one call for each case."""

    def __init__(self, parts: Sequence[Part], answer: Any) -> None:
        self._answer = answer
        self._variables = [part.step.variable for part in parts if part.step is not None]
        self._whole: dict[tuple[Ask, int, int], Any] = {}

    def __call__(self, part: Part, number: int, inputs: Inputs) -> Any:
        """What the answer gives for `part` in case `number`. Raises what the asking raises, or `NotReached`."""
        if part.pick is None:
            return part.ask(self._answer, *inputs)
        key = part.ask, id(part.cases), number
        if key not in self._whole:
            self._whole[key] = self._ask(part, inputs)
        whole = self._whole[key]
        if isinstance(whole, _Unfinished):
            return whole.result_of(part)
        return None if whole is None else part.pick(whole)

    def _ask(self, part: Part, inputs: Inputs) -> Any:
        try:
            return part.ask(self._answer, *inputs)
        except Raised as error:
            known = isinstance(self._answer, Answer) and bool(self._variables)
            return _Unfinished(error, self._answer.variables(self._variables) if known else {})


def by_rule(part: Part, solution: object, given: Mapping[str, Any], inputs: Inputs) -> Any:
    """What `solution`'s rule for `part` makes of `given`; an exception, as a value, where it can make nothing."""
    assert part.step is not None, part.name
    try:
        return part.step.rule(solution, given, *inputs)
    except Exception as error:  # the learner's results may have any shape, and a mistake may well raise
        return error
