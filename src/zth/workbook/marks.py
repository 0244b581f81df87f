"""What a submission is worth: verdicts and weights -> marks, one for each student and exercise.

A mark never comes from the learner's process: it is the sum of the parts that the judge found right (`verdict`), each
with its share of the points (`handout`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from zth.texts import mark, say
from zth.workbook.handout import Assigned, Handout
from zth.workbook.submissions import Submission
from zth.workbook.verdict import PartVerdict, Verdict
from zth.workbook.verdict import State as PartState

State = Literal["judged", "not begun", "missing", "unreadable", "stopped", "rejected", "unjudged"]
"""judged: every part was asked; stopped: the process ended before, the parts until then count; rejected: the file did
what an answer must not do, and nothing counts; unjudged: the fault is the grader's, a person must look."""

_WORDS: dict[State, str] = {
    "judged": mark("judged"),
    "not begun": mark("not begun"),
    "missing": mark("missing"),
    "unreadable": mark("unreadable"),
    "stopped": mark("stopped"),
    "rejected": mark("rejected"),
    "unjudged": mark("unjudged"),
}

HOSTILE = ("forged", "patched", "unanswered", "keeper")
"""Kinds of trouble that no honest mistake makes: nothing of such a file counts, however far it came."""
LOOK = ("unreadable", "rejected", "unjudged")
"""The states that call for a person."""


@dataclass(frozen=True, kw_only=True)
class PartMark:
    """One part of an exercise: its state as in the verdict, and what it is worth."""

    name: str
    state: PartState
    points: float
    of: float
    says: str = ""
    """What was wrong, in the verdict's words; "" where it passed."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One row: one exercise of one student."""

    student: str
    exercise: str
    state: State
    of: float
    parts: Sequence[PartMark] = ()
    note: str = ""
    source: str = ""
    """SHA-256 of the file's text; "" where there is none."""
    seconds: float = 0.0
    late: bool = False
    borrows: Sequence[str] = ()
    """The modules of zth that the file imports: they hold the answers."""

    @property
    def word(self) -> str:
        """The state, for people."""
        return say(_WORDS[self.state])

    @property
    def look(self) -> bool:
        """Whether a teacher should look at it."""
        return self.state in LOOK or bool(self.borrows)

    @property
    def points(self) -> float:
        return math.fsum(part.points for part in self.parts)

    @property
    def passed(self) -> int:
        return sum(part.state == "passed" for part in self.parts)

    @property
    def says(self) -> str:
        """The row in a line: the note, and what the first part that is not right was told."""
        first = next((part for part in self.parts if part.says and part.state != "passed"), None)
        told = f"{first.name}: {first.says}" if first and self.state != "not begun" else ""
        return "; ".join(filter(None, [self.note, told]))

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "points": self.points, "passed": self.passed}


@dataclass(frozen=True, kw_only=True)
class Student:
    """One student's rows, and when they came."""

    name: str
    marks: Sequence[Mark]
    handed_in: datetime | None = None
    clock: str = ""
    late_by: timedelta | None = None
    """How much too late; None where it was in time, or where that cannot be told."""
    late: bool = False
    notes: Sequence[str] = ()

    @property
    def points(self) -> float:
        return math.fsum(mark.points for mark in self.marks)


@dataclass(frozen=True, kw_only=True)
class Marks:
    """A class, marked."""

    handout: Handout
    students: Sequence[Student]
    due: datetime | None = None

    @property
    def rows(self) -> list[Mark]:
        return [mark for student in self.students for mark in student.marks]


def judged(
    assigned: Assigned,
    student: str,
    verdict: Verdict,
    *,
    source: str = "",
    late: bool = False,
    notes: Sequence[str] = (),
    borrows: Sequence[str] = (),
) -> Mark:
    """A verdict in points. Parts without a verdict were never reached."""
    shares = assigned.shares()
    by_name = {part.name: part for part in verdict.parts}
    reached = all(name in by_name and by_name[name].state != "unreached" for name in shares)
    state: State = "judged"
    if verdict.trouble:
        state = "rejected" if reached or verdict.kind in HOSTILE else "stopped"
    verdicts = [by_name.get(name) or PartVerdict(name=name, state="unreached") for name in shares]
    worth = {"passed": 1.0, "inherited": assigned.inherited} if state != "rejected" else {}
    parts = [_part(part, shares[part.name], worth) for part in verdicts]
    return Mark(
        student=student,
        exercise=verdict.exercise,
        state=state,
        of=assigned.points,
        parts=parts,
        note="; ".join(filter(None, [verdict.trouble, *notes])),
        source=source,
        seconds=verdict.seconds,
        late=late,
        borrows=borrows,
    )


def _part(part: PartVerdict, share: float, worth: Mapping[str, float]) -> PartMark:
    says = part.says or part.difference or part.got
    if part.state == "raised" and part.place:
        says = f"{says} ({part.place})"
    points = share * worth.get(part.state, 0.0)
    return PartMark(name=part.name, state=part.state, points=points, of=share, says="" if part.ok else says)


def unjudged(
    assigned: Assigned, student: str, state: State, note: str, *, source: str = "", late: bool = False
) -> Mark:
    """A row without a verdict: nothing was handed in, or it cannot be judged."""
    parts = [
        PartMark(name=name, state="unreached", points=0.0, of=share) for name, share in assigned.shares().items()
    ]
    return Mark(
        student=student,
        exercise=assigned.exercise.id,
        state=state,
        of=assigned.points,
        parts=parts,
        note=note,
        source=source,
        late=late,
    )


def student_of(submission: Submission, marks: Sequence[Mark], due: datetime | None) -> Student:
    """A submission's rows together, with its lateness."""
    late_by = lateness(submission, due)
    return Student(
        name=submission.student,
        marks=marks,
        handed_in=submission.handed_in,
        clock=submission.clock,
        late_by=late_by,
        late=is_late(submission, due),
        notes=submission.notes,
    )


def lateness(submission: Submission, due: datetime | None) -> timedelta | None:
    if due is None or submission.handed_in is None or submission.handed_in <= due:
        return None
    return submission.handed_in - due


def is_late(submission: Submission, due: datetime | None) -> bool:
    return submission.said_late or lateness(submission, due) is not None


def how_long(late_by: timedelta) -> str:
    """A lateness as people say it.

    >>> how_long(timedelta(days=1, minutes=125))
    '1 d 2 h'
    """
    minutes = int(late_by.total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    return f"{days} d {hours} h" if days else f"{hours} h {minutes} min" if hours else f"{minutes} min"
