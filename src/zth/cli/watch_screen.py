"""What `zth watch` shows: a head that stays, a body that scrolls and a foot with the keys, in the lines there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.markup import escape

from zth.cli.exercise import needs, video
from zth.cli.verdict import first_failure, line, marks, summary
from zth.texts import mark, say, say_many
from zth.workbook.desk import Desk
from zth.workbook.exercise import Exercise
from zth.workbook.verdict import Verdict

KEYS = {
    "t": mark("task"),
    "h": mark("hint"),
    "l": mark("list"),
    "n": mark("next"),
    "o": mark("open"),
    "s": mark("solution"),
    "r": mark("judge again"),
    "q": mark("quit"),
}


@dataclass(frozen=True, kw_only=True)
class Screen:
    """One screen, before it is fitted to a terminal."""

    head: Sequence[RenderableType]
    """From what matters most to what is left out first where there is no room."""
    body: RenderableType
    status: str
    first: int = 0
    """The first line of the body that is shown, if there are so many."""
    line: int | None = None
    """A line of the body that must be seen."""

    def fit(self, console: Console, width: int, height: int) -> tuple[list[str], int]:
        """The lines, at most `height` of them, and which line of the body is the first of them."""
        foot = _lines(console, self.status, width) + _lines(console, _keys(), width)
        head = [text for part in self.head for text in _lines(console, part, width)]
        head = head[: max(1, height - len(foot) - 5)]  # a few lines for the body, however small the window
        body = _lines(console, self.body, width)
        room = max(0, height - len(head) - len(foot) - 2)
        first = self.first if self.line is None else min(max(self.first, self.line - room + 1), self.line)
        first = max(0, min(first, len(body) - room))
        shown = body[first : first + room]
        below = len(body) - first - len(shown)
        more = say_many("{n} more line: ↓", "{n} more lines: ↓", below) if below else say("↑ for what is above")
        rule = f"── {more} " if below or first else ""
        lines = [*head, "", *shown, *[""] * (room - len(shown)), rule.ljust(width, "─")[:width], *foot]
        return lines[:height], first


def head(exercise: Exercise, desk: Desk) -> list[RenderableType]:
    """Which exercise, what it asks, in which file, where in the video, and what it builds on."""
    states = list(desk.states().values())
    passed = say("{n} of {all} passed", n=states.count("passed"), all=len(states))
    title = f"[bold]{exercise.id} {escape(exercise.title)}[/]  [dim]{passed}[/]"
    more = [say("Your file: {path}", path=desk.file(exercise))]
    if exercise.clips:
        more.append(say("In the video: {where}", where=video(exercise)))
    more += needs(exercise, desk)
    return [title, escape(exercise.task.asks), *(f"[dim]{escape(text)}[/]" for text in more)]


def found(verdict: Verdict, exercise: Exercise, following: Exercise | None) -> RenderableType:
    """A verdict: how far, what fails first, what to look at; or what to do after a pass."""
    shown: list[RenderableType] = [f"{marks(verdict)}  {summary(verdict)}"]
    if verdict.ok:
        onward = f"[bold]n[/]  {following.id} {escape(following.title)}" if following else say("All passed.")
        shown += ["", onward, f"[bold]s[/]  {say('our solution, explained')}"]
        if exercise.has_measurement:
            shown.append(say("zth measure {id}  asks real data", id=exercise.id))
        return Group(*shown)
    failure = verdict.first_failure
    if failure is not None:
        shown += ["", line(failure)]
    return Group(*shown, first_failure(verdict))


def farewell(exercise: Exercise, verdict: Verdict | None, path: Path) -> str:
    """What stays on the screen when the watching has ended."""
    told = f" {summary(verdict)}" if verdict else ""
    on = say("Go on: zth watch")
    return f"[bold]{exercise.id} {escape(exercise.title)}[/]  [dim]{escape(str(path))}[/] {told}\n{on}"


def _keys() -> str:
    return "  ".join(f"[bold]{key}[/] {say(what).replace(' ', chr(0xA0))}" for key, what in KEYS.items())


def _lines(console: Console, what: RenderableType, width: int) -> list[str]:
    with console.capture() as capture:
        console.print(what, width=width)
    return capture.get().removesuffix("\n").split("\n")
