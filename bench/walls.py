"""What an answer's walls cost: a fork of the keeper that raises all of them, against one that only sets limits.

It runs where a keeper runs, in namespaces of its own where this machine allows them, with torch imported; so a fork
copies what it copies there. The processor's time is counted, since that is what a class of answers has to wait for.
"""

from __future__ import annotations

import ast
import os
import secrets
import sys
import tempfile
from collections.abc import Callable

import torch  # noqa: F401 (what a keeper holds)

from _table import Row, Times, main
from zth.workbook import defences, walls

REPEATS = 60
MEMORY_MB, SECONDS = 2048, 20.0
INSIDE = "ZTH_BENCH_INSIDE"
"""Set in the environment of this script once it runs in namespaces of its own."""


def forked(action: Callable[[str], object]) -> float:
    """Let a child do it in a fresh folder -> seconds of processor time that the child took, its end included."""
    with tempfile.TemporaryDirectory(prefix="zth-answer-") as folder:
        child = os.fork()
        if child == 0:
            try:
                action(folder)
            finally:
                os._exit(0)
        _, _, used = os.wait4(child, 0)
    return used.ru_utime + used.ru_stime


def raised(plan: walls.Plan) -> dict[str, object]:
    """What the walls of a child say of themselves."""
    read, write = os.pipe()
    forked(lambda folder: os.write(write, repr(walls.raise_walls(plan, folder, MEMORY_MB, SECONDS)).encode()))
    os.close(write)
    with os.fdopen(read) as pipe:
        return dict(ast.literal_eval(pipe.read()))


def measure() -> list[Row]:
    user = 61_184 + secrets.randbelow(4_336) if walls.is_root() else 0
    plan = walls.Plan.make(closed_packages=["zth"], namespaces=INSIDE in os.environ, user=user, tasks=walls.TASKS)
    seconds: tuple[list[float], list[float]] = [], []
    for _ in range(REPEATS):
        seconds[0].append(forked(lambda folder: walls.raise_walls(plan, folder, MEMORY_MB, SECONDS)))
        seconds[1].append(forked(lambda _: walls.limit(MEMORY_MB, SECONDS, tasks=0)))
    ours, baseline = Times(seconds[0]), Times(seconds[1])
    kept = ", ".join(promise.name for promise in defences.promises(raised(plan)) if promise.kept)
    note = f"{(ours.median - baseline.median) * 1e3:.1f} ms more for each answer; kept here: {kept}"
    row = Row.of_times("a fork with an answer's walls", ours, baseline)
    return [Row(**{**vars(row), "most": 30.0, "note": note})]


if __name__ == "__main__":
    before = () if INSIDE in os.environ else defences.namespaces()
    if before:
        os.execve(before[0], [*before, sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})
    main("The walls of an answer", measure)
