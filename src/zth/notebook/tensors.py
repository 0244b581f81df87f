"""An exercise asked of the tensors that a notebook has, instead of functions: see 5.1's `tensors.py`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from zth.errors import ExerciseError, did_you_mean
from zth.notebook.names import Found, Names, written
from zth.texts import say
from zth.workbook.check import Part
from zth.workbook.exercise import Exercise


@dataclass(frozen=True)
class AskedOfTensors(Exercise):
    """The exercise with other parts."""

    own: tuple[Part, ...] = field(default=(), compare=False)

    @property
    def parts(self) -> list[Part]:
        return list(self.own)


def tensors(exercise: Exercise, named: Names, notebook: Names) -> tuple[AskedOfTensors, Found] | None:
    """None where functions are meant: the exercise has no lines to ask about, or none are there.

    Lines that were passed bring their forward pass along, or it is what the notebook has.
    """
    if not Path(exercise.folder / "tensors.py").is_file():
        return None
    lines = [part.step.variable for part in exercise.parts if part.step is not None]
    functions = [name for name in written(exercise) if callable((named or notebook).get(name))]
    if functions or not any(_is_value((named or notebook).get(name)) for name in lines):
        return None
    module = exercise.module("tensors")
    known = {*lines, *module.FORWARD}
    if unknown := [name for name in named if name not in known]:
        raise ExerciseError(
            say("Exercise {id} knows no tensor `{name}`.", id=exercise.id, name=unknown[0]),
            did_you_mean(unknown[0], known),
        )
    given = named or {name: notebook[name] for name in lines if _is_value(notebook.get(name))}
    forward = {name: notebook[name] for name in module.FORWARD if name in notebook}
    objects, parts = module.asked_of({**forward, **given})
    return AskedOfTensors(exercise.folder, exercise.pack, own=tuple(parts)), Found(objects=objects, says={})


def _is_value(thing: object) -> bool:
    return thing is not None and not callable(thing)
