"""Which runs the page shows, and in which order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from zth.runs import Record

# Exercises first; trainings and the rest follow by the name of their kind.
_FIRST = "measure"


@dataclass(frozen=True, kw_only=True)
class Section:
    """One (kind, name): the run that is shown, and the newer ones that did not finish."""

    record: Record
    unfinished: tuple[Record, ...] = ()

    @property
    def number(self) -> str:
        """The exercise's number, as "2.3" or, of a pack, "sampling:1.1"; empty for a run of another name."""
        return self.record.name if re.fullmatch(r"([a-z][a-z0-9_]*:)?[0-9]+(\.[0-9]+)*", self.record.name) else ""

    @property
    def title(self) -> str:
        """The title without the number, which stands before it: "2.3 Tune the smoothing" -> "Tune the smoothing"."""
        title = str(self.record.meta.get("title") or "").strip()
        if self.number:
            title = re.sub(rf"^{re.escape(self.number)}(?![0-9])[ .:]*", "", title)
        return title or (self.record.kind if self.number else f"{self.record.kind} {self.record.name}").capitalize()

    @property
    def full_title(self) -> str:
        return f"{self.number} {self.title}".strip()


def sections(records: Sequence[Record]) -> list[Section]:
    """The newest done run of each (kind, name), in the order of the page.

    A failed, interrupted or unfinished run never hides a done one: it stands beside it when it is newer, and stands
    for itself when there is no done one.
    """
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in sorted(records, key=_age):
        groups.setdefault((record.kind, record.name), []).append(record)
    return [_section(groups[key]) for key in sorted(groups, key=_place)]


def natural(name: str) -> list[str | int]:
    """A sort key that counts: "9.4" comes before "10.1".

    >>> sorted(["10.1", "2.2", "9.4", "2.10"], key=natural)
    ['2.2', '2.10', '9.4', '10.1']
    """
    # text and digits take turns, so two keys never compare a str with an int
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"([0-9]{1,18})", name))]


def _section(runs: list[Record]) -> Section:
    done = [i for i, record in enumerate(runs) if record.status == "done"]
    shown = done[-1] if done else len(runs) - 1
    return Section(record=runs[shown], unfinished=tuple(runs[shown + 1 :]))


def _age(record: Record) -> tuple[str, list[str | int]]:
    return str(record.meta.get("started") or ""), natural(record.folder.name)


def _place(key: tuple[str, str]) -> tuple[bool, str, list[str | int]]:
    kind, name = key
    return kind != _FIRST, kind, natural(name)
