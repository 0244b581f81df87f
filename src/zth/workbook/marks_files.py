"""Marks as files for other programs: CSV, JSON, nbgrader's table, Gradescope's results, a summary for GitHub Actions.

Names and messages come from strangers: in CSV a cell that a spreadsheet would take for a formula gets an apostrophe
in front, in Markdown nothing of theirs is markup.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zth.workbook import told
from zth.workbook.handout import version
from zth.workbook.marks import Mark, Marks, Student
from zth.workbook.similar import Group

MAX_SUMMARY = 1_000_000
"""Bytes; GitHub refuses a step's summary of more than 1 MiB, and then shows nothing."""


def rounded(points: float) -> float:
    """Points as they are shown: 4 decimals are enough to share out any exercise.

    >>> rounded(10 / 3)
    3.3333
    """
    return round(points, 4)


def to_csv(marks: Marks) -> str:
    """One row for each exercise of each student."""
    columns = "student exercise state points max_points passed parts late handed_in clock note"
    return _csv(
        columns.split(),
        (
            [
                student.name,
                mark.exercise,
                mark.state,
                rounded(mark.points),
                rounded(mark.of),
                mark.passed,
                len(mark.parts),
                "late" if student.late else "",
                _moment(student),
                student.clock,
                "; ".join(filter(None, [mark.says, *student.notes])),
            ]
            for student in marks.students
            for mark in student.marks
        ),
    )


def to_nbgrader(marks: Marks) -> str:
    """One row for each student, in the columns of `nbgrader export`.

    Names and e-mail are not known here, and there is no penalty for coming late: that is the teacher's to decide.
    """
    columns = "assignment duedate timestamp student_id last_name first_name email raw_score late_submission_penalty"
    return _csv(
        [*columns.split(), "score", "max_score"],
        (
            [
                marks.handout.name,
                marks.due.isoformat() if marks.due else "",
                _moment(student),
                student.name,
                *["", "", ""],
                rounded(student.points),
                0.0,
                rounded(student.points),
                rounded(marks.handout.points),
            ]
            for student in marks.students
        ),
    )


def pairs_csv(groups: Iterable[Group]) -> str:
    """One row for each pair of like answers, and for each that is a published one."""
    rows: list[Sequence[object]] = []
    for group in groups:
        more = [group.nodes, "yes" if group.is_short else "", len(group.students)]
        if group.published:
            rows += [[group.exercise, student, f"zth: {group.published}", "", *more] for student in group.students]
        identical = "yes" if group.identical else ""
        rows += [[group.exercise, one, two, identical, *more] for one, two in group.pairs()]
    return _csv(["exercise", "one", "two", "identical_files", "nodes", "short", "how_many_share_it"], rows)


def to_json(marks: Marks) -> dict[str, Any]:
    """Everything, with the parts."""
    return {
        "zth": version(),
        "handout_zth": marks.handout.zth,
        "exercises": {each.exercise.id: {"points": each.points} for each in marks.handout.assigned},
        "due": marks.due.isoformat() if marks.due else None,
        "max_points": marks.handout.points,
        "students": [
            {
                "student": student.name,
                "points": student.points,
                "late": student.late,
                "late_by_seconds": student.late_by.total_seconds() if student.late_by else None,
                "handed_in": _moment(student),
                "clock": student.clock,
                "notes": list(student.notes),
                "marks": [mark.to_json() for mark in student.marks],
            }
            for student in marks.students
        ],
    }


def to_gradescope(student: Student) -> dict[str, Any]:
    """One student's results.json: a test for each part; plain text, since a message may hold what a student wrote."""
    tests = [
        {
            "name": f"{mark.exercise} {part.name}",
            "number": f"{mark.exercise}.{number}",
            "score": part.points,
            "max_score": part.of,
            "status": "passed" if part.state == "passed" else "failed",
            "output": part.says or ("" if part.state == "passed" else mark.note or told.state(part.state)),
            "output_format": "text",
        }
        for mark in student.marks
        for number, part in enumerate(mark.parts, 1)
    ]
    notes = [*student.notes, *(f"{mark.exercise}: {mark.word}; {mark.note}" for mark in student.marks if mark.note)]
    return {
        "score": rounded(student.points),
        "execution_time": round(sum(mark.seconds for mark in student.marks)),
        "output": "\n".join(notes),
        "output_format": "text",
        "tests": tests,
    }


def to_summary(marks: Marks) -> str:
    """Markdown for GITHUB_STEP_SUMMARY: the exercises, then the students, as far as there is room."""
    head = [f"### Marks: {marks.handout.name}", "", "| exercise | mean | of | whole | not begun | missing | look |"]
    lines = [*head, "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    lines += [_markdown_row(row.values()) for row in by_exercise(marks)]
    lines += ["", "| student | points | of | late | |", "| --- | ---: | ---: | --- | --- |"]
    size = len("\n".join(lines).encode())
    for number, student in enumerate(marks.students):
        says = "; ".join(f"{mark.exercise}: {mark.says}" for mark in student.marks if mark.says)
        cells = [student.name, rounded(student.points), rounded(marks.handout.points), "late" if student.late else ""]
        line = _markdown_row([*cells, says[:300]])
        size += len(line.encode()) + 1
        if size > MAX_SUMMARY:
            lines += ["", f"{len(marks.students) - number} more students: see the file of marks."]
            break
        lines.append(line)
    return "\n".join(lines) + "\n"


def by_exercise(marks: Marks) -> list[Mapping[str, Any]]:
    """One row for each exercise: how the class did."""
    rows: list[Mapping[str, Any]] = []
    for assigned in marks.handout.assigned:
        mine = [mark for mark in marks.rows if mark.exercise == assigned.exercise.id]
        states = Counter(mark.state for mark in mine)
        rows.append(
            {
                "exercise": assigned.exercise.id,
                "mean": round(sum(mark.points for mark in mine) / max(len(mine), 1), 2),
                "of": rounded(assigned.points),
                "whole": sum(is_whole(mark) for mark in mine),
                "not begun": states["not begun"],
                "missing": states["missing"],
                "look": sum(mark.look for mark in mine),
            }
        )
    return rows


def is_whole(mark: Mark) -> bool:
    """Whether it has all its points."""
    return mark.state == "judged" and rounded(mark.points) == rounded(mark.of)


def _moment(student: Student) -> str:
    return student.handed_in.isoformat(sep=" ", timespec="seconds") if student.handed_in else ""


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([cell(value) for value in row] for row in rows)
    return file.getvalue()


def cell(value: object) -> object:
    """A text that no spreadsheet runs as a formula, on one line.

    >>> cell("=1+1"), cell(-0.5)
    ("'=1+1", -0.5)
    """
    if not isinstance(value, str):
        return value
    line = re.sub(r"\s+", " ", "".join(char if char.isprintable() else " " for char in value)).strip()
    return f"'{line}" if line.startswith(("=", "+", "-", "@")) else line


def _markdown_row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(_markdown(value) for value in cells)} |"


def _markdown(value: object) -> str:
    """A cell in which nothing is markup, a link, a mention or HTML."""
    line = re.sub(r"\s+", " ", str(value))
    return re.sub(r"[\\`*_{}\[\]<>()#+!|~@&:$^-]", lambda found: f"&#{ord(found[0])};", line)
