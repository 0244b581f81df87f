"""The command line: prints and parses, nothing else.

Each command is imported when it is called, so that `zth list` does not wait for torch. Exit codes: 0 done, 1 "your
answer is wrong", 2 "cannot", 3 "this exercise is unfinished", 130 interrupted.
"""

from __future__ import annotations

import importlib.metadata
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cyclopts
from cyclopts import App, Group
from rich.markup import escape

from zth.cli.help import CompactHelp
from zth.cli.terminal import err
from zth.errors import ZthError
from zth.texts import language, say

# (command, where it is, what it does): in the order in which people meet them.
COMMANDS = {
    "Learn": [
        ("watch", "watch:watch_", "Judge your answer at each save; hints and the rest by one key."),
        ("list", "workbook:list_", "Show every exercise and how far you are."),
        ("next", "workbook:next_", "Show the exercise that you are at, or the next one."),
        ("start", "workbook:start_", "Copy an exercise's stub to your desk, and say what it asks."),
        ("check", "workbook:check_", "Judge your answer, and say what is wrong."),
        ("hint", "workbook:hint_", "Show the next hint: a nudge, then the idea, then the line."),
        ("solution", "workbook:solution_", "Explain the solution and show its source, once you have tried."),
        ("notebook", "notebook:notebook_", "Write a lecture as a notebook: statements, stubs, checks."),
        ("reset", "workbook:reset_", "Put a fresh stub on your desk; your file is kept as a backup."),
    ],
    "Teach": [
        ("assign", "assign:assign_", "Write a handout for a class: stubs and statements, no solutions."),
        ("grade", "grade:grade_", "Judge a folder of submissions, and write the marks."),
    ],
    "Measure": [
        ("measure", "measure:measure_", "Run an exercise's experiment on real data, into a run folder."),
        ("tour", "measure:tour_", "Measure every exercise quickly and write the report."),
        ("report", "report:report", "Turn run folders into one page."),
        ("prove", "prove:prove_", "Prove that the checks reject what is wrong, and only that."),
        ("new-exercise", "new_exercise:new_exercise_", "Begin an exercise of your own; zth prove leads to its end."),
    ],
    "Train": [
        ("train", "train:app", "Train a model on names, or on a text of yours."),
        ("sample", "sample:sample_", "Draw from a trained model."),
        ("compare", "compare:compare_", "Compare trainings: a table and their loss curves."),
        ("mix", "mix:mix_", "Average what several trained models say: often the best model of all."),
        ("tune", "tune:app", "Search for a model's best options."),
    ],
    "Look": [
        ("data", "data:app", "List, show, get and find the texts to learn from."),
        ("draw", "draw:draw", "Draw an expression as a graph, with every value and gradient."),
        ("doctor", "doctor:doctor", "Print versions, device, threads, and which data was found where."),
    ],
}

EXAMPLES = """Examples:
    zth start 1.1        copy the first exercise to ./my-zth
    zth check            judge the exercise you are at, and say what is wrong
    zth train names      train a model that makes up names
"""


def _app() -> App:
    app = App(
        name="zth",
        help="Neural Networks: Zero to Hero as software: exercises checked, figures measured.",
        help_epilogue=EXAMPLES,
        help_format="plaintext",
        suppress_keyboard_interrupt=False,  # main says "interrupted", and with which code
        help_formatter=CompactHelp(),
        version=lambda: importlib.metadata.version("zth"),
    )
    for rank, (title, commands) in enumerate(COMMANDS.items()):
        group = Group(title, sort_key=rank)
        for place, (name, path, what) in enumerate(commands):
            own = {} if path.endswith(":app") else {"help_epilogue": ""}  # the examples are the first page's
            app.command(f"zth.cli.{path}", name=name, group=group, help=what, sort_key=place, **own)
    app["--help"].show = app["--version"].show = False  # one screen; everybody knows these two
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command -> the exit code."""
    tokens = sys.argv[1:] if arguments is None else list(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plainly")  # a terminal that lacks a character is no reason to fail
    try:
        language()  # one that is not there is told now, and not in the middle of a sentence
        with _terminated_as_interrupted():
            result = _app()(tokens, exit_on_error=False, result_action="return_value", error_console=err())
        return result if isinstance(result, int) else 0
    except ZthError as error:
        return _cannot(error.problem, error.next_move)
    except cyclopts.CycloptsError:
        return 2  # cyclopts has said what it got and what it wanted
    except KeyboardInterrupt:
        err().print("\n" + say("interrupted"))
        return 130
    except BrokenPipeError:  # the reader of our output has gone, as in `zth list | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk behind a redirection, say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        told = say("Cannot write: {why}.", why=error.strerror or error)
        return _cannot(told, say("Free some space, or choose another place."))
    except ImportError as error:
        told = say("A part of the installation is missing: {what}.", what=error)
        return _cannot(told, say("Install again: make setup, or pip install zth"))
    except Exception as error:  # exit code 1 means "your answer is wrong"; a fault of ours must not say that
        if "ZTH_DEBUG" in os.environ:
            raise
        return _fault(error)


def _fault(error: Exception) -> int:
    from zth.workbook.pack import at_fault

    pack = at_fault(error)
    if pack is not None:
        told = say("A fault of the pack {name!r}, not of yours: {what}.", name=pack.name, what=pack.told(error))
        return _cannot(told, say("Tell those who wrote it."))
    told = say("A fault of zth itself, not of yours: {what}", what=f"{type(error).__name__}: {error}")
    return _cannot(told, say("Please report it, with what ZTH_DEBUG=1 in front of the same command prints."))


def _cannot(problem: str, next_move: str) -> int:
    err().print(f"[bold red]zth:[/] {escape(problem)}", soft_wrap=True)
    if next_move:
        err().print(f"     {escape(next_move)}", soft_wrap=True)
    return 2


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM, too, ends the processes that a command has started, and leaves what can go on."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only there may signals be handled
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
