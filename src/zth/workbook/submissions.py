"""A folder of submissions, as a class leaves it -> who handed in which file, and when.

Both a folder for each student and loose files are understood, under the names that learning platforms give them::

    ada/e2_1_trigram.py                                                 a folder each (GitHub Classroom, by hand)
    ada/week-2/e2_1_trigram.py, ada/week-2/timestamp.txt                nbgrader
    Ada Byron_123_assignsubmission_file_/e2_1_trigram.py                Moodle, with or without the folder
    byronada_LATE_123_456_e2_1_trigram-1.py                             Canvas
    HW 2_ada_attempt_2026-11-20-10-00-00_e2_1_trigram.py                Blackboard

Nothing is opened here but `timestamp.txt`; links are never followed.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from zth.errors import ConfigError, ExerciseError
from zth.texts import mark, say
from zth.workbook.exercise import Exercise

DEEPEST = 4
"""Folders below a student's own that are looked into."""
MOST_FILES = 2000
"""Files of one student that are looked at: an answer is not behind the two-thousandth."""
_IGNORED = {"__MACOSX", "__pycache__"}
_PLATFORMS = (
    re.compile(r"(?P<who>.+?_\d+)_assignsubmission_(?:file|onlinetext)_?"),
    re.compile(r"(?P<who>.+?)_attempt_(?P<when>\d{4}(?:-\d\d){5})_?"),
    re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<id>\d+)_\d+_?"),
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """The file that a student handed in for an exercise."""

    path: Path
    problem: str = ""
    """Why it cannot be judged, for a person; "" where it may be opened."""
    others: Sequence[Path] = ()
    """Further files for the same exercise, which do not count."""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What one student handed in."""

    student: str
    files: Mapping[str, Found] = field(default_factory=dict)
    """By exercise id; those that are missing are not here."""
    handed_in: datetime | None = None
    clock: str = ""
    """What says so: timestamp.txt, the platform's file name, or the file's time."""
    said_late: bool = False
    """Whether the platform has written LATE into a file's name."""
    notes: Sequence[str] = ()


@dataclass
class _Pile:
    """The files of one student while they are gathered, in the order of finding."""

    paths: list[Path] = field(default_factory=list)
    when: datetime | None = None
    late: bool = False
    problem: str = ""


def collect(folder: Path, exercises: Sequence[Exercise], *, one: bool = False) -> tuple[list[Submission], list[str]]:
    """Every submission under `folder`, by student's name, and the files that are nobody's.

    `one` says that the folder is one student's. So it is too where exercises lie in it under their bare names, and in
    no folder below. Raises ExerciseError where there is no such folder.
    """
    try:
        entries = [entry for entry in sorted(folder.iterdir()) if _counts(entry.name)]
    except OSError as error:
        raise ExerciseError(
            f"{folder} cannot be opened: {error.strerror}.", "Name the folder with the submissions."
        ) from error
    piles: dict[str, _Pile] = {}
    nobodys = [entry for entry in entries if not _put(entry, piles, exercises)]
    handed_in = (path for pile in piles.values() for path in pile.paths)
    if one or (_any(nobodys, exercises) and not _any(handed_in, exercises)):
        piles, nobodys = {folder.resolve().name: _Pile()}, []
        _walk(folder, piles[folder.resolve().name])
    found = [_submission(student, piles[student], exercises) for student in sorted(piles)]
    return found, [path.name for path in nobodys]


def _any(paths: Iterable[Path], exercises: Sequence[Exercise]) -> bool:
    return any(_is_for(path.name, each) for path in paths for each in exercises)


def _counts(name: str) -> bool:
    return not name.startswith(".") and name not in _IGNORED


def _put(entry: Path, piles: dict[str, _Pile], exercises: Sequence[Exercise]) -> bool:
    """One entry of the folder onto its student's pile; False where it cannot be told whose it is."""
    mode = entry.lstat().st_mode
    if stat.S_ISDIR(mode):
        moodle = _PLATFORMS[0].fullmatch(entry.name)
        _walk(entry, piles.setdefault(moodle["who"] if moodle else entry.name, _Pile()))
        return True
    exercise = next((each for each in exercises if _is_for(entry.name, each)), None)
    before = entry.name[: entry.name.rfind(_stem(exercise))] if exercise else entry.name
    student, when, late = _platform(before) or (before.rstrip("_- ") if exercise else "", None, False)
    is_link = stat.S_ISLNK(mode) and not exercise
    if not student and not is_link:
        return False
    pile = piles.setdefault(student or entry.name, _Pile())
    pile.paths.append(entry)
    pile.problem = say("{name} is a link; links are not followed", name=entry.name) if is_link else pile.problem
    pile.when, pile.late = when or pile.when, late or pile.late
    return True


def _walk(folder: Path, pile: _Pile) -> None:
    """The files under a student's folder, nearest first, as far as is reasonable, onto the pile."""

    def cannot(error: OSError) -> None:
        pile.problem = say("a folder cannot be opened: {why}", why=error.strerror)

    for place, folders, names in os.walk(folder, onerror=cannot, followlinks=False):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if _counts(name)) if depth < DEEPEST else []
        pile.paths += [Path(place) / name for name in sorted(names) if _counts(name)]
        if len(pile.paths) > MOST_FILES:
            pile.problem = say("more than {n:,} files; the others were not looked at", n=MOST_FILES)
            return


def _platform(name: str) -> tuple[str, datetime | None, bool] | None:
    """What a platform's name says: who, when, and whether it calls it late.

    >>> _platform("byronada_LATE_123_456_")
    ('byronada_123', None, True)
    >>> _platform("HW 2_ada_attempt_2026-11-20-10-00-00_")[0]
    'HW 2_ada'
    >>> _platform("ada")
    """
    matches = [found for pattern in _PLATFORMS if (found := pattern.match(name))]
    if not matches:
        return None
    # the platform's own words come first; what stands behind them is the name that the student chose
    told = min(matches, key=lambda found: found.end()).groupdict()
    who = told.get("who") or f"{told['name']}_{told['id']}"
    return who, _attempt(told.get("when") or ""), bool(told.get("late"))


def _attempt(when: str) -> datetime | None:
    """ "2026-11-20-10-00-00" as a moment; None where there is no such one."""
    try:
        return datetime.strptime(when, "%Y-%m-%d-%H-%M-%S").astimezone()
    except (ValueError, OverflowError):
        return None


def _stem(exercise: Exercise) -> str:
    return exercise.file_name.removesuffix(".py")


def _is_for(name: str, exercise: Exercise) -> bool:
    """Whether a file of this name answers the exercise: its own name, what a platform puts before it, "-1" or "(1)".

    >>> from zth.workbook.exercise import get
    >>> names = ["e1_2_softmax.py", "ada_1_2_e1_2_softmax-3.py", "e1_2_softmax (1).py", "e1_2_softmax.backup-1.py"]
    >>> [_is_for(name, get("1.2")) for name in names]
    [True, True, True, False]
    """
    return bool(re.fullmatch(rf"(?:.*[_\- ])?{re.escape(_stem(exercise))}(?:[-_ ]?\(?\d+\)?)?\.py", name))


def _submission(student: str, pile: _Pile, exercises: Sequence[Exercise]) -> Submission:
    files, notes = {}, [pile.problem] if pile.problem else []
    for exercise in exercises:
        if mine := [path for path in pile.paths if _is_for(path.name, exercise)]:
            files[exercise.id] = _choose(mine, exercise)
    if not files and not pile.problem:
        told = ", ".join(path.name for path in pile.paths[:5]) or say("nothing")
        notes.append(say("no file of an exercise; there is {names}", names=told))
    when, clock, note = _time(pile, [found.path for found in files.values()])
    notes += [note] if note else []
    return Submission(student=student, files=files, handed_in=when, clock=clock, said_late=pile.late, notes=notes)


def _choose(paths: Sequence[Path], exercise: Exercise) -> Found:
    """The newest of several; of two with one time, the one with the highest number in its name."""

    def rank(path: Path) -> tuple[float, int, str]:
        number = re.search(r"(\d+)\)?\.py$", path.name.replace(exercise.file_name, ""))
        seen = _seen(path)
        return seen.st_mtime if seen else 0.0, int(number[1]) if number else 0, path.name

    *others, path = sorted(paths, key=rank)
    seen = _seen(path)
    if seen is None:
        return Found(path=path, problem=say("it cannot be opened"), others=others)
    problem = "" if stat.S_ISREG(seen.st_mode) else say("it is a link, a folder or a pipe, not a file")
    return Found(path=path, problem=problem, others=others)


def _seen(path: Path) -> os.stat_result | None:
    """What the file system says of a file; None where it says nothing, as in a folder that cannot be entered."""
    try:
        return path.lstat()
    except OSError:
        return None


def _time(pile: _Pile, files: Sequence[Path]) -> tuple[datetime | None, str, str]:
    """When it was handed in, what says so, and a note where two clocks disagree or one cannot be read."""
    newest = _newest(files)
    stamp = next((path for path in pile.paths if path.name == "timestamp.txt"), None)
    seen = _seen(stamp) if stamp else None
    if stamp is not None and seen is not None and stat.S_ISREG(seen.st_mode):
        try:
            with stamp.open(encoding="utf-8") as file:
                return parse_time(file.read(200).strip()), "timestamp.txt", ""
        except (OSError, ValueError):
            return newest, mark("file time"), say("timestamp.txt cannot be read; the file's time counts")
    if pile.when is not None:
        return pile.when, mark("file name"), ""
    return newest, mark("file time") if newest else "", ""


def _newest(files: Sequence[Path]) -> datetime | None:
    """The latest time of the files; None where there is none, or none that is a date."""
    times = [seen.st_mtime for path in files if (seen := _seen(path))]
    try:
        return datetime.fromtimestamp(max(times), UTC) if times else None
    except (ValueError, OverflowError, OSError):
        return None


def parse_time(text: str) -> datetime:
    """A moment, in the local time zone where it names none. Raises ValueError.

    >>> parse_time("2026-12-01 18:30:00.5 UTC").isoformat()
    '2026-12-01T18:30:00.500000+00:00'
    """
    when = datetime.fromisoformat(re.sub(r" ?UTC$", "+00:00", text))
    if not 1970 <= when.year <= 9000:  # else its time zone may lead out of the calendar
        raise ValueError(f"the year {when.year}")
    return when if when.tzinfo else when.astimezone()


def parse_due(text: str) -> datetime:
    """`--due` -> the last moment that is in time; a day alone lasts to its end. Raises ConfigError."""
    try:
        when = parse_time(text)
    except ValueError as error:
        raise ConfigError(
            f"--due is {text!r}.", "Write a day or a moment, as in 2026-12-01 or 2026-12-01T18:30 or ...+01:00."
        ) from error
    is_day = re.fullmatch(r"\d{4}-?\d\d-?\d\d", text) is not None
    return when.replace(hour=23, minute=59, second=59) if is_day else when
