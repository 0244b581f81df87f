"""A learner's answer, as the judge sees it: its module from afar, the objects in it, and what may become of them.

An `Answer` looks like the learner's module: `answer.softmax([1, 2])` travels to the servant (see `jail`), and what
comes back is a plain value, or a `Remote` that stands for an object over there.
"""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from zth.texts import mark, printable, say
from zth.workbook import wire
from zth.workbook.check import Limits

KEPT_OUTPUT = 16_384
"""Characters of a learner's printing that are kept; the rest is read and dropped."""


_NOTES = {
    "walled": mark("{message} (an answer may write in its own folder only, and has no network)"),
    "no message": mark("(its message could not be made)"),
    "unreadable": mark("a {type} that cannot be read ({why})"),
    "too many numbers": mark("a {type} of {mb} MB of lists and numbers, more than the {most} MB that are read"),
    "too large": mark("a {type} of {mb} MB in all, more than the {most} MB that are read"),
}
"""What a servant has to say itself, by the name that it sends. The words are ours: none of its own is a pattern."""


class Raised(Exception):
    """The learner's code raised an exception. Made from what the other process tells, so any of it may be missing."""

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(told)
        self.type_name = legible(told["type"])
        self.bases = [legible(name) for name in told["bases"]]
        self.message = legible(told["message"])
        """As the exception has it, the same in every language."""
        values = {name: legible(value) for name, value in dict(told["values"]).items()}
        self.words = say(_NOTES[told["note"]], **values) if told["note"] else self.message
        """As a person is told it."""
        self.frames = [(int(line), legible(function), legible(text)) for line, function, text in told["frames"]]


class Missing(Exception):
    """The learner's answer has no such name. `says` is what to do about it, where that is not "put it back"."""

    def __init__(self, name: str, says: str = "") -> None:
        super().__init__(name)
        self.says = says


class Trouble(Exception):
    """The process itself came to an end: time, memory, exit, a crash. `str()` is a sentence for a person."""

    def __init__(self, kind: str, says: str) -> None:
        super().__init__(says)
        self.kind = kind


class Answer:
    """The learner's module, from afar. Attributes are fetched, calls are made, in the learner's process."""

    def __init__(self, channel: socket.socket, printed: Printed, limits: Limits) -> None:
        self._channel = channel
        self._printed = printed
        self._limits = limits
        self._seconds_left = limits.seconds
        self._received = 0
        self._ending: dict[str, Any] | None = {}
        self.hung_up = False
        """True once the channel was found closed from the other side."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self.ask("get", target=None, name=name)
        except Raised as error:
            if error.type_name == "AttributeError" and not error.frames:
                raise Missing(name) from error
            raise

    def load(self, path: Path, source: str) -> None:
        """Run the learner's file as a module. Raises what `ask` raises."""
        self.ask("load", path=str(path), source=source)

    def patched(self) -> list[str]:
        """The functions of torch, NumPy and the standard library that the file has replaced."""
        names = self.ask("patched")
        if not isinstance(names, list):
            raise _forged(say("a list of names was asked for"))
        return [legible(name) for name in names]

    def variables(self, names: Sequence[str]) -> dict[str, Any]:
        """Right after a `Raised`: what the learner's variables of these names held by then; those there were."""
        try:
            held = self.ask("variables", names=list(names))
        except Raised:  # too large to travel, say
            return {}
        if not isinstance(held, dict):
            raise _forged(say("a dictionary was asked for"))
        return held

    def ask(self, op: str, **question: object) -> Any:
        """One question to the servant. Raises `Raised`, or `Trouble` where no answer can come any more."""
        started = time.monotonic()
        try:
            self._channel.settimeout(self._seconds_left)
            self._channel.sendall(wire.pack({"op": op, "with": question}))
            frame = wire.receive(self._channel, started + self._seconds_left)
            if frame is None:
                raise ConnectionError
            self._received += wire.room(*frame)
            if self._received > wire.MAX_TOTAL:
                most = f"{wire.MAX_TOTAL / 1e6:,.0f}"
                raise Trouble("large", say("the answers are larger than {mb} MB together", mb=most))
            reply = wire.unpack(*frame, revive=lambda handle: Remote(self, handle))
            if not isinstance(reply, dict) or len(reply) != 1 or not set(reply) <= {"value", "raised"}:
                raise wire.WireError("an answer of another form")
            if time.monotonic() - started > self._seconds_left:  # reading it is the answer's time, too
                raise TimeoutError
        except TimeoutError as error:
            raise late(self._limits) from error
        except ConnectionError as error:
            self.hung_up = True
            raise Trouble("ended", say("the process ended before it answered")) from error
        except wire.WireError as error:
            raise _forged(error) from error
        finally:
            self._seconds_left = max(self._seconds_left - (time.monotonic() - started), 1e-3)
        if "raised" in reply:
            raise _raised(reply["raised"])
        return reply["value"]

    def close(self, ending: dict[str, Any] | None) -> None:
        self._ending = ending
        self._channel.close()
        self._printed.close()

    @property
    def output(self) -> str:
        """What the learner's code printed, at most KEPT_OUTPUT characters of it."""
        return legible(self._printed.text.replace("\r\n", "\n"))

    @property
    def keeper_lost(self) -> bool:
        """Whether the answer has ended the process that ran it. Known after the block."""
        return self._ending is None

    @property
    def left_behind(self) -> int:
        """How many processes had to be ended besides the servant's own. Known after the block."""
        return int((self._ending or {}).get("left", 0))

    @property
    def ending(self) -> str:
        """How the process ended by itself, for a person; "" where it was still serving. Known after the block."""
        if self._ending is None:
            return say("your code killed or stopped the process that ran it")
        if self._ending.get("overrun"):
            return say("your code's processes used more than {mb:,} MB together", mb=self._limits.memory_mb)
        died_by, code = self._ending.get("signal", 0), self._ending.get("code", 0)
        if died_by == signal.SIGSEGV:
            return say("your code crashed the interpreter (segmentation fault): most often an endless recursion")
        if died_by == signal.SIGXCPU:
            return say("your code used up its processor time")
        if died_by:
            return say("your code's process was ended by {signal}", signal=signal.Signals(died_by).name)
        if self._ending.get("ended"):
            return say(
                "your code ended its process (exit code {code}): take out os._exit(), exit() or quit()", code=code
            )
        return ""


class Remote:
    """An object in the learner's process. Attributes, calls, arithmetic and indexing happen there."""

    def __init__(self, answer: Answer, handle: wire.Handle) -> None:
        self._answer = answer
        self._handle = handle
        self.type_name = legible(handle.type_name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._answer.ask("get", target=self._handle, name=name)

    def __call__(self, *args: object, **kwargs: object) -> Any:
        plain = _local(list(args)), _local(kwargs)
        return self._answer.ask("call", target=self._handle, args=plain[0], kwargs=plain[1])

    def __getitem__(self, index: object) -> Any:
        return self._answer.ask("item", target=self._handle, index=index)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._answer.ask("list", target=self._handle))

    def __repr__(self) -> str:
        return say("{type} object {text}", type=self.type_name, text=legible(self._handle.text))

    def _operate(self, name: str, *args: object) -> Any:
        return self._answer.ask("operator", name=name, args=_local(list(args)))

    def __add__(self, other: object) -> Any:
        return self._operate("add", self, other)

    def __radd__(self, other: object) -> Any:
        return self._operate("add", other, self)

    def __sub__(self, other: object) -> Any:
        return self._operate("sub", self, other)

    def __rsub__(self, other: object) -> Any:
        return self._operate("sub", other, self)

    def __mul__(self, other: object) -> Any:
        return self._operate("mul", self, other)

    def __rmul__(self, other: object) -> Any:
        return self._operate("mul", other, self)

    def __truediv__(self, other: object) -> Any:
        return self._operate("truediv", self, other)

    def __rtruediv__(self, other: object) -> Any:
        return self._operate("truediv", other, self)

    def __pow__(self, other: object) -> Any:
        return self._operate("pow", self, other)

    def __rpow__(self, other: object) -> Any:
        return self._operate("pow", other, self)

    def __neg__(self) -> Any:
        return self._operate("neg", self)


class Printed:
    """Reads a pipe to its end in a thread, so that endless printing cannot fill it; keeps the beginning."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with suppress(OSError, ValueError):
            while chunk := self._pipe.read(65536):
                self._kept += chunk[: KEPT_OUTPUT - len(self._kept)]

    def close(self) -> None:
        self._thread.join(timeout=5)
        if not self._thread.is_alive():
            self._pipe.close()

    @property
    def text(self) -> str:
        return bytes(self._kept).decode("utf-8", errors="replace")


def late(limits: Limits) -> Trouble:
    """The answer has used up its time."""
    return Trouble("time", say("no answer within {seconds:g} s", seconds=limits.seconds))


def _forged(why: object) -> Trouble:
    return Trouble("forged", say("something else than an answer came through the judge's channel: {why}", why=why))


def _raised(told: Any) -> Exception:
    """What the other process calls an exception, as one of ours, whatever it may be."""
    try:
        return Raised(told)
    except (KeyError, TypeError, ValueError) as error:
        return _forged(say("an exception without its {what}", what=error))


def legible(text: object) -> str:
    r"""An answer's text, safe to show: what would steer a terminal (move its cursor, clear it) is spelled out.

    >>> print(legible("fine \x1b[2J gone"))
    fine \x1b[2J gone
    """
    return printable(str(text)[:KEPT_OUTPUT])


def _local(value: object) -> object:
    """Remotes inside an argument become the handles that the servant knows."""
    if isinstance(value, Remote):
        return value._handle
    if isinstance(value, (list, tuple)):
        return type(value)(_local(item) for item in value)
    if isinstance(value, dict):
        return {key: _local(item) for key, item in value.items()}
    return value
