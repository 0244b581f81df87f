"""The learner's desk: a folder with their copies of the stubs, and what they have done so far.

::

    my-zth/
      e1_1_derivatives.py
      progress.json          {"1.1": {"tries": 3, "passed": "2026-11-23T18:15:02+00:00", "hints": 1, ...}}

Nothing here is ever overwritten or deleted: a reset renames the old file.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from zth.errors import ExerciseError
from zth.runs import atomic_write, write_json
from zth.workbook.exercise import HINTS, Exercise, exercises

State = Literal["new", "started", "tried", "passed"]


@dataclass(kw_only=True)
class Progress:
    """What the desk remembers of one exercise."""

    tries: int = 0
    passed: str = ""
    """When it first passed (UTC, ISO 8601); "" before."""
    hints: int = 0
    """How many hints have been shown."""
    saw_solution: bool = False

    def __post_init__(self) -> None:
        fits = type(self.tries) is int and type(self.hints) is int and isinstance(self.passed, str)
        if not fits or self.tries < 0 or not 0 <= self.hints <= len(HINTS):
            raise ValueError(f"an entry holds {asdict(self)}")


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
        path = self.file(exercise)
        if path.is_dir():
            raise ExerciseError(f"{path} is a folder.", "Move it out of the way, then start again.")
        taken = path.exists() or path.is_symlink()
        if taken and not force:
            raise ExerciseError(
                f"{path} is there already; nothing was changed.",
                f"Go on with it (zth check {exercise.id}), or begin again: zth reset {exercise.id} (keeps a backup).",
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            backup = back_up(path) if taken else None
            atomic_write(path, exercise.stub.read_text(encoding="utf-8"))
        except OSError as error:
            raise ExerciseError(
                f"Cannot write to {self.folder}: {error.strerror}.", "Choose another desk with --desk."
            ) from error
        return backup

    def state(self, exercise: Exercise) -> State:
        """How far the learner is. A passed exercise stays passed, whatever happens to its file."""
        progress = self.progress().get(exercise.id, Progress())
        if progress.passed:
            return "passed"
        if progress.tries:
            return "tried"
        return "started" if self.file(exercise).exists() else "new"

    def next(self) -> Exercise | None:
        """The first exercise that has been started and not passed, else the first that is not passed."""
        states = [(exercise, self.state(exercise)) for exercise in exercises()]
        open_ones = [exercise for exercise, state in states if state in ("started", "tried")]
        new_ones = [exercise for exercise, state in states if state == "new"]
        return next(iter(open_ones + new_ones), None)

    def progress(self) -> dict[str, Progress]:
        """What progress.json says, by exercise id; raises ExerciseError where it is damaged."""
        path = self.folder / "progress.json"
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
            known = {field.name for field in fields(Progress)}  # a newer zth may have written more
            return {
                str(key): Progress(**{name: entry[name] for name in known & set(entry)})
                for key, entry in entries.items()
            }
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, AttributeError, OSError) as error:
            raise ExerciseError(
                f"{path} cannot be read: {error}.", "Mend it, or rename it to begin afresh."
            ) from error

    def record_try(self, exercise: Exercise, *, ok: bool) -> Progress:
        """Count one check, and remember when it first passed."""
        with self._change(exercise) as entry:
            entry.tries += 1
            if ok and not entry.passed:
                entry.passed = datetime.now(UTC).isoformat(timespec="seconds")
        return entry

    def take_hint(self, exercise: Exercise) -> int:
        """Which hint to show now: 0, 1, ... up to the last, which stays."""
        with self._change(exercise) as entry:
            entry.hints = min(entry.hints + 1, len(HINTS))
        return entry.hints - 1

    def see_solution(self, exercise: Exercise) -> None:
        """Remember that the solution was shown."""
        with self._change(exercise) as entry:
            entry.saw_solution = True

    @contextmanager
    def _change(self, exercise: Exercise) -> Iterator[Progress]:
        """Change one entry under a lock, so that two commands at once lose nothing."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / ".progress.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                entries = self.progress()
                entry = entries.setdefault(exercise.id, Progress())
                yield entry
                rows = {key: asdict(value) for key, value in sorted(entries.items())}
                write_json(self.folder / "progress.json", rows)
        except OSError as error:
            raise ExerciseError(
                f"Cannot write to {self.folder}: {error.strerror}.", "Choose another desk with --desk."
            ) from error


def back_up(path: Path) -> Path:
    """Rename a file out of the way -> its new path, `name.backup-1.py` or the next that is free."""
    number = 1
    while (backup := path.with_suffix(f".backup-{number}{path.suffix}")).exists():
        number += 1
    return path.rename(backup)
