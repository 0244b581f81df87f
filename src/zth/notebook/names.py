"""Which objects are judged: those that were passed, or those that the notebook has under the exercise's names."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from zth.errors import ExerciseError, did_you_mean
from zth.texts import mark, say
from zth.workbook.exercise import Exercise, exercises

Names = Mapping[str, object]
_NONE_IN_MODULE = mark("Exercise {id} asks for {names}; the module {thing} has none of them.")
_NONE_IN_OBJECT = mark("Exercise {id} asks for {names}; a {thing} has none of them.")


@dataclass(frozen=True, kw_only=True)
class Found:
    """What can be asked, by name; and of the names that cannot, what to do about each."""

    objects: dict[str, object]
    says: dict[str, str]


def gather(exercise: Exercise, passed: Sequence[object], named: Names, notebook: Names) -> Found:
    """Arguments of a call -> what to ask. Raises ExerciseError for an argument that is none of the exercise's names.

    With no arguments at all, `notebook` has them: the caller's variables. With some, the others are missing: better
    than to judge a variable that happens to have the name.
    """
    wanted = list(exercise.solution)
    if unknown := [name for name in named if name not in wanted]:
        raise ExerciseError(
            say("Exercise {id} asks for no `{name}`.", id=exercise.id, name=unknown[0]),
            did_you_mean(unknown[0], written(exercise)),
        )
    if passed or named:
        objects = dict(named)
        for thing in passed:
            objects |= _held_by(thing, exercise)
    else:
        objects = {name: notebook[name] for name in wanted if name in notebook}
    in_call = bool(passed or named)
    says = {name: _absent(name, exercise, in_call=in_call) for name in wanted if name not in objects}
    says |= {name: told for name, thing in objects.items() if (told := _unlike(name, thing, exercise))}
    return Found(objects=objects, says=says)


def _absent(name: str, exercise: Exercise, *, in_call: bool) -> str:
    """What to do about a name that a call has not passed beside others, or that no cell has defined."""
    if in_call:
        call = f'check("{exercise.id}", {name}={name})'
        return say("`{name}` was not passed to check: add it, as in {call}.", name=name, call=call)
    return say("`{name}` is not in this notebook yet: run the cell that defines it.", name=name)


def written(exercise: Exercise) -> dict[str, tuple[str, ...]]:
    """The names that the stub defines, each with its parameters; a class has none.

    >>> from zth.workbook.exercise import get
    >>> written(get("2.1"))["loss"]
    ('P', 'words')
    """
    found: dict[str, tuple[str, ...]] = {}
    for node in ast.parse(exercise.stub.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = tuple(
                each.arg for each in node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            )
        elif isinstance(node, ast.ClassDef):
            found[node.name] = ()
    return {name: parameters for name, parameters in found.items() if name in exercise.solution}


def _held_by(thing: Any, exercise: Exercise) -> dict[str, object]:
    """One of the exercise's functions or classes by its own name; else the names that it has as attributes."""
    wanted, asked = list(exercise.solution), ", ".join(written(exercise))
    if isinstance(thing, type) or inspect.isroutine(thing):
        if thing.__name__ in wanted:
            return {thing.__name__: thing}
        if inspect.isroutine(thing):
            raise ExerciseError(
                say("Exercise {id} asks for no function `{name}`.", id=exercise.id, name=thing.__name__),
                say(
                    "It asks for {names}. Say which one it is, as in {call}.",
                    names=asked,
                    call=f"check({exercise.id!r}, {wanted[0]}={thing.__name__})",
                ),
            )
    found = {name: getattr(thing, name) for name in wanted if hasattr(thing, name)}
    if not found:
        is_module = isinstance(thing, ModuleType)
        kind = thing.__name__ if is_module else type(thing).__name__
        told = say(_NONE_IN_MODULE if is_module else _NONE_IN_OBJECT, id=exercise.id, names=asked, thing=kind)
        call = f"check({exercise.id!r}, {wanted[0]}={wanted[0]})"
        raise ExerciseError(told, say("Pass them by name, as in {call}.", call=call))
    return found


def _unlike(name: str, thing: object, exercise: Exercise) -> str:
    """Why this cannot be what the exercise means by the name, and what to do; "" where it can.

    In a notebook, names are used again: `loss` is a number of the training above, or what another exercise asked for.
    """
    if callable(exercise.solution[name]) and not callable(thing):
        return say(
            "`{name}` is a {type} here, and {id} asks for a function: run the cell that defines it again, "
            "or pass it: {call}.",
            name=name,
            type=type(thing).__name__,
            id=exercise.id,
            call=f'check("{exercise.id}", {name}=...)',
        )
    ours = written(exercise).get(name)
    if ours and inspect.isfunction(thing) and (theirs := tuple(inspect.signature(thing).parameters)) != ours:
        for other in exercises():
            if other != exercise and written(other).get(name) == theirs:
                return say(
                    "`{theirs}` is that of {other}; {id} asks for `{ours}`: run the cell that defines it again.",
                    theirs=f"{name}({', '.join(theirs)})",
                    other=other.id,
                    id=exercise.id,
                    ours=f"{name}({', '.join(ours)})",
                )
    return ""
