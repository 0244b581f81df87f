"""A pack is a Python package full of exercises. The course is one; others are found by their entry point.

::

    zth-sampling/
      pyproject.toml            [project.entry-points."zth.exercises"]
                                sampling = "zth_sampling"
      src/zth_sampling/
        __init__.py
        l01_cuts/               as in zth.workbook: a README.md, and a folder for each exercise
          e01_who_may_be_drawn/

Its exercises are called by its name: `sampling:1.1`. A pack that cannot be used is told (`broken_packs`) and hides no
other. Finding a pack runs none of its code.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from zth.errors import ExerciseError, ZthError

GROUP = "zth.exercises"
NAME = re.compile(r"[a-z][a-z0-9_]*")
"""A pack's name begins the ids of its exercises and the names of the learner's files, which must be importable."""


@dataclass(frozen=True)
class Pack:
    """Where exercises live: `package` is what Python calls `folder`. The course's name is ""."""

    name: str
    package: str
    folder: Path

    @property
    def prefix(self) -> str:
        """What stands in front of its ids.

        >>> COURSE.prefix, Pack("sampling", "zth_sampling", Path("zth_sampling")).prefix
        ('', 'sampling:')
        """
        return f"{self.name}:" if self.name else ""

    def module(self, path: str, of: str) -> ModuleType:
        """Import `path`, as in "l01_cuts.e01_x.check"; an ExerciseError, of exercise `of`, where its code raises."""
        try:
            return importlib.import_module(f"{self.package}.{path}")
        except ZthError:
            raise
        except (Exception, SystemExit) as error:
            problem = f"{path.rpartition('.')[2]}.py of {of} cannot be imported: {self.told(error)}."
            raise ExerciseError(problem, f"Mend it in {self.folder}, or tell those who wrote it.") from error

    def told(self, error: BaseException) -> str:
        """An exception, and where in the pack it was raised, as in "KeyError: 'x' (check.py, line 12)"."""
        rows = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
        if isinstance(error, SyntaxError) and error.filename:
            rows.append((error.filename, error.lineno))
        inside = [row for row in rows if Path(row[0]).is_relative_to(self.folder) and Path(row[0]) != Path(__file__)]
        place = f" ({Path(inside[-1][0]).name}, line {inside[-1][1]})" if inside else ""
        words = error.msg if isinstance(error, SyntaxError) else str(error)
        return f"{type(error).__name__}: {words}".removesuffix(": ") + place


COURSE = Pack("", "zth.workbook", Path(__file__).parent)


@dataclass(frozen=True)
class Broken:
    """A pack or an exercise (`name` is its id) that cannot be used, and why."""

    name: str
    error: ExerciseError


def packs() -> list[Pack]:
    """The course, then every pack that is installed and can be used, by name.

    >>> packs()[0].package
    'zth.workbook'
    """
    return [COURSE, *_installed(tuple(sys.path))[0]]


def at_fault(error: BaseException) -> Pack | None:
    """The pack other than the course whose code is in the exception's way; None where it is nobody else's."""
    names = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    return next((pack for pack in packs()[1:] if any(name.is_relative_to(pack.folder) for name in names)), None)


def broken_packs() -> list[Broken]:
    """The packs that are installed and cannot be used."""
    return _installed(tuple(sys.path))[1]


@cache  # every installed distribution is asked for its entry points, which takes a while
def _installed(_path: Sequence[str]) -> tuple[list[Pack], list[Broken]]:
    """What the distributions on this sys.path offer."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        found.setdefault(entry.name, []).append(entry)
    good, broken = [], []
    for name in sorted(found):
        try:
            good.append(_pack(found[name]))
        except ExerciseError as error:
            broken.append(Broken(name, error))
    return good, broken


def _pack(entries: Sequence[EntryPoint]) -> Pack:
    """The pack behind the entry points of one name; raises ExerciseError where there is none to be used."""
    entry, names = entries[0], sorted(_distribution(entry) for entry in entries)
    if len(entries) > 1:
        problem = f"More than one pack is called {entry.name!r}: those of {' and '.join(names)}."
        raise ExerciseError(problem, "Uninstall all but one.")
    if not NAME.fullmatch(entry.name):
        problem = f"The pack of {names[0]} is called {entry.name!r}; a name has small letters, digits and _."
        raise ExerciseError(problem, f"Rename its entry point in the group {GROUP}.")
    return Pack(entry.name, entry.value, _folder(entry))


def _folder(entry: EntryPoint) -> Path:
    """The package's folder, found without importing it (but for the packages above it)."""
    repair = f"Install it again, or leave it: pip uninstall {_distribution(entry)}"
    offered = f"The pack {entry.name!r} offers {entry.value!r}"
    try:
        spec = importlib.util.find_spec(entry.value)
    except (Exception, SystemExit) as error:
        told = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise ExerciseError(f"{offered}, which cannot be found ({told}).", repair) from error
    if spec is None:
        raise ExerciseError(f"{offered}, and there is no such package.", repair)
    places = [Path(place) for place in spec.submodule_search_locations or ()]
    if len(places) != 1 or not places[0].is_dir():
        raise ExerciseError(f"{offered}, which is not a package with a folder of its own.", repair)
    return places[0]


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.value
