"""What a learner has done, one line each: a journal that only grows, so that two of them merge and nothing is lost.

::

    progress.jsonl
      {"at": "2026-11-24T17:40:11.123456+00:00", "exercise": "1.1", "did": "start", "id": "9f3c21aa"}
      {"at": "2026-11-24T17:52:40.002117+00:00", "exercise": "1.1", "did": "check", "ok": true, "id": "01b7e4d2", ...}

What the lines amount to does not depend on their order in the file, nor on how often one stands there. So the
journals of two machines are merged by having the lines of both, in any order: `cat theirs >> ours`, or git, which is
told so by the `.gitattributes` beside it; should a conflict's marks get into the file, they are passed over.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zth.errors import ExerciseError
from zth.texts import say
from zth.workbook.exercise import HINTS

PAUSE = 30 * 60.0
"""Seconds after which nobody is taken to be still at it."""
_CONFLICT = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")
_MERGE = "# both sides of a merge are kept, line by line\nprogress.jsonl merge=union\n"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that was done. Equal events are one event, wherever they were read."""

    at: str
    """When (UTC, ISO 8601)."""
    exercise: str
    did: str
    """ "start", "check", "hint" or "solution"; a newer zth may know more."""
    id: str
    """Random, so that two of the same moment stay two."""
    ok: bool = False
    """Of a check: whether the answer was right."""
    answer: str = ""
    """Of a check: a digest of the text that was judged."""
    hint: int = 0
    """Of a hint: which, from 1."""

    def __post_init__(self) -> None:
        texts = (self.at, self.exercise, self.did, self.id, self.answer)
        fits = all(type(text) is str for text in texts) and type(self.ok) is bool and type(self.hint) is int
        if not fits or not 0 <= self.hint <= len(HINTS):
            raise ValueError(f"an event holds {asdict(self)}")

    def line(self) -> str:
        """As it stands in the journal: what says nothing is left out.

        >>> Event(at="2026-11-24T17:40:11.123456+00:00", exercise="1.1", did="hint", hint=1, id="9f3c21aa").line()
        '{"at": "2026-11-24T17:40:11.123456+00:00", "exercise": "1.1", "did": "hint", "id": "9f3c21aa", "hint": 1}\\n'
        """
        said = {key: value for key, value in asdict(self).items() if value or (key == "ok" and self.did == "check")}
        return json.dumps(said) + "\n"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What the events of one exercise amount to."""

    tries: int = 0
    passed: str = ""
    """When it first passed (UTC, ISO 8601); "" before."""
    hints: int = 0
    """How many hints have been shown."""
    saw_solution: bool = False
    latest: str = ""
    """When its last event was."""
    seconds: float = 0.0
    """Time at it until it passed: that between its events, of which at most PAUSE each counts as work."""
    judged: tuple[str, bool] = ("", False)
    """The last answer that was judged (its digest), and whether it was right."""

    def __post_init__(self) -> None:
        fits = type(self.tries) is int and type(self.hints) is int and isinstance(self.passed, str)
        if not fits or self.tries < 0 or not 0 <= self.hints <= len(HINTS):
            raise ValueError(f"an entry holds {asdict(self)}")

    def after(self, event: Event) -> Progress:
        """The same with one more event, which is later than those before.

        >>> event = Event(at="2026-11-24T17:40:11.123456+00:00", exercise="1.1", did="check", ok=True, id="9f3c21aa")
        >>> Progress(tries=2).after(event).tries
        3
        """
        worked = 0.0 if self.passed else self.seconds_until(event.at)
        seen = replace(self, latest=event.at, seconds=self.seconds + worked)
        if event.did == "check":
            passed = self.passed or (event.at if event.ok else "")
            return replace(seen, tries=self.tries + 1, passed=passed, judged=(event.answer, event.ok))
        if event.did == "hint":  # the highest, not how many: two desks may both have seen the first
            return replace(seen, hints=max(self.hints, event.hint))
        return replace(seen, saw_solution=self.saw_solution or event.did == "solution")

    def seconds_until(self, at: str) -> float:
        """Of the time since the last event, what counts as work: without a long pause, and 0 for a foreign date.

        >>> Progress(latest="2026-11-24T17:40:00+00:00").seconds_until("2026-11-24T17:52:30+00:00")
        750.0
        """
        try:
            gap = (datetime.fromisoformat(at) - datetime.fromisoformat(self.latest)).total_seconds()
        except (ValueError, TypeError):  # no event before it; or one of the two does not say its time zone
            return 0.0
        return min(max(gap, 0.0), PAUSE)


Decide = Callable[[Progress], dict[str, Any] | None]
"""decide(progress so far) -> the fields of the event to add, or None for none."""


@dataclass(frozen=True)
class Journal:
    """The journal of one desk, in its folder. It need not exist before the first `add`."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "progress.jsonl"

    def progress(self) -> dict[str, Progress]:
        """By exercise id; raises ExerciseError where a line is damaged, with its number."""
        self.examine()
        found = self._from_before_the_journal()
        for event in sorted(set(self._events()), key=lambda event: (event.at, event.id)):
            found[event.exercise] = found.get(event.exercise, Progress()).after(event)
        return found

    def add(self, exercise: str, decide: Decide) -> Progress:
        """Add what `decide` says to what there is, under a lock; -> the progress after it.

        So two processes at once lose nothing, and each sees what the other has just done.
        """
        self.examine()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._tell_git()
            with self._locked() as file:
                before = self.progress().get(exercise, Progress())
                did = decide(before)
                if did is None:
                    return before
                now = datetime.now(UTC).isoformat(timespec="microseconds")  # finer than two turns at the lock
                event = Event(at=now, exercise=exercise, id=secrets.token_hex(4), **did)
                add_line(file, event.line().encode())
                return before.after(event)
        except OSError as error:
            told = say("Cannot write to {folder}: {why}.", folder=self.folder, why=error.strerror)
            raise ExerciseError(told, say("Choose another desk with --desk.")) from error

    def examine(self) -> None:
        """Raise ExerciseError where something else than a folder is in the desk's place, or in the way to it."""
        for place in (self.folder, *self.folder.parents):
            if os.path.lexists(place) and not os.path.isdir(place):  # noqa: PTH112, since Path.is_dir may raise
                told = say("{place} is not a folder, and your desk is one.", place=place)
                raise ExerciseError(told, say("Rename it, or choose another desk with --desk."))

    def _events(self) -> Iterator[Event]:
        known = {field.name for field in fields(Event)}  # a newer zth may have written more
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            told = say("{path} cannot be read: {why}.", path=self.path, why=error)
            raise ExerciseError(told, say("Mend it, or rename it to begin afresh.")) from error
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip() and not line.startswith(_CONFLICT):
                try:
                    said = json.loads(line)
                    yield Event(**{name: said[name] for name in known & set(said)})
                except (ValueError, TypeError) as error:
                    told = say("{path}, line {n}, cannot be read: {why}.", path=self.path, n=number, why=error)
                    move = say("Mend that line or take it out; the others need not be touched.")
                    raise ExerciseError(told, move) from error

    def _from_before_the_journal(self) -> dict[str, Progress]:
        """What progress.json says, which the first zth wrote; it is read, and never changed."""
        path = self.folder / "progress.json"
        known = {"tries", "passed", "hints", "saw_solution"}
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
            return {
                str(key): Progress(**{name: entry[name] for name in known & set(entry)})
                for key, entry in entries.items()
            }
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, AttributeError, OSError) as error:
            told = say("{path} cannot be read: {why}.", path=path, why=error)
            raise ExerciseError(told, say("Mend it, or rename it to begin afresh.")) from error

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The journal, open at its end and for nobody else."""
        while True:
            file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                # git puts a new file in the place of the old one; what is written to the old one would be lost
                if self.path.exists() and os.path.samestat(os.fstat(file), self.path.stat()):
                    yield file
                    return
            finally:
                os.close(file)

    def _tell_git(self) -> None:
        path = self.folder / ".gitattributes"
        if not self.path.exists() and not path.exists():
            path.write_text(_MERGE, encoding="utf-8")


def add_line(file: int, line: bytes) -> None:
    """The whole line at the file's end, or nothing; begins a new line where the last one has no end."""
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        line = b"\n" + line
    try:
        if os.write(file, line) < len(line):  # the disk became full in the middle of it
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError:
        os.ftruncate(file, size)
        raise
