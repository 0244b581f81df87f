"""No false alarms: right answers pass in other number formats, on more threads, and compiled.

What a learner may do around a right answer, done to ours: another default dtype, two threads, `torch.compile` on
every function. Which torch is a matter of where this runs; docs/mutations.md says how it is run on the oldest.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from zth.workbook.check import Limits
from zth.workbook.exercise import Exercise
from zth.workbook.jail import Jail
from zth.workbook.judge import judge
from zth.workbook.prove import Proof, passes

Told = Callable[[int, int], None]


@dataclass(frozen=True)
class _Patient(Exercise):
    """The same exercise, with the time and memory that a compiler takes."""

    @property
    def limits(self) -> Limits:
        return replace(super().limits, seconds=900.0, memory_mb=16_384)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Around an answer.

    >>> str(Condition(dtype="float64", threads=2, compiled=True))
    'float64, 2 threads, compiled'
    """

    dtype: str
    threads: int
    compiled: bool

    def __str__(self) -> str:
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        return f"{self.dtype}, {threads}{', compiled' if self.compiled else ''}"


CONDITIONS = [
    Condition(dtype=dtype, threads=threads, compiled=compiled)
    for compiled, dtype, threads in product((False, True), ("float32", "float64"), (1, 2))
]


def matrix(exercise: Exercise, jail: Jail, told: Told) -> Iterator[Proof]:
    """Judge the solution and each right answer under each condition."""
    paths = [exercise.folder / "solution.py", *exercise.right_answers]
    patient = _Patient(exercise.folder, exercise.pack)
    with tempfile.TemporaryDirectory(prefix="zth-matrix-") as folder:
        path = Path(folder) / exercise.file_name
        for done, (style, condition) in enumerate(product(paths, CONDITIONS)):
            told(done, len(paths) * len(CONDITIONS))
            path.write_text(under(condition, style.read_text(encoding="utf-8"), list(exercise.solution)))
            ok, why = passes(judge(patient, path, jail))
            yield Proof(exercise=exercise.id, submission=f"{style.stem}: {condition}", ok=ok, why=why)


def under(condition: Condition, source: str, names: list[str]) -> str:
    """An answer as a learner would have written it who works under this condition.

    Its functions get what they are given in the condition's dtype, whatever the question holds.
    """
    what = f"{condition.dtype!r}, {condition.threads}, {condition.compiled}, {names!r}"
    return f"{source}\n{_AROUND}\n_zth_around(globals(), {what})\n"


_AROUND = """
def _zth_around(names, dtype, threads, compiled, asked):
    import functools, os, tempfile, types, torch

    torch.set_num_threads(threads)
    dtype = getattr(torch, dtype)
    torch.set_default_dtype(dtype)

    def cast(thing):
        if isinstance(thing, torch.Tensor):
            return thing.to(dtype) if thing.is_floating_point() else thing
        if isinstance(thing, (list, tuple)):
            return type(thing)(map(cast, thing))
        return {key: cast(value) for key, value in thing.items()} if type(thing) is dict else thing

    def around(function):
        if compiled:
            os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
            os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.gettempdir() + "/zth-inductor"
            function = torch.compile(function)
        return functools.wraps(function)(lambda *args, **kw: function(*cast(args), **cast(kw)))

    names |= {name: around(names[name]) for name in asked if isinstance(names[name], types.FunctionType)}
"""
