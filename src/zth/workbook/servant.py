"""The process that runs learners' code; `jail` starts it, with CONTROL_FD, its settings as JSON, and [MODULE ...].

It is two processes deep, on purpose. The *keeper* imports what is slow to import (torch) once, and forks a *servant*
for each answer; it adopts whatever the servant leaves behind, and ends it. The servant alone runs the learner's file,
behind `walls`: it answers the judge's questions with values and never says whether they are right, so there is no
verdict here to forge. Where a learner can kill the servant's parent, that is the keeper, which the judge outlives.
"""

from __future__ import annotations

import ast
import contextlib
import errno
import gc
import importlib
import json
import linecache
import operator
import os
import random
import select
import signal
import socket
import sys
import time
import traceback
import types
from pathlib import Path
from typing import Any, NoReturn

from zth.workbook import closed, kernel, walls, wire

_WATCHED = ("builtins", "math", "random", "numpy", "torch", "torch.Tensor", "torch.nn.functional", "torch.nn.Module")
_OPERATORS = {name: getattr(operator, name) for name in ("add", "sub", "mul", "truediv", "pow", "neg")}
_WATCH = 0.25  # seconds between two looks at the memory of a servant and what it has started
_LAST_PATIENCE = 10.0  # seconds spent on ending what forks faster than it can be ended


# --- the keeper ---------------------------------------------------------------------------------------------------


def keep(control: socket.socket, plan: walls.Plan) -> None:
    """Serve "start" and "stop" until the judge hangs up; then leave nothing running."""
    if sys.platform == "linux":  # elsewhere the servant's process group is ended, which is all that is promised there
        kernel.adopt_orphans()
    gc.freeze()
    child, megabytes, overrun = 0, 0, False
    while True:
        if child and not overrun and not select.select([control], [], [], _WATCH)[0]:
            overrun = _overruns(megabytes)
            continue
        data, fds, _, _ = socket.recv_fds(control, 65536, 3)
        if not data:
            break
        order = json.loads(data)
        if order["op"] == "start":
            megabytes, overrun = order["memory_mb"], False
            told, tell = os.pipe()
            child = os.fork()
            if child == 0:
                control.close()
                serve([*fds, tell], order, plan)
            for fd in (*fds, tell):
                os.close(fd)
            with os.fdopen(told, "rb") as pipe:  # which walls stand: told before the learner's file is there
                control.sendall(pipe.readline().strip() + b"\n")
        else:
            ending = _end(child, patience=order["patience"]) | {"overrun": int(overrun)}
            control.sendall(json.dumps(ending).encode() + b"\n")
            child = 0
    _end(child)


def _overruns(megabytes: int) -> bool:
    """Whether the servant's family uses more memory than one servant may; then all of it is killed.

    One process alone is held by its address space. Pages that are still the keeper's own do not count; memory that
    several share counts by shares, and what only one of them has of it counts twice.
    """
    import psutil

    family = psutil.Process().children(recursive=True) if sys.platform == "linux" else []
    used = 0
    for process in family if len(family) > 1 else []:
        with contextlib.suppress(psutil.Error):
            used += process.memory_full_info().uss + _shared(process.pid)
    if used <= megabytes * 2**20:
        return False
    for process in family:
        with contextlib.suppress(psutil.Error):
            process.kill()
    return True


def _shared(pid: int) -> int:
    """Bytes of shared memory that a process maps, each page divided among those who do."""
    with contextlib.suppress(OSError, ValueError):
        rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return sum(int(row.split()[1]) * 1024 for row in rows if row.startswith("Pss_Shmem:"))
    return 0


def _end(child: int, patience: float = 0.0) -> dict[str, int]:
    """Kill the servant and everything that came from it; -> how it ended, and how many others there were.

    `patience` is how many seconds a servant that has hung up is given to be seen as ended by itself.
    """
    import psutil

    if not child:
        return {"signal": 0, "code": 0, "left": 0}
    me, others = psutil.Process(), set[int]()
    deadline = time.monotonic() + patience
    while not (ended := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < deadline:
        time.sleep(0.001)
    pid, status = ended
    if not pid:
        others |= {process.pid for process in me.children(recursive=True)}
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    # Now its children are ours; a forking one may be a step ahead, so look until there is none.
    deadline = time.monotonic() + _LAST_PATIENCE
    while time.monotonic() < deadline and (
        living := [process for process in me.children(recursive=True) if not _is_reaped(process.pid)]
    ):
        for process in living:
            others.add(process.pid)
            with contextlib.suppress(psutil.Error):
                process.kill()
    died_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0
    return {"signal": died_by if pid else 0, "code": code, "ended": int(bool(pid)), "left": len(others - {child})}


def _is_reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:  # a grandchild, still somebody else's
        return False


# --- the servant --------------------------------------------------------------------------------------------------


def serve(fds: list[int], order: dict[str, Any], plan: walls.Plan) -> NoReturn:
    """Raise the walls, tell the keeper which stand, then answer questions until the judge hangs up."""
    try:
        channel_fd, stdout_fd, stderr_fd, tell = fds
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(stdout_fd, 1)
        os.dup2(stderr_fd, 2)
        stand = walls.raise_walls(plan, order["cwd"], order["memory_mb"], order["seconds"])
        if sys.platform == "linux":
            kernel.die_with_parent(signal.SIGKILL)  # never outlive the keeper
        os.write(tell, json.dumps({"stand": stand}).encode())
        channel = socket.socket(fileno=os.dup(channel_fd))
        os.closerange(3, channel.fileno())
        os.closerange(channel.fileno() + 1, 1024)
        sys.stdout = open(1, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)  # noqa: SIM115
        Servant().run(channel)
    except BaseException:
        os.write(2, traceback.format_exc().encode()[-2000:])
    finally:
        os._exit(0)


class Servant:
    """Answers one judge about one file. Objects that cannot travel are kept here, by number."""

    def __init__(self) -> None:
        self.kept: list[object] = []
        self.module = types.ModuleType("answer")
        self.tree = ast.Module([], [])
        self.path = ""
        self.before: dict[str, dict[str, object]] = {}
        self.failed: BaseException | None = None
        """The exception that the last question ended with; it holds on to the variables of the time."""

    def run(self, channel: socket.socket) -> None:
        while (frame := wire.receive(channel)) is not None:
            channel.sendall(self.reply(wire.unpack(*frame, revive=self.revive)))

    def reply(self, question: dict[str, Any]) -> bytes:
        """One question -> the answer as a frame."""
        if question["op"] != "variables":
            self.failed = None
        try:
            value = getattr(self, f"do_{question['op']}")(**question["with"])
        except BaseException as error:  # whatever a learner's code may raise is an answer too
            self.note(error)
            return wire.pack({"raised": describe(error, self.path)})
        return self._packed(value)

    def revive(self, handle: wire.Handle) -> object:
        return self.kept[handle.number]

    def note(self, error: BaseException) -> None:
        """Remember what the last question ended with."""
        self.failed = error

    def _packed(self, value: object) -> bytes:
        """A result as a frame; one that cannot travel is told as an exception of its own kind."""
        try:
            frame = wire.pack({"value": value}, self._keep)
            excess = wire.excess(frame)
            if excess is None:
                return frame
            note, values = excess
        except Exception as error:
            note, values = "unreadable", {"why": f"{type(error).__name__}: {error}"[:2000]}
        values = {"type": type(value).__name__, **values}
        told = {"type": "UnusableResult", "bases": [], "message": f"{note}: {values}", "frames": []}
        return wire.pack({"raised": {**told, "note": note, "values": values}})

    def do_load(self, path: str, source: str) -> None:
        """Run the learner's file as a module of its own name, from a copy in this process's own folder.

        The file itself is out of reach, and torch.compile, say, opens the files of what it compiles.
        """
        copy = Path.cwd() / Path(path).name
        copy.write_text(source, encoding="utf-8")
        self.path = path = str(copy)
        # a traceback shows the line that was run, whatever the answer makes of the copy
        linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
        name = Path(path).stem
        self.module = types.ModuleType(name)
        self.module.__file__ = path
        sys.modules[name] = self.module
        random.seed(0)
        for library in ("numpy", "torch"):
            if library in sys.modules:
                _seed(library)
        self.before = _snapshot()
        self.tree = ast.parse(source, path)
        exec(compile(self.tree, path, "exec"), self.module.__dict__)

    def do_patched(self) -> list[str]:
        """Which functions of the watched libraries are no longer what they were, and not by the library itself."""
        now = _snapshot()
        changed = [
            (place, name, now.get(place, {}).get(name))
            for place, names in self.before.items()
            for name, thing in names.items()
            if now.get(place, {}).get(name) is not thing
        ]
        # torch.optim wraps torch.manual_seed when it is first used, say; what wraps it lives in torch
        return [f"{place}.{name}" for place, name, thing in changed if _root(thing) != place.split(".")[0]]

    def do_get(self, target: object, name: str) -> object:
        return getattr(self.module if target is None else target, name)

    def do_call(self, target: Any, args: list[object], kwargs: dict[str, object]) -> object:
        return target(*args, **kwargs)

    def do_operator(self, name: str, args: list[object]) -> object:
        return _OPERATORS[name](*args)

    def do_item(self, target: Any, index: object) -> object:
        return target[index]

    def do_list(self, target: Any) -> list[object]:
        return list(target)

    def do_variables(self, names: list[str]) -> dict[str, object]:
        """What the learner's variables of these names held when the last question ended in an exception.

        Those that the code was still to change are left out: they do not hold yet what was meant.
        """
        held: dict[str, object] = {}
        trace = self.failed.__traceback__ if self.failed is not None else None
        while trace is not None:  # from the function that was called to those that it called
            if trace.tb_frame.f_code.co_filename == self.path:
                held |= trace.tb_frame.f_locals
                for name in _changed_from(trace.tb_lineno, self.tree):
                    held.pop(name, None)
            trace = trace.tb_next
        return {name: held[name] for name in names if name in held}

    def _keep(self, value: object) -> int:
        self.kept.append(value)
        return len(self.kept) - 1


def _changed_from(line: int, tree: ast.Module) -> set[str]:
    """The variables that statements at or after `line` change, in the function (or the module) that it is in.

    >>> sorted(_changed_from(3, ast.parse("a = 1\\nb = a\\na += b\\nc[a] = 2\\n")))
    ['a', 'c']
    """
    inside = [
        node
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    changed = set()
    for node in ast.walk(inside[-1] if inside else tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr)) and (node.end_lineno or 0) >= line:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", node)]
            # an index in a target, as in a[i] += 1, is called changed too: better one variable less
            changed |= {inner.id for t in targets for inner in ast.walk(t) if isinstance(inner, ast.Name)}
    return changed


def _seed(library: str) -> None:
    if library == "torch":
        sys.modules["torch"].manual_seed(0)
    else:
        sys.modules["numpy"].random.seed(0)


def _snapshot() -> dict[str, dict[str, object]]:
    found = {}
    for place in _WATCHED:
        root, *rest = place.split(".")
        thing: Any = sys.modules.get(root)
        for name in rest:
            thing = getattr(thing, name, None)
        if thing is not None:
            found[place] = {name: value for name, value in vars(thing).items() if callable(value)}
    return found


def _root(thing: object) -> str:
    return str(getattr(thing, "__module__", None) or "").split(".")[0]


def describe(error: BaseException, path: str) -> dict[str, object]:
    """An exception as plain values: its type, its message, and where in the learner's file it came from.

    What we have to say about it ourselves is a `note` by name; the judge has the words (see `answer`).
    """
    frames = [
        [frame.lineno or 0, frame.name, (frame.line or "").strip()]
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == path
    ]
    if isinstance(error, SyntaxError) and error.filename == path:
        frames = [[error.lineno or 0, "", (error.text or "").strip()]]
    walled = isinstance(error, PermissionError) and error.errno in (errno.EACCES, errno.EPERM)
    note = "walled" if walled else ""
    try:
        message = str(error)[:2000]
    except Exception:  # a learner's exception class may break its own __str__
        message, note = "", "no message"
    names = [base.__name__ for base in type(error).__mro__ if base not in (object, BaseException)]
    told = {"type": names[0], "bases": names, "message": message, "frames": frames[-3:]}
    return {**told, "note": note, "values": {"message": message}}


def main() -> None:
    fd, settings, *preload = sys.argv[1:]
    for name in preload:
        importlib.import_module(name)
    if sys.platform == "linux":
        importlib.import_module("landlockpy")
    plan = walls.Plan.make(**json.loads(settings))
    closed.close(json.loads(settings)["closed_packages"])
    keep(socket.socket(fileno=int(fd)), plan)
