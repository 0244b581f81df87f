"""What a check found out about one answer, in words for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from zth.compare import as_array
from zth.texts import say
from zth.workbook.answer import Missing, Raised, Remote
from zth.workbook.check import Limits, Part

State = Literal["passed", "wrong", "inherited", "raised", "missing", "unwritten", "unreached"]
"""An "inherited" part is not right yet, but its own line is: the error is that of `PartVerdict.follows`."""


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
    follows: tuple[str, ...] = ()
    """Of an inherited error: the parts where it began."""

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
    kind: str = ""
    """Of the trouble: "time", "ended", "forged", "patched", "unanswered" (whether it patched), "large", "keeper"
    (what ran the process was ended); else ""."""
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


def missing(exercise_id: str, part: Part, inputs: tuple[Any, ...], error: Missing) -> PartVerdict:
    says = error.says or say(
        "Your file has no `{name}`. Put it back under this name, or take a fresh stub, which keeps a backup: "
        "zth reset {id}",
        name=error,
        id=exercise_id,
    )
    return PartVerdict(name=part.name, state="missing", call=part.call(inputs), says=says)


def unusable(part: Part, inputs: tuple[Any, ...], error: Exception) -> PartVerdict:
    says = say("What came back could not be used. Is every result of the kind that the statement asks for?")
    told = f"{type(error).__name__}: {error}"
    return PartVerdict(name=part.name, state="wrong", call=part.call(inputs), difference=told, says=says)


def raised(name: str, call: str, error: Raised, limits: Limits) -> PartVerdict:
    place = ""
    if error.frames:
        line, function, text = error.frames[-1]
        if function in ("", "<module>"):
            place = say("line {line}: {code}", line=line, code=text)
        else:
            place = say("line {line}, in {function}: {code}", line=line, function=function, code=text)
    unwritten = error.type_name == "NotImplementedError" and bool(error.frames)
    says = _meaning(error, limits)
    if unwritten:
        says = error.message or say("`{name}` is not written yet.", name=name)
    return PartVerdict(
        name=name,
        state="unwritten" if unwritten else "raised",
        call=call,
        got=f"{error.type_name}: {error.words}".removesuffix(": "),
        says=says,
        place=place,
    )


def _meaning(error: Raised, limits: Limits) -> str:
    """What an exception mostly means, in an exercise; "" where its own words are enough."""
    if error.type_name == "RecursionError":
        return say("A function calls itself without an end.")
    if error.type_name == "SystemExit":
        return say("Take out exit() or quit(): the judge runs your file, and your file must let it go on.")
    if "MemoryError" in error.bases or "can't allocate memory" in error.message:
        return say("Your code asked for more than the {mb} MB of memory that it may use.", mb=limits.memory_mb)
    return ""


def show(value: object) -> str:
    """A result in at most a line or two.

    >>> show([0.041772570515350445, 1.0])
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
        items = [show(item) for item in value[:8]] + (["..."] if len(value) > 8 else [])
        return f"{left}{', '.join(items)}{right}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {show(item)}" for key, item in list(value.items())[:8]) + "}"
    if isinstance(value, int) and value.bit_length() > 1000:
        return say("an integer of {n} bits", n=value.bit_length())
    text = repr(value.item() if hasattr(value, "item") else value)
    return text if len(text) <= 200 else f"{text[:197]}..."
