"""A verdict on the screen: what passed, then the first failure in full, then the next move."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from zth.cli.terminal import out, printable
from zth.workbook.exercise import Exercise
from zth.workbook.judge import PartVerdict, Verdict

_MARKS = {
    "passed": "[green]✓[/]",
    "wrong": "[red]✗[/]",
    "raised": "[red]✗[/]",
    "missing": "[red]✗[/]",
    "unwritten": "[yellow]…[/]",
    "unreached": "[dim]·[/]",
}
_WORDS = {
    "passed": "",
    "wrong": "wrong",
    "raised": "raised an exception",
    "missing": "not in your file",
    "unwritten": "not written yet",
    "unreached": "not reached",
}


def print_verdict(verdict: Verdict, exercise: Exercise, path: Path) -> None:
    """Print it. The first failing part is explained; the others are one line each."""
    out().print(f"[bold]{exercise.id} {escape(exercise.task.title)}[/]  [dim]{escape(str(path))}[/]")
    for part in verdict.parts:
        word = "the known mistake: " + part.mistake if part.mistake else _WORDS[part.state]
        out().print(f"  {_MARKS[part.state]} {escape(part.name)}  [dim]{escape(word)}[/]")
    failure = verdict.first_failure
    if failure is not None and failure.state != "unreached":
        _print_failure(failure)
    if verdict.trouble:
        dot = "" if verdict.trouble.endswith("?") else "."
        out().print(Padding(f"[red]{escape(verdict.trouble[0].upper() + verdict.trouble[1:])}{dot}[/]", (1, 2, 0, 2)))
    if verdict.output.strip() and not verdict.ok:
        out().print("\n  [dim]Your code printed:[/]")
        out().print(Padding(escape(printable(verdict.output.strip()[-1000:])), (0, 4)))
    out().print()
    if verdict.ok:
        out().print(f"[bold green]Passed[/], {len(verdict.parts)} of {len(verdict.parts)} parts.")
    else:
        passed = sum(part.ok for part in verdict.parts)
        out().print(
            f"[bold]Not yet[/]: {passed} of {len(verdict.parts)} parts. Stuck: [bold]zth hint {exercise.id}[/]"
        )


def _print_failure(part: PartVerdict) -> None:
    rows = [
        ("called", part.call),
        ("got", part.got if part.state != "unwritten" else ""),
        ("wanted", part.wanted),
        ("differs", part.difference),
        ("where", part.place.split(":")[0] if part.state == "unwritten" else part.place),
    ]
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in rows:
        if text:
            grid.add_row(label, escape(printable(text)))
    out().print(Padding(grid, (1, 2, 0, 2)))
    if part.says:
        out().print(Padding(f"[bold]{escape(part.says)}[/]", (1, 2, 0, 2)))
