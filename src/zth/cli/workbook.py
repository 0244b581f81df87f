"""The learner's commands: list, start, check, hint, solution, reset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from zth.cli.terminal import JsonOption, err, out, print_json
from zth.errors import ExerciseError
from zth.processes import keep_to_one_thread
from zth.workbook import told
from zth.workbook.desk import Desk, Progress
from zth.workbook.exercise import HINTS, Exercise, exercises, get
from zth.workbook.lecture import Lecture

DeskOption = Annotated[Path, Parameter(name="--desk")]
_MARKS = {"new": "[dim]·[/]", "started": "[yellow]○[/]", "tried": "[yellow]◐[/]", "passed": "[green]●[/]"}
_STATES = {"new": "", "started": "started", "tried": "not yet", "passed": "passed"}


def list_(*, desk: DeskOption = Path("my-zth"), as_json: JsonOption = False) -> int:
    """Show every exercise and how far you are.

    Parameters
    ----------
    desk
        The folder with your answers.
    as_json
        Print JSON instead of a table.
    """
    table, progress = Desk(desk), Desk(desk).progress()
    rows = []
    for exercise in exercises():
        done = progress.get(exercise.id, Progress())
        rows.append(
            {
                "id": exercise.id,
                "title": exercise.task.title,
                "state": table.state(exercise),
                "tries": done.tries,
                "saw_solution": done.saw_solution,
            }
        )
    if as_json:
        print_json(rows)
        return 0
    _print_list(rows)
    following = table.next()
    if following is not None:
        out().print(f"\nNext: [bold]{_step_to(following, table)}[/]")
    else:
        out().print("\nAll passed.")
    return 0


def _step_to(exercise: Exercise, table: Desk) -> str:
    return f"zth {'start' if table.state(exercise) == 'new' else 'check'} {exercise.id}"


def _print_list(rows: list[dict[str, Any]]) -> None:
    grid = Table(box=None, show_header=False, padding=(0, 1))
    lecture: Lecture | None = None
    for row in rows:
        exercise = get(row["id"])
        if exercise.lecture != lecture:
            lecture = exercise.lecture
            grid.add_row("", f"[bold]{lecture.id}[/]", f"[bold]{escape(lecture.title)}[/]", "", "")
        tries = f"{row['tries']} tries" if row["tries"] > 1 else "1 try" if row["tries"] else ""
        if row["saw_solution"]:
            tries = f"{tries}, saw the solution".removeprefix(", ")
        grid.add_row(_MARKS[row["state"]], row["id"], escape(row["title"]), _STATES[row["state"]], f"[dim]{tries}[/]")
    out().print(grid)


def start_(
    exercise: str = "",
    /,
    *,
    force: Annotated[bool, Parameter(negative="")] = False,
    desk: DeskOption = Path("my-zth"),
) -> int:
    """Copy an exercise's stub to your desk, and say what it asks.

    Parameters
    ----------
    exercise
        Which one, as in 1.2. Default: the first that you have not passed.
    force
        Begin again although you have a file; the old one is kept as a backup.
    desk
        The folder for your answers.
    """
    table = Desk(desk)
    chosen = _chosen(exercise, table)
    backup = table.start(chosen, force=force)
    if backup is not None:
        out().print(f"Your old file is now {escape(str(backup))}.")
    out().print(f"[bold]{chosen.id} {escape(chosen.task.title)}[/]")
    if chosen.task.needs:
        out().print(f"[dim]It builds on {', '.join(chosen.task.needs)}.[/]")
    _print_markdown(chosen.task.statement)
    out().print(f"Your file: [bold]{escape(str(table.file(chosen)))}[/]")
    out().print(f"When you have written it: [bold]zth check {chosen.id}[/]   stuck: [bold]zth hint {chosen.id}[/]")
    return 0


def check_(exercise: str = "", /, *, desk: DeskOption = Path("my-zth"), as_json: JsonOption = False) -> int:
    """Judge your answer. Exit code 0: right; 1: not yet.

    Parameters
    ----------
    exercise
        Which one, as in 1.2. Default: the one that you are at.
    desk
        The folder with your answers.
    as_json
        Print the whole verdict as JSON.
    """
    from zth.cli.verdict import print_verdict
    from zth.workbook.judge import judge

    table = Desk(desk)
    chosen = _chosen(exercise, table)
    path = table.file(chosen)
    if not path.exists():
        raise ExerciseError(f"There is no answer to {chosen.id} yet ({path}).", f"Begin with: zth start {chosen.id}")
    keep_to_one_thread()
    with err().status(f"Checking {chosen.id} ..."):
        verdict = judge(chosen, path)
    if as_json:
        print_json(verdict.to_json())
    else:
        print_verdict(verdict, chosen, path)
    table.record_try(chosen, ok=verdict.ok)  # after the printing: a full disk must not cost the verdict
    if not as_json:
        following = table.next()
        if verdict.ok and following is not None:
            next_step = _step_to(following, table)
            out().print(f"Next: [bold]{next_step}[/]   how others solved it: zth solution {chosen.id}")
    return 0 if verdict.ok else 1


def hint_(exercise: str = "", /, *, desk: DeskOption = Path("my-zth")) -> int:
    """Show the next hint: a nudge, then the idea, then the line.

    Parameters
    ----------
    exercise
        Which one, as in 1.2. Default: the one that you are at.
    desk
        The folder with your answers.
    """
    table = Desk(desk)
    chosen = _chosen(exercise, table)
    number = table.take_hint(chosen)
    out().print(f"[bold]{chosen.id}, hint {number + 1} of {len(HINTS)}: {HINTS[number]}[/]")
    _print_markdown(chosen.task.hints[number])
    if number + 1 < len(HINTS):
        out().print(f"[dim]More: zth hint {chosen.id}[/]")
    return 0


def solution_(
    exercise: str = "",
    /,
    *,
    anyway: Annotated[bool, Parameter(negative="")] = False,
    desk: DeskOption = Path("my-zth"),
) -> int:
    """Explain the solution and show its source, once you have tried.

    Parameters
    ----------
    exercise
        Which one, as in 1.2. Default: the one that you are at.
    anyway
        Show it even though you have not tried yet.
    desk
        The folder with your answers.
    """
    from rich.syntax import Syntax

    table = Desk(desk)
    chosen = _chosen(exercise, table)
    if table.state(chosen) in ("new", "started") and not anyway:
        raise ExerciseError(
            f"You have not tried {chosen.id} yet.",
            f"Try it first (zth check {chosen.id}), or see it all the same: zth solution {chosen.id} --anyway",
        )
    table.see_solution(chosen)
    out().print(f"[bold]{chosen.id} {escape(chosen.task.title)}[/]")
    _print_markdown(told.explanation(chosen))
    for place, source in told.sources(chosen):
        out().print(f"[dim]{escape(place)}[/]")
        out().print(Syntax(source, "python", theme="ansi_dark", background_color="default", word_wrap=True))
    return 0


def reset_(exercise: str, /, *, desk: DeskOption = Path("my-zth")) -> int:
    """Put a fresh stub on your desk; your file is kept as a backup.

    Parameters
    ----------
    exercise
        Which one, as in 1.2.
    desk
        The folder with your answers.
    """
    table, chosen = Desk(desk), get(exercise)
    if not table.file(chosen).exists():
        raise ExerciseError(f"There is nothing to reset: no {table.file(chosen)}.", f"zth start {chosen.id}")
    backup = table.start(chosen, force=True)
    out().print(f"A fresh stub is in {escape(str(table.file(chosen)))}; your old file is {escape(str(backup))}.")
    return 0


def _print_markdown(text: str) -> None:
    from rich.markdown import Markdown
    from rich.padding import Padding

    out().print(Padding(Markdown(text), (1, 0)))


def _chosen(exercise_id: str, desk: Desk) -> Exercise:
    if exercise_id:
        return get(exercise_id)
    following = desk.next()
    if following is None:
        raise ExerciseError("You have passed every exercise.", "Name one to go back to it, as in: zth check 1.2")
    return following
