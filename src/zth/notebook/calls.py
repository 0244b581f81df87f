"""The four functions that a learner calls in a notebook."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from zth.autograd.graph import LIMIT
from zth.errors import ExerciseError, ZthError
from zth.notebook.result import Hint, Picture, Result, Solution
from zth.texts import say
from zth.workbook.desk import Desk
from zth.workbook.exercise import Exercise, get

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from zth.notebook.names import Found
    from zth.notebook.settings import Turns
    from zth.workbook.verdict import Verdict

_F = TypeVar("_F", bound=Callable[..., Any])
_E = TypeVar("_E", bound=BaseException)
_DESK = Path("my-zth")


def _without_traceback(function: _F) -> _F:
    """A mistake in a call is told in two sentences, and Ctrl-C in a word; ours is not the code to look at."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except ZthError as error:
            problem, next_move = error.problem, error.next_move
            raise _told(error, [f"zth: {problem}", *([f"     {next_move}"] if next_move else [])]) from None
        except KeyboardInterrupt as error:
            raise _told(error, [say("interrupted: nothing was judged")]) from None

    return cast(_F, called)


def _told(error: _E, lines: list[str]) -> _E:
    """The same exception; IPython asks it for its own lines before it makes a traceback."""
    vars(error)["_render_traceback_"] = lambda: lines
    return error.with_traceback(None)


@_without_traceback
def check(exercise: str, /, *objects: object, desk: str | Path = _DESK, **named: object) -> Result:
    """Judge what you wrote, as `zth check` judges a file, and note it on the desk.

    `check("2.1")` takes the functions by the exercise's names from the notebook; `check("2.1", loss=my_loss, ...)`
    takes those that you name; `check("2.1", model)` takes the model's methods, and `check("2.5", cross_entropy, ...)`
    functions by their own names. `check("5.1", **tensors)` judges gradients beside the forward pass that they belong
    to. `desk` is the folder of your progress. Raises ExerciseError where there is no such exercise or name.

    >>> import tempfile
    >>> from zth.workbook.l02_bigrams.e05_cross_entropy.solution import cross_entropy, log_softmax
    >>> with tempfile.TemporaryDirectory() as desk:
    ...     check("2.5", cross_entropy, log_softmax, desk=desk).ok
    True
    """
    from zth.notebook.settings import Turns

    asked, place, turns = get(exercise), Desk(Path(desk)), Turns()
    frame = sys._getframe(2)  # past what tells errors
    notebook = {**frame.f_globals, **frame.f_locals}
    with turns.judge():  # all of it: the exercise's modules, too, make tensors when they are imported
        return _checked(asked, place, objects, named, notebook, turns)


def _checked(
    asked: Exercise,
    place: Desk,
    objects: Sequence[object],
    named: dict[str, object],
    notebook: dict[str, object],
    turns: Turns,
) -> Result:
    from zth.notebook.names import gather
    from zth.notebook.sources import is_begun, text_of
    from zth.notebook.tensors import tensors

    beside = None if objects else tensors(asked, named, notebook)
    if beside is not None:
        verdict = _judged(*beside, turns)
        aside = say("your own tensors, where the second net is not asked about")
        then = say("Put the lines into `backward` to pass.") if verdict.ok else ""
        answer = repr([(part.name, part.state, part.got) for part in verdict.parts])
        unrecorded = _recorded(asked, False, place, answer)
        return Result(exercise=asked, verdict=verdict, aside=aside, next_move=unrecorded or then)
    found = gather(asked, objects, named, notebook)
    verdict = _judged(asked, found, turns)
    meant = {name: thing for name, thing in found.objects.items() if name not in found.says}
    unrecorded = _recorded(asked, verdict.ok, place, text_of(meant)) if is_begun(asked, meant) else ""
    return Result(exercise=asked, verdict=verdict, next_move=unrecorded or _next_move(asked, verdict.ok, place))


def _judged(exercise: Exercise, found: Found, turns: Turns) -> Verdict:
    from zth.notebook.live import LiveAnswer
    from zth.workbook.judge import judge_answer

    return judge_answer(exercise, LiveAnswer(found.objects, found.says, exercise.limits, turns))


def _recorded(exercise: Exercise, ok: bool, desk: Desk, answer: str | None) -> str:
    """Note the try; what hinders that is told beside the verdict, which it must not cost."""
    try:
        desk.record_try(exercise, ok=ok, answer=answer)
    except ExerciseError as error:
        return say("Your progress was not kept: {why}", why=error)
    return ""


def _next_move(exercise: Exercise, ok: bool, desk: Desk) -> str:
    if not ok:
        return say("Stuck: {call}", call=f'`hint("{exercise.id}")`')
    following = desk.next()
    onward = say("Next: {id} {title}.", id=following.id, title=following.title) + " " if following is not None else ""
    return onward + say("Our solution, explained: {call}", call=f'`solution("{exercise.id}")`')


@_without_traceback
def hint(exercise: str, /, *, desk: str | Path = _DESK) -> Hint:
    """The next hint of three, as `zth hint` shows it: a nudge, then the idea, then the line."""
    asked = get(exercise)
    return Hint(exercise=asked, number=Desk(Path(desk)).take_hint(asked))


@_without_traceback
def solution(exercise: str, /, *, anyway: bool = False, desk: str | Path = _DESK) -> Solution:
    """The explanation and the source, once you have tried; `anyway` shows them before."""
    asked, place = get(exercise), Desk(Path(desk))
    if place.state(asked) in ("new", "started") and not anyway:
        raise ExerciseError(
            say("You have not tried {id} yet.", id=asked.id),
            say(
                "Try it first, {check}, or see it all the same: {solution}",
                check=f'check("{asked.id}")',
                solution=f'solution("{asked.id}", anyway=True)',
            ),
        )
    from zth.notebook.settings import Turns

    with Turns().judge():  # a module is imported once, with the settings of that moment
        _ = asked.solution
    place.see_solution(asked)
    return Solution(exercise=asked)


@_without_traceback
def draw(
    thing: object, ids: object = None, characters: Sequence[str] = "", *, down: bool = False, limit: int = LIMIT
) -> Picture | Figure:
    """The graph behind a Value, zth's or one of your own; or where a GPT's heads look in a line of ids.

    A graph runs from left to right, or `down`; it has at most `limit` values. For a GPT, `characters` are what the
    ids stand for. Raises ConfigError for what cannot be drawn.

    >>> from zth.autograd.value import Value
    >>> draw(Value(2.0, label="x") * 3).html()[:42]
    '<div style="overflow-x:auto"><svg xmlns="h'
    """
    from zth.notebook.picture import picture

    return picture(thing, ids, characters, down=down, limit=limit)
