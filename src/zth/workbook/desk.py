"""The learner's desk: a folder with their copies of the stubs, and what they have done so far.

::

    my-zth/
      e1_1_derivatives.py
      progress.jsonl         one event a line, see `progress`

Nothing here is ever overwritten or deleted: a reset renames the old file, and the journal only grows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from zth.errors import ExerciseError
from zth.files import atomic_write, back_up
from zth.texts import say
from zth.workbook.exercise import HINTS, Exercise, exercises
from zth.workbook.progress import Journal, Progress

State = Literal["new", "started", "tried", "passed"]


@dataclass(frozen=True)
class Desk:
    """A folder of answers. It need not exist before the first `start`."""

    folder: Path = Path("my-zth")

    def file(self, exercise: Exercise) -> Path:
        """Where the learner's answer to `exercise` is, or would be."""
        return self.folder / exercise.file_name

    def start(self, exercise: Exercise, *, force: bool = False) -> Path | None:
        """Copy the stub in. An old file is kept as a backup under `force`, else this raises ExerciseError.

        Returns the backup's path, or None where there was nothing to back up.
        """
        self._journal.examine()
        path = self.file(exercise)
        if path.is_dir():
            raise ExerciseError(
                say("{path} is a folder.", path=path), say("Move it out of the way, then start again.")
            )
        taken = path.exists() or path.is_symlink()
        if taken and not force:
            raise ExerciseError(
                say("{path} is there already; nothing was changed.", path=path),
                say("Go on: zth check {id}; or begin again, with a backup: zth reset {id}", id=exercise.id),
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            backup = back_up(path) if taken else None
            atomic_write(path, exercise.stub.read_text(encoding="utf-8"))
        except OSError as error:
            told = say("Cannot write to {folder}: {why}.", folder=self.folder, why=error.strerror)
            raise ExerciseError(told, say("Choose another desk with --desk.")) from error
        self._journal.add(exercise.id, lambda _: {"did": "start"})
        return backup

    def state(self, exercise: Exercise) -> State:
        """How far the learner is. A passed exercise stays passed, whatever happens to its file."""
        return self._state(exercise, self.progress().get(exercise.id, Progress()))

    def states(self) -> dict[Exercise, State]:
        """How far the learner is with each exercise, in the order of the course."""
        progress = self.progress()
        return {exercise: self._state(exercise, progress.get(exercise.id, Progress())) for exercise in exercises()}

    def next(self) -> Exercise | None:
        """The exercise in hand: begun and not passed, the one that was worked on last; else the first new one."""
        states, progress = self.states(), self.progress()
        open_ones = [exercise for exercise, state in states.items() if state in ("started", "tried")]
        if open_ones:  # of those without a date the first, as max does
            return max(open_ones, key=lambda exercise: progress.get(exercise.id, Progress()).latest)
        return self.first_new()

    def first_new(self) -> Exercise | None:
        """The first in the course that is not begun."""
        return next((exercise for exercise, state in self.states().items() if state == "new"), None)

    def after(self, exercise: Exercise) -> Exercise | None:
        """The next one in the course that is not passed, from the end on again at the beginning; never itself.

        A draft stands nowhere in the course: after it comes the first.
        """
        states = list(self.states().items())
        place = next((place for place, (one, _) in enumerate(states) if one == exercise), -1)
        turned = states[place + 1 :] + states[: max(place, 0)]
        return next((one for one, state in turned if state != "passed"), None)

    def unmet(self, exercise: Exercise) -> list[str]:
        """What `exercise` builds on and is not passed yet: ids. Nobody is kept from going on without."""
        progress = self.progress()
        return [need for need in exercise.task.needs if not progress.get(need, Progress()).passed]

    def progress(self) -> dict[str, Progress]:
        """What has been done, by exercise id; raises ExerciseError where the journal is damaged."""
        return self._journal.progress()

    def record_try(self, exercise: Exercise, *, ok: bool, answer: str | None = None) -> Progress:
        """Count one check, and remember when it first passed.

        Where the text that was judged is given, to have the stub judged is no try, and the same `answer` with the
        same verdict twice in a row is one: it may be judged by two watchers, or again after a pause.
        """
        if answer is not None and exercise.is_stub(answer):
            return self.progress().get(exercise.id, Progress())
        digest = "" if answer is None else hashlib.sha256(answer.encode("utf-8", "surrogatepass")).hexdigest()[:12]

        def decide(before: Progress) -> dict[str, Any] | None:
            again = bool(digest) and before.judged == (digest, ok)
            return None if again else {"did": "check", "ok": ok, "answer": digest}

        return self._journal.add(exercise.id, decide)

    def take_hint(self, exercise: Exercise) -> int:
        """Which hint to show now: 0, 1, ... up to the last, which stays; to see that one again is no event."""

        def decide(before: Progress) -> dict[str, Any] | None:
            return {"did": "hint", "hint": before.hints + 1} if before.hints < len(HINTS) else None

        return self._journal.add(exercise.id, decide).hints - 1

    def see_solution(self, exercise: Exercise) -> None:
        """Remember that the solution was shown; once is enough."""
        self._journal.add(exercise.id, lambda before: None if before.saw_solution else {"did": "solution"})

    @property
    def _journal(self) -> Journal:
        return Journal(self.folder)

    def _state(self, exercise: Exercise, progress: Progress) -> State:
        if progress.passed:
            return "passed"
        if progress.tries:
            return "tried"
        return "started" if self.file(exercise).exists() else "new"
