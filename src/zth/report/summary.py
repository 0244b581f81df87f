"""All figures of the shown runs as rows, and how many meet their reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zth.report.select import Section, sections
from zth.runs import Figure, Record

# In the order in which they are told.
VERDICTS = ("as the course", "better", "worse", "measured")


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What figures.json holds, and the totals above it."""

    sections: list[Section]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One row a figure: exercise, name, value, unit, reference, source, verdict, ok."""
        return [_row(section.record.name, figure) for section in self.sections for figure in section.record.figures]

    @property
    def counts(self) -> dict[str, int]:
        return tally([figure for section in self.sections for figure in section.record.figures])

    @property
    def unfinished(self) -> list[Record]:
        """The failed, interrupted, damaged or running ones among the newest of each name."""
        newest = [section.unfinished[-1] if section.unfinished else section.record for section in self.sections]
        return [record for record in newest if record.status != "done"]

    @property
    def seconds(self) -> float:
        found = [section.record.meta.get("seconds") for section in self.sections]
        return float(sum(value for value in found if isinstance(value, (int, float))))


def summary(records: Sequence[Record]) -> Summary:
    """The newest done run of each name, summed up."""
    return Summary(sections=sections(records))


def tally(figures: Sequence[Figure]) -> dict[str, int]:
    """How many figures there are of each verdict, all four named."""
    verdicts = [figure.verdict for figure in figures]
    return {verdict: verdicts.count(verdict) for verdict in VERDICTS}


def _row(exercise: str, figure: Figure) -> dict[str, Any]:
    return {
        "exercise": exercise,
        "name": figure.name,
        "value": figure.value,
        "unit": figure.unit,
        "reference": figure.reference,
        "source": figure.source,
        "verdict": figure.verdict,
        "ok": figure.ok,
    }
