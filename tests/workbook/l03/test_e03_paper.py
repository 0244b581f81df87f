"""3.3: the solution against torch and the library, the measured table, and how real wrong files are told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from zth.compare import FLOAT32, same
from zth.runs import read
from zth.train import TrainConfig, rates
from zth.train.optim import SGD
from zth.workbook.exercise import get
from zth.workbook.jail import Jail
from zth.workbook.judge import judge
from zth.workbook.l03_mlp.e03_paper import check, solution
from zth.workbook.l03_mlp.e03_paper import measure as experiment
from zth.workbook.measure import measure

EXERCISE = get("3.3")


def test_the_solution_is_the_paper_s_formula() -> None:
    for parameters, X, Y in check._nets():
        leaves = [p.clone().requires_grad_() for p in parameters]
        C, W1, b1, W2, b2, D = leaves
        x = F.embedding(X, C).flatten(1)
        logits = torch.tanh(x @ W1 + b1) @ W2 + b2 + x @ D
        F.cross_entropy(logits, Y).backward()  # type: ignore[no-untyped-call]
        assert same(solution.logits(parameters, X), logits, FLOAT32)
        assert all(
            same(a, b.grad, FLOAT32) for a, b in zip(solution.gradients(parameters, X, Y), leaves, strict=True)
        )


def test_the_mixture_is_never_worse_than_the_mean_of_the_losses() -> None:
    for net, trigram, Y, alpha in check._mixtures()[1:]:
        losses = [F.nll_loss(p.log(), Y).item() for p in (net, trigram)]
        assert solution.mixture_loss(net, trigram, Y, alpha) <= (1 - alpha) * losses[0] + alpha * losses[1] + 1e-6


def test_the_penalty_s_gradient_is_the_optimizer_s_decay() -> None:
    parameters, _, _ = check._nets()[0]
    leaves = [p.clone().requires_grad_() for p in parameters]
    decay, lr = 0.3, 0.1
    for p in leaves:
        p.grad = torch.zeros_like(p)
    SGD(leaves, weight_decay=decay).step(lr)
    for p, moved in zip(parameters, leaves, strict=True):
        alone = p.clone().requires_grad_()
        if p.dim() == 2:
            (decay / 2 * alone.square().sum()).backward()  # type: ignore[no-untyped-call]
            assert alone.grad is not None
            assert same(moved, p - lr * alone.grad, FLOAT32)
            assert solution.penalty([p], decay) == pytest.approx(decay / 2 * float(p.square().sum()))
        else:
            assert same(moved, p, FLOAT32)
            assert solution.penalty([p], decay) == 0


def test_the_rate_is_the_inverse_schedule() -> None:
    config = TrainConfig(steps=1000, lr=0.1, schedule="inverse", drop_to=0.1)
    r = (1 / config.drop_to - 1) / config.steps
    assert [solution.rate(t, 0.1, r) for t in range(1000)] == pytest.approx(rates(config, 0, 1000).tolist())
    assert solution.rate(1000, 0.1, r) == pytest.approx(0.01)


def test_dev_and_test_want_other_shares_in_the_check() -> None:
    for alphas, dev, test in check._tunings():
        by_dev, by_test = (min(alphas, key=lambda a: solution.mixture_loss(*part, a)) for part in (dev, test))
        assert by_dev != by_test
        assert by_dev not in (min(alphas), max(alphas), alphas[0])


def test_the_experiment_is_a_table_with_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "QUICK", (400, 2))
    record = read(measure(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    figures = {figure.name: figure for figure in record.figures}
    assert figures["the trigram alone: dev"].ok
    (table,) = [block for block in record.blocks if block["kind"] == "table"]
    assert [row[0] for row in table["rows"]] == [variant.name for variant in experiment.VARIANTS]
    assert all("±" in row[3] and "±" in row[4] for row in table["rows"])
    # after 400 steps the net is far behind the trigram: the mixture must gain, and dev must say how much of it
    assert figures["mixture, share tuned: test, less the plain net's"].value < -0.1
    assert [block["kind"] for block in record.blocks].count("plot") == 2


def test_a_difference_needs_more_than_luck() -> None:
    assert experiment._verdict([0.010, 0.011, 0.009, 0.010, 0.010]) == "no, it harms"
    assert experiment._verdict([-0.010, -0.011, -0.009, -0.010, -0.010]) == "yes"
    assert experiment._verdict([0.03, -0.01, 0.02, -0.02, 0.01]) == "cannot be told"
    # two seeds that agree within a tenth: 12.7 standard errors are asked for
    assert experiment._verdict([0.010, 0.013]) == "cannot be told"


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("return h @ W2 + b2 + x @ D", "return h @ W2 + b2", "no direct connections"),
        ("+ x @ D", "+ x.detach() @ D", "the direct path into C forgotten"),
        ("F.cross_entropy(logits(parameters, X), Y)", "F.cross_entropy(logits(parameters, X), Y, reduction='sum')",
         "the gradient of the sum"),
        ("return -p[torch.arange(len(Y)), Y].log().mean()",
         "ix = torch.arange(len(Y)); return -((1 - alpha) * net[ix, Y].log() + alpha * trigram[ix, Y].log()).mean()",
         "logarithms mixed"),
        ("p = (1 - alpha) * net + alpha * trigram", "p = alpha * net + (1 - alpha) * trigram", "alpha turned around"),
        ("mixture_loss(*dev, alpha).item()", "mixture_loss(*test, alpha).item()", "test in dev's place"),
        ("(1 + r * t)", "(1 + r) ** t", "a power instead of a product"),
        ("for p in (C, W1, W2, D))", "for p in parameters)", "biases decay too"),
    ],
)  # fmt: skip
def test_slips_in_a_real_file_are_named(slip, old: str, new: str, mistake: str) -> None:
    failure = slip(EXERCISE, "lecture_style", old, new).first_failure
    assert failure is not None
    assert failure.mistake == mistake


def test_a_wrong_gradient_is_told_by_its_name(tmp_path: Path, jail: Jail) -> None:
    text = (EXERCISE.folder / "right" / "numpy_by_hand.py").read_text()
    path = tmp_path / EXERCISE.file_name
    path.write_text(text.replace("h.T @ dz, dz.sum(0)", "2 * h.T @ dz, dz.sum(0)"))
    failure = judge(EXERCISE, path, jail).first_failure
    assert failure is not None
    assert failure.name == "gradients"
    assert failure.difference.startswith("at ['W2'][0, 0]")
