"""What every bench shares: interleaved timing, medians with their spread, one table, `--json`.

A bench is a script: it makes rows and hands them to `main`::

    def measure() -> list[Row]:
        ours, baseline = interleave(lambda: fast(data), lambda: slow(data), repeats=15)
        return [Row.of_times("windows of 3", ours, baseline, target=40)]

    if __name__ == "__main__":
        main("Data against the lecture's loops", measure)

In every row less is better (seconds, bytes), so `ratio` = baseline / ours says how many times better ours is.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Times:
    """Seconds of repeated runs of one thing."""

    seconds: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def spread(self) -> tuple[float, float]:
        """First and third quartile: what a noisy neighbour on the machine cannot easily move."""
        if len(self.seconds) < 2:
            return self.median, self.median
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return low, high


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison; `ours` and `baseline` in `unit`, less is better. `target` is the ratio to reach.

    `peak_mb` is our side's; see the function of that name.
    """

    name: str
    ours: float
    baseline: float
    unit: str
    target: float | None = None
    peak_mb: float | None = None
    ours_spread: tuple[float, float] | None = None
    baseline_spread: tuple[float, float] | None = None

    @classmethod
    def of_times(
        cls, name: str, ours: Times, baseline: Times, *, target: float | None = None, peak_mb: float | None = None
    ) -> Row:
        """Medians in milliseconds, with their quartiles."""
        return cls(
            name=name,
            ours=ours.median * 1e3,
            baseline=baseline.median * 1e3,
            unit="ms",
            target=target,
            peak_mb=peak_mb,
            ours_spread=(ours.spread[0] * 1e3, ours.spread[1] * 1e3),
            baseline_spread=(baseline.spread[0] * 1e3, baseline.spread[1] * 1e3),
        )

    @property
    def ratio(self) -> float:
        return self.baseline / self.ours

    def as_json(self) -> dict[str, object]:
        keys = ("name", "ours", "baseline", "unit", "ratio", "target", "peak_mb")
        return {key: getattr(self, key) for key in keys}


def interleave(
    ours: Callable[[], object],
    baseline: Callable[[], object],
    *,
    repeats: int,
    warm_up: int = 1,
    before: Callable[[], object] = lambda: None,
) -> tuple[Times, Times]:
    """Time the two in turn, so that a slow spell of the machine hits both; the first `warm_up` turns do not count.

    Who goes first alternates from turn to turn. `before` runs ahead of each, outside the clock.
    """
    ours_seconds: list[float] = []
    baseline_seconds: list[float] = []
    pair = [(ours, ours_seconds), (baseline, baseline_seconds)]
    for _ in range(warm_up + repeats):
        for run, seconds in pair:
            before()
            start = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - start)
        pair.reverse()
    return Times(ours_seconds[warm_up:]), Times(baseline_seconds[warm_up:])


def peak_mb(run: Callable[[], object]) -> float:
    """The most memory (MB) that Python and NumPy held for `run` at one time; torch's own is not seen."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def main(name: str, measure: Callable[[], list[Row]]) -> None:
    """Run `measure`; print its rows as a table, or as a JSON list with `--json`."""
    parser = argparse.ArgumentParser(description=name)
    parser.add_argument("--json", action="store_true", help="print a list of rows instead of a table")
    arguments = parser.parse_args()
    rows = measure()
    if arguments.json:
        sys.stdout.write(json.dumps([row.as_json() for row in rows], indent=1) + "\n")
    else:
        Console(highlight=False).print(_table(name, rows))


def _table(name: str, rows: Sequence[Row]) -> Table:
    table = Table(title=name, caption="median \\[quartiles]; ratio = baseline / ours")
    table.add_column("what")
    for heading in ("ours", "baseline", "unit", "ratio", "target", "peak MB"):
        table.add_column(heading, justify="right")
    for row in rows:
        missed = row.target is not None and row.ratio < row.target
        table.add_row(
            row.name,
            _cell(row.ours, row.ours_spread),
            _cell(row.baseline, row.baseline_spread),
            row.unit,
            f"[{'red' if missed else 'green'}]{row.ratio:.2f}x[/]" + (" missed" if missed else ""),
            "" if row.target is None else f"{row.target:g}x",
            "" if row.peak_mb is None else f"{row.peak_mb:.1f}",
        )
    return table


def _cell(value: float, spread: tuple[float, float] | None) -> str:
    return f"{value:.4g}" if spread is None else f"{value:.4g} [{spread[0]:.4g}, {spread[1]:.4g}]"
