"""Which exercises a class is given, and what each part is worth: the lock file of a handout.

::

    zth = "0.1.0"                       the version that the stubs came from

    [exercises."2.1"]
    points = 10
    stub = "sha256:9f0c..."             so that an untouched file is known as one

    [exercises."2.1".parts]             how the points are shared out: 1 and 3 are a quarter and three quarters
    trigrams = 1
    count = 1

A teacher may write such a file by hand: `points` is 10 and a part's weight 1 where it says nothing.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zth.errors import ConfigError, ExerciseError, did_you_mean
from zth.workbook.exercise import Exercise, exercises, fingerprint, get
from zth.workbook.lecture import find, plain_id

LOCK = "handout.toml"
POINTS = 10.0
"""What an exercise is worth where nobody says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Assigned:
    """One exercise of a handout, and how it is marked."""

    exercise: Exercise
    points: float = POINTS
    weights: Mapping[str, float] = field(default_factory=dict)
    """By part; a part that is not here has the weight 1."""
    stub: str = ""
    """`fingerprint` of the stub that was handed out; "" where that is not known."""
    inherited: float = 0.0
    """What share of its points a part gets whose only fault is an earlier one (docs/teachers.md: why it is 0)."""

    def shares(self) -> dict[str, float]:
        """The points of each part, in the order of the check; they sum to `points`."""
        weights = {part.name: self.weights.get(part.name, 1.0) for part in self.exercise.parts}
        total = math.fsum(weights.values())
        return {name: self.points * weight / total for name, weight in weights.items()}

    def is_untouched(self, source: str) -> bool:
        """Whether a file is the stub that was handed out, or the stub of now, of whatever language."""
        return fingerprint(source) == self.stub or self.exercise.is_stub(source)


@dataclass(frozen=True, kw_only=True)
class Handout:
    """The exercises of a class, in the order of the course."""

    assigned: Sequence[Assigned]
    zth: str = ""
    """The version that made it; "" where a person did."""

    @property
    def points(self) -> float:
        return math.fsum(each.points for each in self.assigned)

    @property
    def name(self) -> str:
        """What a table calls it.

        >>> Handout.of(chosen(["2.1", "1.2"])).name
        '1.2 2.1'
        """
        return " ".join(each.exercise.id for each in self.assigned)

    @classmethod
    def of(cls, chosen: Iterable[Exercise]) -> Handout:
        """All of equal worth, and their parts too."""
        return cls(assigned=[_assigned(exercise) for exercise in chosen], zth=version())


def version() -> str:
    return importlib.metadata.version("zth")


def chosen(words: Sequence[str]) -> list[Exercise]:
    """Lectures ("L2", "2", "sampling:1") and exercises ("2.1") -> exercises, in the order of the course, each once.

    >>> [exercise.id for exercise in chosen(["2.2", "L1", "1.1"])]
    ['1.1', '1.2', '2.2']
    """
    wanted = {exercise.id for word in words for exercise in _named(word)}
    return [exercise for exercise in exercises() if exercise.id in wanted]


def _named(word: str) -> list[Exercise]:
    if "." in word:
        return [_finished(plain_id(word))]
    lecture = find(word)
    if not (found := [exercise for exercise in exercises() if exercise.lecture == lecture]):
        raise ExerciseError(f"Lecture {lecture.name} has no exercises yet.", "Name another one. See: zth list")
    return found


def _finished(exercise_id: str) -> Exercise:
    """The exercise of this id; raises ExerciseError where it is still being written."""
    exercise = get(exercise_id)
    if exercise.task.unfinished:
        raise ExerciseError(f"Exercise {exercise_id} is not finished yet.", "Name another one. See: zth list")
    return exercise


def _assigned(exercise: Exercise) -> Assigned:
    weights = {part.name: 1.0 for part in exercise.parts}
    return Assigned(exercise=exercise, weights=weights, stub=fingerprint(exercise.stub.read_text(encoding="utf-8")))


def write_lock(handout: Handout) -> str:
    """A handout as TOML, for a teacher to read and change."""
    lines = [
        "# What was handed out, and what each part is worth. `zth grade --weights` reads this file; students",
        "# need not touch it, and nothing that they write into their copy counts.",
        f"zth = {_text(handout.zth)}",
    ]
    for each in handout.assigned:
        table = f"[exercises.{_text(each.exercise.id)}"
        lines += ["", f"{table}]  # {each.exercise.title}", f"points = {each.points:g}"]
        lines += [f"inherited = {each.inherited:g}"] if each.inherited else []
        lines += [f"stub = {_text(each.stub)}", "", f"{table}.parts]"]
        lines += [f"{_text(name)} = {weight:g}" for name, weight in each.weights.items()]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # a basic string of TOML is one of JSON


def read_lock(path: Path) -> Handout:
    """`handout.toml`, or the folder that holds one -> Handout. Raises ConfigError where it cannot be used."""
    path = path / LOCK if path.is_dir() else path
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"There is no {path}.", "Name a handout's folder, its handout.toml, or a TOML of yours."
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", "It must be TOML; see docs/teachers.md.") from error
    tables = _table(told.get("exercises"), f"{path}: [exercises]")
    if not tables:
        raise ConfigError(f'{path} names no exercise: it has no [exercises."2.1"].', "See docs/teachers.md.")
    assigned = [_read(str(key), _table(value, f"{path}: exercise {key}"), path) for key, value in tables.items()]
    order = [exercise.id for exercise in exercises()]
    return Handout(
        assigned=sorted(assigned, key=lambda each: order.index(each.exercise.id)), zth=str(told.get("zth", ""))
    )


def _read(exercise_id: str, told: Mapping[str, Any], path: Path) -> Assigned:
    exercise = _finished(exercise_id)
    where = f"{path}: exercise {exercise_id}"
    _known(told, ("points", "inherited", "stub", "parts"), where)
    parts = [part.name for part in exercise.parts]
    weights = _table(told.get("parts", {}), f"{where}, parts")
    _known(weights, parts, f"{where}, parts")
    made = Assigned(
        exercise=exercise,
        points=_number(told.get("points", POINTS), f"{where}, points"),
        weights={name: _number(weight, f"{where}, part {name}") for name, weight in weights.items()},
        stub=str(told.get("stub", "")),
        inherited=_number(told.get("inherited", 0.0), f"{where}, inherited"),
    )
    if made.inherited > 1:
        raise ConfigError(f"{where}: inherited is {made.inherited:g}.", "It is a share: 0 to 1.")
    if not any(made.weights.get(name, 1.0) for name in parts):
        raise ConfigError(f"{where}: every part has the weight 0.", "Give one of them a weight.")
    return made


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict | None):
        raise ConfigError(f"{where} is {value!r:.60}; wanted a table.", "See docs/teachers.md.")
    return value or {}


def _known(told: Mapping[str, Any], names: Sequence[str], where: str) -> None:
    if unknown := next((name for name in told if name not in names), None):
        raise ConfigError(f"{where} has no {unknown!r}.", did_you_mean(unknown, names))


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise ConfigError(f"{where} is {value!r}; wanted a number of at least 0.")
    return float(value)
