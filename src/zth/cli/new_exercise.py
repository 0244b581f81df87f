"""The author's commands: begin an exercise, and see what is still to do on one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from zth.cli.terminal import out
from zth.errors import ExerciseError
from zth.workbook.exercise import Exercise
from zth.workbook.new_exercise import Made, make
from zth.workbook.unfinished import Step


def new_exercise_(
    lecture: str,
    title: str,
    /,
    *,
    lecture_title: str = "",
    pack: Path | None = None,
) -> int:
    """Begin an exercise: a folder that `zth prove` leads to its end, step by step.

    Parameters
    ----------
    lecture
        The lecture that it belongs to, as in L8.
    title
        What `zth list` calls it.
    lecture_title
        What a new lecture is called. Default: as its first exercise.
    pack
        The project folder of a pack of your own, which is made where there is none. Default: the course itself.
    """
    found = re.fullmatch(r"[Ll]?([0-9]{1,3})", lecture)
    if found is None:
        raise ExerciseError(f"{lecture!r} names no lecture.", "Name it by its number, as in L8.")
    made = make(title, int(found[1]), lecture=lecture_title, project=pack)
    _print_made(made, pack)
    return 0


def _print_made(made: Made, project: Path | None) -> None:
    exercise = made.exercise
    out().print(f"[bold]{escape(exercise.id)} {escape(exercise.task.title)}[/]  [yellow]unfinished[/]")
    for path in made.written:
        out().print(f"  {escape(_near(path))}", soft_wrap=True)
    if made.new_lecture:
        out().print(f"Lecture {exercise.lecture.number} is new: its README.md names it.")
    if made.new_pack:
        out().print(f"The pack is new. Install it: [bold]pip install -e {escape(str(project))}[/]", soft_wrap=True)
    out().print(f"What to write first: [bold]zth prove {escape(exercise.id)}[/]")


def _near(path: Path) -> str:
    """The path as one would type it here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def print_steps(exercise: Exercise, steps: Sequence[Step]) -> None:
    """What is done and what is not; the first that is not in full. Nothing where there are no steps."""
    if not steps:
        return
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for step in steps:
        mark = "[green]✓[/]" if step.done else "[yellow]…[/]"
        grid.add_row(mark, escape(step.place), f"[dim]{escape('' if step.done else step.found)}[/]")
    out().print(grid)
    following = next((step for step in steps if not step.done), None)
    if following is not None:
        place = exercise.folder / following.place.partition(":")[0]
        out().print(f"\nNext: {escape(following.what)}.")
        out().print(f"[dim]{escape(_near(place.resolve()))}[/]", soft_wrap=True)


def step_rows(exercise: Exercise, steps: Sequence[Step]) -> list[dict[str, Any]]:
    """The steps that are not done, as rows beside those of the proofs."""
    return [
        {"exercise": exercise.id, "submission": f"to do: {step.place}", "ok": None, "why": step.what}
        for step in steps
        if not step.done
    ]
