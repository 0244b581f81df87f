"""Where marks are written to: looked at before anything is judged, written at the end, nothing overwritten."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zth.errors import ConfigError, RunError
from zth.files import atomic_write_all, backup_name, dumps
from zth.workbook.audit import Audit
from zth.workbook.marks import Marks
from zth.workbook.marks_files import pairs_csv, to_csv, to_gradescope, to_json, to_nbgrader, to_summary
from zth.workbook.marks_page import to_html

WRITERS: Mapping[str, Callable[[Marks], str]] = {
    ".csv": to_csv,
    ".json": lambda marks: dumps(to_json(marks)) + "\n",
    ".html": to_html,
}


@dataclass(frozen=True, kw_only=True)
class Places:
    """The files that a grading leaves behind."""

    marks: Sequence[Path]
    """At least one; the journal and the audit stand beside the first."""
    gradescope: Path | None = None
    """`results.json` itself, for one student; else a folder of folders."""
    nbgrader: Path | None = None
    summary: Path | None = None
    """GitHub's GITHUB_STEP_SUMMARY, which is appended to."""

    @property
    def journal(self) -> Path:
        return self.marks[0].with_suffix(".journal.jsonl")

    @property
    def audit(self) -> Path:
        return self.marks[0].with_suffix(".audit.jsonl")

    @property
    def pairs(self) -> Path:
        return self.marks[0].with_suffix(".pairs.csv")

    def check(self, submissions: Path) -> None:
        """Raises ConfigError where something could not be written in the end."""
        for path in self.marks:
            if path.suffix not in WRITERS:
                raise ConfigError(f"--out is {path}.", f"Its ending says what to write: {', '.join(WRITERS)}.")
        named = [*self.marks, *(path for path in (self.gradescope, self.nbgrader) if path)]
        for path in named:
            if path.resolve().is_relative_to(submissions.resolve()):
                raise ConfigError(f"{path} lies among the submissions.", "Write to another folder.")
            if not path.resolve().parent.is_dir():
                raise ConfigError(f"There is no folder {path.parent} for {path.name}.", "Make it first.")
            if not _is_writable(path.resolve().parent):
                raise ConfigError(f"Nothing can be written into {path.resolve().parent}.", "Choose another folder.")
            if path.is_dir() and path != self.gradescope:
                raise ConfigError(f"{path} is a folder.", "Name a file.")
        if len({path.resolve() for path in named}) < len(named):
            raise ConfigError("Two outputs have one path.", "Give each a name of its own.")

    @property
    def for_one(self) -> bool:
        """Whether one file is to hold the results, and so the submissions are one student's."""
        return self.gradescope is not None and self.gradescope.suffix == ".json"

    def write(self, marks: Marks) -> dict[Path, Path | None]:
        """Every file of marks -> the backup of the one that was there, where it differed."""
        contents = {path: WRITERS[path.suffix](marks) for path in self.marks}
        if self.nbgrader is not None:
            contents[self.nbgrader] = to_nbgrader(marks)
        if self.gradescope is not None:
            contents |= _gradescope(marks, self.gradescope)
        written = write_all(contents)
        if self.summary is not None:
            with self.summary.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(to_summary(marks))
        return written

    def write_audit(self, audit: Audit) -> dict[Path, Path | None]:
        """The evidence, a mark a line, and the pairs of like answers."""
        lines = (dumps(each.to_json(), indent=None) for each in audit.evidence)
        return write_all({self.audit: "".join(f"{line}\n" for line in lines), self.pairs: pairs_csv(audit.groups)})


def write_all(contents: Mapping[Path, str]) -> dict[Path, Path | None]:
    """Write all or nothing -> each path, with the backup of what was there and differed. Raises RunError."""
    written: dict[Path, Path | None] = {}
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            there = path.exists() and path.read_bytes() != content.encode("utf-8", "backslashreplace")
            written[path] = Path(shutil.copy2(path, backup_name(path))) if there else None
        atomic_write_all(contents)
    except OSError as error:
        for backup in filter(None, written.values()):  # what they are copies of is still there
            backup.unlink(missing_ok=True)
        told = f"{error.filename or 'The marks'} cannot be written: {error.strerror}."
        raise RunError(told, "Free some space or choose another --out; nothing is judged again.") from error
    return written


def _is_writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _gradescope(marks: Marks, place: Path) -> dict[Path, str]:
    if place.suffix == ".json":
        return {place: dumps(to_gradescope(marks.students[0])) + "\n"}
    return {place / each.name / "results.json": dumps(to_gradescope(each)) + "\n" for each in marks.students}
