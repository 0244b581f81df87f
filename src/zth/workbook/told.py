"""The words of a verdict and of a solution, for whoever shows them: a terminal, a notebook."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from zth.texts import mark, say
from zth.workbook.exercise import HINTS, Exercise

if TYPE_CHECKING:  # `zth list` has words to show and no verdict, which would bring NumPy
    from zth.workbook.verdict import PartVerdict, State, Verdict

MARKS: dict[State, str] = {
    "passed": "✓",
    "wrong": "✗",
    "inherited": "↳",
    "raised": "✗",
    "missing": "✗",
    "unwritten": "…",
    "unreached": "·",
}
_WORDS: dict[State, str] = {
    "passed": "",
    "wrong": mark("wrong"),
    "inherited": mark("follows from"),
    "raised": mark("raised an exception"),
    "missing": mark("missing"),
    "unwritten": mark("not written yet"),
    "unreached": mark("not reached"),
}


def hint_title(exercise: Exercise, number: int) -> str:
    """What stands above hint `number`, from 0.

    >>> from zth.workbook.exercise import get
    >>> hint_title(get("2.5"), 0)
    '2.5, hint 1 of 3: nudge'
    """
    name, n = say(HINTS[number]), len(HINTS)
    return say("{id}, hint {number} of {n}: {name}", id=exercise.id, number=number + 1, n=n, name=name)


def word(part: PartVerdict) -> str:
    """What became of a part, in a word or a few.

    >>> from zth.workbook.verdict import PartVerdict
    >>> word(PartVerdict(name="dh", state="inherited", follows=("dlogits",)))
    'follows from dlogits'
    """
    if part.mistake:
        name = say(part.mistake).removeprefix(f"{say(part.name)}: ")
        return say("the known mistake: {name}", name=name)
    return f"{say(_WORDS[part.state])} {', '.join(part.follows)}".strip()


def state(name: State) -> str:
    """A part's state alone.

    >>> state("passed"), state("unreached")
    ('passed', 'not reached')
    """
    return say("passed") if name == "passed" else say(_WORDS[name])


def rows(part: PartVerdict) -> list[tuple[str, str]]:
    """A failure in detail: labels and texts, those that there are.

    >>> from zth.workbook.verdict import PartVerdict
    >>> rows(PartVerdict(name="f", state="wrong", call="f(2)", got="3", wanted="4"))
    [('called', 'f(2)'), ('got', '3'), ('wanted', '4')]
    """
    unwritten = part.state == "unwritten"
    found = [
        (say("called"), part.call),
        (say("got"), "" if unwritten else part.got),
        (say("wanted"), part.wanted),
        (say("differs"), part.difference),
        (say("where"), part.place.split(":")[0] if unwritten else part.place),
    ]
    return [(label, text) for label, text in found if text]


def trouble(verdict: Verdict) -> str:
    """How the answer's process ended, as a sentence; "" where it did not.

    >>> from zth.workbook.verdict import Verdict
    >>> trouble(Verdict(exercise="1.1", parts=[], trouble="your code left 1 process(es) running"))
    'Your code left 1 process(es) running.'
    """
    if not verdict.trouble:
        return ""
    return verdict.trouble[0].upper() + verdict.trouble[1:] + ("" if verdict.trouble.endswith("?") else ".")


def conclusion(verdict: Verdict) -> str:
    """Whether it passed, and how many parts are right.

    >>> from zth.workbook.verdict import PartVerdict, Verdict
    >>> conclusion(Verdict(exercise="1.1", parts=[PartVerdict(name="f", state="passed")]))
    'Passed, 1 of 1 parts.'
    """
    n = _count(verdict)
    return say("Passed, {count}.", count=n) if verdict.ok else say("Not yet: {count}.", count=n)


def _count(verdict: Verdict) -> str:
    """How many parts are right.

    >>> from zth.workbook.verdict import PartVerdict, Verdict
    >>> parts = [PartVerdict(name="f", state="passed"), PartVerdict(name="g", state="inherited", follows=("h",))]
    >>> _count(Verdict(exercise="1.1", parts=parts))
    '1 of 2 parts, and 1 that will follow'
    """
    passed = sum(part.ok for part in verdict.parts)
    inherited = sum(part.state == "inherited" for part in verdict.parts)
    more = say(", and {n} that will follow", n=inherited) if inherited else ""
    return say("{passed} of {n} parts{more}", passed=passed, n=len(verdict.parts), more=more)


def sources(exercise: Exercise) -> list[tuple[str, str]]:
    """The solution's objects, each with where it lives and its source; what is inside another is not repeated.

    >>> from zth.workbook.exercise import get
    >>> sources(get("2.2"))[0][0]
    'zth.workbook.l02_bigrams.e02_split.solution.losses'
    """
    found: dict[str, str] = {}
    for name, thing in exercise.solution.items():
        if inspect.isfunction(thing) or inspect.isclass(thing):
            found[f"{thing.__module__}.{thing.__qualname__}"] = inspect.getsource(thing)
        else:
            found[name] = f"{name} = {thing!r}\n"
    return list(found.items())
