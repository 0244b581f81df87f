"""What has been judged so far, one JSON object a line: an interrupted grading goes on where it was.

A line counts as long as nothing that it depends on has changed: the file's own text, the exercise's folder, the
pack around it, the versions of zth and torch. Points are not kept: they are made from the verdicts, with the weights
of the day.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, Self

from zth.errors import RunError
from zth.files import dumps
from zth.workbook.exercise import Exercise
from zth.workbook.normal_form import Form
from zth.workbook.pack import COURSE
from zth.workbook.verdict import PartVerdict, Verdict


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What became of one file."""

    student: str
    exercise: str
    source: str
    """SHA-256 of the file's text."""
    basis: str
    """See the function of that name."""
    verdict: Verdict | None
    """None where the grader itself failed at it."""
    answers: str = ""
    """`evidence.Collected.digest`: all that the answer returned, in one number."""
    form: Form | None = None
    imports: Sequence[str] = ()
    """The modules of zth that it imports."""
    fault: str = ""
    """What went wrong in the grader, for a person."""

    def to_json(self) -> dict[str, Any]:
        told = asdict(self)
        if self.verdict is not None:
            told["verdict"] = self.verdict.to_json()
        return told

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Self:
        verdict = told.pop("verdict")
        if verdict is not None:
            del verdict["ok"]
            parts = [PartVerdict(**{**part, "follows": tuple(part["follows"])}) for part in verdict.pop("parts")]
            verdict = Verdict(parts=parts, **verdict)
        form = told.pop("form")
        return cls(verdict=verdict, form=form and Form(**form), **told)


class Journal:
    """Judgements on disk, by student and exercise. Use `open_journal`, which keeps others out."""

    def __init__(self, path: Path, file: IO[str]) -> None:
        self.path = path
        self._file = file
        self._kept = {(each.student, each.exercise): each for each in _read(path)}

    def find(self, student: str, exercise: str, source: str, basis: str) -> Judged | None:
        """The judgement of just this file by just this check, where there is one."""
        kept = self._kept.get((student, exercise))
        if kept is None or (kept.source, kept.basis) != (source, basis) or kept.verdict is None:
            return None
        return kept

    def add(self, judged: Judged) -> None:
        """Write one line and flush it; what a Ctrl-C then stops is the next one."""
        self._kept[judged.student, judged.exercise] = judged
        self._file.write(dumps(judged.to_json(), indent=None) + "\n")
        self._file.flush()


@contextmanager
def open_journal(path: Path) -> Iterator[Journal]:
    """The journal at `path`, made if need be, for one writer alone. Raises RunError."""
    try:
        with path.open("a+", encoding="utf-8", errors="backslashreplace") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunError(
                    f"Another zth grade is writing to {path}.", "Wait for it, or choose another --out."
                ) from error
            if file.tell() and not path.read_bytes().endswith(b"\n"):
                file.write("\n")  # the power failed in the middle of a line
            yield Journal(path, file)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror}.", "Choose another --out.") from error


def _read(path: Path) -> Iterator[Judged]:
    """The lines of a journal in their order; a damaged one is passed over: its file is judged again."""
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            yield Judged.from_json(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue


@cache
def basis(exercise: Exercise) -> str:
    """What a verdict rests on besides the file: the versions, and the exercise's folder, or all of its pack."""
    files = sorted(exercise.folder.glob("*.py") if exercise.pack == COURSE else exercise.pack.folder.rglob("*.py"))
    content = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("zth", "torch"))
    return f"{versions}, check {content}"
