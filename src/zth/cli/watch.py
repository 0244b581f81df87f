"""`zth watch`: judges the answer each time it is saved; hints, the list, the editor and all else by one key."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

from rich.console import Group, RenderableType
from rich.markup import escape

from zth.cli.exercise import course, hint, markdown, solution
from zth.cli.terminal import out
from zth.cli.watch_checks import Checks
from zth.cli.watch_files import Saves
from zth.cli.watch_judge import Judge
from zth.cli.watch_screen import Screen, farewell, found, head
from zth.cli.watch_terminal import ENDING, Terminal
from zth.cli.workbook import DeskOption, chosen_or_next
from zth.errors import ZthError
from zth.texts import say
from zth.workbook.desk import Desk
from zth.workbook.exercise import Exercise
from zth.workbook.progress import Progress

_VIEWS = {"t": "task", "h": "hints", "l": "list", "s": "solution"}
_WINDOWS = ("code", "code-insiders", "codium", "cursor", "windsurf", "zed", "subl", "mate", "atom")
"""Editors with windows of their own, that wait for the file to be closed if they are asked to, as git asks them."""
_MOVES = ("up", "down", "page up", "page down")


def watch_(exercise: str = "", /, *, desk: DeskOption = Path("my-zth")) -> int:
    """Judge your answer each time you save it; hints and all else by one key.

    Parameters
    ----------
    exercise
        Which one, as in 1.2. Default: the one that you are at; its stub is put on your desk where you have none.
    desk
        The folder with your answers.
    """
    terminal, table = Terminal(), Desk(desk)
    chosen = chosen_or_next(exercise, table)
    is_new = not table.file(chosen).exists()
    if is_new:
        table.start(chosen)
    with Judge() as judge, Saves(table.folder) as saves, terminal:  # the terminal is given back first of all
        watch = _Watch(chosen, table, terminal, saves, Checks(table, judge))
        code = watch.run("task" if is_new else "")
    at = watch.exercise
    out().print(farewell(at, watch.checks.verdicts.get(at), table.file(at)))
    return code


class _Watch:
    """What is at hand and what is shown of it. All happens in `run`, one thing after the other."""

    def __init__(self, exercise: Exercise, desk: Desk, terminal: Terminal, saves: Saves, checks: Checks) -> None:
        self.exercise, self.checks = exercise, checks
        self._desk, self._terminal, self._saves = desk, terminal, saves
        self._view = ""
        """ "task", "hints", "list" or "solution"; "" is the verdict."""
        self._first = 0
        """The first line of it that is seen."""
        self._at = exercise
        """In the list, the one that enter goes to."""
        self._notice = ""
        self._is_sure = False
        """Whether the solution has been asked for once already, without a try."""

    def run(self, view: str) -> int:
        """Until somebody has had enough; -> the exit code."""
        self._meet("again", "")
        self._view = view
        self._terminal.listen(self._saves, "saves")
        while True:
            self._draw()
            for kind, what in self._terminal.wait(1.0 if self.checks.asked else None):
                if kind == "key" and what == "q":
                    return 0
                if kind == "signal" and what in ENDING:
                    return 128 + int(what)
                self._meet(kind, what)
            if self.checks.asked and self.checks.is_overdue:
                self._give_up()
                self._meet("again", "")

    def _meet(self, kind: str, what: str | int) -> None:
        """One thing that happened. What cannot be done is said, and the watching goes on."""
        try:
            if kind == "key":
                self._notice = ""
                self._press(str(what))
            elif kind == "verdict" and self.checks.asked:
                self._terminal.ignore(self.checks.asked.channel)
                self._notice = self.checks.end()
                self._check()
            elif kind == "saves":
                saved = self._saves.names()
                if self._desk.file(self.exercise).name in saved:
                    self._notice = ""  # that it could not be read, say
                    self._check()
            elif kind == "again":
                self._check()
            elif what == signal.SIGTSTP:
                self._stop()
        except ZthError as error:
            self._notice = str(error)

    # --- judging ---

    def _check(self, *, again: bool = False) -> None:
        if self.checks.begin(self.exercise, again=again) and self.checks.asked:
            self._terminal.listen(self.checks.asked.channel, "verdict")
            self._view, self._first, self._notice = "", 0, ""

    def _give_up(self) -> None:
        if self.checks.asked:
            self._terminal.ignore(self.checks.asked.channel)
            self.checks.give_up()

    def _stop(self) -> None:
        """Ctrl-Z. A judging has a clock, which would go on while all else is stopped: it begins again instead."""
        self._give_up()
        self._terminal.stop()
        self._check()

    # --- keys ---

    def _press(self, key: str) -> None:
        was_sure, self._is_sure = self._is_sure, False
        if key == "s" and self._view != "solution":
            self._show_solution(was_sure)
        elif key in _VIEWS:
            self._look(_VIEWS[key])
        elif key in _MOVES:
            self._move(key)
        elif key == "enter" and self._view == "list":
            self._go_to(self._at)
        elif key == "n":
            self._next()
        elif key == "o":
            self._open()
        elif key == "r":
            self._check(again=True)
        elif key == "back":
            self._view, self._first = "", 0

    def _look(self, view: str) -> None:
        """At a view, and with the same key back at the verdict; among the hints the same key shows one more."""
        again = view == self._view
        if view == "hints" and (again or not self._progress().hints):
            self._desk.take_hint(self.exercise)
        elif again:
            view = ""
        self._view, self._first, self._at = view, 0, self.exercise

    def _show_solution(self, is_sure: bool) -> None:
        if self._desk.state(self.exercise) in ("new", "started") and not is_sure:
            self._is_sure = True
            self._notice = say("You have not tried it yet. Press s once more to see the solution all the same.")
            return
        self._notice = say("Reading the solution ...")  # it may have to import torch first
        self._draw()
        self._notice = ""
        self._look("solution")
        self._desk.see_solution(self.exercise)

    def _move(self, key: str) -> None:
        page = max(1, out().height - 12)
        steps = {"up": -1, "down": 1, "page up": -page, "page down": page}[key]
        if self._view == "list":
            every = list(self._desk.states())
            place = every.index(self._at) if self._at in every else -1  # a draft is not in the list
            self._at = every[min(max(place + steps, 0), len(every) - 1)]
        else:
            self._first = max(0, self._first + steps)

    def _next(self) -> None:
        following = self._desk.after(self.exercise)
        if following is None:
            self._notice = say("There is no other exercise that you have not passed.")
        else:
            self._go_to(following)

    def _go_to(self, exercise: Exercise) -> None:
        """Its stub is put on the desk where there is no answer yet, and its task is shown first."""
        is_new = not self._desk.file(exercise).exists()
        if is_new:
            self._desk.start(exercise)
        self.exercise = self._at = exercise
        self._check()
        self._view, self._first = "task" if is_new else "", 0

    def _open(self) -> None:
        command, path = _editor(), self._desk.file(self.exercise)
        if not command:
            self._notice = say(
                "Which editor? Say `export EDITOR=...` before `zth watch`, or open {path} yourself.", path=path
            )
            return
        try:
            with self._terminal.lent():
                code = subprocess.run([*command, str(path)], check=False).returncode
            self._notice = say("{editor} ended with code {code}.", editor=command[0], code=code) if code else ""
        except OSError as error:
            self._notice = say("{editor} cannot be started: {why}.", editor=command[0], why=error.strerror)

    # --- the screen ---

    def _draw(self) -> None:
        size = out().size
        lines, self._first = self._screen().fit(out(), size.width, size.height)
        self._terminal.draw(lines)

    def _screen(self) -> Screen:
        try:
            body, line = self._body()
            return Screen(
                head=head(self.exercise, self._desk), body=body, status=self._status(), first=self._first, line=line
            )
        except ZthError as error:  # a damaged journal: it can be mended while this waits
            return Screen(head=[], body=f"[red]{escape(str(error))}[/]", status=self._status())

    def _body(self) -> tuple[RenderableType, int | None]:
        """What the view shows, and which of its lines must be seen."""
        exercise = self.exercise
        if self._view == "list":
            grid, lines = course(self._desk, out().width, at=self._at)
            return grid, lines.get(self._at)
        if self._view == "task":
            return markdown(exercise.task.statement), None
        if self._view == "hints":
            return Group(*(hint(exercise, number) for number in range(self._progress().hints))), None
        if self._view == "solution":
            return solution(exercise), None
        verdict = self.checks.verdicts.get(exercise)
        return found(verdict, exercise, self._desk.after(exercise)) if verdict else "", None

    def _status(self) -> str:
        problem = f"[yellow]{escape(self._saves.problem)}[/]" if self._saves.problem else ""
        return "\n".join(filter(None, [self._news(), problem]))

    def _news(self) -> str:
        if self._notice:
            return f"[yellow]{escape(self._notice)}[/]"
        if asked := self.checks.asked:
            told, seconds = say("Judging {id} ...", id=asked.exercise.id), int(time.monotonic() - asked.since)
            return f"[yellow]{told}{f' {seconds} s' if seconds else ''}[/]"
        if verdict := self.checks.verdicts.get(self.exercise):
            when, took = self.checks.times[self.exercise], f"{verdict.seconds:.1f}"
            told = say(
                "Judged at {time} in {seconds} s. Save the file, and it is judged again.", time=when, seconds=took
            )
            return f"[dim]{told}[/]"
        return ""

    def _progress(self) -> Progress:
        return self._desk.progress().get(self.exercise.id, Progress())


def _editor() -> list[str]:
    """The command that opens a file: what VISUAL or EDITOR says, or VS Code in its own terminal; [] for none."""
    for name in ("VISUAL", "EDITOR"):
        try:
            if command := shlex.split(os.environ.get(name, "")):
                waits = ("-w", "--wait") if Path(command[0]).name in _WINDOWS else ()
                return [word for word in command if word not in waits]
        except ValueError:  # a quotation mark without its partner
            continue
    in_code = os.environ.get("TERM_PROGRAM") == "vscode" and shutil.which("code")
    return ["code"] if in_code else []
