"""An exercise is a folder; this reads one.

::

    l01_micrograd/e02_softmax/
      task.md      title, what it needs, statement, then the hints: nudge, idea, line
      stub.py      what the learner starts from
      check.py     the questions, and the wrong answers that it must reject (see `check`)
      solution.py  an import of the library's object, plus the explanation
      right/       correct answers in other styles, which the check must accept
      tensors.py   the same questions asked of a notebook's tensors (5.1 alone)
      measure.py   the experiment, where the exercise asks a question of the data
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from zth.errors import ExerciseError, did_you_mean
from zth.workbook.lecture import ROOT, Lecture

if TYPE_CHECKING:  # `zth list` reads the folders without them, and so without NumPy
    from zth.workbook.check import Limits, Mistake, Part

HINTS = ("nudge", "idea", "line")


@dataclass(frozen=True, kw_only=True)
class Task:
    """What task.md says."""

    title: str
    needs: tuple[str, ...]
    statement: str
    hints: tuple[str, ...]
    """As many as HINTS, in that order: each says more than the one before."""


@dataclass(frozen=True)
class Exercise:
    """One exercise folder. Equal and hashable by its folder; what is slow to read is read when asked for."""

    folder: Path

    @property
    def lecture(self) -> Lecture:
        return Lecture(self.folder.parent)

    @property
    def id(self) -> str:
        """As people say it.

        >>> get("2.1").id
        '2.1'
        """
        return f"{self.lecture.id}.{int(self.folder.name[1:3])}"

    @property
    def file_name(self) -> str:
        """What the learner's copy of the stub is called: importable, and sorted as the exercises are.

        >>> get("1.2").file_name
        'e1_2_softmax.py'
        """
        return f"e{self.id.replace('.', '_')}_{self.folder.name[4:]}.py"

    @property
    def title(self) -> str:
        return self.task.title

    @cached_property
    def task(self) -> Task:
        return parse_task((self.folder / "task.md").read_text(encoding="utf-8"), self.folder.name)

    @property
    def stub(self) -> Path:
        return self.folder / "stub.py"

    @property
    def right_answers(self) -> list[Path]:
        return sorted((self.folder / "right").glob("*.py"))

    @property
    def has_measurement(self) -> bool:
        return (self.folder / "measure.py").is_file()

    @property
    def parts(self) -> list[Part]:
        return list(self.module("check").PARTS)

    @property
    def mistakes(self) -> list[Mistake]:
        return list(self.module("check").MISTAKES)

    @property
    def limits(self) -> Limits:
        from zth.workbook.check import Limits

        limits: Limits = getattr(self.module("check"), "LIMITS", Limits())
        return limits

    @property
    def solution(self) -> Mapping[str, object]:
        """The names of the right answer: what solution.py lists in `__all__`."""
        module = self.module("solution")
        return {name: getattr(module, name) for name in module.__all__}

    def module(self, name: str) -> ModuleType:
        """The exercise's check, solution or measure module, imported."""
        return importlib.import_module(f"zth.workbook.{self.folder.parent.name}.{self.folder.name}.{name}")


def exercises() -> list[Exercise]:
    """Every exercise there is, in the order of the course.

    >>> [exercise.id for exercise in exercises()][:3]
    ['1.1', '1.2', '2.1']
    """
    return [Exercise(path.parent) for path in sorted(ROOT.glob("l[0-9][0-9]_*/e[0-9][0-9]_*/task.md"))]


def get(exercise_id: str) -> Exercise:
    """The exercise called `exercise_id`, as in "2.1"; raises ExerciseError where there is none."""
    known = {exercise.id: exercise for exercise in exercises()}
    if exercise_id not in known:
        near = did_you_mean(exercise_id, known)
        raise ExerciseError(f"There is no exercise {exercise_id!r}.", f"{near} See: zth list")
    return known[exercise_id]


def parse_task(text: str, name: str) -> Task:
    """task.md -> Task; raises ExerciseError saying what is missing.

    >>> text = "# Softmax\\n\\nNeeds: 1.1\\n\\nWrite it.\\n\\n## Nudge\\na\\n\\n## Idea\\nb\\n\\n## Line\\nc\\n"
    >>> parse_task(text, "e02").needs
    ('1.1',)
    """
    head, *sections = re.split(r"^## +", text, flags=re.MULTILINE)
    hints = dict(section.split("\n", 1) for section in sections)
    found = re.match(r"# (?P<title>.+)\n+(?:Needs: (?P<needs>.+)\n+)?(?P<statement>(?s:.+))", head)
    if found is None or [heading.strip().lower() for heading in hints] != list(HINTS):
        raise ExerciseError(
            f"task.md of {name} has the sections {', '.join(hints) or 'none'}.",
            "It needs a '# Title', a statement, then '## Nudge', '## Idea' and '## Line', in this order.",
        )
    needs = found["needs"] or ""
    return Task(
        title=found["title"].strip(),
        needs=tuple(re.findall(r"\d+\.\d+", needs)),
        statement=found["statement"].strip(),
        hints=tuple(hint.strip("\n").rstrip() for hint in hints.values()),
    )
