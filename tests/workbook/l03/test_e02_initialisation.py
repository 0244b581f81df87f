"""3.2: the solution against torch, the measured story, and how real wrong files are told."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from zth.compare import FLOAT32, same
from zth.runs import read
from zth.workbook.exercise import get
from zth.workbook.jail import Jail
from zth.workbook.judge import judge
from zth.workbook.l03_mlp.e02_initialisation import check, looks, solution
from zth.workbook.l03_mlp.e02_initialisation import measure as experiment
from zth.workbook.measure import measure

EXERCISE = get("3.2")


def test_the_solution_is_the_net_spelled_out() -> None:
    for parameters, X, Y in check._nets():
        C, W1, b1, W2, b2 = parameters
        h = torch.tanh(F.embedding(X, C).flatten(1) @ W1 + b1)
        assert same(solution.loss(parameters, X, Y), F.cross_entropy(h @ W2 + b2, Y), FLOAT32)
        assert solution.saturation(parameters, X) == pytest.approx(float((h.abs() > 0.97).double().mean()))
    assert same(solution.uniform_loss(27), F.cross_entropy(torch.zeros(1, 27), torch.tensor([3])), FLOAT32)


def test_a_unit_that_switches_between_both_ends_is_dead() -> None:
    parameters, X = check._flat_nets()[0]
    C, W1, b1, _, _ = parameters
    h = torch.tanh(C[X].flatten(1) @ W1 + b1)
    dead = solution.dead_units(parameters, X)
    assert {1, 4} <= set(dead)
    assert set(h[:, 1].sign().tolist()) == {-1.0, 1.0}
    assert len(dead) < h.shape[1]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("sizes", check.SIZES)
def test_the_solution_begins_well_whatever_the_seed(sizes: tuple[int, int, int, int], seed: int) -> None:
    V, T, E, H = sizes
    parameters = solution.init(V, T, E, H, seed)
    X, Y = looks.examples(sizes)
    assert abs(solution.loss(parameters, X, Y) - math.log(V)) < 0.03
    assert 0 < solution.saturation(parameters, X) < looks.MOST_SATURATED


def test_the_experiment_meets_the_lecture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "QUICK_STEPS", 1_500)
    record = read(measure(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    figures = {figure.name: figure for figure in record.figures}
    held = [figure for figure in record.figures if figure.reference is not None]
    assert [figure.name for figure in held] == [f"first loss, {init}" for init in experiment.INITS]
    assert [figure.name for figure in held if not figure.ok] == []
    assert figures["steps saved by kaiming"].value > 50
    assert figures["dev gained by kaiming after 1,500 steps"].value > 0.3
    assert [block["kind"] for block in record.blocks].count("plot") == 3


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("    h = torch.tanh(hpreact)\n", "    h = hpreact\n", "tanh left out"),
        ("F.cross_entropy(logits, Y)", "F.cross_entropy(logits.softmax(1), Y)", "softmax twice"),
        ("(h.abs() > 0.97).all(0)", "(h.abs() > 0.97).all(1)", "examples instead of units"),
        (" * 0.01\n    b2", "\n    b2", ""),
        ("torch.randn((H, V), generator=g) * 0.01", "torch.zeros((H, V))", "W2 all zero"),
        (" * (5 / 3) / math.sqrt(T * E)", "", "only the output repaired"),
        (" * (5 / 3) / math.sqrt(T * E)", " * 0.2", "the lecture's 0.2 for every size"),
        ("manual_seed(seed)", "manual_seed(42)", "seed ignored"),
        ("b2 = torch.zeros(V)", "b2 = torch.randn(V, generator=g)", "b2 left at size 1"),
    ],
)
def test_slips_in_a_real_file_are_named(slip, old: str, new: str, mistake: str) -> None:
    failure = slip(EXERCISE, "lecture_style", old, new).first_failure
    assert failure is not None
    assert failure.mistake == mistake
    if not mistake:  # W2 alone at size 1 is nobody's classic; what was seen is told all the same
        assert "above ln V" in failure.got


def test_a_wrong_shape_is_told_as_one(tmp_path: Path, jail: Jail) -> None:
    text = (EXERCISE.folder / "right" / "lecture_style.py").read_text()
    path = tmp_path / EXERCISE.file_name
    path.write_text(text.replace("b2 = torch.zeros(V)", "b2 = torch.zeros(H)"))
    verdict = judge(EXERCISE, path, jail)
    states = {part.name: part.state for part in verdict.parts}
    assert states["loss"] == "passed"
    assert states["init"] == "wrong"
    assert "must return five tensors" in next(p for p in verdict.parts if p.name == "init: seeds").difference
