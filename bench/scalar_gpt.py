"""The scalar GPT of lecture 7: microgpt's kind of engine, ours, its replay, and the same model as arrays.

    python bench/scalar_gpt.py             7 turns of 8 documents each: about a minute and a half
    python bench/scalar_gpt.py --whole     and the lesson's 1,000 documents by replay, NumPy and torch, tapes included

All sides begin with the same weights and train on the same documents, one a step, in float64; they take turns in one
process, of one thread, and their losses must agree to 1e-9 at every step. What one side leaves to the garbage
collector is collected before the next one's clock starts; within a turn the collector runs as Python has it, but for
the row that says so. A turn's time is divided by its documents, whose lengths are those of the names.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch

from _table import Row, Times, peak_mb, show
from scalar_gpt_baselines import STEPS, Fused, Microgpt, Torch
from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.runs import machine
from zth.workbook.l07_gpt.scalar_gpt import Eager, Replayed, ScalarGPT, Training, documents

TURNS, PER_TURN = 7, 8
AGREE = 1e-9
ENGINE, ENGINE_OFF, EAGER, EAGER_OFF = "microgpt's engine", "microgpt's engine, gc off", "eager", "eager, gc off"
REPLAY, NUMPY, TORCH = "replay", "NumPy, fused", "torch"


class Side(Protocol):
    """Something that trains on one document a step."""

    losses: list[float]

    def step(self, ids: Sequence[int], /) -> object: ...


class Bench:
    """The sides, and the documents that they train on."""

    def __init__(self) -> None:
        lines = names()
        vocabulary = Vocabulary.of_lines(lines)
        self.documents = documents(lines, vocabulary)
        self.vocab_size = len(vocabulary)
        self.weights = np.array([p.data for p in self.model().parameters()])

    def model(self) -> ScalarGPT:
        """The same at every call."""
        return ScalarGPT(self.vocab_size)

    def baseline(self, make: Callable[..., Any]) -> Side:
        side: Side = make(self.weights, self.vocab_size)
        return side

    def ours(self, make: Callable[[ScalarGPT], Any]) -> Side:
        model = self.model()
        return Training(model, make(model))

    def sides(self) -> dict[str, Side]:
        return {
            ENGINE: self.baseline(Microgpt),
            ENGINE_OFF: self.baseline(Microgpt),
            EAGER: self.ours(Eager),
            EAGER_OFF: self.ours(Eager),
            REPLAY: self.ours(Replayed),
            NUMPY: self.baseline(Fused),
            TORCH: self.baseline(Torch),
        }


def take_turns(sides: Mapping[str, Side], batches: Sequence[Sequence[Sequence[int]]]) -> dict[str, Times]:
    """Each side trains on every batch, in turns; who begins moves on by one. -> seconds a document, without the
    first batch, which warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    order = list(sides)
    for batch in batches:
        for name in order:
            side = sides[name]
            with _collector(on=name not in (ENGINE_OFF, EAGER_OFF)):
                started = time.perf_counter()
                for ids in batch:
                    side.step(ids)
                seconds[name].append((time.perf_counter() - started) / len(batch))
        order = order[1:] + order[:1]
    return {name: Times(found[1:]) for name, found in seconds.items()}


@contextmanager
def _collector(*, on: bool) -> Iterator[None]:
    gc.collect()
    if not on:
        gc.disable()
    try:
        yield
    finally:
        gc.enable()


def agree(sides: Mapping[str, Side]) -> None:
    """Raises AssertionError where two sides' losses are not the same at every step."""
    wanted = sides[ENGINE].losses
    for name, side in sides.items():
        assert len(side.losses) == len(wanted), (name, len(side.losses), len(wanted))
        for step, (a, b) in enumerate(zip(side.losses, wanted, strict=True)):
            assert abs(a - b) < AGREE, (name, step, a, b)


def measure(turns: int = TURNS, per_turn: int = PER_TURN) -> list[Row]:
    bench = Bench()
    sides = bench.sides()
    batches = [bench.documents[i * per_turn : (i + 1) * per_turn] for i in range(turns + 1)]
    for ids in {len(ids): ids for batch in batches for ids in batch}.values():
        bench_tapes(sides, ids)
    times = take_turns(sides, batches)
    agree(sides)
    how = f"{turns} turns of {per_turn} documents, one thread, float64. {machine()}"
    pairs = [
        (EAGER, ENGINE, 3.0),
        (EAGER_OFF, ENGINE_OFF, None),
        (REPLAY, ENGINE, 100.0),
        (REPLAY, ENGINE_OFF, None),
        (REPLAY, EAGER, None),
        (REPLAY, NUMPY, None),
        (REPLAY, TORCH, None),
    ]
    rows = [
        replace(Row.of_times(f"a document: {a} / {b}", times[a], times[b], target=target), how=how)
        for a, b, target in pairs
    ]
    return [*rows, recording(bench)]
