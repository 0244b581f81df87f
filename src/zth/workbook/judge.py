"""Runs an exercise's check on an answer -> Verdict.

The learner's file runs in a process of its own (`jail`); the comparing, and so the verdict, happens here, where the
learner's code never runs. Each part is asked of the answer and of the solution; where they differ, the same part is
asked of the solution with each known mistake in it, and the mistake that answers as the learner did is named.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

from zth.compare import as_array, difference
from zth.errors import ExerciseError
from zth.workbook import wire
from zth.workbook.check import Limits, Mistake, Part
from zth.workbook.exercise import Exercise
from zth.workbook.jail import Answer, Jail, Missing, Raised, Remote, Trouble

MAX_SOURCE = 2**20
"""Bytes of a learner's file; an answer to an exercise is some hundred lines."""

State = Literal["passed", "wrong", "raised", "missing", "unwritten", "unreached"]


@dataclass(frozen=True, kw_only=True)
class PartVerdict:
    """What one question found out. All texts are for a person; empty where there is nothing to say."""

    name: str
    state: State
    call: str = ""
    got: str = ""
    wanted: str = ""
    difference: str = ""
    mistake: str = ""
    """The name of the known mistake that answers as the learner did."""
    says: str = ""
    """What to look at: the mistake's own words, or what an exception means."""
    place: str = ""
    """Where in the learner's file, as in "line 12, in softmax: return exps"."""

    @property
    def ok(self) -> bool:
        return self.state == "passed"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a check found out about one answer."""

    exercise: str
    parts: Sequence[PartVerdict]
    trouble: str = ""
    """Why the process itself came to an end, or what else the file did that an answer must not do."""
    output: str = ""
    """What the learner's code printed (the beginning of it)."""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not self.trouble and bool(self.parts) and all(part.ok for part in self.parts)

    @property
    def first_failure(self) -> PartVerdict | None:
        return next((part for part in self.parts if not part.ok), None)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "ok": self.ok}


def judge(exercise: Exercise, path: Path, jail: Jail | None = None) -> Verdict:
    """Check the file at `path`. A jail that is passed in is reused, which saves importing torch again.

    Raises ExerciseError where the file cannot be read; whatever is wrong inside it is a verdict.
    """
    source = read_source(path)
    if jail is not None:
        return _judge(exercise, path, source, jail)
    with Jail(preload=("torch",) if "torch" in source else ()) as own:
        own.start_keeper()  # it imports torch while this process imports the check
        return _judge(exercise, path, source, own)


def read_source(path: Path) -> str:
    """The learner's file as text; raises ExerciseError with what to do where it cannot be had."""
    try:
        if not path.is_file():
            raise ExerciseError(f"There is no file {path}.", "Start the exercise first: zth start ID")
        if path.stat().st_size > MAX_SOURCE:
            raise ExerciseError(f"{path} has {path.stat().st_size:,} bytes; an answer has at most {MAX_SOURCE:,}.")
        return path.read_text(encoding="utf-8-sig")  # some editors begin a file with a byte order mark
    except UnicodeDecodeError as error:
        raise ExerciseError(f"{path} is not UTF-8 text (byte {error.start}).", "Save it as UTF-8.") from error
    except OSError as error:
        raise ExerciseError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error


def _judge(exercise: Exercise, path: Path, source: str, jail: Jail) -> Verdict:
    started = time.perf_counter()
    verdicts: list[PartVerdict] = []
    trouble: Trouble | None = None
    with jail.servant(exercise.limits) as answer:
        try:
            _ask_all(exercise, path, source, answer, verdicts)
        except Trouble as error:
            trouble = error
    unreached = exercise.parts[len(verdicts) :]
    says = _explain(trouble, answer, unreached)
    verdicts += [PartVerdict(name=part.name, state="unreached") for part in unreached]
    return Verdict(
        exercise=exercise.id,
        parts=verdicts,
        trouble=says,
        output=answer.output,
        seconds=round(time.perf_counter() - started, 3),
    )


def _ask_all(exercise: Exercise, path: Path, source: str, answer: Answer, verdicts: list[PartVerdict]) -> None:
    """Fill `verdicts` part by part; what there is stays when `Trouble` ends the asking."""
    limits = exercise.limits
    try:
        answer.load(path, source)
    except Raised as error:
        found = _raised(exercise.parts[0].name, "", error, limits)
        told = f"Your file cannot be run: {found.says or found.got}"
        verdicts.append(replace(found, says=told, state="raised"))
        return
    examined = (_examine(part, answer, exercise.solution, exercise.mistakes, limits) for part in exercise.parts)
    verdicts.extend(examined)  # one by one: what was found stays when `Trouble` comes
    if patched := answer.patched():
        names = ", ".join(patched[:5])
        raise Trouble("patched", f"your file replaced {names}; leave the libraries as they are")


def _examine(
    part: Part, answer: Answer, solution: Mapping[str, object], mistakes: Sequence[Mistake], limits: Limits
) -> PartVerdict:
    """Ask one part, case by case; stop at an exception, else see all cases, so that a mistake can be told apart."""
    right = SimpleNamespace(**solution)
    outcomes: list[tuple[tuple[Any, ...], Any]] = []
    failed: PartVerdict | None = None
    for inputs in part.inputs():
        wanted = _plain(part.ask(right, *inputs))
        try:
            got = part.ask(answer, *inputs)
        except Missing as error:
            return _missing(part, inputs, str(error))
        except Raised as error:
            outcomes.append((inputs, error))
            failed = failed or _raised(part.name, part.call(inputs), error, limits)
            break
        except Trouble:
            raise
        except Exception as error:  # the question itself broke on what came, as None + None does
            return _unusable(part, inputs, error)
        outcomes.append((inputs, got))
        try:
            failed = failed or _compared(part, inputs, got, wanted)
        except (RecursionError, ValueError) as error:  # a list inside itself, or nested without end
            return _unusable(part, inputs, error)
    if failed is None:
        return PartVerdict(name=part.name, state="passed")
    if failed.state == "unwritten":
        return failed
    known = _recognise(part, outcomes, solution, mistakes)
    return failed if known is None else replace(failed, mistake=known.name, says=known.says)


def _compared(part: Part, inputs: tuple[Any, ...], got: object, wanted: object) -> PartVerdict | None:
    """None where `got` will do."""
    if wanted is not None and (got is None or (isinstance(got, Remote) and got.type_name == "ellipsis")):
        says = f"`{part.call(inputs)}` returns nothing yet: write it, and return the result."
        return PartVerdict(name=part.name, state="unwritten", call=part.call(inputs), got="None", says=says)
    if part.accept is not None:
        says = part.accept(got, wanted)
        found = says
    else:
        says, found = "", _apart(got, wanted, part)
    if not found:
        return None
    return PartVerdict(
        name=part.name,
        state="wrong",
        call=part.call(inputs),
        got=_show(got),
        wanted="" if part.accept else _show(wanted),
        difference="" if part.accept else found,
        says=says,
    )


def _apart(got: object, wanted: object, part: Part) -> str:
    """Where two results differ, for a person; "" where they agree."""
    if (foreign := _foreign(got)) is not None:
        return f"got an object of type {foreign.type_name}, wanted {_show(wanted)}"
    apart = difference(got, wanted, part.tolerance)
    return "" if apart is None else str(apart)


def _foreign(value: object) -> Remote | None:
    """The first thing inside a result that is not plain: an object of the learner's own."""
    if isinstance(value, Remote):
        return value
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return next((found for item in items if (found := _foreign(item)) is not None), None)


def _recognise(
    part: Part,
    outcomes: Sequence[tuple[tuple[Any, ...], Any]],
    solution: Mapping[str, object],
    mistakes: Sequence[Mistake],
) -> Mistake | None:
    """The known mistake whose answers to every case that was asked are the learner's."""
    for mistake in mistakes:
        mistaken = mistake.put_into(solution)
        if all(_answers_alike(part, mistaken, inputs, got) for inputs, got in outcomes):
            return mistake
    return None


def _answers_alike(part: Part, mistaken: SimpleNamespace, inputs: tuple[Any, ...], got: object) -> bool:
    try:
        theirs = _plain(part.ask(mistaken, *inputs))
    except Exception as error:  # a wrong answer may well raise; then the learner's must raise the same
        if not isinstance(got, Raised):
            return False
        return (got.type_name, _words(got.message)) == (type(error).__name__, _words(str(error)))
    return not isinstance(got, Raised) and not _apart(got, theirs, part)


def _words(message: str) -> str:
    """An exception's message without what differs from one answer to the next: names in quotes, and numbers.

    >>> _words("unsupported operand type(s) for +: 'int' and 'Value'") == _words(
    ...     "unsupported operand type(s) for +: 'int' and 'Node'"
    ... )
    True
    """
    return re.sub(r"'[^']*'|\d+", "_", message)


def _missing(part: Part, inputs: tuple[Any, ...], name: str) -> PartVerdict:
    says = (
        f"Your file has no `{name}`. Put it back under this name; `zth reset` gives a fresh stub and keeps a backup."
    )
    return PartVerdict(name=part.name, state="missing", call=part.call(inputs), says=says)


def _unusable(part: Part, inputs: tuple[Any, ...], error: Exception) -> PartVerdict:
    says = "What came back could not be worked with: is every result of the kind that the statement asks for?"
    told = f"{type(error).__name__}: {error}"
    return PartVerdict(name=part.name, state="wrong", call=part.call(inputs), difference=told, says=says)


def _raised(name: str, call: str, error: Raised, limits: Limits) -> PartVerdict:
    place = ""
    if error.frames:
        line, function, text = error.frames[-1]
        inside = f", in {function}" if function not in ("", "<module>") else ""
        place = f"line {line}{inside}: {text}"
    unwritten = error.type_name == "NotImplementedError" and bool(error.frames)
    return PartVerdict(
        name=name,
        state="unwritten" if unwritten else "raised",
        call=call,
        got=f"{error.type_name}: {error.message}".removesuffix(": "),
        says=(error.message or f"`{name}` is not written yet.") if unwritten else _meaning(error, limits),
        place=place,
    )


def _meaning(error: Raised, limits: Limits) -> str:
    """What an exception mostly means, in an exercise; "" where its own words are enough."""
    if error.type_name == "RecursionError":
        return "A function calls itself without an end."
    if error.type_name == "SystemExit":
        return "Take out exit() or quit(): the file is run by the judge, and must return to it."
    if "MemoryError" in error.bases or "can't allocate memory" in error.message:
        return f"Your code asked for more than the {limits.memory_mb} MB of memory that it has."
    return ""


def _explain(trouble: Trouble | None, answer: Answer, unreached: Sequence[Part]) -> str:
    """The end of the process in a sentence; "" where it served to the last question and left nothing running."""
    if answer.keeper_lost:
        return answer.ending
    left = f"your code left {answer.left_behind} process(es) running; they were ended" if answer.left_behind else ""
    if trouble is None:
        return left
    if trouble.kind == "ended":
        return answer.ending or str(trouble)
    if trouble.kind == "time":
        asked = f"`{unreached[0].name}`" if unreached else "your file"
        return f"{asked} gave {trouble}: is there a loop that never ends?"
    return str(trouble)


def _plain(value: object) -> Any:
    """The solution's own result in the form that an answer's has after its journey."""
    return wire.unpack_bytes(wire.pack(value, keep=lambda _: 0))


def _show(value: object) -> str:
    """A result in at most a line or two.

    >>> _show([0.041772570515350445, 1.0])
    '[0.04177257052, 1]'
    """
    if isinstance(value, Remote):
        return f"{value!r:.200}"
    shape = tuple(getattr(value, "shape", ()))
    if shape:
        kind = "tensor" if hasattr(value, "detach") else "array"
        flat = as_array(value).ravel()
        numbers = ", ".join(f"{item:.7g}" for item in flat[:6].tolist())
        return f"{kind} {shape}: {numbers}{', ...' if flat.size > 6 else ''}"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, (list, tuple)):
        left, right = "[]" if isinstance(value, list) else "()"
        items = [_show(item) for item in value[:8]] + (["..."] if len(value) > 8 else [])
        return f"{left}{', '.join(items)}{right}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_show(item)}" for key, item in list(value.items())[:8]) + "}"
    if isinstance(value, int) and value.bit_length() > 1000:
        return f"an integer of {value.bit_length()} bits"
    text = repr(value.item() if hasattr(value, "item") else value)
    return text if len(text) <= 200 else f"{text[:197]}..."
