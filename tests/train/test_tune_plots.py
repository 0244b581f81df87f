"""The pictures of a study hold every trial, and the numbers that the trials have."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from zth.models.space import Between, OneOf
from zth.train.tune_ledger import Trial
from zth.train.tune_plots import plots

SPACE = {
    "lr": Between(low=0.001, high=0.1),
    "block_size": Between(low=3, high=8, log=False),
    "init": OneOf(("kaiming", "fan-in")),
    "direct": OneOf((False, True)),
}


def trial(number: int, state: Any, dev: float, **options: Any) -> Trial:
    whole = {"lr": 0.01, "block_size": 3, "init": "kaiming", "direct": False, **options}
    return Trial(number=number, state=state, options=whole, dev=dev, curve={1: 3.0, 5: 2.6}, seconds=1.0)


TRIALS = [
    trial(0, "done", 2.5),
    trial(1, "done", 2.2, lr=0.1, block_size=8, init="fan-in", direct=True),
    trial(2, "pruned", 2.6, lr=0.001),
    trial(3, "failed", math.nan),
    trial(4, "done", 2.3, lr=0.03),
    trial(5, "running", 2.4),
]


@pytest.fixture
def drawn() -> dict[str, Any]:
    return {plot.title: json.loads(plot.figure.to_json()) for plot in plots(TRIALS, SPACE, {"lr": 0.8, "init": 0.2})}


def values(trace: dict[str, Any], axis: str) -> list[Any]:
    """Plotly packs arrays of numbers; what comes from lists stays a list."""
    found = trace[axis]
    assert isinstance(found, list)
    return found


def test_history_shows_done_and_pruned_and_the_best_so_far(drawn: dict[str, Any]) -> None:
    traces = {trace["name"]: trace for trace in drawn["How the study went"]["data"]}
    assert (values(traces["done"], "x"), values(traces["done"], "y")) == ([0, 1, 4], [2.5, 2.2, 2.3])
    assert (values(traces["pruned"], "x"), values(traces["pruned"], "y")) == ([2], [2.6])
    assert values(traces["best"], "y") == [2.5, 2.2, 2.2]


def test_curves_end_where_the_trial_ended_and_the_best_is_on_top(drawn: dict[str, Any]) -> None:
    traces = drawn["How the trials trained"]["data"]
    assert values(traces[-1], "y") == [3.0, 2.6, 2.2]
    assert values(traces[-1], "x") == [0.1, 0.5, 1.0]
    assert sum(len(values(trace, "y")) == 2 for trace in traces) == 2  # pruned, and still at it


def test_importance_bars_have_the_longest_on_top(drawn: dict[str, Any]) -> None:
    (bars,) = drawn["What mattered most"]["data"]
    assert values(bars, "y")[-1] == "lr"  # Plotly counts from below


def test_slices_have_one_dot_a_trial_in_each_option(drawn: dict[str, Any]) -> None:
    figure = drawn["Each option against the dev loss"]
    assert [note["text"] for note in figure["layout"]["annotations"]] == list(SPACE)
    assert [values(trace, "x")[1] for trace in figure["data"]] == [0.1, 8, "fan-in", "True"]
    assert figure["layout"]["xaxis"]["type"] == "log"
    assert figure["layout"]["xaxis3"]["categoryarray"] == ["kaiming", "fan-in"]


def test_parallel_axes_put_the_values_at_the_ticks(drawn: dict[str, Any]) -> None:
    (lines,) = drawn["Options together"]["data"]
    axes = {axis["label"]: axis for axis in lines["dimensions"]}
    assert axes["lr"]["values"] == pytest.approx([-2, -1, math.log10(0.03)])
    assert (axes["lr"]["ticktext"][0], axes["lr"]["ticktext"][-1]) == ("0.001", "0.1")
    assert axes["init"]["values"] == [0, 1, 0]
    assert axes["init"]["ticktext"] == ["kaiming", "fan-in"]
    assert axes["dev loss"]["values"] == [2.5, 2.2, 2.3]


def test_nothing_is_drawn_of_nothing() -> None:
    assert plots([TRIALS[3]], SPACE, {}) == []
    assert "What mattered most" not in [plot.title for plot in plots(TRIALS[:1], SPACE, {})]
    pruned = [plot.title for plot in plots([TRIALS[2]], SPACE, {})]
    assert "How the study went" in pruned
    assert "Options together" not in pruned
