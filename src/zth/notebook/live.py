"""An answer whose objects live in this process: what the judge asks, when it asks a notebook.

It is the judge's side and the learner's side of a file's check (`workbook.answer`, `workbook.servant`) without the
two processes between them. Questions and values go through the same frames, so that inputs arrive as copies, results
are plain values or stand-ins, and the verdict on a function is the same as on the same function in a file.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import linecache
import site
import sysconfig
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import zth
from zth.notebook.clock import OutOfTime, limited
from zth.notebook.settings import Turns
from zth.workbook import wire
from zth.workbook.answer import KEPT_OUTPUT, Answer, Missing, Raised, Remote, late
from zth.workbook.check import Limits
from zth.workbook.servant import Servant

_OTHERS = tuple(
    {
        str(Path(zth.__file__).parent),
        *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
        *site.getsitepackages(),
        site.getusersitepackages(),
    }
)
"""Where code lives that no learner wrote."""


class LiveAnswer(Answer):
    """Objects by name, asked as a learner's file is.

    `says` are the names that cannot be asked, each with what to do about it.
    """

    def __init__(self, objects: Mapping[str, object], says: Mapping[str, str], limits: Limits, turns: Turns) -> None:
        self._says = says
        self._objects = _Objects(objects)
        self._turns = turns
        self._limits = limits
        self._seconds_left = limits.seconds
        self._ending = {}
        self._kept_output = _Kept()

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__") and name in self._says:
            raise Missing(name, self._says[name])
        return super().__getattr__(name)

    def ask(self, op: str, **question: object) -> Any:
        """As in a file's answer; KeyboardInterrupt passes through."""
        asked = wire.unpack_bytes(wire.pack({"op": op, "with": question}), self._objects.revive)
        started = time.monotonic()
        try:
            frame = limited(lambda: self._reply(asked), self._seconds_left)
        except OutOfTime:
            raise late(self._limits) from None
        finally:
            self._seconds_left = max(self._seconds_left - (time.monotonic() - started), 1e-3)
        reply = wire.unpack_bytes(frame, lambda handle: Remote(self, handle))
        if "raised" in reply:
            raise Raised(reply["raised"])
        return reply["value"]

    def _reply(self, question: dict[str, Any]) -> bytes:
        printed = contextlib.redirect_stdout(self._kept_output), contextlib.redirect_stderr(self._kept_output)
        with self._turns.notebook(), printed[0], printed[1]:
            return self._objects.reply(question)

    @property
    def output(self) -> str:
        return self._kept_output.getvalue()


class _Objects(Servant):
    """Answers from what is there; the file that matters is the one (or the cell) where an exception came from."""

    def __init__(self, objects: Mapping[str, object]) -> None:
        super().__init__()
        vars(self.module).update(objects, __builtins__=vars(builtins))  # as a module that was run has them

    def note(self, error: BaseException) -> None:
        if isinstance(error, (KeyboardInterrupt, OutOfTime)):
            raise error  # no answer: somebody wants it to end
        super().note(error)
        self.path = _learners_file(error.__traceback__)
        if isinstance(error, SyntaxError) and error.filename:  # of code that was made from text
            self.path = error.filename
        self.tree = _parsed("".join(linecache.getlines(self.path)))


def _learners_file(trace: TracebackType | None) -> str:
    """Of the files that an exception came through, the last that a learner wrote; "" where there is none."""
    found = ""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not name.startswith((*_OTHERS, "<frozen")):
            found = name
        trace = trace.tb_next
    return found


def _parsed(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError:  # a cell with commands of the notebook's own, such as %timeit
        return ast.Module([], [])


class _Kept(io.StringIO):
    """Keeps the beginning of what is printed, as much as of a file's."""

    def write(self, text: str, /) -> int:
        super().write(text[: max(0, KEPT_OUTPUT - self.tell())])
        return len(text)
