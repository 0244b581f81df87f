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

    `peak_mb` is our side's: see the function of that name, or `note`.
    """

    name: str
    ours: float
    baseline: float
    unit: str
    target: float | None = None
    peak_mb: float | None = None
    ours_spread: tuple[float, float] | None = None
    baseline_spread: tuple[float, float] | None = None
    most: float | None = None
    """Where a number of ours, and no ratio, is the target: at most this."""
    failed: bool = False
    """The goal that the row is about was not reached, whatever its ratio; `note` says how near it came."""
    baseline_peak_mb: float | None = None
    note: str = ""
    """What stands below the table."""
    how: str = ""
    """The command, the machine and the threads."""

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

    @property
    def missed(self) -> bool:
        too_slow = self.target is not None and self.ratio < self.target
        return self.failed or too_slow or (self.most is not None and self.ours > self.most)

    def as_json(self) -> dict[str, object]:
        """What is empty or None is left out, but for the first keys, which every row has."""
        keys = ("name", "ours", "baseline", "unit", "ratio", "target", "peak_mb")
        more = ("baseline_peak_mb", "most", "missed", "note", "how")
        return {key: getattr(self, key) for key in keys} | {key: v for key in more if (v := getattr(self, key))}


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
    show(name, measure(), as_json=arguments.json)


def show(name: str, rows: Sequence[Row], *, as_json: bool) -> None:
    """Print the rows as a table with their notes below it, or as a JSON list."""
    if as_json:
        sys.stdout.write(json.dumps([row.as_json() for row in rows], indent=1) + "\n")
        return
    console = Console(highlight=False)
    console.print(_table(name, rows))
    for line in dict.fromkeys([*(f"{row.name}: {row.note}" for row in rows if row.note), *(row.how for row in rows)]):
        console.print(line, markup=False, soft_wrap=True)


def _table(name: str, rows: Sequence[Row]) -> Table:
    table = Table(title=name, caption="median \\[quartiles]; ratio = baseline / ours")
    table.add_column("what")
    for heading in ("ours", "baseline", "unit", "ratio", "target", "peak MB"):
        table.add_column(heading, justify="right")
    for row in rows:
        target = f"at most {row.most:g}" if row.most is not None else "" if row.target is None else f"{row.target:g}x"
        table.add_row(
            row.name,
            _cell(row.ours, row.ours_spread),
            _cell(row.baseline, row.baseline_spread),
            row.unit,
            f"[{'red' if row.missed else 'green'}]{row.ratio:.2f}x[/]" + (" missed" if row.missed else ""),
            target,
            " / ".join(f"{peak:.1f}" for peak in (row.peak_mb, row.baseline_peak_mb) if peak is not None),
        )
    return table


def _cell(value: float, spread: tuple[float, float] | None) -> str:
    return f"{value:.4g}" if spread is None else f"{value:.4g} [{spread[0]:.4g}, {spread[1]:.4g}]"
