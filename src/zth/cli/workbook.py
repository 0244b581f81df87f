"""The learner's commands: list, next, start, check, hint, solution, reset; `watch` has a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape

from zth.cli.exercise import SAW_IT, course, hint, markdown, needs, solution, video
from zth.cli.packs import print_broken, print_drafts
from zth.cli.terminal import JsonOption, err, out, print_json
from zth.errors import ExerciseError
from zth.processes import keep_to_one_thread
from zth.texts import say
from zth.workbook.desk import Desk
from zth.workbook.exercise import HINTS, Exercise, get
from zth.workbook.progress import Progress

DeskOption = Annotated[Path, Parameter(name="--desk")]


def list_(*, desk: DeskOption = Path("my-zth"), as_json: JsonOption = False) -> int:
    """Show every exercise and how far you are.

    Parameters
    ----------
    desk
        The folder with your answers.
    as_json
        Print JSON instead of a table.
    """
    table = Desk(desk)
    if as_json:
        print_json(_rows(table))
        return 0
    out().print(course(table, out().width)[0])
    if any(done.saw_solution for done in table.progress().values()):
        out().print(f"[dim]{say(SAW_IT)}[/]")
    print_broken()
    print_drafts()
    following = table.next()
    if following is not None:
        out().print("\n" + say("Next: [bold]{command}[/]", command=_step_to(following, table)))
    else:
        out().print("\n" + say("All passed."))
    return 0


def _rows(table: Desk) -> list[dict[str, object]]:
    progress = table.progress()
    return [
        {
            "id": exercise.id,
            "lecture": exercise.lecture.title,
            "title": exercise.title,
            "state": state,
            "tries": progress.get(exercise.id, Progress()).tries,
            "saw_solution": progress.get(exercise.id, Progress()).saw_solution,
            "needs": exercise.task.needs,
            "video": [{"from": clip.start, "to": clip.end, "link": clip.link} for clip in exercise.clips],
        }
        for exercise, state in table.states().items()
    ]


def _step_to(exercise: Exercise, table: Desk) -> str:
    return f"zth {'start' if table.state(exercise) == 'new' else 'check'} {exercise.id}"


def next_(*, desk: DeskOption = Path("my-zth")) -> int:
    """Show the exercise that you are at, or the next one; its stub is put on your desk where you have none.

    Parameters
    ----------
    desk
        The folder with your answers.
    """
    table = Desk(desk)
    chosen = chosen_or_next("", table)
    if not table.file(chosen).exists():
        table.start(chosen)
    _print_task(chosen, table)
    return 0


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
        Which one, as in 1.2. Default: the first that you have not begun; with --force the one that you are at.
    force
        Begin again although you have a file; the old one is kept as a backup.
    desk
        The folder for your answers.
    """
    table = Desk(desk)
    chosen = chosen_or_next(exercise, table) if exercise or force else _first_new(table)
    backup = table.start(chosen, force=force)
    if backup is not None:
        out().print(say("Your old file is now {path}.", path=escape(str(backup))))
    _print_task(chosen, table)
    return 0


def _first_new(table: Desk) -> Exercise:
    if (found := table.first_new()) is not None:
        return found
    at = chosen_or_next("", table)  # says so where all are passed
    raise ExerciseError(say("You have begun every exercise."), say("Go on: zth check {id}", id=at.id))


def _print_task(chosen: Exercise, table: Desk) -> None:
    out().print(f"[bold]{chosen.id} {escape(chosen.task.title)}[/]")
    for line in needs(chosen, table):
        out().print(f"[dim]{escape(line)}[/]")
    if chosen.clips:
        told = say("In the video: {where}", where=escape(video(chosen)))
        out().print(f"[dim]{told}[/]", soft_wrap=True)  # a link in two lines is none
    out().print(markdown(chosen.task.statement))
    out().print(say("Your file: [bold]{path}[/]", path=escape(str(table.file(chosen)))))
    out().print(
        say("When you have written it: [bold]zth check {id}[/]   stuck: [bold]zth hint {id}[/]", id=chosen.id)
    )


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
    from zth.workbook.judge import judge, read_source

    table = Desk(desk)
    chosen = chosen_or_next(exercise, table)
    path = table.file(chosen)
    if not path.exists():
        told = say("There is no answer to {id} yet ({path}).", id=chosen.id, path=path)
        raise ExerciseError(told, say("Begin with: zth start {id}", id=chosen.id))
    answer = read_source(path)
    keep_to_one_thread()
    with err().status(say("Checking {id} ...", id=chosen.id)):
        verdict = judge(chosen, path)
    if as_json:
        print_json(verdict.to_json())
    else:
        print_verdict(verdict, chosen, path)
    table.record_try(chosen, ok=verdict.ok, answer=answer)  # last: a full disk must not cost the verdict
    if not as_json:
        following = table.next()
        if verdict.ok and following is not None:
            next_step = _step_to(following, table)
            told = say("Next: [bold]{command}[/]", command=next_step)
            out().print(told, say("  our solution, explained: zth solution {id}", id=chosen.id))
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
    chosen = chosen_or_next(exercise, table)
    number = table.take_hint(chosen)
    out().print(hint(chosen, number))
    if number + 1 < len(HINTS):
        out().print(say("[dim]More: zth hint {id}[/]", id=chosen.id))
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
    table = Desk(desk)
    chosen = chosen_or_next(exercise, table)
    if table.state(chosen) in ("new", "started") and not anyway:
        raise ExerciseError(
            say("You have not tried {id} yet.", id=chosen.id),
            say("Try it first (zth check {id}), or see it all the same: zth solution {id} --anyway", id=chosen.id),
        )
    table.see_solution(chosen)
    out().print(solution(chosen))
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
        told = say("There is nothing to reset: no {path}.", path=table.file(chosen))
        raise ExerciseError(told, say("Begin with: zth start {id}", id=chosen.id))
    backup = table.start(chosen, force=True)
    fresh, old = escape(str(table.file(chosen))), escape(str(backup))
    out().print(say("A fresh stub is in {fresh}; your old file is {old}.", fresh=fresh, old=old))
    return 0


def chosen_or_next(exercise_id: str, desk: Desk) -> Exercise:
    if exercise_id:
        return get(exercise_id)
    following = desk.next()
    if following is None:
        raise ExerciseError(
            say("You have passed every exercise."), say("Name one to go back to it, as in: zth check 1.2")
        )
    return following
