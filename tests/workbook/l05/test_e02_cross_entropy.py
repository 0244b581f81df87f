"""5.2: the solution against autograd, the measured story, and how real wrong files are told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from zth.compare import FLOAT32, same
from zth.runs import read
from zth.workbook.exercise import get
from zth.workbook.jail import Jail
from zth.workbook.judge import judge
from zth.workbook.l05_backprop.e02_cross_entropy import check, solution
from zth.workbook.measure import measure

EXERCISE = get("5.2")


def test_the_experiment_meets_the_lecture(tmp_path: Path) -> None:
    record = read(measure(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    figures = {figure.name: figure for figure in record.figures}
    held = [figure for figure in figures.values() if figure.reference is not None]
    assert len(held) == 2
    assert [figure.name for figure in held if not figure.ok] == []
    assert figures["dlogits apart from autograd's, float32, worst batch"].value < 2e-8  # ten steps of float32 there
    assert figures["error of the eight steps / of the one expression"].value > 2
    assert [block["kind"] for block in record.blocks].count("plot") == 1


def test_the_solution_is_what_autograd_finds() -> None:
    cases = [*check._with_far_targets(), *check._large()]
    assert len(cases) == 8
    for logits, yb in cases:
        leaf = logits.detach().clone().requires_grad_()
        loss = F.cross_entropy(leaf, yb)
        loss.backward()
        got_loss, got = solution.loss_and_dlogits(logits, yb)
        assert same(got_loss, loss, FLOAT32)
        assert same(got, leaf.grad, FLOAT32)
        assert torch.equal(got, solution.dlogits(logits, yb))


@pytest.mark.parametrize(
    ("style", "old", "new", "part", "mistake"),
    [
        ("lecture_style", "    d /= n\n", "", "dlogits", "division by n forgotten"),
        ("lecture_style", "    d[range(n), yb] -= 1\n", "", "dlogits", "minus 1 forgotten"),
        ("lecture_style", "d[range(n), yb] -= 1", "d[:, yb] -= 1", "dlogits", "minus 1 at all of yb in every row"),
        ("lecture_style", "d[range(n), yb] -= 1", "d[yb, range(n)] -= 1", "dlogits", "one-hot on its side"),
        ("lecture_style", "F.softmax(logits, 1)", "F.softmax(logits, 0)", "dlogits", "softmax over the batch"),
        ("numpy_eye", " - one_hot) / len(z)", ") - one_hot / len(z)", "dlogits", "only the 1 divided by n"),
        ("lists", "exp(z - top) / total - (", "(", "dlogits", ""),  # nobody listed it
        ("lecture_style", "F.softmax(logits, 1)", "logits.exp() / logits.exp().sum(1, keepdim=True)",
         "dlogits of large logits", "exp of large logits"),
        ("lecture_style", "norm_logits - norm_logits.exp().sum(1, keepdim=True).log()", "F.softmax(logits, 1).log()",
         "loss_and_dlogits", "log of a probability of 0"),
        ("lecture_style", "return loss, dlogits(logits, yb)", "return dlogits(logits, yb), loss",
         "loss_and_dlogits", "gradient and loss exchanged"),
    ],
)  # fmt: skip
def test_slips_in_a_real_file_are_named(
    tmp_path: Path, jail: Jail, style: str, old: str, new: str, part: str, mistake: str
) -> None:
    failure = judge(EXERCISE, _changed(tmp_path, style, old, new), jail).first_failure
    assert failure is not None
    assert (failure.name, failure.mistake) == (part, mistake)


def test_probs_that_are_written_to_spoil_the_loss(tmp_path: Path, jail: Jail) -> None:
    shared = (
        "d = probs = F.softmax(logits, 1)\n    d[range(n), yb] -= 1\n    loss = -probs[range(n), yb].log().mean()\n"
    )
    path = _changed(tmp_path, "lecture_style", "    return loss, dlogits", f"    {shared}    return loss, dlogits")
    failure = judge(EXERCISE, path, jail).first_failure
    assert failure is not None
    assert failure.mistake == "probs spoilt before the loss"


def _changed(tmp_path: Path, style: str, old: str, new: str) -> Path:
    text = (EXERCISE.folder / "right" / f"{style}.py").read_text()
    assert text.count(old) == 1
    path = tmp_path / EXERCISE.file_name
    path.write_text(text.replace(old, new))
    return path
