"""1.1's measurement: the course's gradient, Taylor's powers of h, and a step that must not be too small."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zth.runs import Record, read
from zth.workbook.exercise import get
from zth.workbook.measure import measure


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    run = measure(get("1.1"), preset="quick", seed=42, root=tmp_path_factory.mktemp("runs"))
    return read(run.folder)


def value(record: Record, name: str) -> float:
    return next(figure.value for figure in record.figures if figure.name == name)


def test_every_figure_with_a_reference_meets_it(record: Record) -> None:
    judged = {figure.name: figure.ok for figure in record.figures if figure.reference is not None}
    assert judged == dict.fromkeys(judged, True)
    assert {"df/da on paper", "df/db on paper", "df/dc on paper"} <= set(judged)
    assert {"forward: power of h in the error", "symmetric: power of h in the error"} <= set(judged)


def test_the_best_steps_lie_where_theory_puts_them(record: Record) -> None:
    # the square and the cube root of 2.2e-16, each within a factor of ten: derivatives differ from 1
    assert 1.5e-9 < value(record, "forward: best step") < 1.5e-7
    assert 6e-7 < value(record, "symmetric: best step") < 6e-5
    assert value(record, "symmetric is nearer, each at its best step") > 100


def test_the_curve_rises_again_on_the_left(record: Record) -> None:
    lines = (record.folder / "metrics.jsonl").read_text().splitlines()
    smallest, largest = (json.loads(lines[i]) for i in (-1, 0))
    assert smallest["h"] == pytest.approx(1e-15)
    assert smallest["forward"] > largest["forward"]
    assert smallest["symmetric"] > largest["symmetric"]


def test_backward_calls_the_function_once(record: Record) -> None:
    table = next(block for block in record.blocks if block["kind"] == "table")
    assert [row[-1] for row in table["rows"]] == [0, 4, 6, 1]


def test_the_plot_has_both_lines(record: Record) -> None:
    (plot,) = (block for block in record.blocks if block["kind"] == "plot")
    drawn = json.loads(Path(record.folder / plot["file"]).read_text())
    assert [trace["name"] for trace in drawn["data"]] == ["forward", "symmetric"]
