"""Exercises as they are shown, by the commands and by `zth watch` alike: the course, a task, a hint, a solution."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from zth.texts import mark, say, say_many
from zth.workbook import told
from zth.workbook.desk import Desk, State
from zth.workbook.exercise import Exercise
from zth.workbook.lecture import Lecture
from zth.workbook.progress import Progress

_MARKS = {"new": "[dim]·[/]", "started": "[yellow]○[/]", "tried": "[yellow]◐[/]", "passed": "[green]●[/]"}
_STATES = {"new": "", "started": mark("started"), "tried": mark("not yet"), "passed": mark("passed")}
SAW_IT = mark("* saw the solution")


def course(desk: Desk, width: int, at: Exercise | None = None) -> tuple[Table, dict[Exercise, int]]:
    """The whole course, a line for each lecture and exercise, and in which line each exercise stands.

    Lines are never wrapped, so that this stays true; `at` is shown as the one that is chosen. Where `width` columns
    leave the titles no room, the columns that can be spared are left out.
    """
    progress, lines, rows = desk.progress(), dict[Exercise, int](), list[_Row]()
    lecture: Lecture | None = None
    for exercise, state in desk.states().items():
        if exercise.lecture != lecture:
            lecture = exercise.lecture
            rows.append(_of_lecture(lecture))
        lines[exercise] = len(rows)
        rows.append(_of_exercise(exercise, state, progress.get(exercise.id, Progress())))
    kept = _fitting(rows, width)
    grid = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    for name in kept:
        grid.add_column(no_wrap=name != "title", overflow="ellipsis")  # the title gives way where there is no room
    chosen = lines.get(at) if at is not None else None
    for number, row in enumerate(rows):
        style = "reverse" if number == chosen else "bold" if row["mark"] == "" else ""
        grid.add_row(*(row[name] for name in kept), style=style)
    return grid, lines


_Row = dict[str, str | Text]
_COLUMNS = ("mark", "id", "title", "state", "tries", "video")
_SPARED = ("video", "tries", "state")
"""What is left out of the list where it is narrow, in this order; the mark says what the state does."""
_TITLE = 16
"""Columns that a title needs to be known by."""


def _of_lecture(lecture: Lecture) -> _Row:
    link = _link(lecture.video, lecture.video.removeprefix("https://"))
    return dict(zip(_COLUMNS, ("", lecture.id, _cut(lecture.title), "", "", link), strict=True))


def _of_exercise(exercise: Exercise, state: State, done: Progress) -> _Row:
    cells = (_MARKS[state], exercise.id, _cut(exercise.title), say(_STATES[state]), _tries(done), _when(exercise))
    return dict(zip(_COLUMNS, cells, strict=True))


def _fitting(rows: Sequence[_Row], width: int) -> list[str]:
    """The columns for which there is room."""
    kept = list(_COLUMNS)
    sizes = {name: max((_size(row[name]) for row in rows), default=0) + 1 for name in _COLUMNS}
    for name in _SPARED:
        if width - sum(size for each, size in sizes.items() if each in kept and each != "title") < _TITLE:
            kept.remove(name)
    return kept


def _size(cell: str | Text) -> int:
    return (Text.from_markup(cell) if isinstance(cell, str) else cell).cell_len


def _cut(title: str) -> Text:
    return Text(title, no_wrap=True, overflow="ellipsis")


def _tries(done: Progress) -> str:
    tries = say_many("{n} try", "{n} tries", done.tries) if done.tries else ""
    return f"{tries} {SAW_IT[0]}".strip() if done.saw_solution else tries


def _when(exercise: Exercise) -> str:
    """The first clip of an exercise in few characters."""
    if not exercise.clips:
        return ""
    first, *more = exercise.clips
    other = "" if first.lecture == exercise.lecture else f"L{first.lecture.id} "
    return _link(first.link, f"{other}{first}{f' +{len(more)}' if more else ''}")


def _link(url: str, text: str) -> str:
    """Markup that a terminal which knows links lets one click."""
    return f"[link={url}]{text}[/link]" if url else text


def video(exercise: Exercise) -> str:
    """Where in the videos it belongs, in words, with the link to the first place; "" where nowhere."""
    if not exercise.clips:
        return ""
    places = [
        str(clip) if clip.lecture == exercise.lecture else say("lecture {id}, {clip}", id=clip.lecture.id, clip=clip)
        for clip in exercise.clips
    ]
    return f"{say(' and ').join(places)}  {exercise.clips[0].link}".rstrip()


def needs(exercise: Exercise, desk: Desk) -> list[str]:
    """What it builds on and why, a line each; what is not passed yet is said, and keeps nobody from going on."""
    unmet = desk.unmet(exercise)
    told = []
    for need, why in exercise.task.needs.items():
        on = say("Builds on {id}", id=need)
        without = say(" (not passed yet; you can go on without)") if need in unmet else ""
        told.append(f"{on}{without}: {why}" if why else f"{on}{without}")
    return told


def markdown(text: str) -> RenderableType:
    from rich.markdown import Markdown
    from rich.padding import Padding

    return Padding(Markdown(text), (1, 0))


def hint(exercise: Exercise, number: int) -> Group:
    """Hint `number`, from 0."""
    title = f"[bold]{escape(told.hint_title(exercise, number))}[/]"
    return Group(title, markdown(exercise.task.hints[number]))


def solution(exercise: Exercise) -> Group:
    """What solution.py explains, and the source of its objects. Imports them, and so perhaps torch."""
    from rich.syntax import Syntax

    shown: list[RenderableType] = [f"[bold]{exercise.id} {escape(exercise.title)}[/]"]
    shown.append(markdown(exercise.explanation))
    for place, source in told.sources(exercise):
        shown.append(f"[dim]{escape(place)}[/]")
        shown.append(Syntax(source, "python", theme="ansi_dark", background_color="default", word_wrap=True))
    return Group(*shown)
