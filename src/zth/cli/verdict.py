"""A verdict on the screen: what passed, then the first failure in full, then the next move."""

from __future__ import annotations

from pathlib import Path

from rich.console import Group, RenderableType
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


def line(part: PartVerdict) -> str:
    """A part in a line of markup."""
    return f"{_MARKS[part.state]} {escape(part.name)}  [dim]{escape(_word(part))}[/]"


def marks(verdict: Verdict) -> str:
    """All parts in a character each, as markup."""
    return "".join(_MARKS[part.state] for part in verdict.parts)


def print_verdict(verdict: Verdict, exercise: Exercise, path: Path) -> None:
    """Print it. The first failing part is explained; the others are one line each."""
    out().print(f"[bold]{exercise.id} {escape(exercise.task.title)}[/]  [dim]{escape(str(path))}[/]")
    for part in verdict.parts:
        out().print(f"  {line(part)}")
    out().print(first_failure(verdict))
    stuck = "" if verdict.ok else f" Stuck: [bold]zth hint {exercise.id}[/]"
    out().print(f"{summary(verdict)}{stuck}")


def summary(verdict: Verdict) -> str:
    """How many parts passed, as markup."""
    n, passed = len(verdict.parts), sum(part.ok for part in verdict.parts)
    if verdict.ok:
        return f"[bold green]Passed[/], {n} of {n} parts."
    inherited = sum(part.state == "inherited" for part in verdict.parts)
    more = f", and {inherited} that will follow" if inherited else ""
    return f"[bold]Not yet[/]: {passed} of {n} parts{more}."


def _word(part: PartVerdict) -> str:
    if part.mistake:
        return f"the known mistake: {part.mistake.removeprefix(f'{part.name}: ')}"
    return f"{_WORDS[part.state]} {', '.join(part.follows)}".strip()


def first_failure(verdict: Verdict) -> Group:
    """What fails first in full, what became of the process, and what the file printed."""
    shown: list[RenderableType] = []
    failure = verdict.first_failure
    if failure is not None and failure.state != "unreached":
        shown += _in_full(failure)
    if verdict.trouble:
        dot = "" if verdict.trouble.endswith("?") else "."
        told = escape(printable(verdict.trouble[0].upper() + verdict.trouble[1:]))
        shown.append(Padding(f"[red]{told}{dot}[/]", (1, 2, 0, 2)))
    if verdict.output.strip() and not verdict.ok:
        shown.append("\n  [dim]Your code printed:[/]")
        shown.append(Padding(escape(printable(verdict.output.strip()[-1000:])), (0, 4)))
    return Group(*shown, "")


def _in_full(part: PartVerdict) -> list[RenderableType]:
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
    says = [Padding(f"[bold]{escape(printable(part.says))}[/]", (1, 2, 0, 2))] if part.says else []
    return [Padding(grid, (1, 2, 0, 2)), *says]
