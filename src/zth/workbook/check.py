"""How an exercise is checked: questions, and the wrong answers that people really give.

A check is a list of `Part`s and a list of `Mistake`s, written once and used three times: to judge a learner, to name
what a wrong answer got wrong, and to prove that the check has teeth (`prove`).

A part's `ask` receives an *answer*, an object with the exercise's names as attributes, and the inputs of one case.
The same `ask` is put to the learner's file (in a process of its own), to the library's solution and to the solution
with one mistake put in. So nobody writes down an expected value: it is what the solution says.

>>> double = Part(name="double", ask=lambda answer, x: answer.double(x), cases=[(2,), (5,)])
>>> plus_two = Mistake(name="adds two", says="That adds 2; doubling adds x.", instead={"double": lambda x: x + 2})
>>> double.ask(plus_two.put_into({"double": lambda x: 2 * x}), 5)
7
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from zth.compare import FLOAT32, Tolerance

Ask = Callable[..., object]
"""ask(answer, *inputs) -> plain values: numbers, text, lists, arrays, tensors."""

Cases = Sequence[tuple[Any, ...]]

Accept = Callable[[Any, Any], str]
"""accept(got, wanted) -> "" where the answer will do, else what is wrong with it, for a person."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What makes a part one line of a longer calculation, in which the lines after a wrong one inherit its error.

    Such a line is right by itself if it is what the right rule makes of the learner's *own* earlier results. So an
    inherited error is told from one of its own, and a mistake is recognised behind another one.
    """

    variable: str
    """The learner's variable that holds the result: what it held is judged even where a later line raised."""
    after: tuple[str, ...] = ()
    """The parts that this line is made from; they are judged before it."""
    rule: Ask
    """rule(solution, given, *inputs): this line alone. `given` has the results of the parts before it, by name: the
    learner's own, and the solution's where the learner has none yet."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One question, and the inputs it is asked with."""

    name: str
    """What a verdict calls this part; mostly the name that the learner writes."""
    ask: Ask
    cases: Cases | Callable[[], Cases]
    """The inputs, in the order of asking; a function where making them is slow (it needs torch, or the names)."""
    shown: str = ""
    """The call as a learner would type it, `str.format`ted with the inputs; made from `name` where it is empty."""
    tolerance: Tolerance = FLOAT32
    accept: Accept | None = None
    """Where "equal to the solution's" is not the question (a trained model, a timing): the ruler to use instead."""
    pick: Callable[[Any], Any] | None = None
    """What of the answer this part is about, where several parts look at one: those with the same `ask` and the same
    `cases` share them, and the learner's code is called once for each case."""
    step: Step | None = None
    """Where this part is one line of a calculation whose other lines are parts too; it needs `pick`."""

    def inputs(self) -> Cases:
        return self.cases() if callable(self.cases) else self.cases

    def call(self, inputs: tuple[Any, ...]) -> str:
        """One case as a learner would type it.

        >>> Part(name="double", ask=lambda answer, x: answer.double(x), cases=[]).call((2.5,))
        'double(2.5)'
        """
        texts = [_short(value) for value in inputs]
        return self.shown.format(*texts) if self.shown else f"{self.name}({', '.join(texts)})"


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A wrong answer that people give: how it goes wrong, and what to tell them.

    `instead` holds the names of the answer that it gets wrong, each with its wrong version.
    """

    name: str
    says: str
    instead: Mapping[str, object] = field(default_factory=dict)

    def put_into(self, solution: Mapping[str, object]) -> SimpleNamespace:
        """The solution with this mistake in it, as an answer to ask."""
        return SimpleNamespace(**{**solution, **self.instead})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a learner's code may use, all parts together."""

    seconds: float = 20.0
    """Wall-clock time of the learner's code alone; the judge's own work does not count."""
    memory_mb: int = 2048


def _short(value: object) -> str:
    if isinstance(value, dict) and len(value) > 3:  # of tensors, say, whose repr would take its time
        return f"<dict of {len(value)}>"
    shape = getattr(value, "shape", None)
    if shape is not None and len(shape):
        return f"<{str(value.dtype).removeprefix('torch.')} {tuple(shape)}>"  # type: ignore[attr-defined]
    text = repr(value.item() if shape is not None else value)  # type: ignore[attr-defined]
    return text if len(text) <= 60 else f"{text[:57]}..."
