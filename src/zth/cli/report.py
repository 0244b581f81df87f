"""`zth report`: run folders and the desk -> one page and figures.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from zth.cli.terminal import JsonOption, out, print_json
from zth.errors import ExerciseError, RunError
from zth.report import Summary, build, figure_texts, summary
from zth.runs import find
from zth.texts import say
from zth.workbook.desk import Desk
from zth.workbook.exercise import Exercise
from zth.workbook.progress import Progress

_STYLES = {"as the course": "green", "better": "cyan", "worse": "bold red", "measured": "dim"}


def report(
    runs: Path = Path("runs"),
    /,
    *,
    to: Annotated[Path, Parameter(name="--out")] = Path("report"),
    desk: Path | None = None,
    as_json: JsonOption = False,
) -> int:
    """Make one page of all runs and of your progress, to open in a browser.

    Parameters
    ----------
    runs
        The folder of run folders, or one run folder.
    to
        Where index.html and figures.json go.
    desk
        The folder with your answers. Default: my-zth, where there is one.
    as_json
        Print the figures and your progress as JSON instead of tables.
    """
    rows = desk_rows(desk)
    records = find(runs) if runs.is_dir() or not rows else []
    if not records and not rows:
        raise RunError(f"There are no runs in {runs}.", "Make some first: make tour, or zth measure 2.2")
    page = build(records, to, desk=rows)
    total = summary(records)
    if as_json:
        print_json({"figures": total.rows, "desk": rows})
    else:
        show(total, page, rows)
    return 0


def desk_rows(folder: Path | None) -> list[dict[str, Any]]:
    """What the page shows of a desk; nothing where nobody has begun. A folder that is named must be there."""
    if folder is not None and not folder.is_dir():
        raise ExerciseError(
            say("There is no desk {folder}.", folder=folder), say("Name the folder with your answers.")
        )
    table = Desk(folder or Path("my-zth"))
    progress = table.progress()
    rows = [_desk_row(exercise, state, progress.get(exercise.id)) for exercise, state in table.states().items()]
    return rows if any(row["state"] != "new" for row in rows) else []


def _desk_row(exercise: Exercise, state: str, done: Progress | None) -> dict[str, Any]:
    lecture = exercise.lecture
    return {
        "id": exercise.id,
        "lecture": lecture.id,
        "lecture_title": lecture.title,
        "title": exercise.title,
        "state": state,
        "tries": done.tries if done else 0,
        "hints": done.hints if done else 0,
        "saw_solution": bool(done and done.saw_solution),
        "passed": done.passed if done else "",
        "seconds": done.seconds if done and done.seconds else None,
    }


def show(total: Summary, page: Path, desk: Sequence[Mapping[str, Any]] = ()) -> None:
    """Print every figure beside its reference, what did not finish, the totals, and where the page is."""
    table = figures_table(total)
    if table.row_count:
        out().print(table)
    for record in total.unfinished:
        error = str(record.meta.get("error") or "")
        out().print(f"[bold red]{escape(record.name)} {escape(record.status)}[/] {escape(error)}", soft_wrap=True)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in total.counts.items() if count)
    passed = sum(row["state"] == "passed" for row in desk)
    told = [counts, f"{passed} of {len(desk)} exercises passed"] if desk else [counts or "no figures"]
    lines = [*filter(None, told), page.resolve().as_uri()]
    out().print("\n" + "\n".join(lines), soft_wrap=True, markup=False)


def figures_table(total: Summary) -> Table:
    """Every figure beside its reference, as rich prints it; under its name where the terminal is narrow."""
    narrow = out().width < 72
    table = Table(box=None, pad_edge=False, header_style="dim", show_header=not narrow)
    for heading in ("run", "figure", "measured", "reference", "verdict")[: 1 if narrow else None]:
        numbers = heading in ("measured", "reference")
        table.add_column(heading, justify="right" if numbers else "left", overflow="fold", no_wrap=numbers)
    for section in total.sections:
        for i, figure in enumerate(section.record.figures):
            value, reference = figure_texts(figure)
            value = escape(f"{value} {figure.unit}".strip())
            verdict = f"[{_STYLES[figure.verdict]}]{figure.verdict}[/]"
            if narrow:
                wanted = f" (reference {reference})" if reference else ""
                table.add_row(f"{escape(section.record.name)} {escape(figure.name)}\n  {value}{wanted} {verdict}")
            else:
                run = "" if i else escape(section.record.name)
                table.add_row(run, escape(figure.name), value, reference, verdict)
    return table
