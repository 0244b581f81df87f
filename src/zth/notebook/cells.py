"""A lecture as the cells of a notebook: its page, then for each exercise what it asks, the stub, the check."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import dataclass
from typing import Literal

from zth.notebook.result import as_calls
from zth.texts import mark, say
from zth.workbook.exercise import Exercise, exercises
from zth.workbook.lecture import Lecture

HOW = mark("""\
Each exercise below has three kinds of cells: what it asks, the stub that you complete, and the check. Run them from
top to bottom. Stuck? `hint("…")` helps a little more each time; once you have tried, `solution("…")` explains. Your
progress is kept in the folder `my-zth`, as with `zth check`.""")
FIRST = "from zth.notebook import check, draw, hint, solution"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """`id` tells what it is, as in "e2-1-stub-3": of exercise 2.1, the third piece of the stub."""

    id: str
    kind: Literal["markdown", "code"]
    source: str


def cells(lecture: Lecture) -> list[Cell]:
    """All of a lecture's cells in order.

    >>> from zth.workbook.lecture import find
    >>> [cell.id for cell in cells(find("L5"))][:7]
    ['lecture', 'how', 'import', 'e5-1-task', 'e5-1-stub-1', 'e5-1-stub-2', 'e5-1-check']
    """
    found = [_markdown("lecture", as_calls(lecture.page.strip())), _markdown("how", say(HOW)), _code("import", FIRST)]
    for exercise in exercises():
        if exercise.lecture == lecture:
            found += _of(exercise)
    return found


def _of(exercise: Exercise) -> list[Cell]:
    name = "e" + re.sub(r"\W", "-", exercise.id)  # what a cell's id may hold
    note, pieces = pieces_of(exercise.stub.read_text(encoding="utf-8"))
    needs = say("It builds on {ids}.", ids=", ".join(exercise.task.needs)) if exercise.task.needs else ""
    told = [f"## {exercise.id} {exercise.title}", needs, as_calls(exercise.task.statement), note]
    return [
        _markdown(f"{name}-task", "\n\n".join(filter(None, told))),
        *(_code(f"{name}-stub-{number}", piece) for number, piece in enumerate(pieces, 1)),
        _code(f"{name}-check", f'check("{exercise.id}")'),
    ]


def pieces_of(stub: str) -> tuple[str, list[str]]:
    """A stub's text -> what its docstring says after the first line, and its pieces: one for each function or class,
    one for what stands between them (imports, constants).

    >>> pieces_of('"First line."\\nimport math\\nE = math.e\\n\\n\\ndef f(x):  # given\\n    return x\\n')
    ('', ['import math\\nE = math.e', 'def f(x):  # given\\n    return x'])
    """
    tree, lines = ast.parse(stub), stub.splitlines()
    note = inspect.cleandoc(ast.get_docstring(tree) or "").partition("\n")[2].strip("\n")
    pieces: list[str] = []
    start, was_definition = 0, True
    for node in tree.body:
        end = node.end_lineno or 0
        piece = "\n".join(lines[start:end]).strip("\n")
        is_definition = isinstance(node, (ast.FunctionDef, ast.ClassDef))
        if isinstance(node, ast.Expr) and node is tree.body[0]:  # the docstring
            pass
        elif is_definition or was_definition:
            pieces.append(piece)
            was_definition = is_definition
        else:
            pieces[-1] += "\n" + "\n".join(lines[start:end])
        start = end
    return note, pieces


def _markdown(name: str, source: str) -> Cell:
    return Cell(id=name, kind="markdown", source=source)


def _code(name: str, source: str) -> Cell:
    return Cell(id=name, kind="code", source=source)
