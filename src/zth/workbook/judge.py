"""Runs an exercise's check on an answer -> Verdict.

The learner's file runs in a process of its own (`jail`); the comparing, and so the verdict, happens here, where the
learner's code never runs. Each part is asked of the answer and of the solution; where they differ, the same part is
asked of the solution with each known mistake in it, and the mistake that answers as the learner did is named.

A part that is one line of a longer calculation (`check.Step`) is not blamed for what it inherits: where the lines
before it are wrong, it is held to what the right rule makes of the learner's own results.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from zth.compare import difference
from zth.errors import ExerciseError
from zth.texts import say, say_many
from zth.workbook import wire
from zth.workbook.answer import Answer, Missing, Raised, Remote, Trouble
from zth.workbook.check import Mistake, Part
from zth.workbook.exercise import Exercise
from zth.workbook.jail import Jail
from zth.workbook.steps import Asking, NotReached, by_rule
from zth.workbook.verdict import PartVerdict, Verdict, missing, raised, show, unusable

MAX_SOURCE = 2**20
"""Bytes of a learner's file; an answer to an exercise is some hundred lines."""

Witness = Callable[[Part, tuple[Any, ...], Any, Any], None]
"""witness(part, inputs, got, wanted): told of each case that was asked; `got` may be a `Raised`."""


def judge(exercise: Exercise, path: Path, jail: Jail | None = None, witness: Witness | None = None) -> Verdict:
    """Check the file at `path`. A jail that is passed in is reused, which saves importing torch again.

    A `witness` sees every input with what came and what was wanted: the evidence for the verdict.
    Raises ExerciseError where the file cannot be read; whatever is wrong inside it is a verdict.
    """
    source = read_source(path)
    if jail is not None:
        return _judge(exercise, path, source, jail, witness)
    with Jail(preload=("torch",) if "torch" in source else ()) as own:
        own.start_keeper()  # it imports torch while this process imports the check
        return _judge(exercise, path, source, own, witness)


def read_source(path: Path) -> str:
    """The learner's file as text; raises ExerciseError with what to do where it cannot be had."""
    try:
        if not path.is_file():
            raise ExerciseError(
                say("There is no file {path}.", path=path), say("Start the exercise first: zth start ID")
            )
        if (size := path.stat().st_size) > MAX_SOURCE:
            told = say("{path} has {n:,} bytes; an answer has at most {most:,}.", path=path, n=size, most=MAX_SOURCE)
            raise ExerciseError(told)
        return path.read_text(encoding="utf-8-sig")  # some editors begin a file with a byte order mark
    except UnicodeDecodeError as error:
        told = say("{path} is not UTF-8 text (byte {byte}).", path=path, byte=error.start)
        raise ExerciseError(told, say("Save it as UTF-8.")) from error
    except OSError as error:
        told = say("{path} cannot be read: {why}.", path=path, why=error.strerror)
        raise ExerciseError(told, say("Check its permissions.")) from error


def _judge(exercise: Exercise, path: Path, source: str, jail: Jail, witness: Witness | None) -> Verdict:
    started = time.perf_counter()
    verdicts: list[PartVerdict] = []
    trouble: Trouble | None = None
    with jail.servant(exercise.limits) as answer:
        try:
            _ask_all(exercise, path, source, answer, verdicts, witness)
        except Trouble as error:
            trouble = error
    return _concluded(exercise, answer, verdicts, trouble, started)


def judge_answer(exercise: Exercise, answer: Answer) -> Verdict:
    """Check an answer that is there already, such as the objects of a notebook. Its code runs where the answer has it
    run: whoever passes one that lives in this process trusts it as they trust this process."""
    started = time.perf_counter()
    verdicts: list[PartVerdict] = []
    trouble: Trouble | None = None
    try:
        verdicts.extend(_Examination(exercise, answer).run())
    except Trouble as error:
        trouble = error
    return _concluded(exercise, answer, verdicts, trouble, started)


def _concluded(
    exercise: Exercise, answer: Answer, verdicts: list[PartVerdict], trouble: Trouble | None, started: float
) -> Verdict:
    unreached = exercise.parts[len(verdicts) :]
    says = _explain(trouble, answer, unreached)
    verdicts += [PartVerdict(name=part.name, state="unreached") for part in unreached]
    return Verdict(
        exercise=exercise.id,
        parts=verdicts,
        trouble=says,
        kind=_kind(trouble, answer),
        output=answer.output,
        seconds=round(time.perf_counter() - started, 3),
    )


def _ask_all(
    exercise: Exercise,
    path: Path,
    source: str,
    answer: Answer,
    verdicts: list[PartVerdict],
    witness: Witness | None,
) -> None:
    """Fill `verdicts` part by part; what there is stays when `Trouble` ends the asking."""
    limits = exercise.limits
    try:
        answer.load(path, source)
    except Raised as error:
        found = raised(exercise.parts[0].name, "", error, limits)
        told = say("Your file cannot be run: {why}", why=found.says or found.got)
        verdicts.append(replace(found, says=told, state="raised"))
        return
    _leave_libraries(answer)
    for verdict in _Examination(exercise, answer, witness).run():
        verdicts.append(verdict)  # one by one: what was found stays when `Trouble` comes
        _leave_libraries(answer)  # after each part: the next one may end the process


def _leave_libraries(answer: Answer) -> None:
    """Raises Trouble where functions of the libraries have been replaced, or the question goes unanswered."""
    try:
        patched = answer.patched()
    except Raised as error:
        raise Trouble("unanswered", say("your file left its process unable to answer: {why}", why=error)) from error
    if patched:
        names = ", ".join(patched[:5])
        told = say("your file replaced {names}; leave the libraries as they are", names=names)
        raise Trouble("patched", told)


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """One case of a part. Where the learner's code raised, `got` is what it raised."""

    inputs: tuple[Any, ...]
    got: Any
    wanted: Any


class _Examination:
    """All parts of one exercise, asked of one answer in their order; what each has found, the later ones may need."""

    def __init__(self, exercise: Exercise, answer: Answer, witness: Witness | None = None) -> None:
        self._witness = witness or (lambda *_: None)
        self._id, self._parts = exercise.id, exercise.parts
        self._limits = exercise.limits
        self._solution, self._mistakes = exercise.solution, exercise.mistakes
        self._right = SimpleNamespace(**self._solution)
        self._ask, self._ask_right = Asking(self._parts, answer), Asking(self._parts, self._right)
        self._verdicts: dict[str, PartVerdict] = {}
        self._outcomes: dict[str, list[_Outcome]] = {}

    def run(self) -> Iterator[PartVerdict]:
        for part in self._parts:
            verdict = self._verdicts[part.name] = self._examine(part)
            yield verdict

    def _examine(self, part: Part) -> PartVerdict:
        """Stop at an exception, else see all cases, so that a mistake can be told apart."""
        outcomes = self._outcomes[part.name] = []
        failed: PartVerdict | None = None
        for number, inputs in enumerate(part.inputs()):
            wanted = _plain(self._ask_right(part, number, inputs))
            try:
                got = self._ask(part, number, inputs)
            except Missing as error:
                return missing(self._id, part, inputs, error)
            except NotReached:
                return failed or PartVerdict(name=part.name, state="unreached")
            except Raised as error:
                outcomes.append(_Outcome(inputs=inputs, got=error, wanted=wanted))
                self._witness(part, inputs, error, wanted)
                failed = failed or raised(part.name, part.call(inputs), error, self._limits)
                break
            except Trouble:
                raise
            except Exception as error:  # the question itself broke on what came, as None + None does
                return unusable(part, inputs, error)
            outcomes.append(_Outcome(inputs=inputs, got=got, wanted=wanted))
            self._witness(part, inputs, got, wanted)
            try:
                failed = failed or _compared(part, inputs, got, wanted)
            except Exception as error:  # a list inside itself, or what a part's `accept` did not expect
                return unusable(part, inputs, error)
        if failed is None:
            return PartVerdict(name=part.name, state="passed")
        if failed.state == "unwritten":
            return failed
        if part.step is not None:
            return self._examine_step(part, failed)
        known = _recognise(part, outcomes, self._solution, self._mistakes)
        return failed if known is None else replace(failed, mistake=known.name, says=say(known.says))

    def _examine_step(self, part: Part, failed: PartVerdict) -> PartVerdict:
        """Whose fault is it: this line's, or that of a line before it?"""
        outcomes = self._outcomes[part.name]
        given = [self._given(number) for number in range(len(outcomes))]
        local = [by_rule(part, self._right, g, o.inputs) for g, o in zip(given, outcomes, strict=True)]
        apart = [
            (o, wanted)
            for o, wanted in zip(outcomes, local, strict=True)
            if not (_alike(o.got, o.wanted, part) or _alike(o.got, wanted, part))
        ]
        suspects = self._suspects(part)
        if suspects and not apart:
            return _inherited(part, failed, suspects)
        if not apart and failed.state == "wrong":  # made larger from a difference that was let pass
            return PartVerdict(name=part.name, state="passed")
        if suspects:
            failed = _held_to(part, failed, *apart[0])
        for mistake in self._mistakes:
            mistaken = mistake.put_into(self._solution)
            theirs = (by_rule(part, mistaken, g, o.inputs) for g, o in zip(given, outcomes, strict=True))
            if all(_alike(o.got, wrong, part) for o, wrong in zip(outcomes, theirs, strict=True)):
                return replace(failed, mistake=mistake.name, says=say(mistake.says))
        return failed

    def _suspects(self, part: Part) -> list[PartVerdict]:
        """The nearest lines before this one that are not right; one that passed may carry on what it was let pass."""
        assert part.step is not None
        found = []
        for name in part.step.after:
            verdict = self._verdicts[name]
            if verdict.state == "passed":
                found += self._suspects(self._part(name))
            elif verdict.state in ("wrong", "inherited"):
                found.append(verdict)
        return found

    def _part(self, name: str) -> Part:
        return next(part for part in self._parts if part.name == name)

    def _given(self, number: int) -> dict[str, Any]:
        """Case `number` of the parts so far: the learner's results, and the solution's where there is none."""
        given = {}
        for name, outcomes in self._outcomes.items():
            part = self._part(name)
            there = number < len(outcomes) and not _is_nothing(outcomes[number].got)
            given[name] = outcomes[number].got if there else self._ask_right(part, number, part.inputs()[number])
        return given


def _is_nothing(got: object) -> bool:
    return got is None or isinstance(got, Raised) or (isinstance(got, Remote) and got.type_name == "ellipsis")


def _alike(got: object, expected: object, part: Part) -> bool:
    """Whether a line gave what a rule gives; where the rule can give nothing, an exception is what to expect."""
    if isinstance(got, Raised) or isinstance(expected, Exception):
        return isinstance(got, Raised) and isinstance(expected, Exception)
    try:
        return not _apart(got, _plain(expected), part)
    except Exception:  # what cannot be compared is not alike
        return False


def _inherited(part: Part, failed: PartVerdict, suspects: Sequence[PartVerdict]) -> PartVerdict:
    began = [name for suspect in suspects for name in (suspect.follows or (suspect.name,))]
    follows = tuple(dict.fromkeys(began))
    where = say(" and ").join(f"`{name}`" for name in follows)
    says = say("`{name}` follows from {where}; look there first.", name=part.name, where=where)
    return replace(failed, state="inherited", says=says, follows=follows)


def _held_to(part: Part, failed: PartVerdict, outcome: _Outcome, local: object) -> PartVerdict:
    """The failure of a line behind a wrong one, told by what its rule makes of the learner's own results."""
    if isinstance(outcome.got, Raised) or isinstance(local, Exception):
        return failed
    found = _compared(part, outcome.inputs, outcome.got, _plain(local))
    says = say("An earlier line is wrong, so this one is judged by what it makes of your own earlier results.")
    return failed if found is None else replace(found, says=says)


def _compared(part: Part, inputs: tuple[Any, ...], got: object, wanted: object) -> PartVerdict | None:
    """None where `got` will do."""
    if wanted is not None and (got is None or (isinstance(got, Remote) and got.type_name == "ellipsis")):
        says = say("`{call}` returns nothing yet: write it, and return the result.", call=part.call(inputs))
        if part.step is not None:
            says = say("`{name}` is not written yet, or not among what is returned.", name=part.step.variable)
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
        got=show(got),
        wanted="" if part.accept else show(wanted),
        difference="" if part.accept else found,
        says=says,
    )


def _apart(got: object, wanted: object, part: Part) -> str:
    """Where two results differ, for a person; "" where they agree."""
    if (foreign := _foreign(got)) is not None:
        return say("got an object of type {type}, wanted {wanted}", type=foreign.type_name, wanted=show(wanted))
    apart = difference(got, wanted, part.tolerance)
    return "" if apart is None else str(apart)


def _foreign(value: object) -> Remote | None:
    """The first thing inside a result that is not plain: an object of the learner's own."""
    if isinstance(value, Remote):
        return value
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return next((found for item in items if (found := _foreign(item)) is not None), None)


def _recognise(
    part: Part, outcomes: Sequence[_Outcome], solution: Mapping[str, object], mistakes: Sequence[Mistake]
) -> Mistake | None:
    """The known mistake whose answers to every case that was asked are the learner's."""
    for mistake in mistakes:
        mistaken = mistake.put_into(solution)
        if all(_answers_alike(part, mistaken, outcome.inputs, outcome.got) for outcome in outcomes):
            return mistake
    return None


def _answers_alike(part: Part, mistaken: SimpleNamespace, inputs: tuple[Any, ...], got: object) -> bool:
    try:
        whole = part.ask(mistaken, *inputs)
        theirs = _plain(whole if part.pick is None else part.pick(whole))
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


def _explain(trouble: Trouble | None, answer: Answer, unreached: Sequence[Part]) -> str:
    """The end of the process in a sentence; "" where it served to the last question and left nothing running."""
    if answer.keeper_lost:
        return answer.ending
    left = ""
    if n := answer.left_behind:
        left = say_many(
            "your code left {n} process running; it was ended",
            "your code left {n} processes running; they were ended",
            n,
        )
    if trouble is None:
        return left
    if trouble.kind == "ended":
        return answer.ending or str(trouble)
    if trouble.kind == "unanswered":
        return left or str(trouble)
    if trouble.kind == "time":
        asked = f"`{unreached[0].name}`" if unreached else say("your file")
        return say("{asked} gave {trouble}: is there a loop that never ends?", asked=asked, trouble=trouble)
    return str(trouble)


def _kind(trouble: Trouble | None, answer: Answer) -> str:
    """Which trouble it was."""
    return "keeper" if answer.keeper_lost else "" if trouble is None else trouble.kind


def _plain(value: object) -> Any:
    """The solution's own result in the form that an answer's has after its journey."""
    return wire.unpack_bytes(wire.pack(value, keep=lambda _: 0))
