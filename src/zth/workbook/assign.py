"""A handout: a folder to give to a class, with stubs and statements and no solution in it.

::

    week-2/
      README.md            what to write, how to hand it in, the statements
      e2_1_trigram.py      the stubs, under the names by which `zth grade` knows them
      e2_2_split.py
      handout.toml         the lock file: versions and weights (see `handout`)

The hints stay out, since the last of them is the line itself.
"""

from __future__ import annotations

from pathlib import Path

from zth.errors import ExerciseError
from zth.files import atomic_write_all
from zth.texts import mark, say
from zth.workbook.handout import LOCK, Assigned, Handout, write_lock


def assign(handout: Handout, folder: Path) -> list[Path]:
    """Write the handout into `folder`, which must be new or empty -> the files. Raises ExerciseError if not."""
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise ExerciseError(f"{folder} is not empty; nothing was written.", "Choose a new folder with --out.")
        folder.mkdir(parents=True, exist_ok=True)
        texts = {folder / name: text for name, text in contents(handout).items()}
        atomic_write_all(texts)
    except OSError as error:
        raise ExerciseError(
            f"Cannot write to {folder}: {error.strerror}.", "Choose another folder with --out."
        ) from error
    return list(texts)


def contents(handout: Handout) -> dict[str, str]:
    """File name -> text, of the whole handout."""
    stubs = {each.exercise.file_name: each.exercise.stub.read_text(encoding="utf-8") for each in handout.assigned}
    return {"README.md": _readme(handout), **stubs, LOCK: write_lock(handout)}


_HOW = mark("""\
Write your answers into the files beside this page. Keep their names, and the names of the functions
and classes in them: that is how they are found. Add whatever helpers you like. Each file must run by
itself, without the others. Hand in the `.py` files; leave out what you have not begun.""")


def _readme(handout: Handout) -> str:
    rows = [
        f"| {each.exercise.id} | {each.exercise.title} | `{each.exercise.file_name}` | {each.points:g} |"
        for each in handout.assigned
    ]
    first = handout.assigned[0].exercise
    return "\n".join(
        [
            f"# {say('Exercises {names}', names=handout.name)}",
            "",
            say("| | exercise | your file | points |"),
            "| --- | --- | --- | --- |",
            *rows,
            "",
            say(_HOW),
            "",
            say("To see how far you are, in this folder, with `pip install zth=={version}`:", version=handout.zth),
            "",
            f"    zth check {first.id} --desk .",
            "",
            say("An exercise of several parts gives points for each part that is right."),
            *(line for each in handout.assigned for line in _section(each)),
            "",
        ]
    )


def _section(assigned: Assigned) -> list[str]:
    task = assigned.exercise.task
    heading = ["", f"## {assigned.exercise.id} {task.title}", ""]
    needs = [say("It builds on {ids}.", ids=", ".join(task.needs)), ""] if task.needs else []
    return [*heading, *needs, task.statement]
