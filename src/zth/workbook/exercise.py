"""An exercise is a folder; this reads one.

::

    l01_micrograd/e02_softmax/
      task.md      title, what it asks in a line, what it needs, where in the video it belongs, statement, then the
                   hints: nudge, idea, line
      stub.py      what the learner starts from
      check.py     the questions, and the wrong answers that it must reject (see `check`)
      solution.py  an import of the library's object, plus the explanation
      right/       correct answers in other styles, which the check must accept
      tensors.py   the same questions asked of a notebook's tensors (5.1 alone)
      measure.py   the experiment, where the exercise asks a question of the data

A folder of the course or of a pack (see `pack`) is an exercise by its name. One that is broken is told (`broken`) and
hides no other; one whose task.md says "Unfinished" is its author's alone (`drafts`, see `unfinished`).
"""

from __future__ import annotations

import hashlib
import inspect
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

from zth.errors import ExerciseError, did_you_mean
from zth.texts import in_every_language, mark, say, translated
from zth.workbook.lecture import Lecture
from zth.workbook.pack import COURSE, NAME, Broken, Pack, broken_packs, packs
from zth.workbook.video import Clip, clips

if TYPE_CHECKING:  # `zth list` reads the folders without them, and so without NumPy
    from zth.workbook.check import Limits, Mistake, Part

HINTS = (mark("nudge"), mark("idea"), mark("line"))
FILES = ("task.md", "stub.py", "check.py", "solution.py")
"""What no exercise can do without."""
UNFINISHED = "Unfinished"
"""Begins the line of task.md that keeps an exercise from learners while it is written."""
_TOP = re.compile(rf"# (?P<title>.+)\n+(?P<head>(?:(?:{UNFINISHED}|Asks|Needs|Video): .+\n+)*)(?P<statement>(?s:.+))")
ID = rf"(?:{NAME.pattern}:)?\d+\.\d+"
"""How an exercise is called, as a pattern: "5.1", or "sampling:1.2" of a pack."""
# "5.1 (what it gives), 5.2": the words may hold `f()`
_NEED = re.compile(rf"({ID})(?: \((.*?)\)(?=, [a-z\d]|$))?")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Task:
    """What task.md says."""

    title: str
    asks: str
    """What is asked, in a line; where the head does not say it, the statement's first sentence."""
    needs: Mapping[str, str]
    """The exercises that this one builds on: their ids, each with what it uses of them ("": not said)."""
    statement: str
    hints: tuple[str, ...]
    """As many as HINTS, in that order: each says more than the one before."""
    unfinished: bool = False
    """Still being written: learners are not offered it."""


@dataclass(frozen=True)
class Exercise:
    """One exercise folder. Equal and hashable by it and its pack; what is slow to read is read when asked for."""

    folder: Path
    pack: Pack = COURSE

    @property
    def lecture(self) -> Lecture:
        return Lecture(self.folder.parent, self.pack)

    @property
    def id(self) -> str:
        """As people say it.

        >>> get("2.1").id
        '2.1'
        """
        return f"{self.lecture.id}.{int(self.folder.name[1:3])}"

    @property
    def file_name(self) -> str:
        """What the learner's copy of the stub is called: importable, and sorted as the exercises are.

        >>> get("1.2").file_name, Exercise(Path("l01_x/e02_y"), Pack("sampling", "zth_sampling", Path())).file_name
        ('e1_2_softmax.py', 'sampling_e1_2_y.py')
        """
        pack, _, number = self.id.rpartition(":")
        stem = f"{pack}_e{number}_{self.folder.name[4:]}".removeprefix("_")
        return f"{stem.replace('.', '_')}.py"

    @property
    def title(self) -> str:
        return self.task.title

    @cached_property
    def task(self) -> Task:
        return parse_task(translated(self.folder / "task.md").read_text(encoding="utf-8"), self.folder.name)

    @property
    def clips(self) -> list[Clip]:
        """Where it belongs in the lectures' videos.

        >>> [str(clip) for clip in get("1.1").clips]
        ['8:08-19:09']
        """
        top = _TOP.match((self.folder / "task.md").read_text(encoding="utf-8"))
        return list(clips(_head(top["head"]).get("Video", "") if top else "", self.lecture))

    @property
    def stub(self) -> Path:
        return translated(self.folder / "stub.py")

    @property
    def stubs(self) -> list[Path]:
        """The stub in every language: a learner may have begun in another one than is spoken now."""
        return in_every_language(self.folder / "stub.py")

    def is_stub(self, source: str) -> bool:
        """Whether a file's text is still its stub, of whatever language."""
        return fingerprint(source) in {fingerprint(stub.read_text(encoding="utf-8")) for stub in self.stubs}

    @property
    def right_answers(self) -> list[Path]:
        return sorted((self.folder / "right").glob("*.py"))

    @property
    def has_measurement(self) -> bool:
        return (self.folder / "measure.py").is_file()

    @property
    def parts(self) -> list[Part]:
        from zth.workbook.check import Part

        if not (found := self._listed("PARTS", Part)):
            raise ExerciseError(f"The check of {self.id} asks nothing: its PARTS are empty.", "Write its check.py.")
        return found

    @property
    def mistakes(self) -> list[Mistake]:
        from zth.workbook.check import Mistake

        return self._listed("MISTAKES", Mistake)

    def _listed(self, name: str, kind: type[T]) -> list[T]:
        found = getattr(self.module("check"), name, None)
        if not isinstance(found, Sequence) or not all(isinstance(item, kind) for item in found):
            problem = f"The check of {self.id} has no {name}, a list of {kind.__name__}s."
            raise ExerciseError(problem, f"See {self.folder / 'check.py'}.")
        return list(found)

    @property
    def limits(self) -> Limits:
        from zth.workbook.check import Limits

        limits: Limits = getattr(self.module("check"), "LIMITS", Limits())
        return limits

    @property
    def solution(self) -> Mapping[str, object]:
        """The names of the right answer: what solution.py lists in `__all__`."""
        module = self.module("solution")
        names = getattr(module, "__all__", ())
        if lacking := [name for name in names if not hasattr(module, name)]:
            raise ExerciseError(f"The solution of {self.id} lists {lacking[0]!r} in __all__ and does not have it.")
        return {name: getattr(module, name) for name in names}

    @property
    def package(self) -> str:
        """What Python calls the folder.

        >>> get("1.2").package
        'zth.workbook.l01_micrograd.e02_softmax'
        """
        return f"{self.pack.package}.{self.folder.parent.name}.{self.folder.name}"

    @property
    def explanation(self) -> str:
        """Why the solution is as it is: the docstring of solution.py, which a translation has as solution.md."""
        own = translated(self.folder / "solution.md")
        return own.read_text(encoding="utf-8") if own.is_file() else inspect.getdoc(self.module("solution")) or ""

    def module(self, name: str) -> ModuleType:
        """The exercise's check, solution or measure module, imported."""
        return self.pack.module(f"{self.folder.parent.name}.{self.folder.name}.{name}", self.id)

    def examine(self) -> None:
        """Raise ExerciseError where the folder cannot be used: files are missing, or task.md has another form."""
        pages = [self.folder.parent / "README.md"]
        if lacking := [path for path in [*pages, *(self.folder / name for name in FILES)] if not path.is_file()]:
            problem = f"{self.id} cannot be used: there is no {lacking[0].name} in {lacking[0].parent}."
            raise ExerciseError(problem, f"An exercise has {', '.join(FILES)}. Write it, or tell those who made it.")
        try:
            _ = self.task
            if self.pack != COURSE:  # the course's own are tested
                _ = self.lecture.title, self.clips
        except OSError as error:
            raise ExerciseError(f"A page of {self.id} cannot be read: {error}.") from error
        except UnicodeDecodeError as error:
            raise ExerciseError(f"task.md or README.md of {self.id} is not UTF-8.", "Save it as UTF-8.") from error


def exercises() -> list[Exercise]:
    """Every exercise that learners can use: those of the course in its order, then those of the packs.

    >>> [exercise.id for exercise in exercises()][:3]
    ['1.1', '1.2', '2.1']
    """
    return [exercise for exercise in _usable() if not exercise.task.unfinished]


def drafts() -> list[Exercise]:
    """The exercises that are still being written."""
    return [exercise for exercise in _usable() if exercise.task.unfinished]


def broken() -> list[Broken]:
    """What is there and cannot be used: packs, then exercises; each with the error that says why."""
    everything = _everything()
    twice = [Broken(id_, _told_twice(id_, everything)) for id_ in _twice(everything)]
    return broken_packs() + twice + [Broken(each.id, error) for each in everything if (error := _problem(each))]


def get(exercise_id: str) -> Exercise:
    """The exercise called `exercise_id`, as in "2.1", a draft too; raises ExerciseError where there is none."""
    thing: object = exercise_id
    if not isinstance(thing, str):  # in a notebook, check(1.1) is soon written
        told = say("The name of an exercise is a text, and this is of the type {type}.", type=type(thing).__name__)
        example = thing if isinstance(thing, float) else 1.1
        raise ExerciseError(told, say("Write it in quotes, as in: {id}", id=f'"{example}"'))
    everything = _everything()
    found = [exercise for exercise in everything if exercise.id == exercise_id]
    if len(found) > 1:
        raise _told_twice(exercise_id, everything)
    if found:
        found[0].examine()
        return found[0]
    pack, colon, _ = exercise_id.partition(":")
    for each in broken_packs():
        if colon and each.name == pack:
            raise each.error
    if colon and pack not in (names := {each.name for each in packs()}):
        known = ", ".join(sorted(names - {""})) or "none"
        told = say("There is no pack {pack!r}; installed: {known}.", pack=pack, known=known)
        raise ExerciseError(told, say("Install it with pip, or see: zth list"))
    near = did_you_mean(exercise_id, {exercise.id for exercise in everything})
    told = say("There is no exercise {id!r}.", id=exercise_id)
    raise ExerciseError(told, say("{near} See: zth list", near=near))


def _everything() -> list[Exercise]:
    """Every exercise folder, looked at from outside. One without a file is what git leaves of another branch's."""
    folders = [
        (pack, folder) for pack in packs() for folder in sorted(pack.folder.glob("l[0-9][0-9]_*/e[0-9][0-9]_*"))
    ]
    return [Exercise(folder, pack) for pack, folder in folders if any((folder / name).exists() for name in FILES)]


def _usable() -> list[Exercise]:
    everything = _everything()
    twice = _twice(everything)
    return [each for each in everything if each.id not in twice and _problem(each) is None]


def _problem(exercise: Exercise) -> ExerciseError | None:
    try:
        exercise.examine()
    except ExerciseError as error:
        return error
    return None


def _twice(everything: Sequence[Exercise]) -> list[str]:
    return [id_ for id_, n in Counter(exercise.id for exercise in everything).items() if n > 1]


def _told_twice(exercise_id: str, everything: Sequence[Exercise]) -> ExerciseError:
    folders = [f"{each.folder.parent.name}/{each.folder.name}" for each in everything if each.id == exercise_id]
    problem = f"More than one folder is exercise {exercise_id}: {' and '.join(folders)}."
    return ExerciseError(problem, "Give all but one another number.")


def fingerprint(source: str) -> str:
    """A text's SHA-256, whatever the editor's line ends and however many of them close the file.

    >>> fingerprint("a\\r\\nb\\n\\n") == fingerprint("\\ufeffa\\nb")
    True
    """
    lines = source.removeprefix("\ufeff").replace("\r\n", "\n").rstrip()
    return f"sha256:{hashlib.sha256(lines.encode('utf-8', 'surrogatepass')).hexdigest()}"


def parse_task(text: str, name: str) -> Task:
    """task.md -> Task; raises ExerciseError saying what is missing.

    >>> text = "# Softmax\\n\\nNeeds: 1.1 (its h)\\n\\nWrite it.\\n\\n"
    >>> task = parse_task(text + "## Nudge\\na\\n\\n## Idea\\nb\\n\\n## Line\\nc\\n", "e02")
    >>> task.needs, task.asks
    ({'1.1': 'its h'}, 'Write it.')
    """
    top, *sections = re.split(r"^## +", text, flags=re.MULTILINE)
    hints = dict(section.partition("\n")[::2] for section in sections)
    found = _TOP.match(top)
    if found is None or [heading.strip().lower() for heading in hints] != list(HINTS):
        raise ExerciseError(
            f"task.md of {name} has the sections {', '.join(hints) or 'none'}.",
            "It needs a '# Title', a statement, then '## Nudge', '## Idea' and '## Line', in this order.",
        )
    head, statement = _head(found["head"]), found["statement"].strip()
    return Task(
        title=found["title"].strip(),
        asks=head.get("Asks", "") or _first_sentence(statement),
        needs=dict(_NEED.findall(head.get("Needs", ""))),
        statement=statement,
        hints=tuple(hint.strip("\n").rstrip() for hint in hints.values()),
        unfinished=UNFINISHED in head,
    )


def _head(lines: str) -> dict[str, str]:
    """The lines between a task's title and its statement.

    >>> _head("Needs: 1.1\\nVideo: 1:27:05-1:43:55\\n\\n")
    {'Needs': '1.1', 'Video': '1:27:05-1:43:55'}
    """
    return dict(line.split(": ", 1) for line in lines.splitlines() if line)


def _first_sentence(statement: str) -> str:
    paragraph = " ".join(statement.split("\n\n")[0].split())
    return re.split(r"(?<=[.?!:]) ", paragraph)[0]
