"""What an answer's walls cost: a fork of the keeper that raises all of them, against one that only sets limits.

It runs where a keeper runs, in namespaces of its own where this machine allows them, with torch imported; so a fork
copies what it copies there.
"""

from __future__ import annotations

import ast
import os
import secrets
import sys
import tempfile
from collections.abc import Callable
from functools import partial

import torch  # noqa: F401 (what a keeper holds)

from _table import Row, interleave, main
from zth.workbook import defences, walls

REPEATS = 60
MEMORY_MB, SECONDS = 2048, 20.0
INSIDE = "ZTH_BENCH_INSIDE"
"""Set in the environment of this script once it runs in namespaces of its own."""


def forked(action: Callable[[str], object]) -> None:
    """Let a child do it in a fresh folder, and wait until the child has ended."""
    with tempfile.TemporaryDirectory(prefix="zth-answer-") as folder:
        child = os.fork()
        if child == 0:
            try:
                action(folder)
            finally:
                os._exit(0)
        os.waitpid(child, 0)


def raised(plan: walls.Plan) -> dict[str, object]:
    """What the walls of a child say of themselves."""
    read, write = os.pipe()
    forked(lambda folder: os.write(write, repr(walls.raise_walls(plan, folder, MEMORY_MB, SECONDS)).encode()))
    os.close(write)
    with os.fdopen(read) as pipe:
        return dict(ast.literal_eval(pipe.read()))


def measure() -> list[Row]:
    user = 61_184 + secrets.randbelow(4_336) if walls.is_root() else 0
    plan = walls.Plan.make(closed_packages=["zth"], namespaces=INSIDE in os.environ, user=user)
    ours, baseline = interleave(
        partial(forked, lambda folder: walls.raise_walls(plan, folder, MEMORY_MB, SECONDS)),
        partial(forked, lambda folder: walls.limit(MEMORY_MB, SECONDS, tasks=0)),
        repeats=REPEATS,
    )
    kept = ", ".join(promise.name for promise in defences.promises(raised(plan)) if promise.kept)
    note = f"{(ours.median - baseline.median) * 1e3:.1f} ms more for each answer; kept here: {kept}"
    row = Row.of_times("a fork with an answer's walls", ours, baseline)
    return [Row(**{**vars(row), "most": 30.0, "note": note})]


if __name__ == "__main__":
    before = () if INSIDE in os.environ else defences.namespaces()
    if before:
        os.execve(before[0], [*before, sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})
    main("The walls of an answer", measure)
