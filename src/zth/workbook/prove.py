"""Proves that an exercise's check has teeth, and that it bites nobody who is right.

The stub must fail with a message to act on; the solution must pass; each known mistake must be rejected, and named,
and what only follows from it must not be blamed; right answers in other styles must pass. Each goes the whole way
that a learner's file goes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zth.workbook.exercise import Exercise
from zth.workbook.jail import Jail
from zth.workbook.judge import judge
from zth.workbook.verdict import Verdict

LEAST_MISTAKES = 6
LEAST_RIGHT_ANSWERS = 3


@dataclass(frozen=True, kw_only=True)
class Proof:
    """One submission, and whether the check treated it as it should."""

    exercise: str
    submission: str
    ok: bool
    why: str
    """What the check said, in a line; where `ok` is false, what it should have said."""


def prove(exercise: Exercise, jail: Jail) -> Iterator[Proof]:
    """Judge the stub, the solution, each mistake and each right answer of one exercise, in this order."""

    def proof(submission: str, ok: bool, why: str) -> Proof:
        return Proof(exercise=exercise.id, submission=submission, ok=ok, why=why)

    yield proof("stub", *_stub_fails_helpfully(judge(exercise, exercise.stub, jail)))
    yield proof("solution", *passes(judge(exercise, exercise.folder / "solution.py", jail)))
    lines = {part.name for part in exercise.parts if part.step is not None}
    for number, mistake in enumerate(exercise.mistakes):
        verdict = judge_mistake(exercise, number, jail)
        yield proof(f"mistake: {mistake.name}", *_is_named(verdict, mistake.name, lines))
    for path in exercise.right_answers:
        yield proof(f"right: {path.stem}", *passes(judge(exercise, path, jail)))
    yield proof("mistakes", *_enough(len(exercise.mistakes), LEAST_MISTAKES))
    yield proof("right answers", *_enough(len(exercise.right_answers), LEAST_RIGHT_ANSWERS))


def judge_mistake(exercise: Exercise, number: int, jail: Jail) -> Verdict:
    """The verdict on a file that makes mistake `number`, and no other."""
    return _judge_text(exercise, _with_mistake(exercise, number), jail)


def _judge_text(exercise: Exercise, text: str, jail: Jail) -> Verdict:
    with tempfile.TemporaryDirectory(prefix="zth-prove-") as folder:
        path = Path(folder) / exercise.file_name
        path.write_text(text, encoding="utf-8")
        return judge(exercise, path, jail)


def _with_mistake(exercise: Exercise, number: int) -> str:
    """A learner's file that makes mistake `number`, as two imports."""
    return (
        f"from {exercise.package}.solution import *\n"
        f"from {exercise.package}.check import MISTAKES\n"
        f"globals().update(MISTAKES[{number}].instead)\n"
    )


def _stub_fails_helpfully(verdict: Verdict) -> tuple[bool, str]:
    failure = verdict.first_failure
    if verdict.ok or verdict.trouble or failure is None:
        return False, f"the stub must fail by itself; it did not ({verdict.trouble or 'it passed'})"
    return failure.state == "unwritten" and bool(failure.says), f"{failure.state}: {failure.says or failure.got}"


def passes(verdict: Verdict) -> tuple[bool, str]:
    """(whether it did, what the check said)."""
    failure = verdict.first_failure
    if verdict.ok:
        return True, f"passes {len(verdict.parts)} parts in {verdict.seconds:.1f} s"
    if verdict.trouble or failure is None:
        return False, f"must pass; {verdict.trouble}"
    told = failure.says or failure.difference or failure.got
    return False, f"must pass; {failure.name} is {failure.state}: {failure.call} {told} {failure.place}"


def _is_named(verdict: Verdict, name: str, lines: set[str]) -> tuple[bool, str]:
    """Named at the first failure; of the `lines` of a calculation, those behind the mistake must not be blamed."""
    failure = verdict.first_failure
    if failure is None:
        return False, f"must be rejected; {verdict.trouble or 'it passed'}"
    if failure.mistake != name:
        told = failure.mistake or failure.difference or failure.got or verdict.trouble
        return False, f"must be named; {failure.name} said: {told} {failure.place}"
    blamed = [part.name for part in verdict.parts if part.state in ("wrong", "raised") and part.mistake != name]
    if unjust := [part for part in blamed if part in lines]:
        return False, f"must blame no other line; it blamed {', '.join(unjust)}"
    return True, failure.says


def _enough(n: int, least: int) -> tuple[bool, str]:
    return n >= least, f"{n} of at least {least}"
