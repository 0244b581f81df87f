"""A verdict on the screen: what passed, then the first failure in full, then the next move."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from zth.cli.terminal import out, printable
from zth.workbook import told
from zth.workbook.exercise import Exercise
from zth.workbook.verdict import PartVerdict, Verdict

_COLOURS = {
    "passed": "green",
    "wrong": "red",
    "inherited": "yellow",
    "raised": "red",
    "missing": "red",
    "unwritten": "yellow",
    "unreached": "dim",
}


def print_verdict(verdict: Verdict, exercise: Exercise, path: Path) -> None:
    """Print it. The first failing part is explained; the others are one line each."""
    out().print(f"[bold]{exercise.id} {escape(exercise.task.title)}[/]  [dim]{escape(str(path))}[/]")
    for part in verdict.parts:
        mark = f"[{_COLOURS[part.state]}]{told.MARKS[part.state]}[/]"
        out().print(f"  {mark} {escape(part.name)}  [dim]{escape(told.word(part))}[/]")
    failure = verdict.first_failure
    if failure is not None and failure.state != "unreached":
        _print_failure(failure)
    if verdict.trouble:
        out().print(Padding(f"[red]{escape(told.trouble(verdict))}[/]", (1, 2, 0, 2)))
    if verdict.output.strip() and not verdict.ok:
        out().print("\n  [dim]Your code printed:[/]")
        out().print(Padding(escape(printable(verdict.output.strip()[-1000:])), (0, 4)))
    out().print()
    if verdict.ok:
        out().print(f"[bold green]Passed[/], {told.count(verdict)}.")
    else:
        out().print(f"[bold]Not yet[/]: {told.count(verdict)}. Stuck: [bold]zth hint {exercise.id}[/]")


def _print_failure(part: PartVerdict) -> None:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in told.rows(part):
        grid.add_row(label, escape(printable(text)))
    out().print(Padding(grid, (1, 2, 0, 2)))
    if part.says:
        out().print(Padding(f"[bold]{escape(part.says)}[/]", (1, 2, 0, 2)))
