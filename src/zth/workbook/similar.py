"""Which submissions to one exercise are the same but for names, layout and comments (see `normal_form`).

Short answers may well be the same by chance: a group says how many nodes its form has, and how many share it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from zth.workbook.exercise import Exercise
from zth.workbook.normal_form import Form, normal_form
from zth.workbook.told import sources

SHORT = 60
"""Nodes of a syntax tree: below, people who never met write the same (a function of about three lines)."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Students whose answers to one exercise have one normal form."""

    exercise: str
    students: Sequence[str]
    nodes: int
    identical: bool
    """Whether the files are the same byte for byte."""
    published: str = ""
    """The answer that ships with zth and has this form too, as in "right/loops.py" or "zth solution"."""

    @property
    def is_short(self) -> bool:
        return self.nodes < SHORT

    def pairs(self) -> Iterator[tuple[str, str]]:
        return combinations(self.students, 2)


def published_forms(exercise: Exercise) -> Mapping[str, str]:
    """Form digest -> the answer that ships with zth and has it: in another style, or what `zth solution` shows."""
    stub, names = exercise.stub.read_text(encoding="utf-8"), list(exercise.solution)
    texts = {f"{path.parent.name}/{path.name}": path.read_text(encoding="utf-8") for path in exercise.right_answers}
    texts["zth solution"] = "\n\n".join(text for _, text in sources(exercise))
    texts["solution.py"] = (exercise.folder / "solution.py").read_text(encoding="utf-8")
    forms = ((name, normal_form(text, stub, names)) for name, text in texts.items())
    return {form.digest: name for name, form in forms if form is not None}


def groups(exercise: str, files: Mapping[str, tuple[Form, str]], published: Mapping[str, str]) -> list[Group]:
    """Student -> (form, the file's SHA-256), of one exercise -> those who share a form, the longest forms first.

    A single student is a group where their form is that of a published answer.
    """
    by_form: dict[Form, list[str]] = {}
    for student, (form, _) in files.items():
        by_form.setdefault(form, []).append(student)
    found = [
        Group(
            exercise=exercise,
            students=sorted(students),
            nodes=form.nodes,
            identical=len({files[student][1] for student in students}) == 1 and len(students) > 1,
            published=published.get(form.digest, ""),
        )
        for form, students in by_form.items()
        if len(students) > 1 or form.digest in published
    ]
    return sorted(found, key=lambda group: (-group.nodes, group.students))
