"""Which texts `zth watch` has judged, which one is being judged, and when that one has waited long enough."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection

from zth.cli.watch_judge import Judge
from zth.errors import ExerciseError
from zth.texts import say
from zth.workbook.desk import Desk
from zth.workbook.exercise import Exercise
from zth.workbook.verdict import Verdict

_PATIENCE = 2.0
"""Seconds that a judging goes on after another text has come; then it is given up for that one."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is being judged."""

    exercise: Exercise
    text: bytes
    channel: Connection
    """Readable when the verdict is there."""
    since: float


class Checks:
    """One judging at a time. A text that is saved meanwhile waits for its end, but not long."""

    def __init__(self, desk: Desk, judge: Judge) -> None:
        self._desk, self._judge = desk, judge
        self.verdicts: dict[Exercise, Verdict] = {}
        self.asked: Asked | None = None
        self.times: dict[Exercise, str] = {}
        """When each was judged last, as a clock shows it."""
        self._texts: dict[Exercise, bytes] = {}
        self._waiting_since = 0.0

    def begin(self, exercise: Exercise, *, again: bool = False) -> bool:
        """Have the file judged if it holds another text than before, or `again`; -> whether that has begun.

        Raises ExerciseError where the file cannot be read.
        """
        path = self._desk.file(exercise)
        try:
            text = path.read_bytes()
        except OSError as error:
            self._texts.pop(exercise, None)  # when it is back, it is judged again: the judge may have missed it too
            told = say("{path} cannot be read: {why}.", path=path, why=error.strerror)
            fresh = say("Save it again, or take a fresh stub: zth start {id}", id=exercise.id)
            is_gone = isinstance(error, FileNotFoundError)
            raise ExerciseError(told, fresh if is_gone else say("Check its permissions.")) from error
        if self.asked:
            same = (self.asked.exercise, self.asked.text) == (exercise, text)
            self._waiting_since = 0.0 if same else (self._waiting_since or time.monotonic())
            return False
        self._waiting_since = 0.0
        if text == self._texts.get(exercise) and not again:
            return False
        channel = self._judge.ask(exercise, path)
        self.asked = Asked(exercise=exercise, text=text, channel=channel, since=time.monotonic())
        return True

    def end(self) -> str:
        """Take the verdict, which is there, and record the try; -> "" or why there is none."""
        assert self.asked is not None
        asked, self.asked = self.asked, None
        self._texts[asked.exercise] = asked.text
        answer = self._judge.answer()
        if isinstance(answer, str):
            return answer
        self.verdicts[asked.exercise] = answer
        self.times[asked.exercise] = f"{datetime.now():%H:%M:%S}"
        self._desk.record_try(asked.exercise, ok=answer.ok, answer=asked.text.decode("utf-8-sig", errors="replace"))
        return ""

    @property
    def is_overdue(self) -> bool:
        """Whether another text has waited long enough."""
        return bool(self._waiting_since) and time.monotonic() > self._waiting_since + _PATIENCE

    def give_up(self) -> None:
        """End what is being judged, without a verdict."""
        self.asked = None
        self._judge.give_up()
