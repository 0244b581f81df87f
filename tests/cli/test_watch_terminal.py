"""The terminal is given back as it was, whatever happens to the program that borrowed it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from zth.cli.watch_terminal import keys

TELL = """
import sys
from zth.cli.watch_terminal import Terminal
with Terminal() as terminal:
    terminal.draw(["ready"])
    while True:
        for kind, what in terminal.wait(None):
            if what == "q":
                sys.exit(3)
            if what == "x":
                raise RuntimeError("on purpose")
            terminal.draw([f"{kind} {what}."])
"""
DEAF = """
import time
from zth.cli.watch_terminal import Terminal
with Terminal() as terminal:
    terminal.draw(["ready"])
    while not terminal._unheard:
        time.sleep(0.01)
    terminal.draw(["once"])
    time.sleep(60)
"""


@pytest.fixture
def telling(session: Callable[..., object]):
    """A program that draws what it is told, in a terminal."""
    told = session(sys.executable, "-c", TELL)
    told.until("ready")
    return told


def test_keys_arrive_as_they_are_pressed_and_are_not_echoed(telling) -> None:
    assert telling.modes() != telling.before
    for pressed, named in (("h", "h"), ("\x1b[A", "up"), ("\x1b", "back"), ("\r", "enter"), ("ß", "ß")):
        telling.press(pressed)
        assert telling.until(".") == f"key {named}."
    telling.press("q")
    assert telling.end() == 3
    assert telling.is_as_before


def test_an_exception_gives_the_terminal_back_first(telling) -> None:
    telling.press("x")
    assert telling.end() == 1
    assert telling.is_as_before
    assert telling.raw.index("RuntimeError: on purpose") > telling.raw.rindex("\x1b[?1049l"), "it can be read"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGWINCH])
def test_a_signal_is_told_like_a_key(number: signal.Signals, telling) -> None:
    telling.process.send_signal(number)
    telling.until(f"signal {number.value}.")
    telling.press("q")
    assert telling.end() == 3
    assert telling.is_as_before


def test_ctrl_c_twice_ends_a_program_that_does_not_listen(session) -> None:
    deaf = session(sys.executable, "-c", DEAF)
    deaf.until("ready")
    deaf.press("\x03")
    deaf.until("once")
    deaf.press("\x03")
    assert deaf.end() == -signal.SIGINT
    assert "KeyboardInterrupt" in deaf.text
    assert deaf.is_as_before


def test_what_is_no_terminal_is_an_error_that_helps(session) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "zth", "watch"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr
    assert "zth check" in done.stderr
    dumb = session(sys.executable, "-m", "zth", "watch", TERM="dumb")
    assert dumb.end() == 2
    assert "TERM is 'dumb'" in dumb.text
    assert "\x1b" not in dumb.raw


@pytest.mark.parametrize(
    ("pressed", "names"),
    [
        (b"", []),
        (b"\x1b[5~\x1b[6~ ", ["page up", "page down", "page down"]),
        (b"\x1bOA\x1b[1;5Cx", ["up", "x"]),
        (b"\x1b[", []),
        (b"\xff", ["\ufffd"]),
        ("日本".encode(), ["日", "本"]),
        (b"\x7f\x08", ["back", "back"]),
    ],
)
def test_keys_without_a_name_are_passed_over(pressed: bytes, names: list[str]) -> None:
    assert keys(pressed) == names
