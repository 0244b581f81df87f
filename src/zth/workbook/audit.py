"""Honest marks: for each mark its evidence, whether a replay comes to the same, and which answers are one answer.

The replay judges every file once more, in new processes, and holds the states of the parts and the digest of all
answers against those that the marks were made from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

from zth.workbook.crew import Result, judge_all
from zth.workbook.evidence import SEEDS, Case
from zth.workbook.grade import Graded, Told
from zth.workbook.journal import Judged
from zth.workbook.marks import Mark
from zth.workbook.normal_form import Form
from zth.workbook.similar import Group, groups, published_forms
from zth.workbook.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one mark rests on."""

    student: str
    exercise: str
    state: str
    """Of the row, as in `marks.State`: only a file that could be judged is replayed."""
    points: float
    of: float
    source: str
    basis: str
    parts: Mapping[str, str]
    """Part -> its state, as it was marked."""
    replayed: Mapping[str, str]
    """The same, of the replay."""
    same_mark: bool | None
    """None where there was nothing to compare: no replay, or a fault of the grader's."""
    same_answers: bool | None
    """Whether every answer came out bit for bit again."""
    cases: Sequence[Case]
    walls: Sequence[str]
    """What the answer could not do, as `zth doctor` names it."""
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "seeds": dict(SEEDS)}


@dataclass(frozen=True, kw_only=True)
class Audit:
    """All marks with their evidence, and the groups of like answers."""

    evidence: Sequence[Evidence]
    groups: Sequence[Group]

    @property
    def differing(self) -> list[Evidence]:
        """The marks that a replay did not confirm."""
        return [each for each in self.evidence if each.same_mark is False]

    @property
    def replayed(self) -> list[Evidence]:
        """The marks that were held against a replay."""
        return [each for each in self.evidence if each.same_mark is not None]


def audit(graded: Graded, n_workers: int, told: Told = lambda _done, _total: None) -> Audit:
    """Replay every judged file, and compare the files of each exercise."""
    marks = {(mark.student, mark.exercise): mark for mark in graded.marks.rows}
    found = []
    told(0, len(graded.tasks))
    with closing(judge_all(graded.tasks, n_workers)) as results:
        for result in results:
            key = (result.task.student, result.task.exercise)
            found.append(_evidence(result, graded.judged[key], marks.pop(key)))
            told(len(found), len(graded.tasks))
    found += [_not_replayed(mark) for mark in marks.values()]
    order = {(mark.student, mark.exercise): number for number, mark in enumerate(graded.marks.rows)}
    found.sort(key=lambda each: order[each.student, each.exercise])
    return Audit(evidence=found, groups=alike(graded))


def _not_replayed(mark: Mark) -> Evidence:
    """Of a row without a verdict: missing, unreadable, or the stub."""
    return Evidence(
        student=mark.student,
        exercise=mark.exercise,
        state=mark.state,
        points=mark.points,
        of=mark.of,
        source=mark.source,
        basis="",
        parts={part.name: part.state for part in mark.parts},
        replayed={},
        same_mark=None,
        same_answers=None,
        cases=(),
        walls=(),
        note=mark.note,
    )


def _evidence(result: Result, before: Judged, mark: Mark) -> Evidence:
    was, now = _states(before.verdict), _states(result.verdict)
    both = before.verdict is not None and result.verdict is not None
    same_trouble = bool(before.verdict and before.verdict.trouble) == bool(result.verdict and result.verdict.trouble)
    return Evidence(
        student=before.student,
        exercise=before.exercise,
        state=mark.state,
        points=mark.points,
        of=mark.of,
        source=before.source,
        basis=before.basis,
        parts=was,
        replayed=now,
        same_mark=was == now and same_trouble if both else None,
        same_answers=result.answers == before.answers if both else None,
        cases=result.cases,
        walls=result.walls,
        note=result.fault or (result.verdict.trouble if result.verdict else ""),
    )


def _states(verdict: Verdict | None) -> dict[str, str]:
    return {part.name: part.state for part in verdict.parts} if verdict else {}


def alike(graded: Graded) -> list[Group]:
    """The groups of like answers of every exercise, in the order of the course."""
    found: list[Group] = []
    for assigned in graded.marks.handout.assigned:
        exercise = assigned.exercise
        files: dict[str, tuple[Form, str]] = {
            each.student: (each.form, each.source)
            for each in graded.judged.values()
            if each.exercise == exercise.id and each.form is not None
        }
        found += groups(exercise.id, files, published_forms(exercise))
    return found
