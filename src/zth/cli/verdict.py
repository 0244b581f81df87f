"""A verdict on the screen: what passed, then the first failure in full, then the next move."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from zth.cli.terminal import out, printable
from zth.texts import mark, say
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
    "wrong": mark("wrong"),
    "inherited": mark("follows from"),
    "raised": mark("raised an exception"),
    "missing": mark("not in your file"),
    "unwritten": mark("not written yet"),
    "unreached": mark("not reached"),
}


def print_verdict(verdict: Verdict, exercise: Exercise, path: Path) -> None:
    """Print it. The first failing part is explained; the others are one line each."""
    out().print(f"[bold]{exercise.id} {escape(exercise.task.title)}[/]  [dim]{escape(str(path))}[/]")
    for part in verdict.parts:
        out().print(f"  {_MARKS[part.state]} {escape(say(part.name))}  [dim]{escape(_word(part))}[/]")
    failure = verdict.first_failure
    if failure is not None and failure.state != "unreached":
        _print_failure(failure)
    if verdict.trouble:
        dot = "" if verdict.trouble.endswith("?") else "."
        out().print(Padding(f"[red]{escape(verdict.trouble[0].upper() + verdict.trouble[1:])}{dot}[/]", (1, 2, 0, 2)))
    if verdict.output.strip() and not verdict.ok:
        out().print(f"\n  [dim]{say('Your code printed:')}[/]")
        out().print(Padding(escape(printable(verdict.output.strip()[-1000:])), (0, 4)))
    out().print()
    if verdict.ok:
        out().print(say("[bold green]Passed[/], {n} of {n} parts.", n=len(verdict.parts)))
    else:
        passed = sum(part.ok for part in verdict.parts)
        inherited = sum(part.state == "inherited" for part in verdict.parts)
        more = say(", and {n} that will follow", n=inherited) if inherited else ""
        told = say("[bold]Not yet[/]: {passed} of {n} parts{more}.", passed=passed, n=len(verdict.parts), more=more)
        out().print(told, say("Stuck: [bold]zth hint {id}[/]", id=exercise.id))


def _word(part: PartVerdict) -> str:
    if part.mistake:
        name = say(part.mistake).removeprefix(f"{say(part.name)}: ")
        return say("the known mistake: {name}", name=name)
    return f"{say(_WORDS[part.state])} {', '.join(part.follows)}".strip()


def _print_failure(part: PartVerdict) -> None:
    rows = [
        (say("called"), part.call),
        (say("got"), part.got if part.state != "unwritten" else ""),
        (say("wanted"), part.wanted),
        (say("differs"), part.difference),
        (say("where"), part.place.split(":")[0] if part.state == "unwritten" else part.place),
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
