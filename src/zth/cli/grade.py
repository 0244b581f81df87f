"""`zth grade`: a folder of submissions -> marks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from zth.cli.terminal import err, out
from zth.errors import ConfigError, ExerciseError
from zth.machine import n_cores
from zth.processes import keep_to_one_thread
from zth.texts import printable
from zth.workbook.audit import Audit, audit
from zth.workbook.exercise import exercises
from zth.workbook.grade import Told, grade
from zth.workbook.handout import Handout, read_lock, version
from zth.workbook.journal import open_journal
from zth.workbook.marks import Marks
from zth.workbook.marks_files import by_exercise, rounded
from zth.workbook.places import Places
from zth.workbook.submissions import Submission, collect, parse_due

_FEW = 10
"""Lines of each kind on the screen; the rest is in the files."""


def grade_(
    submissions: Path,
    /,
    *,
    to: Annotated[list[Path] | None, Parameter(name="--out", negative="")] = None,
    weights: Path | None = None,
    due: str = "",
    with_audit: Annotated[bool, Parameter(name="--audit", negative="")] = False,
    gradescope: Path | None = None,
    nbgrader: Path | None = None,
    again: Annotated[bool, Parameter(negative="")] = False,
    workers: int = 0,
) -> int:
    """Judge a folder of submissions, and write the marks. Ctrl-C stops; the same command goes on.

    Parameters
    ----------
    submissions
        A folder for each student, or files as a learning platform exports them.
    to
        Where the marks go: .csv, .json or .html; may be given several times. Default: marks.csv.
    weights
        The handout's folder, or a TOML like its handout.toml. Default: what was handed in, all of equal worth.
    due
        When it was due, as in 2026-12-01 or 2026-12-01T18:30. Who came later is marked as late.
    with_audit
        Also replay every mark, keep its evidence, and list answers that are the same up to renaming.
    gradescope
        Also write Gradescope's results: a path ending in .json, and submissions are one student's; else a folder.
    nbgrader
        Also write a table of points in nbgrader's columns, as CSV.
    again
        Judge anew what was stopped by its time limit, as on a machine that was busy.
    workers
        How many files are judged at a time. Default: as many as there are cores.
    """
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    places = Places(
        marks=to or [Path("marks.csv")],
        gradescope=gradescope,
        nbgrader=nbgrader,
        summary=Path(summary) if summary else None,
    )
    places.check(submissions)
    if workers < 0:
        raise ConfigError(f"--workers is {workers}.", "Take at least 1, or leave it out.")
    handed_in_by = parse_due(due) if due else None
    handout, found = _assigned(submissions, weights, one=places.for_one)
    keep_to_one_thread()
    n = workers or n_cores()
    try:
        with open_journal(places.journal) as journal, _bar("Judging") as told:
            graded = grade(found, handout, journal, due=handed_in_by, n_workers=n, again=again, told=told)
        written, differing = places.write(graded.marks), []
        _print_marks(graded.marks)
        if with_audit:
            with _bar("Replaying") as told:
                checked = audit(graded, n, told)
            written |= places.write_audit(checked)
            _print_audit(checked)
            differing = checked.differing
    except KeyboardInterrupt:
        told_ = f"\ninterrupted: what was judged is in {places.journal}; the same command goes on from there"
        err().print(escape(told_), soft_wrap=True)
        return 130
    _print_written(written)
    return int(any(mark.state == "unjudged" for mark in graded.marks.rows) or bool(differing))


def _assigned(submissions: Path, weights: Path | None, *, one: bool) -> tuple[Handout, list[Submission]]:
    """The exercises to mark, and who handed in what of them."""
    handout = read_lock(weights) if weights else Handout.of(exercises())
    if handout.zth not in ("", version()):
        err().print(f"The handout was made with zth {escape(handout.zth)}; this is {version()}.")
    found, nobodys = collect(submissions, [each.exercise for each in handout.assigned], one=one)
    if not found:
        raise ExerciseError(
            f"There is no submission in {submissions}.", "It needs a folder, or files, of each student."
        )
    if nobodys:
        told = ", ".join(nobodys[:_FEW])
        err().print(f"Passed over, since nothing tells whose they are: {escape(printable(told))}", soft_wrap=True)
    if weights is None:
        handed_in = [each for each in exercises() if any(each.id in one.files for one in found)]
        if not handed_in:
            example = exercises()[0].file_name
            raise ExerciseError(f"No file in {submissions} is an exercise's.", f"They are named like {example}.")
        handout = Handout.of(handed_in)
    return handout, found


def _print_marks(marks: Marks) -> None:
    table = Table(box=None, pad_edge=False)
    rows = by_exercise(marks)
    for heading in rows[0]:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*(f"{value:g}" if isinstance(value, float) else str(value) for value in row.values()))
    out().print(table)
    mean = sum(student.points for student in marks.students) / len(marks.students)
    late = sum(student.late for student in marks.students)
    out().print(
        f"{len(marks.students)} students, mean [bold]{mean:.2f}[/] of {rounded(marks.handout.points):g} points"
        f"{f', {late} late' if late else ''}"
    )
    looks = [mark for mark in marks.rows if mark.look]
    _print_few(
        "Look at these yourself:", [f"{mark.student} {mark.exercise}: {mark.state}; {mark.note}" for mark in looks]
    )


def _print_audit(checked: Audit) -> None:
    differing = checked.differing
    n = len(checked.replayed)
    exactly = sum(bool(each.same_answers) for each in checked.replayed)
    out().print(
        f"Replayed {n} marks: {n - len(differing)} came out the same, "
        f"{exactly} with every answer the same bit for bit."
    )
    _print_few("These marks came out differently:", [f"{each.student} {each.exercise}" for each in differing])
    found = [group for group in checked.groups if not group.is_short]
    alike = [
        f"{group.exercise} ({group.nodes} nodes): {', '.join([*group.students, *_published(group.published)])}"
        for group in found
    ]
    _print_few("The same up to renaming:", alike)
    if short := len(checked.groups) - len(found):
        out().print(f"[dim]{short} more groups of short answers, which may be alike by chance, are in the file.[/]")


def _published(name: str) -> list[str]:
    return [f"zth's own {name}"] if name else []


def _print_few(heading: str, lines: list[str]) -> None:
    if lines:
        out().print(f"[bold]{heading}[/]")
    for line in lines[:_FEW]:
        out().print(f"  {escape(printable(line))}", soft_wrap=True)
    if len(lines) > _FEW:
        out().print(f"  [dim]and {len(lines) - _FEW} more[/]")


def _print_written(written: Mapping[Path, Path | None]) -> None:
    for path, backup in written.items():
        if backup is not None:
            told = f"The {path.name} that was there is now {backup.name}."
            err().print(escape(printable(told)), soft_wrap=True)
    paths = [str(path) for path in written]
    more = f" and {len(paths) - _FEW} more" if len(paths) > _FEW else ""
    out().print(f"Written: {escape(printable(', '.join(paths[:_FEW])))}{more}", soft_wrap=True)


@contextmanager
def _bar(what: str) -> Iterator[Told]:
    """A progress bar on standard error; it is gone when it is over."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err(), transient=True) as progress:
        task = progress.add_task(what, total=None)

        def told(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield told
