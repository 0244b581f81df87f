"""What a mark rests on: each question with its inputs, what came, and what was wanted.

Tensors are shown by their first numbers and stand as a digest of all of them, so two runs can be held against each
other bit for bit without keeping megabytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zth.workbook import wire
from zth.workbook.answer import Raised
from zth.workbook.check import Part
from zth.workbook.verdict import show

SEEDS: Mapping[str, int] = {"random": 0, "numpy": 0, "torch": 0, "PYTHONHASHSEED": 0}
"""With which every answer is run (see `servant`); a check makes its inputs from seeds of its own, or by hand."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One question that was asked."""

    part: str
    call: str
    inputs: str
    """Digest of the inputs."""
    got: str
    got_digest: str
    wanted: str
    wanted_digest: str


@dataclass
class Collected:
    """A witness for `judge`: collects the cases.

    >>> collected = Collected()
    >>> collected(Part(name="double", ask=lambda answer, x: answer.double(x), cases=[]), (2,), 4, 4)
    >>> collected.cases[0].call, collected.cases[0].got
    ('double(2)', '4')
    """

    cases: list[Case] = field(default_factory=list)

    def __call__(self, part: Part, inputs: tuple[Any, ...], got: Any, wanted: Any) -> None:
        self.cases.append(
            Case(
                part=part.name,
                call=part.call(inputs),
                inputs=digest(inputs),
                got=_shown(got),
                got_digest=digest(got),
                wanted=_shown(wanted),
                wanted_digest=digest(wanted),
            )
        )

    @property
    def digest(self) -> str:
        """All that the answer returned, in one number: equal if and only if every result is, bit for bit."""
        return _hash("".join(case.got_digest for case in self.cases).encode())


def digest(value: object) -> str:
    """16 hexadecimal digits of a value's SHA-256; what cannot travel counts by what it shows.

    >>> digest([1.0, 2.0]) == digest([1.0, 2.0]), digest([1.0]) == digest([1])
    (True, False)
    """
    if isinstance(value, Raised):
        return _hash(_shown(value).encode())
    try:
        return _hash(wire.pack(value))
    except (TypeError, ValueError, RecursionError):  # an object of the learner's own, say
        return _hash(_shown(value).encode("utf-8", "backslashreplace"))


def _shown(value: object) -> str:
    """As a verdict shows it, without the addresses in memory, which differ from run to run."""
    if isinstance(value, Raised):
        text = f"raised {value.type_name}: {value.message}"
    else:
        try:
            text = show(value)
        except (ValueError, TypeError, RecursionError) as error:  # a list inside itself, say
            text = f"(cannot be shown: {type(error).__name__})"
    return re.sub(r"\b0x[0-9a-f]+", "0x...", text)[:500]


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
