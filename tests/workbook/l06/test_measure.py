"""workbook/l06_wavenet/measure.py: the table's rows, and what a short training of each tells."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from zth.layers import BatchNorm1d
from zth.runs import read
from zth.train import rates
from zth.workbook.l06_wavenet import measure as lecture
from zth.workbook.l06_wavenet.bug import LectureBatchNorm
from zth.workbook.measure import find, measure


@pytest.mark.parametrize(
    ("name", "n_parameters"), list(zip(lecture.ROWS, (12_097, 22_097, 22_397, 22_397, 76_579), strict=True))
)
def test_the_rows_are_the_lectures_nets(name: str, n_parameters: int) -> None:
    row = lecture.ROWS[name]
    model = lecture.fresh(row.options, 1, with_bug=row.with_bug)
    assert sum(p.numel() for p in model.parameters()) == n_parameters
    norms = {type(part) for part in model.modules() if isinstance(part, BatchNorm1d)}
    assert norms == {LectureBatchNorm if name == lecture.BUG else BatchNorm1d}


def test_the_recipe_is_the_lectures() -> None:
    config = lecture.recipe(200_000)
    assert (config.batch_size, config.optimizer, config.weight_decay) == (32, "sgd", 0)
    assert rates(config, 149_999, 150_001).round(6).tolist() == [0.1, 0.01]


def test_with_and_without_the_bug_a_pair_has_one_beginning() -> None:
    a, b = (lecture.fresh(lecture.SMALL, 7, with_bug=bug) for bug in (True, False))
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


def test_the_experiment_tells_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(lecture.BUDGETS, "quick", (200, 500))
    record = read(measure(find("6"), preset="quick", seed=42, root=tmp_path).folder)
    dev = {figure.name.removesuffix(": dev"): figure.value for figure in record.figures}
    assert list(dev) == list(lecture.ROWS)
    assert all(2 < loss < 2.9 for loss in dev.values())
    assert all(figure.reference is None for figure in record.figures)  # the lecture's are for 200,000 steps
    assert [block["kind"] for block in record.blocks].count("plot") == 1
