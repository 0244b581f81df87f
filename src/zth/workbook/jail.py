"""The judge's side of a learner's process: start it, end it. What it is asked, and what it says: see `answer`.

`Jail` owns the keeper process (see `servant`), which imports torch once and forks a servant for each answer.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import psutil

import zth
from zth.workbook import defences
from zth.workbook.answer import Answer, Printed
from zth.workbook.check import Limits
from zth.workbook.pack import packs
from zth.workbook.walls import TASKS

_PATIENCE = 15.0
"""Seconds that the keeper may take to end a servant; it spends 10 on one that forks without end."""
# The same zth as ours is what runs, wherever it lies; it is not left on the path of the answers.
_BEGIN = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from zth.workbook.servant import main; sys.path.pop(0); main()"
)


class Jail:
    """The keeper process, and the servants it forks. Use as a context manager.

    `preload` names modules that are slow to import and that the answers will want ("torch"). With `open_book`, an
    answer may import zth and the exercise packs, and so the solutions: for proving a check, never for judging people.
    """

    def __init__(self, preload: Sequence[str] = (), *, open_book: bool = False) -> None:
        self.preload = list(preload)
        self.open_book = open_book
        self._stand: dict[str, Any] = {}
        self._marker = uuid.uuid4().hex
        self._keeper: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the keeper, and with it every servant."""
        if self._control is not None:
            self._control.close()
        if self._keeper is not None:
            try:
                self._keeper.wait(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                self._give_up()
        self._keeper = self._control = None

    def _give_up(self) -> None:
        """The keeper has been killed or stopped by an answer: end it, and whatever is left of what it kept."""
        assert self._keeper is not None
        self._keeper.kill()
        self._keeper.wait()
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("ZTH_JAIL") == self._marker:
                    process.kill()

    def promises(self) -> list[defences.Promise]:
        """What holds for the answers of this jail on this machine, as its servants have told."""
        if not self._stand:
            with self.servant(Limits()):
                pass
        return defences.promises(self._stand)

    @contextmanager
    def servant(self, limits: Limits) -> Iterator[Answer]:
        """A fresh servant in a fresh folder, ended when the block is left; give it a file with `load`."""
        cwd = tempfile.mkdtemp(prefix="zth-answer-")
        try:
            answer = self._start(cwd, limits)
            try:
                yield answer
            finally:
                answer.close(self._stop(1.0 if answer.hung_up else 0.0))
        finally:
            _remove(cwd)

    def start_keeper(self) -> None:
        """Start importing now; the first `run` then waits for less."""
        if self._keeper is not None and self._keeper.poll() is None:
            return
        self.close()
        ours, theirs = socket.socketpair()
        environment = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL", "TZ") if key in os.environ}
        environment |= {"HOME": "/nonexistent", "PYTHONHASHSEED": "0"}
        environment["ZTH_JAIL"] = self._marker  # by which its descendants are known if it should be killed
        # an answer's tensors are small, and threads that spin slow the judge down; torch.compile needs no helpers
        environment |= {"OMP_NUM_THREADS": "1", "TORCHINDUCTOR_COMPILE_THREADS": "1"}
        before = defences.namespaces()
        settings = {
            "closed_packages": [] if self.open_book else closed_packages(),
            "namespaces": bool(before),
            "tasks": TASKS,
            # as root, answers run as somebody to whom nothing belongs: one of the numbers kept free for such uses
            "user": 61_184 + secrets.randbelow(4_336) if sys.platform == "linux" and os.getuid() == 0 else 0,
        }
        program = [sys.executable, "-I", "-c", _BEGIN, str(Path(zth.__file__).parents[1])]
        self._keeper = subprocess.Popen(
            [*before, *program, str(theirs.fileno()), json.dumps(settings), *self.preload],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # Ctrl-C at the terminal is ours to handle
        )
        theirs.close()
        self._control = ours

    def _start(self, cwd: str, limits: Limits) -> Answer:
        self.start_keeper()
        assert self._control is not None
        ours, theirs = socket.socketpair()
        read_fd, write_fd = os.pipe()
        order = {"op": "start", "cwd": cwd, "memory_mb": limits.memory_mb, "seconds": limits.seconds}
        try:
            socket.send_fds(self._control, [json.dumps(order).encode()], [theirs.fileno(), write_fd, write_fd])
            started = _line(self._control)
            if not started.strip():
                raise RuntimeError("the keeper process did not start")
            self._stand = dict(json.loads(started)["stand"])
        finally:
            theirs.close()
            os.close(write_fd)
        return Answer(ours, Printed(os.fdopen(read_fd, "rb", buffering=0)), limits)

    def _stop(self, patience: float) -> dict[str, Any] | None:
        """Have the keeper end its servant, and say how it ended; None where somebody has killed the keeper."""
        assert self._control is not None
        with suppress(OSError):
            self._control.settimeout(patience + _PATIENCE)
            self._control.sendall(json.dumps({"op": "stop", "patience": patience}).encode())
            line = _line(self._control)
            if line:
                return dict(json.loads(line))
        self._give_up()
        return None


def _remove(folder: str) -> None:
    """Whatever an answer has left in its folder: folders in folders deeper than Python recurses, say."""
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if Path(folder).exists():
        subprocess.run(["rm", "-rf", folder], stderr=subprocess.DEVNULL, check=False)


def closed_packages() -> list[str]:
    """The packages that hold exercises, and so solutions: zth, and those of other packs.

    >>> "zth" in closed_packages()
    True
    """
    return list(dict.fromkeys(pack.package.split(".")[0] for pack in packs()))


def _line(control: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        chunk = control.recv(4096)
        if not chunk:
            return b""
        line += chunk
    return line
