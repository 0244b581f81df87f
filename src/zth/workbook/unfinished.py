"""What is still to do on an exercise that is being written, step by step (`zth new-exercise` begins one).

While task.md says "Unfinished", `zth prove` asks no more than there is: what has been written must hold, what has not
is a step. The order is that of writing: what is asked, what is right, what is wrong, then the words around it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from zth.errors import ExerciseError
from zth.workbook.exercise import UNFINISHED, Exercise
from zth.workbook.jail import Jail
from zth.workbook.prove import LEAST_MISTAKES, LEAST_RIGHT_ANSWERS, Proof, prove

TO_DO = "TODO"
"""Marks a place in the new files that waits for its author; none is left at the end."""
COUNTED = ("mistakes", "right answers")
"""The proofs that count how much there is: here they are steps."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to do: where, what, and how far it is."""

    place: str
    what: str
    done: bool
    found: str = ""
    """What there is so far, where that helps: a number, or why a file cannot be used."""


def steps(exercise: Exercise) -> list[Step]:
    """Every step to a finished exercise, in the order of doing them.

    >>> from zth.workbook.exercise import get
    >>> [step.place for step in steps(get("1.2")) if not step.done]
    []
    """
    return [
        _texts(exercise, "task.md: statement", "say what is asked: each name, its shapes, one example with numbers"),
        _names(exercise),
        _stub(exercise),
        _check(exercise),
        _mistakes(exercise),
        _right(exercise),
        _texts(exercise, "task.md: hints", "write the three hints; each says more than the one before"),
        _marked(exercise, exercise.folder / "measure.py", "answer the question with data, or delete the file"),
        _marked(exercise, exercise.folder.parent / "README.md", "name the lecture and tell it in a page"),
        Step(
            place="task.md",
            what=f'take out the line that begins with "{UNFINISHED}:"',
            done=not exercise.task.unfinished,
        ),
    ]


def proofs(exercise: Exercise, jail: Jail) -> list[Proof]:
    """All that can be proved by now. An exercise whose own code fails is a proof that fails: it hides no other."""
    try:
        if exercise.task.unfinished:
            return list(_of_what_is_there(exercise, jail))
        return [*prove(exercise, jail), _nothing_left(exercise)]
    except ExerciseError as error:
        why = str(error)
    except Exception as error:
        why = f"its own code failed: {exercise.pack.told(error)}"
    return [Proof(exercise=exercise.id, submission="folder", ok=False, why=why)]


def _of_what_is_there(exercise: Exercise, jail: Jail) -> Iterator[Proof]:
    """None before there is a question, a right answer and a stub; what is counted is a step."""
    if all(step.done for step in (_names(exercise), _stub(exercise), _check(exercise))):
        yield from (proof for proof in prove(exercise, jail) if proof.submission not in COUNTED)


def _nothing_left(exercise: Exercise) -> Proof:
    open_steps = [f"{step.place}: {step.what}" for step in steps(exercise) if not step.done]
    why = f"still to do: {'; '.join(open_steps)}" if open_steps else "nothing is left to do"
    return Proof(exercise=exercise.id, submission="folder", ok=not open_steps, why=why)


def _texts(exercise: Exercise, place: str, what: str) -> Step:
    task = exercise.task
    texts = task.hints if place.endswith("hints") else (task.asks, task.statement)
    return Step(place=place, what=what, done=not any(TO_DO in text for text in texts))


def _names(exercise: Exercise) -> Step:
    what = "import the right answer from its library, or write it; list its names in __all__; explain it above"
    return _step(exercise, "solution.py", what, lambda: (len(exercise.solution) > 0, ""), ["solution.py"])


def _stub(exercise: Exercise) -> Step:
    def found() -> tuple[bool, str]:
        lacking = set(exercise.solution) - _defined(exercise.stub)
        return bool(exercise.solution) and not lacking, f"lacks {', '.join(sorted(lacking))}" if lacking else ""

    what = "give each of these names, with its shapes, raising NotImplementedError with words that help"
    return _step(exercise, "stub.py", what, found, ["stub.py"])


def _check(exercise: Exercise) -> Step:
    what = "ask: a Part for each question, with cases that tell right from nearly right"
    return _step(exercise, "check.py: PARTS", what, lambda: (len(exercise.parts) > 0, ""))


def _mistakes(exercise: Exercise) -> Step:
    def found() -> tuple[bool, str]:
        n = len(exercise.mistakes)
        return n >= LEAST_MISTAKES, f"{n} of at least {LEAST_MISTAKES}"

    what = "put in the wrong answers that people give, each with the words that they should read"
    return _step(exercise, "check.py: MISTAKES", what, found, ["check.py"])


def _right(exercise: Exercise) -> Step:
    n = len(exercise.right_answers)
    what = "add right answers in other styles (loops.py, numpy_arrays.py, ...), each as a learner would hand it in"
    return Step(
        place="right/", what=what, done=n >= LEAST_RIGHT_ANSWERS, found=f"{n} of at least {LEAST_RIGHT_ANSWERS}"
    )


def _marked(exercise: Exercise, path: Path, what: str) -> Step:
    place = str(path.relative_to(exercise.folder)) if path.is_relative_to(exercise.folder) else f"../{path.name}"
    return Step(place=place, what=what, done=not path.exists() or TO_DO not in path.read_text(encoding="utf-8"))


def _step(
    exercise: Exercise, place: str, what: str, look: Callable[[], tuple[bool, str]], files: list[str] | None = None
) -> Step:
    """A step on Python files: done where `look` says so and no mark is left in `files`."""
    try:
        done, found = look()
    except ExerciseError as error:
        return Step(place=place, what=what, done=False, found=error.problem)
    left = any(TO_DO in (exercise.folder / name).read_text(encoding="utf-8") for name in files or [])
    return Step(place=place, what=what, done=done and not left, found=found or (f"{TO_DO} is left" if left else ""))


def _defined(path: Path) -> set[str]:
    """The names that a file defines at its top level; raises ExerciseError where it is not Python."""
    try:
        body = ast.parse(path.read_text(encoding="utf-8")).body
    except SyntaxError as error:
        raise ExerciseError(f"it cannot be run: {error.msg} (line {error.lineno})") from error
    defined = {node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    for node in body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            defined |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return defined
