"""What the tests of commands share: fresh consoles, since they read the terminal's width when made; and terminals."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import pytest

from zth.cli import terminal


@pytest.fixture(autouse=True)
def _fresh_consoles() -> Iterator[None]:
    for console in (terminal.out, terminal.err):
        console.cache_clear()
    yield
    for console in (terminal.out, terminal.err):
        console.cache_clear()


PATIENCE = 60.0
"""Seconds that are waited for what must come; on an idle machine it comes in a fraction of one."""
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
"""The other screen: taken, and given back."""
_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[a-zA-Z]|\][^\x1b\x07]*(\x1b\\|\x07)|.)")
_LOG_IN = "import os, sys; os.login_tty(0); os.execvp(sys.argv[1], sys.argv[1:])"


class Session:
    """A command in a terminal of its own, with real keys; what it draws is read as it comes.

    `command` is the leader of a new session in a new terminal; we sit before it. Use as a context manager."""

    def __init__(
        self, command: list[str], cwd: Path, *, size: tuple[int, int] = (40, 100), **environment: str
    ) -> None:
        self._ours, self._theirs = pty.openpty()
        self.resize(*size)
        self.before = self.modes()
        self.raw = ""
        self._seen = 0
        kept = {
            key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "VISUAL", "EDITOR")
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", _LOG_IN, *command],
            cwd=cwd,
            env={**kept, "TERM": "xterm-256color", "NO_COLOR": "1", **environment},
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._theirs)
        os.close(self._ours)

    def modes(self) -> list[Any]:
        """How the terminal treats keys: whether it echoes them, waits for a whole line, and so on."""
        return termios.tcgetattr(self._theirs)

    def resize(self, lines: int, columns: int) -> None:
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def until(self, words: str) -> str:
        """What was drawn since the last `until`, up to these words."""
        deadline = time.monotonic() + PATIENCE
        while (end := self.text.find(words, self._seen)) < 0:
            assert time.monotonic() < deadline, f"{words!r} did not come; there is:\n{self.text[self._seen :]}"
            self._read(0.5)
        found, self._seen = self.text[self._seen : end + len(words)], end + len(words)
        return found

    def end(self) -> int:
        """Wait for its end; -> the exit code, or minus the signal."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it did not end; there is:\n{self.text[self._seen :]}"
            self._read(0.05)
        self._read(0)
        return self.process.returncode

    @property
    def is_as_before(self) -> bool:
        """Whether the terminal was given back: its modes, its screen and its cursor."""
        given_back = self.raw.rindex(LEAVE) > self.raw.rindex(ENTER)
        return (
            self.modes() == self.before and given_back and self.raw.rindex("\x1b[?25h") > self.raw.rindex("\x1b[?25l")
        )

    @property
    def text(self) -> str:
        return _ESCAPES.sub("", self.raw)

    def _read(self, seconds: float) -> None:
        if select.select([self._ours], [], [], seconds)[0]:
            self.raw += os.read(self._ours, 65536).decode(errors="replace")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Callable[..., Session]]:
    """session(*command, size=(lines, columns), NAME=value) -> a Session in a fresh folder, ended with the test."""
    with ExitStack() as stack:
        yield lambda *command, **more: stack.enter_context(Session(list(command), tmp_path, **more))
