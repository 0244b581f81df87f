"""4.1: reasoning and autograd agree, the closed form is where training stops, and how real wrong files are told."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from zth.compare import EXACT, FLOAT32, PRINTED, same
from zth.runs import read
from zth.workbook.exercise import get
from zth.workbook.l04_batchnorm.e01_all_zero import check, solution
from zth.workbook.l04_batchnorm.e01_all_zero.rules import Rules
from zth.workbook.measure import measure

EXERCISE = get("4.1")


def test_the_experiment_meets_the_lecture(tmp_path: Path) -> None:
    record = read(measure(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    figures = {figure.name: figure for figure in record.figures}
    held = [figure for figure in figures.values() if figure.reference is not None]
    assert len(held) == 5
    assert [figure.name for figure in held if not figure.ok] == []
    assert figures["numbers that moved, of 11,897"].value == 27
    nets = next(block for block in record.blocks if block.get("title", "").startswith("The first step"))
    assert nets["rows"][0][2:] == ["never", "never", "", "", "never", "never", "1", "", ""]


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("steps", [1, 2, check.ALWAYS])
def test_reasoning_agrees_with_autograd_whatever_begins_at_zero(activation: str, steps: int) -> None:
    for n in range(len(check.ONE) + 1):
        for zero in combinations(check.ONE, n):
            reasoned = Rules().moves(check.ONE, zero, activation, steps)
            assert solution.moves(check.ONE, zero, activation, steps) == reasoned, zero


def test_reasoning_agrees_with_autograd_on_every_case_of_the_check() -> None:
    cases = [*check._one_hidden_layer(), *check._two_hidden_layers(), *check._with_batchnorm()]
    assert len({str(solution.moves(*case)) for case in cases}) > 10  # no one answer would do for many
    for case in cases:
        assert solution.moves(*case) == Rules().moves(*case), case


def test_nothing_begins_to_move_after_the_last_step_that_is_asked_for() -> None:
    for names, zero, activation, _ in (
        check._one_hidden_layer() + check._two_hidden_layers() + check._with_batchnorm()
    ):
        later = solution.moves(names, zero, activation, 5 * check.ALWAYS)
        assert solution.moves(names, zero, activation, check.ALWAYS) == later


def test_the_limit_is_the_entropy_and_lecture_2s_unigram() -> None:
    for (counts,) in check._counts():
        assert same(solution.limit(counts), torch.distributions.Categorical(probs=counts.double()).entropy(), PRINTED)
    text = "." + ".".join(check.all_names())
    counts = torch.tensor([text.count(character) for character in ".abcdefghijklmnopqrstuvwxyz"])
    assert solution.limit(counts) == pytest.approx(2.822726, abs=5e-7)


@pytest.mark.parametrize(("parameters", "X", "Y"), check._parameters())
def test_the_gradients_are_the_closed_form(
    parameters: dict[str, torch.Tensor], X: torch.Tensor, Y: torch.Tensor
) -> None:
    grads = solution.gradients(parameters, X, Y)
    V = len(parameters["b2"])
    assert same(grads["b2"], F.softmax(parameters["b2"], 0) - torch.bincount(Y, minlength=V) / len(Y), FLOAT32)
    for name in ("C", "W1", "b1", "W2"):
        assert same(grads[name], torch.zeros_like(parameters[name]), EXACT)


def test_training_ends_at_the_limit_with_b2_the_logarithms_of_the_frequencies() -> None:
    C, n_hidden, X, Y = check._to_train()[0]
    trained = solution.train(C, n_hidden, X, Y)
    counts = torch.bincount(Y, minlength=27)
    assert counts.min() > 0
    told = check._about(trained, check._zeros(C, n_hidden, X))
    assert told is not None
    assert (told["moved"], told["C"]) == (["b2"], "")
    assert told["train"] == pytest.approx(solution.limit(counts), abs=1e-3)
    logp = (counts / len(Y)).log()
    often = counts > 10  # the rare ones take longer
    assert torch.allclose(trained["b2"][often], (logp - logp.mean())[often], atol=0.2)
    assert trained["b2"].sum().abs() < 1e-4


@pytest.mark.parametrize(
    ("style", "old", "new", "part", "mistake"),
    [
        ("reasoned", '1 if activation == "tanh" or x[i] else 0', "1", "moves", "relu has a slope at 0"),
        (
            "reasoned",
            "on = {name: int(on[name] or grads[name] > 0) for name in names}",
            "",
            "moves",
            "only the first step",
        ),
        ("reasoned", "back * x[i - 1], back", "back, back", "moves", "whatever gets something back moves"),
        ("reasoned", "back, back * normed[i - 1]", "back, back", "moves with BatchNorm", "bngain without n"),
        ("tried_out", "range(steps)", "range(1)", "moves", "only the first step"),
        ("tried_out", "return {name: tensor.detach()", "return {name: 0 * tensor.detach()", "train", ""),
        ("sets_and_lists", "for c in counts if c)", "for c in counts)", "limit where a count is 0", ""),
        ("reasoned", "softmax(b2) - np.bincount", "1 / len(b2) - np.bincount", "gradients", "b2 taken for 0"),
        ("reasoned", "softmax(b2) - np.bincount", "-softmax(b2) + np.bincount", "gradients", "uphill"),
    ],
)
def test_slips_in_a_real_file_are_named(slip, style: str, old: str, new: str, part: str, mistake: str) -> None:
    failure = slip(EXERCISE, style, old, new).first_failure
    assert failure is not None
    assert (failure.name, failure.mistake) == (part, mistake)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("tensor.grad\n    return", "(tensor.grad + 1e-3 * tensor)\n    return", "weight decay"),
        ("[C.clone(),", "[torch.zeros_like(C),", "C came back as zeros"),
        ("[C.clone(),", "[torch.randn_like(C),", "C is not the one"),
        ("range(3000)", "range(20)", "Train longer"),
        ("torch.zeros(n_hidden), torch.zeros(n_hidden, V)", "torch.zeros(n_hidden), torch.randn(n_hidden, V)", "W2"),
        (
            "tensor.detach() for",
            "(tensor.detach().T if tensor.ndim > 1 else tensor) for",
            "C has shape (2, 27), wanted (27, 2)",
        ),
        ("for name, tensor in p.items()}\n", "for name, tensor in p.items() if name != 'b1'}\n", "there is no b1"),
    ],
)
def test_a_training_that_went_wrong_is_told_what_is_amiss(slip, old: str, new: str, told: str) -> None:
    failure = slip(EXERCISE, "tried_out", old, new).first_failure
    assert failure is not None
    assert failure.name == "train"
    assert told in failure.says
