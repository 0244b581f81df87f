"""A lecture is a folder of exercises, with a page about it and, where it has figures of its own, an experiment.

::

    l04_batchnorm/
      README.md    the lecture in a page; its first line names it, a line "Video: ..." says where to watch it
      measure.py   the lecture's own tables, measured again
      e01_all_zero/ e02_fold_batchnorm/ ...
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from zth.errors import ExerciseError
from zth.texts import say, translated
from zth.workbook.pack import COURSE, Pack, packs


@dataclass(frozen=True)
class Lecture:
    """One lecture's folder. Equal and hashable by its folder and its pack."""

    folder: Path
    pack: Pack = COURSE

    @property
    def number(self) -> int:
        return int(self.folder.name[1:3])

    @property
    def id(self) -> str:
        """As people say it.

        >>> lectures()[0].id
        '1'
        """
        return f"{self.pack.prefix}{self.number}"

    @property
    def name(self) -> str:
        """As it is listed: "L5", or a pack's "sampling:1".

        >>> lectures()[0].name
        'L1'
        """
        return self.id if self.pack.name else f"L{self.id}"

    @property
    def title(self) -> str:
        """The lecture's name, from the first line of its README.md.

        >>> lectures()[0].title
        'micrograd'
        """
        first = self.page.partition("\n")[0].strip()
        return re.sub(rf"^# (?:\w+ {self.number}: )?", "", first)  # "Lecture" is another word in other languages

    @property
    def video(self) -> str:
        """Where to watch it, from its README.md; "" where that does not say.

        >>> lectures()[0].video
        'https://youtu.be/VMj-3S1tku0'
        """
        own = (self.folder / "README.md").read_text(encoding="utf-8")
        found = re.search(r"^Video: <(https://\S+)>$", own, flags=re.MULTILINE)
        return found[1] if found else ""

    @property
    def page(self) -> str:
        """Its README.md, in the reader's language."""
        return translated(self.folder / "README.md").read_text(encoding="utf-8")

    @property
    def has_measurement(self) -> bool:
        return (self.folder / "measure.py").is_file()

    def module(self, name: str) -> ModuleType:
        """The lecture's measure module, imported."""
        return self.pack.module(f"{self.folder.name}.{name}", self.id)


def lectures() -> list[Lecture]:
    """Every lecture there is: those of the course in its order, then those of the packs."""
    return [
        Lecture(path.parent, pack) for pack in packs() for path in sorted(pack.folder.glob("l[0-9][0-9]_*/README.md"))
    ]


def find(lecture_id: str) -> Lecture:
    """The lecture called `lecture_id`, as in "L5", "5" or "sampling:1"; raises ExerciseError where there is none.

    >>> find("L5").title
    'backpropagation by hand'
    """
    known = {each.id: each for each in lectures()}
    found = known.get(plain_id(lecture_id))
    if found is None:
        names = ", ".join(each.name for each in known.values())
        raise ExerciseError(
            say("There is no lecture {id!r}.", id=lecture_id), say("Name one of {names}.", names=names)
        )
    return found


def plain_id(word: str) -> str:
    """What people call a lecture or an exercise -> its id. A pack's is its id already, whatever it begins with.

    >>> [plain_id(word) for word in ("L5", "l05", "5", "L2.1", "lattice:1", "l5:1.1")]
    ['5', '5', '5', '2.1', 'lattice:1', 'l5:1.1']
    """
    found = re.fullmatch(r"[lL]?0*(\d+(?:\.\d+)?)", word)
    return found[1] if found else word
