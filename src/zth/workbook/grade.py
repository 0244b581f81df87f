"""A folder of submissions -> marks: what is there is judged, what was judged before is taken from the journal.

No submission ends the run: one that is missing, unreadable or untouched becomes a row without being run, and
whatever happens while one is judged is that row's state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from zth.errors import ExerciseError
from zth.texts import say
from zth.workbook.crew import Result, Task, judge_all
from zth.workbook.handout import Assigned, Handout
from zth.workbook.journal import Journal, Judged, basis
from zth.workbook.judge import read_source
from zth.workbook.marks import Mark, Marks, is_late, judged, student_of, unjudged
from zth.workbook.submissions import Found, Submission

Told = Callable[[int, int], None]
"""told(done, total): how many files have been judged."""


@dataclass(frozen=True, kw_only=True)
class Graded:
    """A class with its marks, and what they were made from."""

    marks: Marks
    tasks: Sequence[Task]
    """Every file that was judged, now or before."""
    judged: Mapping[tuple[str, str], Judged]
    """By student and exercise."""


def grade(
    submissions: Sequence[Submission],
    handout: Handout,
    journal: Journal,
    *,
    due: datetime | None = None,
    n_workers: int = 1,
    again: bool = False,
    told: Told = lambda _done, _total: None,
) -> Graded:
    """Mark every exercise of the handout for every submission; `again` judges anew what time alone had stopped."""
    without: dict[tuple[str, str], Mark] = {}
    tasks: list[Task] = []
    for submission in submissions:
        for assigned in handout.assigned:
            read = _read(submission, assigned, late=is_late(submission, due))
            if isinstance(read, Task):
                tasks.append(read)
            else:
                without[read.student, read.exercise] = read
    found = _judge(
        tasks, {each.exercise.id: each for each in handout.assigned}, journal, n_workers, told, again=again
    )
    students = []
    for submission in submissions:
        keys = [(submission.student, each.exercise.id) for each in handout.assigned]
        rows = [
            without.get(key) or _mark(found[key], submission, assigned, due)
            for key, assigned in zip(keys, handout.assigned, strict=True)
        ]
        students.append(student_of(submission, rows, due))
    return Graded(marks=Marks(handout=handout, students=students, due=due), tasks=tasks, judged=found)


def _read(submission: Submission, assigned: Assigned, *, late: bool) -> Task | Mark:
    """The file as a task, or the row that there is without judging it."""
    student, exercise = submission.student, assigned.exercise
    found = submission.files.get(exercise.id)
    if found is None:
        return unjudged(assigned, student, "missing", say("not handed in"), late=late)
    try:
        if found.problem:
            raise ExerciseError(f"{found.path.name}: {found.problem}.")
        source = read_source(found.path)
    except ExerciseError as error:
        return unjudged(assigned, student, "unreadable", error.problem, late=late)
    digest = hashlib.sha256(source.encode("utf-8")).hexdigest()
    if assigned.is_untouched(source):
        return unjudged(
            assigned, student, "not begun", say("the stub as it was handed out"), source=digest, late=late
        )
    return Task(student=student, exercise=exercise.id, source=source, digest=digest)


def _judge(
    tasks: Sequence[Task],
    assigned: Mapping[str, Assigned],
    journal: Journal,
    n_workers: int,
    told: Told,
    *,
    again: bool,
) -> dict[tuple[str, str], Judged]:
    """Every task's judgement, from the journal or made now and written there at once."""
    found: dict[tuple[str, str], Judged] = {}
    todo = []
    for task in tasks:
        kept = journal.find(task.student, task.exercise, task.digest, basis(assigned[task.exercise].exercise))
        if kept is None or (again and kept.verdict is not None and kept.verdict.kind == "time"):
            todo.append(task)
        else:
            found[task.student, task.exercise] = kept
    told(len(found), len(tasks))
    with closing(judge_all(todo, n_workers)) as results:
        for result in results:
            made = _judged(result, basis(assigned[result.task.exercise].exercise))
            journal.add(made)
            found[made.student, made.exercise] = made
            told(len(found), len(tasks))
    return found


def _judged(result: Result, on: str) -> Judged:
    return Judged(
        student=result.task.student,
        exercise=result.task.exercise,
        source=result.task.digest,
        basis=on,
        verdict=result.verdict,
        answers=result.answers,
        form=result.form,
        imports=result.imports,
        fault=result.fault,
    )


def _mark(found: Judged, submission: Submission, assigned: Assigned, due: datetime | None) -> Mark:
    late = is_late(submission, due)
    if found.verdict is None:
        return unjudged(assigned, found.student, "unjudged", found.fault, source=found.source, late=late)
    notes = _notes(found, submission.files[found.exercise])
    return judged(
        assigned, found.student, found.verdict, source=found.source, late=late, notes=notes, borrows=found.imports
    )


def _notes(found: Judged, file: Found) -> list[str]:
    """What a teacher should know besides the verdict."""
    notes = []
    if found.imports:
        notes.append(say("imports {names}, which holds the answers", names=", ".join(found.imports)))
    if file.others:
        others = ", ".join(path.name for path in file.others[:3])
        told = say("{name} counts, the newest of several; not {others}", name=file.path.name, others=others)
        notes.append(told)
    return notes
