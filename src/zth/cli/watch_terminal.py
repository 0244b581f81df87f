"""The whole terminal, borrowed: keys as they are pressed, one screen, and all as it was before, whatever happens.

A signal does nothing by itself here: it is kept, and told by `wait` like a key. So it never interrupts a half-drawn
screen, and there is one way out. Only who presses Ctrl-C twice without being heard gets a KeyboardInterrupt.
"""

from __future__ import annotations

import errno
import os
import selectors
import signal
import sys
import termios
import threading
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Self

from zth.errors import ExerciseError

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_HEARD = (*ENDING, signal.SIGTSTP, signal.SIGWINCH)
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"  # the other screen, and the cursor
_NAMES = {
    b"\x1b[A": "up", b"\x1bOA": "up", b"k": "up", b"\x1b[B": "down", b"\x1bOB": "down", b"j": "down",
    b"\x1b[5~": "page up", b"\x1b[6~": "page down", b" ": "page down",
    b"\r": "enter", b"\n": "enter", b"\x1b": "back", b"\x7f": "back", b"\x08": "back",
}  # fmt: skip


def keys(pressed: bytes) -> list[str]:
    """What was pressed, by name; a key that has no name is its character, small.

    >>> keys(b"hQ\\x1b[B\\x1b[200~\\xc3\\xa4")
    ['h', 'q', 'down', 'ä']
    """
    found = []
    while pressed:
        length = _sequence(pressed) if pressed[:1] == b"\x1b" else 1
        while length < len(pressed) and pressed[length] & 0xC0 == 0x80:  # the rest of one character in UTF-8
            length += 1
        key, pressed = pressed[:length], pressed[length:]
        if key in _NAMES:
            found.append(_NAMES[key])
        elif key[:1] != b"\x1b":
            found.append(key.decode("utf-8", errors="replace").lower())
    return found


def _sequence(pressed: bytes) -> int:
    """How long the escape sequence is that stands first."""
    if pressed[1:2] not in (b"[", b"O"):
        return 1
    end = 2
    while end < len(pressed) and not 0x40 <= pressed[end] <= 0x7E:
        end += 1
    return end + 1


class Terminal:
    """Standard input and output, as a screen. Use as a context manager, in the main thread.

    Raises ExerciseError where they are not a terminal that can be drawn on.
    """

    def __init__(self) -> None:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise ExerciseError(
                "`zth watch` needs a terminal for its keys and its screen, and this is none (a pipe? a notebook?).",
                "Judge without it: zth check",
            )
        if os.environ.get("TERM", "") in ("", "dumb"):
            raise ExerciseError(
                f"`zth watch` cannot draw on this terminal: TERM is {os.environ.get('TERM', '')!r}.",
                "Use another one, or judge without it: zth check",
            )
        self._input = sys.stdin.fileno()
        self._before: list[Any] | None = None
        self._handlers: dict[int, Any] = {}
        self._unheard = 0
        self._lent = False

    def __enter__(self) -> Self:
        self._wake, self._woken = os.pipe()
        for end in (self._wake, self._woken):
            os.set_blocking(end, False)
        self._wakeup_before = signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)
        self._handlers = {number: signal.signal(number, self._hear) for number in _HEARD}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._input, selectors.EVENT_READ, "keys")
        self._selector.register(self._wake, selectors.EVENT_READ, "signals")
        try:
            self._take()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._give_back()
        finally:
            signal.set_wakeup_fd(self._wakeup_before)
            for number, handler in self._handlers.items():
                signal.signal(number, handler or signal.SIG_DFL)  # None: it was not set from Python
            self._selector.close()
            os.close(self._wake)
            os.close(self._woken)

    def listen(self, source: Any, name: str) -> None:
        """Have `wait` tell `name` when `source` (a pipe, a connection) has something to read."""
        self._selector.register(source, selectors.EVENT_READ, name)

    def ignore(self, source: Any) -> None:
        """The opposite of `listen`."""
        with suppress(KeyError, ValueError):
            self._selector.unregister(source)

    def wait(self, seconds: float | None) -> Iterator[tuple[str, str | int]]:
        """What happened, in pairs: ("key", name), ("signal", number), or (name, 0) of what is listened to.

        Returns without any after `seconds`.
        """
        for chosen, _ in self._selector.select(seconds):
            if chosen.data == "keys":
                yield from (("key", key) for key in self._pressed())
            elif chosen.data == "signals":
                self._unheard = 0
                yield from (("signal", number) for number in os.read(self._wake, 512))
            else:
                yield chosen.data, 0

    def _pressed(self) -> list[str]:
        try:
            pressed = os.read(self._input, 512)
        except OSError as error:
            if error.errno not in (errno.EIO, errno.EAGAIN):
                raise
            pressed = b""
        return keys(pressed) if pressed else ["q"]  # the terminal has gone

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines and nothing else. Each is cleared first: behind its last column is too late."""
        sys.stdout.write("\x1b[H" + "\n".join(f"\x1b[K{line}" for line in lines) + "\x1b[J")
        sys.stdout.flush()

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Give the terminal back for as long as the block takes: to an editor, say, whose Ctrl-C is not ours."""
        self._give_back()
        self._lent = True
        stop = signal.signal(signal.SIGTSTP, signal.SIG_DFL)  # an editor stops its whole group, and the shell waits
        try:
            yield
        finally:
            signal.signal(signal.SIGTSTP, stop)
            self._lent = False
            self._forget_ctrl_c()
            self._take()

    def stop(self) -> None:
        """Ctrl-Z: stop as a program should, and take the terminal again when it is continued."""
        with self.lent():
            # to this thread, so that it stops here and not some lines later
            signal.pthread_kill(threading.get_ident(), signal.SIGTSTP)

    def _hear(self, number: int, _: FrameType | None) -> None:
        """Python has written the number to the pipe already."""
        if number == signal.SIGINT and not self._lent:
            self._unheard += 1
            if self._unheard > 1:
                raise KeyboardInterrupt

    def _forget_ctrl_c(self) -> None:
        with suppress(BlockingIOError):
            kept = bytes(n for n in os.read(self._wake, 512) if n in (signal.SIGTERM, signal.SIGHUP))
            os.write(self._woken, kept)

    def _take(self) -> None:
        self._before = termios.tcgetattr(self._input)
        tty.setcbreak(self._input)
        sys.stdout.write(_ENTER)
        sys.stdout.flush()

    def _give_back(self) -> None:
        if self._before is None:
            return
        with suppress(OSError, ValueError):  # nobody may be there to read it any more
            sys.stdout.write(_LEAVE)
            sys.stdout.flush()
        with suppress(termios.error):
            termios.tcsetattr(self._input, termios.TCSAFLUSH, self._before)
        self._before = None
