"""A command in a terminal of its own, with real keys; what it draws is read as it comes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path
from typing import Any

PATIENCE = 30.0
"""Seconds that are waited for what must come; a test that passes waits for a fraction."""
_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[a-zA-Z]|\][^\x1b\x07]*(\x1b\\|\x07)|.)")


class Session:
    """`zth ...` as the session leader of a new terminal. `terminal` is the side that a person would sit at."""

    def __init__(self, *arguments: str, cwd: Path, size: tuple[int, int] = (40, 100), **environment: str) -> None:
        self.terminal, self.line = pty.openpty()
        self.resize(*size)
        self.before = self.modes()
        self.raw = ""
        self.seen = 0
        given = {
            key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "VISUAL", "EDITOR")
        }
        environment = {**given, "TERM": "xterm-256color", "NO_COLOR": "1", **environment}
        self.pid = os.fork()
        if self.pid == 0:  # pragma: no cover
            os.login_tty(self.line)
            os.chdir(cwd)
            os.execve(sys.executable, [sys.executable, "-m", "zth", *arguments], environment)

    def modes(self) -> list[Any]:
        return termios.tcgetattr(self.line)

    def resize(self, lines: int, columns: int) -> None:
        fcntl.ioctl(self.line, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def press(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def until(self, words: str) -> str:
        """What was drawn since the last `until`, up to these words."""
        deadline = time.monotonic() + PATIENCE
        while (end := self.text.find(words, self.seen)) < 0:
            assert time.monotonic() < deadline, f"{words!r} did not come; there is:\n{self.text[self.seen :]}"
            self._read(0.5)
        found, self.seen = self.text[self.seen : end + len(words)], end + len(words)
        return found

    def end(self) -> int:
        """Wait for its end; -> the exit code, or minus the signal."""
        deadline = time.monotonic() + PATIENCE
        while not (ended := os.waitpid(self.pid, os.WNOHANG))[0]:
            assert time.monotonic() < deadline, f"it did not end; there is:\n{self.text[self.seen :]}"
            self._read(0.02)
        self._read(0)
        return os.waitstatus_to_exitcode(ended[1])

    def close(self) -> None:
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self.terminal)
        os.close(self.line)

    @property
    def text(self) -> str:
        return _ESCAPES.sub("", self.raw)

    def _read(self, seconds: float) -> None:
        while select.select([self.terminal], [], [], seconds)[0]:
            self.raw += os.read(self.terminal, 65536).decode(errors="replace")
            seconds = 0
