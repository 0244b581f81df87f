"""A verdict on the screen: what passed, then the first failure in full, then the next move."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from zth.cli.terminal import out, printable
from zth.workbook.exercise import Exercise
from zth.workbook.verdict import PartVerdict, Verdict

_MARKS = {
    "passed": "[green]✓[/]",
    "wrong": "[red]✗[/]",
    "inherited": "[yellow]↳[/]",
    "raised": "[red]✗[/]",
    "missing": "[red]✗[/]",
    "unwritten": "[yellow]…[/]",
    "unreached": "[dim]·[/]",
}
_WORDS = {
    "passed": "",
    "wrong": "wrong",
    "inherited": "follows from",
    "raised": "raised an exception",
    "missing": "not in your file",
    "unwritten": "not written yet",
    "unreached": "not reached",
}


def print_verdict(verdict: Verdict, exercise: Exercise, path: Path) -> None:
    """Print it. The first failing part is explained; the others are one line each."""
    out().print(f"[bold]{exercise.id} {escape(exercise.task.title)}[/]  [dim]{escape(str(path))}[/]")
    for part in verdict.parts:
        out().print(f"  {_MARKS[part.state]} {escape(part.name)}  [dim]{escape(_word(part))}[/]")
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
        inherited = sum(part.state == "inherited" for part in verdict.parts)
        more = f", and {inherited} that will follow" if inherited else ""
        out().print(
            f"[bold]Not yet[/]: {passed} of {len(verdict.parts)} parts{more}. Stuck: [bold]zth hint {exercise.id}[/]"
        )


def _word(part: PartVerdict) -> str:
    if part.mistake:
        return f"the known mistake: {part.mistake.removeprefix(f'{part.name}: ')}"
    return f"{_WORDS[part.state]} {', '.join(part.follows)}".strip()


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
