"""6.1: the solution against torch's BatchNorm, the measured story, and how real wrong files are told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from zth.compare import FLOAT64, same
from zth.runs import read
from zth.workbook.exercise import get
from zth.workbook.l06_wavenet.bug import LectureBatchNorm
from zth.workbook.l06_wavenet.e01_batchnorm_bug import check, solution
from zth.workbook.l06_wavenet.e01_batchnorm_bug import measure as experiment
from zth.workbook.measure import measure

EXERCISE = get("6.1")


def test_the_experiment_finds_noisier_statistics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(experiment.BUDGETS, "quick", (150, 2))
    record = read(measure(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    figures = {figure.name: figure.value for figure in record.figures}
    assert figures["scatter of a mean: bug / all positions"] > 1.4  # 2 where positions are alike and independent
    assert figures["scatter of a deviation, worst position: bug / all positions"] > 2
    assert abs(figures["the bug's cost on dev"]) < 0.2
    text = " ".join(block.get("markdown", "") for block in record.blocks)
    assert "`has_bug` says True" in text
    assert "272 means of 32 numbers each, where 68 of 128 were wanted" in text
    assert "The size of tensor a (2) must match" in text
    table = next(block for block in record.blocks if block.get("title", "").startswith("Dev loss"))
    assert [row[0] for row in table["rows"]] == [42, 43]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("batch", check._training())
def test_the_solution_is_torchs_batchnorm_with_the_channels_last(batch: check.Batch, training: bool) -> None:
    x, gamma, beta, mean, var = (t.double() for t in batch)
    rows, wanted_mean, wanted_var = x.reshape(-1, x.shape[-1]), mean.clone(), var.clone()
    wanted = F.batch_norm(rows, wanted_mean, wanted_var, gamma, beta, training=training).view(x.shape)
    y, new_mean, new_var = solution.batch_norm(x, gamma, beta, mean, var, training)
    assert same(y, wanted, FLOAT64)
    assert same(new_mean, wanted_mean, FLOAT64)
    assert same(new_var, wanted_var, FLOAT64)
    assert same(mean, batch[3], FLOAT64)  # what came in is left alone


def test_the_checks_bug_is_the_lectures() -> None:
    x, gamma, beta, mean, var = (t.double() for t in check._training()[2])
    layer = LectureBatchNorm(len(gamma)).double()
    layer.load_state_dict({"gamma": gamma, "beta": beta, "running_mean": mean, "running_var": var})
    y, new_mean, new_var = check._norm(axes=check._batch)(x, gamma, beta, mean, var, True)
    assert same(y, layer(x), FLOAT64)
    assert same(new_mean, layer.running_mean, FLOAT64)
    assert same(new_var, layer.running_var, FLOAT64)


def test_the_overall_moments_do_not_find_the_bug_and_the_check_does() -> None:
    found = []
    for (y,) in check._outputs():
        assert y.mean().abs() < 1e-4
        assert (y.var((0, 1), correction=0) - 1).abs().max() < 2e-3
        found.append(solution.has_bug(y))
    assert found == [False, True] * 7


def test_numbers_are_those_of_the_axes() -> None:
    x = torch.zeros(32, 4, 68)
    for key, axes in (("bug", (0,)), ("fixed", (0, 1))):
        means = x.mean(axes).numel()
        assert solution.numbers(32, 4, 68)[key] == (x.numel() // means, means)


@pytest.mark.parametrize(
    ("style", "old", "new", "mistake"),
    [
        ("lecture_style", "dim = 0 if x.ndim == 2 else (0, 1)", "dim = 0", "the bug is still there"),
        ("lecture_style", "dim = 0 if x.ndim == 2 else (0, 1)", "dim = (0, 1)", "two axes are broken now"),
        ("lecture_style", "x.shape[0] * x.shape[1]", "x.shape[0]", "n is still B"),
        ("lecture_style", ", unbiased=False", "", "n - 1 where it normalises"),
        ("lecture_style", "torch.sqrt(var + eps)", "(torch.sqrt(var) + eps)", "eps outside the root"),
        ("lecture_style", "atol=1e-3", "atol=0.1", "has_bug takes small for zero"),
        (
            "lecture_style",
            "y.mean(0), torch.zeros(y.shape[1:])",
            "y.mean(), torch.zeros(())",
            "has_bug finds it everywhere",
        ),
        (
            "functional",
            "rows = x.reshape(-1, x.shape[-1])",
            "rows = x",
            "torch's BatchNorm1d, channels in the middle",
        ),
        ("functional", "training=training", "training=True", "always as in training"),
        ("functional", ", momentum=momentum, eps=eps)\n", ")\n", "momentum and eps ignored"),
        ("functional", "eps=eps)\n", "eps=1e-5)\n", "eps ignored"),
        ("a_layer", "var + self.eps", "var + 1e-5", "eps ignored"),
        ("a_layer", "self.momentum)\n            self.var", "1 - self.momentum)\n            self.var", ""),
    ],
)
def test_slips_in_a_real_file_are_named(slip, style: str, old: str, new: str, mistake: str) -> None:
    failure = slip(EXERCISE, style, old, new).first_failure
    assert failure is not None
    assert failure.mistake == mistake


@pytest.mark.parametrize(
    ("found", "mistake"),
    [
        ("bool((y.mean(0).abs() < 1e-3).any())", "has_bug: any instead of all"),
        ("abs(y[:, 0].mean(0)).max() < 1e-3", "has_bug: one position only"),
        ("abs(y[:, -1].mean(0)).max() < 1e-3", "has_bug: one position only"),
        ("(y[..., -1].mean(0).abs() < 1e-3).all()", "has_bug: one channel only"),
        ("y[:, -1, 0].mean().abs() < 1e-3", "has_bug: one position of one channel"),
    ],
)
def test_a_look_at_a_part_of_y_is_not_enough(slip, found: str, mistake: str) -> None:
    right = "torch.allclose(y.mean(0), torch.zeros(y.shape[1:]), atol=1e-3)"
    failure = slip(EXERCISE, "lecture_style", right, found).first_failure
    assert failure is not None
    assert (failure.name, failure.mistake) == ("has_bug", mistake)
