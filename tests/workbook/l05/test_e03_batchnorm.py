"""5.3: the solution against autograd, the measured story, and how real wrong files are told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from zth.compare import FLOAT32, FLOAT64, same
from zth.runs import read
from zth.workbook.exercise import get
from zth.workbook.l05_backprop.e03_batchnorm import check, solution
from zth.workbook.measure import measure

EXERCISE = get("5.3")


def test_the_experiment_meets_the_lecture(tmp_path: Path) -> None:
    record = read(measure(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    figures = {figure.name: figure for figure in record.figures}
    held = [figure for figure in figures.values() if figure.reference is not None]
    assert len(held) == 3
    assert [figure.name for figure in held if not figure.ok] == []
    assert figures["dhprebn apart from autograd's, float32, worst batch"].value < 1e-8
    assert [block["kind"] for block in record.blocks].count("plot") == 2


def test_the_solution_is_what_autograd_finds() -> None:
    layers = check._layers_with_small_spread()
    assert len(layers) == 5
    for dtype, tolerance in ((torch.float32, FLOAT32), (torch.float64, FLOAT64)):
        for dhpreact, hprebn, bngain in ([x.to(dtype) for x in layer] for layer in layers):
            x, gain = hprebn.clone().requires_grad_(), bngain.clone().requires_grad_()
            bias = torch.zeros_like(bngain, requires_grad=True)
            bnraw = (x - x.mean(0)) * (x.var(0) + 1e-5) ** -0.5
            (gain * bnraw + bias).backward(dhpreact)
            got = solution.batchnorm_backward(dhpreact, hprebn, bngain)
            for gradient, leaf in zip(got, (x, gain, bias), strict=True):
                assert same(gradient, leaf.grad, tolerance)


def test_the_gradient_of_torchs_own_layer_is_told_apart() -> None:
    """Variance over n, forward and backward: what F.batch_norm does, and the check's own mistake says it does."""
    wrong = next(m for m in check.MISTAKES if m.name == "variance over n everywhere").instead["batchnorm_backward"]
    dhpreact, hprebn, bngain = check._layers()[0]
    x = hprebn.clone().requires_grad_()
    y = F.batch_norm(x, None, None, bngain[0], torch.zeros(bngain.shape[1]), training=True)
    y.backward(dhpreact)
    assert callable(wrong)
    assert same(wrong(dhpreact, hprebn, bngain)[0], x.grad, FLOAT32)


@pytest.mark.parametrize(
    ("style", "old", "new", "part", "mistake"),
    [
        ("lecture_style", " - n / (n - 1) * bnraw", " - bnraw", "dhprebn", "Bessel forgotten"),
        ("lecture_style", " - dhpreact.sum(0)", "", "dhprebn", "the road through the mean forgotten"),
        ("lecture_style", " - n / (n - 1) * bnraw * (dhpreact * bnraw).sum(0)", "", "dhprebn",
         "the road through the variance forgotten"),
        ("lecture_style", "bnvar_inv / n", "bnvar_inv", "dhprebn", "division by n forgotten"),
        ("lecture_style", "= bngain * ", "= ", "dhprebn", "gain forgotten"),
        ("lecture_style", "bngain * bnvar_inv / n", "bngain / bnvar_inv / n", "dhprebn",
         "standard deviation instead of its inverse"),
        ("step_by_step", "-0.5 * bnvar_inv**3", "-bnvar_inv**3", "dhprebn", "twice the variance's term"),
        ("step_by_step", "    return dbndiff + dbnmeani / n", "    return dbndiff", "dhprebn",
         "the road through the mean forgotten"),
        ("numpy_residuals", "ddof=1, ", "", "batchnorm_backward", "variance over n in the forward pass"),
        ("numpy_residuals", "(dy * raw).sum(axis=0)[None]", "(dy * raw).sum(axis=0)", "batchnorm_backward", ""),
        ("step_by_step", "unbiased=True) + 1e-5", "unbiased=True)", "batchnorm_backward", "eps forgotten"),
        ("lists", "return columns(dxs), [dgains], [dbiases]", "return columns(dxs), dgains, dbiases",
         "batchnorm_backward", "dbngain and dbnbias: an axis lost"),
    ],
)  # fmt: skip
def test_slips_in_a_real_file_are_named(slip, style: str, old: str, new: str, part: str, mistake: str) -> None:
    failure = slip(EXERCISE, style, old, new).first_failure
    assert failure is not None
    assert (failure.name, failure.mistake) == (part, mistake)
