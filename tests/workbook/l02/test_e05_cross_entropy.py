"""2.5: the measured story, the cases that only the stable way survives, and how real wrong files are told."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from zth.compare import FLOAT32, Tolerance, same
from zth.models.neural_ngram import spelled_out_loss
from zth.runs import read
from zth.workbook.exercise import get
from zth.workbook.l02_bigrams.e05_cross_entropy import check, solution
from zth.workbook.l02_bigrams.e05_cross_entropy.measure import stable_loss
from zth.workbook.measure import measure

EXERCISE = get("2.5")


def test_the_experiment_meets_the_lecture(tmp_path: Path) -> None:
    record = read(measure(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    figures = {figure.name: figure for figure in record.figures}
    held = [figure for figure in figures.values() if figure.reference is not None]
    assert len(held) == 4
    assert [figure.name for figure in held if not figure.ok] == []
    assert figures["F.cross_entropy: largest relative error, logits up to 10,000"].value < 1e-6
    assert figures["memory at its highest: spelled out / F.cross_entropy"].value > 1.5  # bytes, not seconds
    (table,) = (block for block in record.blocks if block.get("title", "").startswith("Loss in float32"))
    told = {row[0]: row[1:] for row in table["rows"]}
    assert len(set(told["5"])) == 1  # at ordinary logits all four print the same loss
    assert told["10,000"][0] == "not a number"
    assert told["10,000"][1] == "infinite"
    assert told["10,000"][2] == told["10,000"][3]
    assert [block["kind"] for block in record.blocks].count("plot") == 2


def test_the_lectures_way_and_the_stable_one_agree_on_ordinary_logits() -> None:
    for logits, ys in check._ordinary():
        assert same(spelled_out_loss(logits, ys), solution.cross_entropy(logits, ys), FLOAT32)
        assert same(stable_loss(logits, ys), solution.cross_entropy(logits, ys), FLOAT32)


@pytest.mark.parametrize("size", [120.0, 10_000.0])
def test_every_large_case_breaks_the_lectures_way_and_none_the_stable_one(size: float) -> None:
    for logits, ys in check._near(size):
        assert not spelled_out_loss(logits, ys).isfinite()
        assert same(stable_loss(logits, ys), solution.cross_entropy(logits, ys), FLOAT32)
        exact = solution.cross_entropy(logits.double(), ys)
        assert same(solution.cross_entropy(logits, ys), exact, Tolerance(relative=1e-6, absolute=1e-6))


def test_the_log_probabilities_of_a_worked_case() -> None:
    logits = torch.tensor([[0.0, 0.0], [1000.0, 0.0]])  # as in task.md
    assert same(solution.log_softmax(logits), [[-math.log(2), -math.log(2)], [0.0, -1000.0]], FLOAT32)
    assert same(solution.cross_entropy(logits, torch.tensor([0, 1])), (math.log(2) + 1000) / 2, FLOAT32)


@pytest.mark.parametrize(
    ("style", "old", "new", "mistake"),
    [
        (
            "spelled_out",
            "norm_logits = logits - logit_maxes",
            "norm_logits = logits",
            "log of a sum of exps as they are",
        ),
        (
            "spelled_out",
            "logits.max(1, keepdim=True).values",
            "logits.max()",
            "the largest logit of the batch (log of the sum)",
        ),
        (
            "spelled_out",
            "return norm_logits - counts_sum.log()",
            "return (counts / counts_sum).log()",
            "log of a probability that became 0",
        ),
        (
            "spelled_out",
            "return norm_logits - counts_sum.log()",
            "return (counts / counts_sum + 1e-8).log()",
            "1e-8 inside the log",
        ),
        (
            "spelled_out",
            "return norm_logits - counts_sum.log()",
            "return (counts / counts_sum).clamp(min=1e-9).log()",
            "1e-9 inside the log",
        ),
        ("spelled_out", "-logprobs[range(n), ys]", "-logprobs[:, ys]", "every example with every one of ys"),
        ("lists", "top = max(row)", "top = 0", "exp of the logits as they are, in plain Python"),
        (
            "lists",
            "top = max(row)",
            "top = max(logits.flatten().tolist())",
            "the largest logit of the batch, in plain Python",
        ),
        (
            "lists",
            "z - top - math.log(total)",
            "math.log(math.exp(z - top) / total)",
            "log of a probability that became 0, in plain Python",
        ),
        (
            "numpy_logaddexp",
            "return z - np.logaddexp.reduce(z, axis=1)[:, None]",
            "return np.log(np.exp(z) / np.exp(z).sum(1, keepdims=True))",
            "exp of the logits as they are",
        ),
    ],
)
def test_slips_in_a_real_file_are_named(slip, style: str, old: str, new: str, mistake: str) -> None:
    failure = slip(EXERCISE, style, old, new).first_failure
    assert failure is not None
    assert failure.mistake == mistake
