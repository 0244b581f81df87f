"""The GPT of zth against the lecture's script (A), nanoGPT's laptop setting (B) and makemore's transformer (C).

    python bench/gpt.py                        quick: some steps of the baselines, one seed; about three minutes
    python bench/gpt.py --preset full          the baselines run whole, three seeds: about a quarter of an hour
    python bench/gpt.py throughput sampling    some rows

    time        time to 1.88            B's whole training against ours to dev 1.88; the tries stand below the table
    dev         dev in B's time         dev losses; in full, or by name
    throughput  throughput of B, of A   a step of the very same model from the very same weights
    sampling    sampling ...            a character, by the lecture's generate and by ours: 500 from a single one on
    batched     batched sampling ...    a character of one string alone, and of 64 side by side
    makemore    makemore transformer    C's 3,000 steps against ours to test 2.05

Both sides of a row take turns, each in a process of its own with two threads; the peaks are those of the two
processes, ours / the baseline's, torch itself (about 250 MB) included, and in ours what measures its losses. Dev is
the whole last tenth of Tiny Shakespeare (ZTH_DATA=folder says where it lies), in blocks that do not overlap; test the
thousand words that makemore sets apart.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

import _gpt_sides as sides
import _gpt_writers as writers
import gpt_baselines as A
import makemore_transformer as C
from _race import THREADS, Apart, Side, Try, Whole, per_step, race, same_time
from _table import Row, Times, interleave, show
from zth.compare import FLOAT32, same
from zth.layers.matmul import native_bfloat16
from zth.machine import machine
from zth.models.gpt import GPTConfig

SHAKESPEARE_GOAL, NAMES_GOAL = 1.88, 2.05
DEV_LIMIT = 1.52
STREAMS = 64
LENGTH = 500
"""Characters that the lecture's script generates at its end."""
NATS = "nats"


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    whole: bool
    """The baselines' trainings to their ends; else by the speed of some of their steps."""
    seeds: Sequence[int]
    shares: Sequence[float]
    """Of B's time: the budgets that are tried for 1.88, until one is enough."""
    names_shares: Sequence[float]
    """Of C's time."""
    turns: int
    """Of each row that compares speeds."""
    piece: int
    """Steps of B in a turn."""


QUICK = Effort(
    whole=False, seeds=(1,), shares=(1 / 15, 1 / 10, 1 / 7), names_shares=(1 / 5, 1 / 3), turns=5, piece=10
)
FULL = Effort(
    whole=True,
    seeds=(1, 2, 3),
    shares=(1 / 20, 1 / 15, 1 / 12, 1 / 10, 1 / 8, 1 / 5, 1 / 3),
    names_shares=(1 / 10, 1 / 8, 1 / 6, 1 / 5, 1 / 4, 1 / 3, 1 / 2, 1),
    turns=15,
    piece=20,
)


# ----- trainings ------------------------------------------------------------------------------------------------


def trainings(effort: Effort, wanted: Sequence[str]) -> list[Row]:
    """The rows `time` and `dev`: one training of B serves both."""
    effort = replace(effort, whole=effort.whole or "dev" in wanted)
    rows = []
    with Apart(sides.ours_on_text) as ours, Apart(sides.nano) as theirs:
        whole = _whole(theirs, A.LAPTOP.max_iters, effort)
        if "time" in wanted:
            tries = race(ours, whole, goal=SHAKESPEARE_GOAL, shares=effort.shares, seeds=effort.seeds)
            row = _time_row("time to 1.88", whole, tries, SHAKESPEARE_GOAL, effort, target=10)
            rows.append(_with_peaks(row, ours, theirs))
        if "dev" in wanted:
            whole.finish()
            tried = same_time(ours, whole.seconds, effort.seeds)
            rows.append(_with_peaks(_dev_row(whole, tried), ours, theirs))
        return _with_end(rows, whole, "dev")


def makemore(effort: Effort) -> list[Row]:
    with Apart(sides.ours_on_names) as ours, Apart(sides.makemore) as theirs:
        whole = _whole(theirs, C.DEFAULTS.max_iters, effort)
        tries = race(ours, whole, goal=NAMES_GOAL, shares=effort.names_shares, seeds=effort.seeds)
        row = _time_row("makemore transformer", whole, tries, NAMES_GOAL, effort, target=3)
        return _with_end([_with_peaks(row, ours, theirs)], whole, "test")


def _with_peaks(row: Row, ours: Apart, theirs: Apart) -> Row:
    return replace(row, peak_mb=ours.peak_mb(), baseline_peak_mb=theirs.peak_mb())


def _with_end(rows: Sequence[Row], whole: Whole, part: str) -> list[Row]:
    """The rows with the loss at the end of the baseline's training, if it came there."""
    if not whole.complete:
        return list(rows)
    loss = whole.side.call("loss")
    told = [replace(row, note=f"{row.note}, {part} {loss:.4f} at its end") for row in rows]
    return [replace(row, baseline=loss) if row.unit == NATS else row for row in told]


def _whole(side: Side, steps: int, effort: Effort) -> Whole:
    piece = 5 * effort.piece
    return Whole(side=side, steps=steps, piece=piece, sampled=None if effort.whole else min(steps, 8 * piece))


def _time_row(name: str, whole: Whole, tries: Sequence[Try], goal: float, effort: Effort, *, target: float) -> Row:
    """Ours is the median over the seeds of the first try that every seed reached, else of the last one."""
    last = tries[-1]
    reached = last.reached(goal, len(effort.seeds))
    how = f"all {whole.steps:,} steps" if whole.complete else f"{whole.steps:,} steps by the speed of {whole.done}"
    told = "; ".join(tried.about for tried in tries)
    return Row(
        name=name,
        ours=statistics.median(last.seconds),
        baseline=whole.seconds,
        unit="s",
        target=target,
        failed=not reached,
        ours_spread=Times(last.seconds).spread if len(last.seconds) > 1 else None,
        note=f"{'' if reached else f'{goal} not reached; '}{told}; the baseline: {how}",
    )


def _dev_row(whole: Whole, tried: Try) -> Row:
    """B's loss is measured last, for it takes memory."""
    return Row(
        name="dev in B's time",
        ours=statistics.median(tried.losses),
        baseline=math.nan,
        unit=NATS,
        most=DEV_LIMIT,
        ours_spread=Times(tried.losses).spread if len(tried.losses) > 1 else None,
        note=f"{tried.about}; the baseline: {whole.seconds:.1f} s",
    )


# ----- speeds ---------------------------------------------------------------------------------------------------


def throughput(effort: Effort) -> list[Row]:
    """A step of B's very model, and of A's, by us and by them: both in float32; then ours in bfloat16, if it can."""
    nano, lecture = (sides.ours_as_nano, sides.nano), (sides.ours_as_lecture, sides.lecture)
    rows = [
        _step_row("throughput of B", *nano, effort.piece, effort),
        _step_row("throughput of A, small", *lecture, 3 * effort.piece, effort),
    ]
    if native_bfloat16():
        half = partial(sides.ours_as_nano, precision="bfloat16")
        rows.append(_step_row("throughput of B, ours in bfloat16", half, sides.nano, effort.piece, effort))
    return rows


def _step_row(name: str, ours: Callable[[], Any], theirs: Callable[[], Any], piece: int, effort: Effort) -> Row:
    with Apart(ours) as mine, Apart(theirs) as other:
        mine.call("begin", 1, piece * (effort.turns + 1))
        times = interleave(
            lambda: mine.call("advance", piece), lambda: other.call("advance", piece), repeats=effort.turns
        )
        return _with_peaks(Row.of_times(name, *per_step(times, piece), target=1.3), mine, other)


def sampling(effort: Effort) -> list[Row]:
    """A character: of the lecture's large model, with the same weights on both sides; of models of our usual size."""
    options = GPTConfig(vocab_size=A.SMALL.vocab_size)
    large, usual = A.LARGE, writers.lecture_of_our_size(options)
    rows = []
    for name, ours, setting, target in (
        ("lecture size", partial(writers.writer_as_lecture, large), large, 10),
        ("laptop", writers.writer_of_ours, usual, 5),
    ):
        with Apart(ours) as mine, Apart(writers.LectureWriter, setting) as theirs:
            if setting is large:
                _agree(mine, theirs, setting.block_size)
            for where, n_context, n_new in _stretches(setting.block_size, effort):
                row = _writing_row(f"sampling {name}{where}", mine, theirs, n_context, n_new, effort)
                rows.append(row if where else replace(row, target=target))
    return rows


def _writing_row(name: str, mine: Apart, theirs: Apart, n_context: int, n_new: int, effort: Effort) -> Row:
    mine.call("write", n_context, 2)
    theirs.call("write", n_context, 2)
    times = interleave(
        partial(mine.call, "write", n_context, n_new),
        partial(theirs.call, "write", n_context, n_new),
        repeats=3 if effort.whole else 1,
        warm_up=0,
    )
    return _with_peaks(_with_rates(Row.of_times(name, *per_step(times, n_new))), mine, theirs)


def _with_rates(row: Row) -> Row:
    """Milliseconds a character are clear to a table, characters a second to people."""
    return replace(row, note=f"{1e3 / row.ours:,.0f} against {1e3 / row.baseline:,.0f} characters a second")


def _stretches(block_size: int, effort: Effort) -> Iterator[tuple[str, int, int]]:
    """(where, ids to begin with, ids to add): as the lecture's script does it; in full also until the block is full,
    and from there on until ours has read a half again and used it up."""
    yield "", 1, LENGTH
    if effort.whole:
        yield ", in the block", 1, block_size - 1
        yield ", past the block", block_size, block_size // 2


def _agree(mine: Side, theirs: Side, block_size: int) -> None:
    """The same model says the same, within the block and past it."""
    for n_context in (2, block_size // 2, block_size, block_size + 3):
        got, wanted = (torch.tensor(side.call("next_log_probs", n_context)) for side in (mine, theirs))
        assert same(got, wanted, FLOAT32), n_context


def batched(effort: Effort) -> list[Row]:
    """A character of one string alone, and of STREAMS side by side: both ours, the usual model."""
    n_new = GPTConfig().block_size - 1
    with Apart(writers.writer_of_ours) as many, Apart(writers.writer_of_ours) as one:
        ours, alone = interleave(
            lambda: many.call("write", 1, n_new, STREAMS),
            lambda: one.call("write", 1, n_new, 1),
            repeats=effort.turns,
        )
        times = per_step((ours, ours), n_new * STREAMS)[0], per_step((alone, alone), n_new)[0]
        row = Row.of_times(f"batched sampling, {STREAMS} streams", *times, target=10)
        return [_with_peaks(_with_rates(row), many, one)]


# ----- the command ----------------------------------------------------------------------------------------------

ROWS = ("throughput", "sampling", "batched", "makemore", "time", "dev")


def measure(wanted: Sequence[str], effort: Effort) -> list[Row]:
    """The rows of those names, in the order of ROWS."""
    rows: list[Row] = []
    for name, make in {
        "throughput": throughput,
        "sampling": sampling,
        "batched": batched,
        "makemore": makemore,
    }.items():
        if name in wanted:
            rows += make(effort)
    if {"time", "dev"} & set(wanted):
        rows += trainings(effort, wanted)
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"some of {', '.join(ROWS)}; all, unless told")
    parser.add_argument("--preset", choices=("quick", "full"), default="quick")
    parser.add_argument("--seeds", type=int, help="how many for our trainings (quick: 1, full: 3)")
    parser.add_argument("--json", action="store_true", help="print a list of rows instead of a table")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.rows if name not in ROWS]
    if unknown:
        parser.error(f"there is no row {unknown[0]!r}; choose from {', '.join(ROWS)}")
    if given.seeds is not None and given.seeds < 1:
        parser.error(f"--seeds must be at least 1; got {given.seeds}")
    effort = FULL if given.preset == "full" else QUICK
    if given.seeds is not None:
        effort = replace(effort, seeds=tuple(range(1, given.seeds + 1)))
    wanted = given.rows or [name for name in ROWS if effort.whole or name != "dev"]
    rows = [replace(row, how=_how()) for row in measure(wanted, effort)]
    show("The GPT against the lecture's script, nanoGPT and makemore", rows, as_json=given.json)


def _how() -> str:
    found = machine()
    command = " ".join(["python bench/gpt.py", *sys.argv[1:]])
    cores = f"{found['cores']} cores, {THREADS} threads a side"
    return f"{command}: {found['processor']}, {cores}, torch {torch.__version__}"


if __name__ == "__main__":
    main()
