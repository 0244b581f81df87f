"""The words of a verdict and of a solution, for whoever shows them: a terminal, a notebook."""

from __future__ import annotations

import inspect

from zth.workbook.exercise import Exercise
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
    "wrong": "wrong",
    "inherited": "follows from",
    "raised": "raised an exception",
    "missing": "missing",
    "unwritten": "not written yet",
    "unreached": "not reached",
}


def word(part: PartVerdict) -> str:
    """What became of a part, in a word or a few.

    >>> word(PartVerdict(name="dh", state="inherited", follows=("dlogits",)))
    'follows from dlogits'
    """
    if part.mistake:
        return f"the known mistake: {part.mistake.removeprefix(f'{part.name}: ')}"
    return f"{_WORDS[part.state]} {', '.join(part.follows)}".strip()


def rows(part: PartVerdict) -> list[tuple[str, str]]:
    """A failure in detail: labels and texts, those that there are.

    >>> rows(PartVerdict(name="f", state="wrong", call="f(2)", got="3", wanted="4"))
    [('called', 'f(2)'), ('got', '3'), ('wanted', '4')]
    """
    unwritten = part.state == "unwritten"
    found = [
        ("called", part.call),
        ("got", "" if unwritten else part.got),
        ("wanted", part.wanted),
        ("differs", part.difference),
        ("where", part.place.split(":")[0] if unwritten else part.place),
    ]
    return [(label, text) for label, text in found if text]


def trouble(verdict: Verdict) -> str:
    """How the answer's process ended, as a sentence; "" where it did not.

    >>> trouble(Verdict(exercise="1.1", parts=[], trouble="your code left 1 process(es) running"))
    'Your code left 1 process(es) running.'
    """
    if not verdict.trouble:
        return ""
    return verdict.trouble[0].upper() + verdict.trouble[1:] + ("" if verdict.trouble.endswith("?") else ".")


def count(verdict: Verdict) -> str:
    """How many parts are right.

    >>> parts = [PartVerdict(name="f", state="passed"), PartVerdict(name="g", state="inherited", follows=("h",))]
    >>> count(Verdict(exercise="1.1", parts=parts))
    '1 of 2 parts, and 1 that will follow'
    """
    passed = sum(part.ok for part in verdict.parts)
    inherited = sum(part.state == "inherited" for part in verdict.parts)
    more = f", and {inherited} that will follow" if inherited else ""
    return f"{passed} of {len(verdict.parts)} parts{more}"


def explanation(exercise: Exercise) -> str:
    """What solution.py begins with."""
    return inspect.getdoc(exercise.module("solution")) or ""


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
