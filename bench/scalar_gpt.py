"""The scalar GPT of lecture 7: microgpt's kind of engine, ours, its replay, and the same model as arrays.

    python bench/scalar_gpt.py        9 turns of 10 documents each, then 1,000 documents by replay: about a minute

All sides begin with the same weights and train on the same documents, one a step, in float64; they take turns in one
process, of one thread, and their losses must agree to 1e-9 at every step. What one side leaves to the garbage
collector is collected before the next one's clock starts; within a turn the collector runs as Python has it, but for
the row that says so. A turn's time is divided by its documents, whose lengths are those of the names.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch

from _table import Row, Times, interleave, main
from scalar_gpt_baselines import Fused, Microgpt, Torch
from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.machine import machine
from zth.workbook.l07_gpt.scalar_gpt import BLOCK, ScalarGPT, Training, documents

TURNS, PER_TURN, WHOLE = 9, 10, 1000
USUAL = 8
"""Ids of a document of the usual length: six letters and two boundaries."""
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

    def sides(self) -> dict[str, Side]:
        def baseline(make: Callable[..., Any]) -> Any:
            return make(self.weights, self.vocab_size)

        return {
            ENGINE: baseline(Microgpt),
            ENGINE_OFF: baseline(Microgpt),
            EAGER: Training(self.model(), eager=True),
            EAGER_OFF: Training(self.model(), eager=True),
            REPLAY: Training(self.model()),
            NUMPY: baseline(Fused),
            TORCH: baseline(Torch),
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


def measure() -> list[Row]:
    torch.set_num_threads(1)
    bench = Bench()
    sides = bench.sides()
    batches = [bench.documents[i * PER_TURN : (i + 1) * PER_TURN] for i in range(TURNS + 1)]
    record_lengths(sides[REPLAY], batches)
    times = take_turns(sides, batches)
    agree(sides)
    rows = [
        Row.of_times(f"a document: {a} / {b}", times[a], times[b], target=target)
        for a, b, target in (
            (EAGER, ENGINE, 3.0),
            (EAGER_OFF, ENGINE_OFF, None),
            (REPLAY, ENGINE, 100.0),
            (REPLAY, ENGINE_OFF, None),
            (REPLAY, EAGER, None),
            (REPLAY, NUMPY, None),
            (REPLAY, TORCH, None),
        )
    ]
    rows += [recording(bench), whole(bench, times[ENGINE])]
    how = f"{TURNS} turns of {PER_TURN} documents, one thread, float64, {machine()['processor']}"
    return [replace(row, how=how) for row in rows]


def record_lengths(side: Any, batches: Sequence[Sequence[Sequence[int]]]) -> None:
    """The tapes of all lengths that will be met are made ahead of the clock: `recording` and `whole` tell what they
    cost."""
    for ids in {len(ids): ids for batch in batches for ids in batch}.values():
        side.by_replay(ids[: BLOCK + 1])


def recording(bench: Bench) -> Row:
    """The first step of a length (record, plan, run) against two eager steps of the same document."""
    ids = next(ids for ids in bench.documents if len(ids) == USUAL)
    eager = Training(bench.model(), eager=True)

    def first() -> None:
        Training(bench.model()).step(ids)

    def two() -> None:
        bench.model()
        eager.step(ids)
        eager.step(ids)

    name = "first step of a length / two eager ones"
    return Row.of_times(name, *interleave(first, two, repeats=TURNS, before=gc.collect))


def whole(bench: Bench, of_engine: Times) -> Row:
    """The lesson's training from its first document to its last, tapes included; the engine's by its median."""
    training = Training(bench.model())
    started = time.perf_counter()
    for ids in bench.documents[:WHOLE]:
        training.step(ids)
    seconds = time.perf_counter() - started
    last = sum(training.losses[-100:]) / len(training.losses[-100:])
    note = f"loss of the last 100: {last:.4f}; the engine's time is {WHOLE:,} times its median"
    name = f"{WHOLE:,} documents, tapes included"
    return Row(name=name, ours=seconds, baseline=WHOLE * of_engine.median, unit="s", note=note)


if __name__ == "__main__":
    main("The scalar GPT: microgpt's kind of engine, ours, replay, NumPy, torch", measure)
