"""bench/_race.py: who gets how many steps, what is timed, and when it ends. The sides are stand-ins but for one."""

from __future__ import annotations

import statistics
from types import ModuleType
from typing import Any

import pytest
import torch

THREE = (1, 2, 3)


@pytest.fixture
def bench(modules) -> ModuleType:
    import _race

    return _race


class Baseline:
    """Each step takes a second."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def call(self, method: str, *arguments: Any) -> Any:
        assert method == "advance"
        self.asked.append(arguments[0])
        return float(arguments[0])


class Ours:
    """Ten steps a second; to begin takes 0.5 s, to finish 0.25 s. The loss is 30 / steps, and worse for seed 3."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, int]] = []
        self.planned: list[float] = []
        self.done = 0

    def call(self, method: str, *arguments: Any) -> Any:
        if method == "plan":
            self.planned.append(arguments[0])
            return 10.0
        if method == "begin":
            self.begun.append(arguments)
            self.done = 0
            return 0.5
        if method == "advance":
            self.done += arguments[0]
            return arguments[0] / 10
        if method == "finish":
            return 0.25
        assert method == "loss"
        seed, steps = self.begun[-1]
        assert self.done == steps, "measured before its end"
        return 30 / steps + (0.001 if seed == 3 else 0)


def test_the_first_share_that_every_seed_reaches_is_the_last_tried(bench) -> None:
    ours, theirs = Ours(), Baseline()
    whole = bench.Whole(side=theirs, steps=100, piece=7)
    tries = bench.race(ours, whole, goal=0.1, shares=(0.1, 0.2, 0.3, 0.4, 0.5), seeds=THREE)
    # 10 steps a second in 100 s: 100, 200, 300 steps; 300 are just enough for seeds 1 and 2, but not for 3
    assert ours.begun == [(1, 100), (1, 200), (1, 300), (2, 300), (3, 300), (1, 400), (2, 400), (3, 400)]
    assert [tried.reached(0.1, 3) for tried in tries] == [False, False, False, True]
    assert sorted({*ours.planned}) == pytest.approx([10, 20, 30, 40])  # each try is planned for its own time
    assert tries[-1].seconds == pytest.approx([40.75] * 3)  # 40 s of steps, and what is before and after them
    assert tries[-1].about.startswith("400 steps (0.4 of its time): 0.0750 in 40.8 s, ")
    assert whole.complete
    assert sum(theirs.asked) == 100
    assert whole.seconds == 100.0


def test_no_share_is_enough(bench) -> None:
    whole = bench.Whole(side=Baseline(), steps=100, piece=10)
    tries = bench.race(Ours(), whole, goal=0.01, shares=(0.1, 0.2), seeds=THREE)
    assert [len(tried.losses) for tried in tries] == [1, 1]  # where the first seed misses, the others are not tried
    assert not tries[-1].reached(0.01, 3)


def test_some_steps_speak_for_all(bench) -> None:
    theirs = Baseline()
    whole = bench.Whole(side=theirs, steps=1000, piece=10, sampled=25)
    whole.advance()
    assert whole.seconds == 1000.0
    whole.finish()
    assert (theirs.asked, whole.complete, whole.seconds) == ([10, 10, 5], False, 1000.0)
    whole.advance()  # nothing is left
    assert len(theirs.asked) == 3


def test_pieces_take_turns(bench) -> None:
    """While ours trains, the baseline gets on; and what it takes is not in our time."""
    whole = bench.Whole(side=Baseline(), steps=1000, piece=10)
    seconds = bench._one_training(Ours(), whole, 1, 100, 10.0)
    assert seconds == pytest.approx(10.75)
    assert whole.done == 10 * 7  # pieces of 1.5 s, 15 steps: 7 of them


def test_the_same_time_is_not_exceeded(bench) -> None:
    ours = Ours()
    tried = bench.same_time(ours, 50.0, (1, 2))
    assert ours.begun == [(1, 490), (2, 490)]
    assert {*ours.planned} == {50.0}
    assert statistics.median(tried.seconds) == pytest.approx(49.75)


def test_a_side_apart_has_its_own_threads_and_memory(bench) -> None:
    with bench.Apart(torch.get_num_threads) as side:
        assert side.call("__add__", 1) == bench.THREADS + 1
        assert 50 < side.peak_mb() < 2000  # torch itself takes more than 100 MB


def test_the_peak_of_a_process_grows_with_what_it_holds(bench) -> None:
    before = bench.process_peak_mb()
    held = torch.ones(int(before + 100) * 2**18)  # more than all that was held so far: 1 MiB for each 2**18
    assert bench.process_peak_mb() > before + 90
    del held


def test_a_training_is_timed_and_may_not_end_early(bench) -> None:
    training = bench.Training(iter([1.0, 2.0, 3.0]), lambda: 7.0)
    assert training.advance(2) >= 0
    assert training.loss() == 7.0
    with pytest.raises(AssertionError, match="1, 2"):
        training.advance(2)
