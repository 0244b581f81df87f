"""A lecture is a folder of exercises, with a page about it and, where it has figures of its own, an experiment.

::

    l04_batchnorm/
      README.md    the lecture in a page; its first line names it
      measure.py   the lecture's own tables, measured again
      e01_all_zero/ e02_fold_batchnorm/ ...
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from zth.errors import ExerciseError

ROOT = Path(__file__).parent


@dataclass(frozen=True)
class Lecture:
    """One lecture's folder. Equal and hashable by its folder."""

    folder: Path

    @property
    def number(self) -> int:
        return int(self.folder.name[1:3])

    @property
    def id(self) -> str:
        """As people say it.

        >>> lectures()[0].id
        '1'
        """
        return str(self.number)

    @property
    def title(self) -> str:
        """The lecture's name, from the first line of its README.md.

        >>> lectures()[0].title
        'micrograd'
        """
        heading = (self.folder / "README.md").read_text(encoding="utf-8").splitlines()[0]
        return heading.removeprefix(f"# Lecture {self.number}: ")

    @property
    def has_measurement(self) -> bool:
        return (self.folder / "measure.py").is_file()

    def module(self, name: str) -> ModuleType:
        """The lecture's measure module, imported."""
        return importlib.import_module(f"zth.workbook.{self.folder.name}.{name}")


def lectures() -> list[Lecture]:
    """Every lecture there is, in the order of the course."""
    return [Lecture(path.parent) for path in sorted(ROOT.glob("l[0-9][0-9]_*/README.md"))]


def find(lecture_id: str) -> Lecture:
    """The lecture called `lecture_id`, as in "L5" or "5"; raises ExerciseError where there is none.

    >>> find("L5").title
    'backpropagation by hand'
    """
    known = {each.id: each for each in lectures()}
    found = known.get(lecture_id.removeprefix("L").removeprefix("l"))
    if found is None:
        names = ", ".join(f"L{each}" for each in known)
        raise ExerciseError(f"There is no lecture {lecture_id!r}.", f"Name one of {names}.")
    return found
