"""A verdict on the screen: what passed, then the first failure in full, then the next move."""

from __future__ import annotations

from pathlib import Path

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from zth.cli.terminal import out
from zth.texts import printable, say
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


def line(part: PartVerdict) -> str:
    """A part in a line of markup."""
    return f"{_mark(part)} {escape(say(part.name))}  [dim]{escape(told.word(part))}[/]"


def marks(verdict: Verdict) -> str:
    """All parts in a character each, as markup."""
    return "".join(map(_mark, verdict.parts))


def _mark(part: PartVerdict) -> str:
    return f"[{_COLOURS[part.state]}]{told.MARKS[part.state]}[/]"


def print_verdict(verdict: Verdict, exercise: Exercise, path: Path) -> None:
    """Print it. The first failing part is explained; the others are one line each."""
    out().print(f"[bold]{exercise.id} {escape(exercise.title)}[/]  [dim]{escape(str(path))}[/]")
    for part in verdict.parts:
        out().print(f"  {line(part)}")
    out().print(first_failure(verdict))
    stuck = "" if verdict.ok else say("Stuck: [bold]zth hint {id}[/]", id=exercise.id)
    out().print(f"{summary(verdict)} {stuck}".rstrip())


def summary(verdict: Verdict) -> str:
    """How many parts passed, as markup."""
    style = "bold green" if verdict.ok else "bold"
    return f"[{style}]{escape(told.conclusion(verdict))}[/]"


def first_failure(verdict: Verdict) -> Group:
    """What fails first in full, what became of the process, and what the file printed."""
    shown: list[RenderableType] = []
    failure = verdict.first_failure
    if failure is not None and failure.state != "unreached":
        shown += _in_full(failure)
    if verdict.trouble:
        shown.append(Padding(f"[red]{escape(printable(told.trouble(verdict)))}[/]", (1, 2, 0, 2)))
    if verdict.output.strip() and not verdict.ok:
        shown.append(f"\n  [dim]{say('Your code printed:')}[/]")
        shown.append(Padding(escape(printable(verdict.output.strip()[-1000:])), (0, 4)))
    return Group(*shown, "")


def _in_full(part: PartVerdict) -> list[RenderableType]:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in told.rows(part):
        grid.add_row(label, escape(printable(text)))
    says = [Padding(f"[bold]{escape(printable(part.says))}[/]", (1, 2, 0, 2))] if part.says else []
    return [Padding(grid, (1, 2, 0, 2)), *says]
