"""How many small changes of right answers a check notices, and how many it calls by name.

The mutants are those of the solution, of the right answers in other styles, and, where the solution is an import of a
library object, of that object's module as far as it runs when the check asks its questions. Each goes the whole way
that a learner's file goes. One that passes is either the same in every answer that the statement asks for, and
`equivalent.toml` beside the check says why, or the check lacks a case.
"""

from __future__ import annotations

import ast
import inspect
import sys
import tempfile
import tomllib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cache
from multiprocessing.util import Finalize
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Literal

from zth.errors import ExerciseError
from zth.workbook.exercise import Exercise, get
from zth.workbook.jail import Jail
from zth.workbook.judge import judge
from zth.workbook.mutants import Mutant, drawn, mutants
from zth.workbook.pool import map_processes
from zth.workbook.steps import Asking
from zth.workbook.verdict import Verdict

LEAST_REJECTED = 0.97
"""Of all mutants of a run together, those included that are equivalent."""
SOLUTION = "solution.py"
AT_ONCE = 4
"""Mutants that a process judges before it tells how far it is."""

Outcome = Literal["named", "raised", "wrong", "stopped", "survived"]
"""A known mistake is named; an exception is told with its line; a difference is told with its case; the process had
to be stopped (time, memory); it passed."""
Told = Callable[[int, int], None]
"""told(done, total)."""


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What became of one mutant."""

    mutant: Mutant
    outcome: Outcome
    said: str
    """The mistake's name, or what a learner sees of the first failure; of a survivor, why it is equivalent."""

    def to_json(self) -> dict[str, object]:
        shown = {key: getattr(self.mutant, key) for key in ("file", "line", "was", "now", "kind")}
        return {**shown, "outcome": self.outcome, "said": self.said}


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """What became of an exercise's mutants."""

    exercise: str
    places: int
    """How many mutants there are in all; `fates` are those that were judged."""
    fates: list[Fate]
    idle: list[str]
    """What equivalent.toml explains although no such mutant passes."""

    def count(self, outcome: Outcome) -> int:
        return sum(fate.outcome == outcome for fate in self.fates)

    @property
    def rejected(self) -> int:
        return len(self.fates) - self.count("survived")

    @property
    def survivors(self) -> list[Fate]:
        return [fate for fate in self.fates if fate.outcome == "survived"]

    @property
    def unexplained(self) -> list[Fate]:
        return [fate for fate in self.survivors if not fate.said]

    @property
    def ok(self) -> bool:
        return not self.unexplained and not self.idle

    def to_json(self) -> dict[str, object]:
        counts = {outcome: self.count(outcome) for outcome in ("named", "raised", "wrong", "stopped", "survived")}
        return {
            "exercise": self.exercise,
            "ok": self.ok,
            "places": self.places,
            "mutants": len(self.fates),
            "rejected": self.rejected,
            **counts,
            "idle": self.idle,
            "fates": [fate.to_json() for fate in self.fates],
        }


def mutate(exercise: Exercise, at_most: int, told: Told) -> Mutation:
    """Judge at most so many mutants of an exercise, the same ones each time, in several processes.

    Raises MissingPartError where mutmut is not installed, ExerciseError where equivalent.toml cannot be read.
    """
    why = explanations(exercise)
    places = all_mutants(exercise)
    chosen = drawn(places, at_most)
    tasks = [
        (exercise.id, [(each.file, each.source) for each in chosen[start : start + AT_ONCE]])
        for start in range(0, len(chosen), AT_ONCE)
    ]
    told(0, len(chosen))
    judged = map_processes(judge_mutants, tasks, lambda done: told(min(done * AT_ONCE, len(chosen)), len(chosen)))
    fates = [
        Fate(mutant=mutant, outcome=outcome, said=why.get(mutant.key, "") if outcome == "survived" else said)
        for mutant, (outcome, said) in zip(chosen, [fate for task in judged for fate in task], strict=True)
    ]
    rejected = {(fate.mutant.key, fate.mutant.line) for fate in fates if fate.outcome != "survived"}
    alive = {mutant.key for mutant in places if (mutant.key, mutant.line) not in rejected}  # a line may stand twice
    idle = [" | ".join(key) for key in why if key not in alive]
    return Mutation(exercise=exercise.id, places=len(places), fates=fates, idle=idle)


def explanations(exercise: Exercise) -> dict[tuple[str, str, str], str]:
    """(file, was, now) -> why this mutant is equivalent: what equivalent.toml beside the check says."""
    path = exercise.folder / "equivalent.toml"
    if not path.is_file():
        return {}
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8"))["equivalent"]
        return {(row["file"], was, now): row["why"] for row in rows for was, now in row["changes"]}
    except (KeyError, TypeError, ValueError) as error:
        problem = f"{exercise.folder.name}/equivalent.toml cannot be read: {type(error).__name__}: {error}."
        wanted = "It holds [[equivalent]] tables with file, why and changes = [[was, now], ...]."
        raise ExerciseError(problem, wanted) from error


def all_mutants(exercise: Exercise) -> list[Mutant]:
    """Of each right answer, of the solution, and of the library's code that runs for the solution's answers."""
    found = []
    for path in exercise.right_answers:
        found += mutants(path.relative_to(exercise.folder).as_posix(), path.read_text(encoding="utf-8"))
    for name, lines in lines_asked(exercise).items():
        found += mutants(name, inspect.getsource(_module(exercise, name)), lines)
    return found


def lines_asked(exercise: Exercise) -> dict[str, list[int]]:
    """File or module -> the lines that answer: of solution.py, and of library modules whose objects it hands on.

    Of the library those that run when the check's questions are put to the solution; what it uses of other modules
    has tests elsewhere. Of solution.py the definitions that run or are asked for: some are for the experiment alone.
    They are traced in a fresh process: begun in one that has run much already, tracing may hang CPython 3.11.
    """
    return map_processes(trace, [(exercise.id,)], lambda _: None)[0]


def trace(exercise_id: str) -> dict[str, list[int]]:
    """See `lines_asked`."""
    import coverage

    exercise = get(exercise_id)
    modules = {str(getattr(thing, "__module__", "")) for thing in exercise.solution.values()}
    ours = [name for name in sorted(modules) if name.startswith("zth.") and not name.startswith("zth.workbook.")]
    files = {str(inspect.getsourcefile(_module(exercise, name))): name for name in (SOLUTION, *ours)}
    tracer = coverage.Coverage(data_file=None, include=list(files), messages=False)
    questions = [(part, list(part.inputs())) for part in exercise.parts]  # who asks is not who answers
    ask = Asking(exercise.parts, SimpleNamespace(**exercise.solution))
    with tracer.collect():
        for part, cases in questions:
            for number, inputs in enumerate(cases):
                ask(part, number, inputs)
    data = tracer.get_data()
    ran = {name: sorted(data.lines(path) or []) for path, name in files.items()}
    return {**ran, SOLUTION: _whole(inspect.getsource(exercise.module("solution")), ran[SOLUTION], exercise.solution)}


def _module(exercise: Exercise, name: str) -> ModuleType:
    return exercise.module("solution") if name == SOLUTION else sys.modules[name]


def _whole(source: str, ran: Collection[int], asked: Collection[str]) -> list[int]:
    """The lines of all definitions of which a line ran, or which are asked for by name; and what defines nothing.

    >>> _whole("a = 1\\ndef f():\\n    return 1\\ndef g():\\n    return 2\\n", [3], ["a"])
    [1, 2, 3]
    """
    lines: list[int] = []
    for node in ast.parse(source).body:
        inside = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        name = node.name if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else None
        if name is None or name in asked or not set(inside).isdisjoint(ran):
            lines += inside
    return lines


# --- in a process of its own ---------------------------------------------------------------------------------------


def judge_mutants(exercise_id: str, changed: list[tuple[str, str]]) -> list[tuple[Outcome, str]]:
    """[(file, its changed source)] -> what became of each."""
    exercise = get(exercise_id)
    fates = []
    with tempfile.TemporaryDirectory(prefix="zth-mutate-") as folder:
        path = Path(folder) / exercise.file_name
        for file, source in changed:
            path.write_text(as_answer(exercise, file, source), encoding="utf-8")
            fates.append(_fate(judge(exercise, path, _jail())))
    return fates


@cache
def _jail() -> Jail:
    """One for all that this process judges, so that torch is imported once."""
    jail = Jail(preload=("torch",), open_book=True)
    Finalize(jail, jail.close, exitpriority=1)  # a process of a pool ends without `atexit`
    return jail


def _fate(verdict: Verdict) -> tuple[Outcome, str]:
    failure = verdict.first_failure
    if verdict.ok:
        return "survived", ""
    if failure is None or failure.state == "unreached":
        return "stopped", verdict.trouble
    if failure.mistake:
        return "named", failure.mistake
    if failure.state == "raised":
        return "raised", f"{failure.name}: {failure.says or failure.got}"
    return "wrong", f"{failure.name}: {failure.says or failure.difference}"


def as_answer(exercise: Exercise, file: str, source: str) -> str:
    """A learner's file: the changed file itself, or the solution over a changed module of the library."""
    if file.endswith(".py"):
        return source
    solution = f"{exercise.module('solution').__name__}"
    return f"{_IMPORTS_CHANGED}\nChanged.name, Changed.text = {file!r}, {source!r}\nfrom {solution} import *\n"


_IMPORTS_CHANGED = '''
import importlib.machinery, sys


class Changed(importlib.machinery.SourceFileLoader):
    """Imports one module of the library with another text than its file has."""

    def get_code(self, fullname):
        return compile(self.text, self.path, "exec")

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path) if name == cls.name else None
        return spec and importlib.machinery.ModuleSpec(name, cls(name, spec.origin), origin=spec.origin)


sys.meta_path.insert(0, Changed)
'''


def rows(found: list[Mutation]) -> Iterator[tuple[str, ...]]:
    """The report's table, a row for each exercise and one for all."""
    for each in found:
        yield (each.exercise, *_figures([each]))
    if len(found) > 1:
        yield ("all", *_figures(found))


def share_rejected(found: list[Mutation], *, equivalent: bool = True) -> float:
    """Of all mutants together, 0 to 1; without those that are explained as equivalent if `equivalent` is False.

    >>> share_rejected([])
    1.0
    """
    rejected = sum(each.rejected for each in found)
    survived = sum(len(each.survivors if equivalent else each.unexplained) for each in found)
    return rejected / (rejected + survived) if rejected + survived else 1.0


def _figures(found: list[Mutation]) -> tuple[str, ...]:
    counted: list[Outcome] = ["named", "raised", "wrong", "stopped", "survived"]
    numbers = [sum(each.count(outcome) for each in found) for outcome in counted]
    shares = (f"{100 * share_rejected(found, equivalent=counts):.1f} %" for counts in (True, False))
    places, judged = sum(each.places for each in found), sum(numbers)
    return str(places), str(judged), str(judged - numbers[-1]), *shares, *map(str, numbers)
