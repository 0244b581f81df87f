"""A race: two trainings, each in a process of its own; who needs how long to a loss.

The baseline's training is run whole, in pieces; ours are run in pieces between them, so that a slow spell of the
machine hits both. Each piece is timed where it runs, and nothing but training is: what is measured of a net, and the
other side's pieces, are outside the clock.
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import torch

from _table import Times

THREADS = 2
OUR_PIECE = 1.5
"""Seconds, about: ours run so long between two pieces of the baseline."""


class Side(Protocol):
    """Something whose methods can be called by name, wherever it lives."""

    def call(self, method: str, *arguments: Any) -> Any: ...


class Apart:
    """`make(*arguments)` in a process of its own, with THREADS threads: a Side.

    What is called must be importable, and what goes in and out must be plain.
    """

    def __init__(self, make: Callable[..., Any], *arguments: Any) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, mp_context=spawn, initializer=_open, initargs=(make, arguments))

    def call(self, method: str, *arguments: Any) -> Any:
        return self._pool.submit(_call, method, arguments).result()

    def peak_mb(self) -> float:
        """The most memory that the process has held so far, torch itself included."""
        peak: float = self._pool.submit(process_peak_mb).result()
        return peak

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()


_side: Any = None
"""What a process of `Apart` holds."""


def _open(make: Callable[..., Any], arguments: Sequence[Any]) -> None:
    global _side
    torch.set_num_threads(THREADS)
    _side = make(*arguments)


def _call(method: str, arguments: Sequence[Any]) -> Any:
    return getattr(_side, method)(*arguments)


def process_peak_mb() -> float:
    """Of this process, in MB. On Linux by its own page: getrusage's number is inherited from the parent."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


class Training:
    """A baseline's: an iterator of losses with a clock, and what to measure its net by."""

    def __init__(self, losses: Iterator[float], loss: Callable[[], float]) -> None:
        self._losses, self.loss = losses, loss

    def advance(self, n_steps: int) -> float:
        """-> the seconds that the next steps took."""
        started = time.perf_counter()
        n_done = sum(1 for _ in islice(self._losses, n_steps))
        assert n_done == n_steps, (n_done, n_steps)
        return time.perf_counter() - started


@dataclass(kw_only=True)
class Whole:
    """The baseline's training of `steps` steps, of which `sampled` are run (all, unless told)."""

    side: Side
    steps: int
    piece: int
    sampled: int | None = None
    done: int = 0
    _seconds: list[float] = field(default_factory=list)
    _per_step: list[float] = field(default_factory=list)

    @property
    def left(self) -> int:
        return (self.steps if self.sampled is None else self.sampled) - self.done

    @property
    def complete(self) -> bool:
        return self.done == self.steps

    def advance(self) -> None:
        """One piece, if there is one left."""
        n = min(self.piece, self.left)
        if n > 0:
            seconds = self.side.call("advance", n)
            self.done += n
            self._seconds.append(seconds)
            self._per_step.append(seconds / n)

    def finish(self) -> None:
        while self.left > 0:
            self.advance()

    @property
    def seconds(self) -> float:
        """Of the whole training; while it is not complete, by the median of its pieces."""
        if self.complete:
            return sum(self._seconds)
        return self.steps * statistics.median(self._per_step)


@dataclass(frozen=True, kw_only=True)
class Try:
    """What came of one share of the baseline's time: for each seed the seconds and the loss."""

    share: float
    steps: int
    seconds: Sequence[float]
    losses: Sequence[float]

    def reached(self, goal: float, n_seeds: int) -> bool:
        """By every seed."""
        return len(self.losses) == n_seeds and max(self.losses) <= goal

    @property
    def about(self) -> str:
        """A line for people."""
        pairs = zip(self.losses, self.seconds, strict=True)
        told = ", ".join(f"{loss:.4f} in {seconds:.1f} s" for loss, seconds in pairs)
        return f"{self.steps:,} steps ({self.share:.3g} of its time): {told}"


def race(ours: Side, whole: Whole, *, goal: float, shares: Sequence[float], seeds: Sequence[int]) -> list[Try]:
    """Ours with less and then more of the baseline's time, until every seed's loss is at most `goal` -> all tries.

    Each try has a net and a schedule that are chosen for its time. Where one seed misses, the others are not tried.
    """
    whole.advance()  # so that its time is known, about
    tries = []
    for share in shares:
        speed = _speed(ours, share * whole.seconds, whole)
        steps = max(1, int(speed * whole.seconds * share))
        seconds: list[float] = []
        losses: list[float] = []
        for seed in seeds:
            seconds.append(_one_training(ours, whole, seed, steps, speed))
            losses.append(ours.call("loss"))
            if losses[-1] > goal:
                break
        tries.append(Try(share=share, steps=steps, seconds=seconds, losses=losses))
        if tries[-1].reached(goal, len(seeds)):
            break
    whole.finish()
    return tries


def same_time(ours: Side, seconds: float, seeds: Sequence[int], *, spare: float = 0.98) -> Try:
    """Ours with `seconds` for each seed; `spare` of them is planned for, since a speed is known to some percent."""
    speed = _speed(ours, seconds)
    steps = max(1, int(speed * seconds * spare))
    results = [(_one_training(ours, None, seed, steps, speed), ours.call("loss")) for seed in seeds]
    return Try(share=1.0, steps=steps, seconds=[r[0] for r in results], losses=[r[1] for r in results])


def _speed(ours: Side, seconds: float, whole: Whole | None = None) -> float:
    """The steps a second of what ours chooses for so many seconds, measured beside a piece of the baseline."""
    if whole is not None:
        whole.advance()
    speed: float = statistics.median(ours.call("plan", seconds) for _ in range(3))
    return speed


def _one_training(ours: Side, whole: Whole | None, seed: int, steps: int, speed: float) -> float:
    """-> the seconds from no net to a trained one."""
    seconds: float = ours.call("begin", seed, steps)
    piece = max(1, int(speed * OUR_PIECE))
    for start in range(0, steps, piece):
        seconds += ours.call("advance", min(piece, steps - start))
        if whole is not None:
            whole.advance()
    seconds += ours.call("finish")
    return seconds


def per_step(times: tuple[Times, Times], n_steps: int) -> tuple[Times, Times]:
    """Times of pieces -> times of one step."""
    ours, baseline = (Times([second / n_steps for second in side.seconds]) for side in times)
    return ours, baseline
