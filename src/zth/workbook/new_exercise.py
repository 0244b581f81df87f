"""Begins an exercise: a folder from the template, unfinished, in the course or in a pack (see `pack`, `unfinished`).

Everything is written beside its place and put there in one step, so a folder is whole or not there.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from zth.errors import ExerciseError
from zth.workbook.exercise import Exercise
from zth.workbook.pack import COURSE, GROUP, NAME, Pack, packs
from zth.workbook.prove import LEAST_MISTAKES

EXERCISE = ("task.md", "solution.py", "stub.py", "check.py", "measure.py")
"""The files of an exercise that the template has, in the order of writing them."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """What was made: the exercise, the new files, and what else is new."""

    exercise: Exercise
    written: list[Path]
    new_lecture: bool
    new_pack: bool


def make(title: str, number: int, *, lecture: str = "", project: Path | None = None) -> Made:
    """A new exercise of lecture `number` -> where it is. Raises ExerciseError, with nothing written.

    Without `project` it belongs to the course; else to the pack whose project folder that is, which is made where
    there is none. `lecture` names a lecture that is new.
    """
    name, project = _slug(title), project.resolve() if project is not None else None
    if not 1 <= number <= 99:
        raise ExerciseError(f"There is no lecture {number}.", "A lecture has a number from 1 to 99, as in L8.")
    pack, new_pack = (_course(), False) if project is None else _pack_of(project)
    folder, new_lecture = _lecture_folder(pack, number, _slug(lecture or title))
    if lecture and not new_lecture:
        raise ExerciseError(f"Lecture {number} is there already ({folder.name}).", "Leave out --lecture-title.")
    exercise = Exercise(folder / f"e{_next_number(folder):02d}_{name}", pack)
    said = {
        "title": title.strip(),
        "id": exercise.id,
        "number": str(number),
        "lecture": (lecture or title).strip(),
        "pack": pack.name,
        "least_mistakes": str(LEAST_MISTAKES),
    }
    tree = {exercise.folder / name: _filled(name, said) for name in EXERCISE}
    if new_lecture:
        tree[folder / "README.md"] = _filled("README.md", said)
    if new_pack:
        assert project is not None
        tree[project / "pyproject.toml"] = _filled("pyproject.toml", said)
        tree[pack.folder / "__init__.py"] = (
            f'"""Exercises for zth: see the entry point {pack.name} in pyproject.toml."""\n'
        )
    top = project if new_pack and project is not None else folder if new_lecture else exercise.folder
    _put(top, tree)
    return Made(exercise=exercise, written=list(tree), new_lecture=new_lecture, new_pack=new_pack)


def _course() -> Pack:
    """The course, where this zth is a checkout; an installed one would lose the folder at the next update."""
    if not (COURSE.folder.parents[2] / "pyproject.toml").is_file():
        raise ExerciseError(
            f"This zth is installed in {COURSE.folder.parents[1]}: what is written there is lost at its next update.",
            "Put your exercises into a pack of your own: --pack FOLDER",
        )
    return COURSE


def _pack_of(project: Path) -> tuple[Pack, bool]:
    """The pack whose project folder this is, and whether it is still to be made."""
    if not project.exists() or (project.is_dir() and not any(project.iterdir())):
        name = project.resolve().name.replace("-", "_").removeprefix("zth_").lower()
        if not NAME.fullmatch(name):
            raise ExerciseError(
                f"{name!r} cannot name a pack.", "A name has small letters, digits and _, as in zth-sampling."
            )
        if name in {pack.name for pack in packs()}:
            raise ExerciseError(f"A pack {name!r} is installed already.", "Choose another name for the folder.")
        return Pack(name, f"zth_{name}", project / "src" / f"zth_{name}"), True
    return _read_pack(project), False


def _read_pack(project: Path) -> Pack:
    """The pack that a project's pyproject.toml offers, in src/ or beside it."""
    path = project / "pyproject.toml"
    try:
        offered = tomllib.loads(path.read_text(encoding="utf-8"))["project"]["entry-points"][GROUP]
        ((name, package),) = offered.items()
    except OSError as error:
        raise ExerciseError(
            f"{path} cannot be read: {error.strerror}.", "Name a pack's folder, or a new one."
        ) from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:  # TOMLDecodeError is a ValueError
        problem = f'{path} does not offer one pack ([project.entry-points."{GROUP}"]): {error}.'
        raise ExerciseError(problem, "Name a pack's folder, or a new one.") from error
    if not NAME.fullmatch(str(name)):
        raise ExerciseError(f"{path} calls the pack {name!r}.", "A name has small letters, digits and _.")
    inside = Path(*str(package).split("."))
    for folder in (project / "src" / inside, project / inside):
        if folder.is_dir():
            return Pack(str(name), str(package), folder)
    raise ExerciseError(f"{path} offers {package!r}, which is not in {project}.", "Put the package into src/.")


def _lecture_folder(pack: Pack, number: int, slug: str) -> tuple[Path, bool]:
    found = sorted(path for path in pack.folder.glob(f"l{number:02d}_*") if path.is_dir())
    return (found[0], False) if found else (pack.folder / f"l{number:02d}_{slug}", True)


def _next_number(folder: Path) -> int:
    taken = [int(path.name[1:3]) for path in folder.glob("e[0-9][0-9]_*")]
    if max(taken, default=0) == 99:
        raise ExerciseError(f"{folder.name} has an exercise 99.", "Begin another lecture.")
    return max(taken, default=0) + 1


def _slug(title: str) -> str:
    """What a folder is called after.

    >>> _slug("Naïve Bayes, by counting & by a net")
    'naive_bayes_by_counting'
    """
    breaks = "\\" in title or '"""' in title  # it stands in the docstrings of the new files
    if not title.strip() or not title.isprintable() or len(title) > 80 or breaks:
        told = "A title is one line of at most 80 characters, without a backslash."
        raise ExerciseError(f"{title!r:.100} cannot be a title.", told)
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    while len("_".join(words)) > 24 and len(words) > 1:
        words.pop()
    return "_".join(words)[:24] or "untitled"


def _filled(template: str, said: Mapping[str, str]) -> str:
    text = (files("zth.workbook") / "template" / f"{template}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(said)


def _put(top: Path, tree: Mapping[Path, str]) -> None:
    """Write all files, which lie in the new folder `top`, beside it; then put it in its place."""
    draft: Path | None = None
    try:
        top.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=top.parent, prefix=f".{top.name}."))
        for path, text in tree.items():
            place = draft / path.relative_to(top)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        draft.chmod(0o755)
        if top.is_dir():  # empty, and perhaps where somebody is: it stays the folder that it is
            for child in draft.iterdir():
                child.rename(top / child.name)
        else:
            draft.rename(top)
    except OSError as error:
        raise ExerciseError(f"Cannot write {top}: {error.strerror}.", "Choose another place with --pack.") from error
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
