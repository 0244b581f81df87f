"""4.2: the solution against torch's own fusion, the measured story, and how real wrong files are told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn.utils.fusion import fuse_linear_bn_weights

from zth.compare import FLOAT32, FLOAT64, largest_difference, same
from zth.runs import read
from zth.workbook.exercise import get
from zth.workbook.jail import Jail
from zth.workbook.judge import judge
from zth.workbook.l04_batchnorm.e02_fold_batchnorm import check, solution
from zth.workbook.measure import measure

EXERCISE = get("4.2")
VARIANCE = "variance instead of standard deviation"


def test_the_experiment_shows_equal_outputs_and_names_what_a_slip_costs(tmp_path: Path) -> None:
    record = read(measure(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    held = [figure for figure in record.figures if figure.reference is not None]
    assert len(held) == 4
    assert [figure.name for figure in held if not figure.ok] == []
    slips = next(block for block in record.blocks if block.get("title", "").startswith("What a slip"))
    apart = {row[0]: float(row[1]) for row in slips["rows"]}
    assert apart["folded as it should be"] < 1e-5
    assert apart["eps forgotten"] > 1e-5
    assert min(apart["mean and variance of one batch of 32"], apart["the BatchNorm thrown away"]) > 0.1


@pytest.mark.parametrize("pair", [*check._square(), *check._oblong()])
def test_the_solution_is_torchs_own_fusion(pair: check.Pair) -> None:
    W, b, gamma, beta, mean, var, eps = (t.double() if isinstance(t, torch.Tensor) else t for t in pair)
    wanted = fuse_linear_bn_weights(W.T, b, mean, var, eps, gamma, beta)
    got = solution.fold(W, b, gamma, beta, mean, var, eps)
    assert same(got[0], wanted[0].T, FLOAT64)
    assert same(got[1], wanted[1], FLOAT64)


@pytest.mark.parametrize(("layers", "x", "what"), check._nets())
def test_a_folded_net_gives_out_what_the_whole_one_does(
    layers: list[check.Layer], x: torch.Tensor, what: str
) -> None:
    folded, kinds = solution.fold_net(layers), [layer["kind"] for layer in layers]
    assert [layer["kind"] for layer in folded] == [kind for kind in kinds if kind != "batchnorm"], what
    assert largest_difference(check.run(folded, x), check.run(layers, x)) < 1e-5
    # the check's own forward pass, by which answers are judged, is that of the library's layers
    assert same(check.run(layers, x), solution.module(layers)(x), FLOAT32)


def test_layers_survive_being_described() -> None:
    layers, x, _ = check._nets()[1]
    again = [solution.described(layer) for layer in solution.module(layers)]
    assert same(check.run(again, x), check.run(layers, x), FLOAT64)


@pytest.mark.parametrize(
    ("style", "old", "new", "mistake"),
    [
        ("lecture_style", "torch.sqrt(var + eps)", "torch.sqrt(var)", "eps forgotten"),
        ("lecture_style", "torch.sqrt(var + eps)", "(torch.sqrt(var) + eps)", "eps outside the square root"),
        ("lecture_style", "W * scale,", "W * scale[:, None],", "rows instead of columns"),
        ("lecture_style", "torch.sqrt(var + eps)", "torch.sqrt(var * 31 / 32 + eps)", "Bessel's correction undone"),
        ("lists", "s * b[j] - s * mean[j] + beta[j]", "b[j] - s * mean[j] + beta[j]", "bias not scaled"),
        ("lists", "[list(row) for row in zip(*columns)]", "columns", "W on its side"),
        (
            "lists",
            "gamma[j] / sqrt(var[j] + eps)",
            "gamma[j] / (var[j] + eps)",
            VARIANCE,
        ),
        ("lists", 'elif layer["kind"] != "batchnorm"', "else", "the BatchNorm is still there"),
        ("matrices", "first @ centre @ stretch", "first @ stretch", "mean forgotten"),
        ("matrices", "first @ centre @ stretch", "first @ stretch @ centre", "mean not scaled"),
    ],
)
def test_slips_in_a_real_file_are_named(slip, style: str, old: str, new: str, mistake: str) -> None:
    failure = slip(EXERCISE, style, old, new).first_failure
    assert failure is not None
    assert failure.mistake == mistake


def test_a_layer_of_an_unknown_kind_is_told_as_such(tmp_path: Path, jail: Jail) -> None:
    text = (EXERCISE.folder / "right" / "lecture_style.py").read_text()
    path = tmp_path / EXERCISE.file_name
    path.write_text(text.replace('"kind": "linear"', '"kind": "Linear"'))
    failure = judge(EXERCISE, path, jail).first_failure
    assert failure is not None
    assert failure.name == "fold_net"
    assert "'Linear'" in failure.difference
