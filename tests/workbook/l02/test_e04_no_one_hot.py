"""2.4: the solution against the library and autograd, the measured story, and how real wrong files are told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from zth.compare import EXACT, FLOAT32, FLOAT64, same
from zth.models.neural_ngram import example_gradient, index_logits, one_hot_logits, table_gradient
from zth.models.ngram import Counts
from zth.runs import read
from zth.workbook.exercise import get
from zth.workbook.jail import Jail
from zth.workbook.judge import judge
from zth.workbook.l02_bigrams.e04_no_one_hot import check, solution
from zth.workbook.measure import measure

EXERCISE = get("2.4")


def test_the_experiment_meets_the_lecture(tmp_path: Path) -> None:
    record = read(measure(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    figures = {figure.name: figure for figure in record.figures}
    held = [figure for figure in figures.values() if figure.reference is not None]
    assert len(held) == 5
    assert [figure.name for figure in held if not figure.ok] == []
    assert [block["kind"] for block in record.blocks].count("plot") == 3
    # Bytes are the same on every machine. 27 rows: the one-hot rows are a part; 19,683 rows: they are nearly all.
    assert figures["memory: one-hot / index, 228,146 examples, 27 rows"].value > 1.2
    assert figures["memory: one-hot / index, 1,000 examples, 19,683 rows"].value > 20
    assert (
        figures["time: one-hot / index, 1,000 examples, 19,683 rows"].value > 3
    )  # some eighty where it was measured


def test_the_solution_is_the_library_without_its_contexts() -> None:
    W, xs, ys = check._tables()[-1]
    assert same(solution.logits(W, xs), index_logits(W, xs[:, None]), EXACT)
    assert same(solution.logits(W, xs), one_hot_logits(W, xs[:, None]), EXACT)
    W = W.double()
    _, dW = example_gradient(W, xs[:, None], ys)
    assert same(solution.gradient(W, xs, ys), dW, FLOAT64)
    counts = Counts.of(xs[:, None], ys, 27).table().double()
    assert same(solution.gradient(W, xs, ys), table_gradient(W, counts)[1], FLOAT64)


def test_backward_is_what_autograd_sends_back() -> None:
    for dlogits, xs, n_rows in check._backwards():
        W = torch.zeros(n_rows, dlogits.shape[1], requires_grad=True)
        W[xs].backward(dlogits)
        assert W.grad is not None
        assert same(solution.backward(dlogits, xs, n_rows), W.grad, FLOAT32)


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("return W[xs]", "return W[:, xs].T", "columns instead of rows"),
        ("        dW[xs[i]] += dlogits[i]", "        dW[xs[i]] = dlogits[i]", "the last use wins"),
        (
            "    for i in range(len(xs)):\n        dW[xs[i]] += dlogits[i]",
            "    dW[xs] += dlogits",
            "the last use wins",
        ),
        ("dlogits[torch.arange(N), ys] -= 1.0", "dlogits[:, ys] -= 1.0", "minus 1 at all of ys in every row"),
        ("    dlogits /= N\n", "", "division by N forgotten"),
        ("counts.sum(1, keepdim=True)", "counts.sum(0, keepdim=True)", "softmax over the batch"),
        ("    dlogits[torch.arange(N), ys] -= 1.0\n", "", "minus 1 forgotten"),
    ],
)
def test_slips_in_a_real_file_are_named(slip, old: str, new: str, mistake: str) -> None:
    failure = slip(EXERCISE, "lecture_style", old, new).first_failure
    assert failure is not None
    assert failure.mistake == mistake


def test_who_keeps_the_one_hot_runs_out_of_memory_and_is_told_why(tmp_path: Path, jail: Jail) -> None:
    text = (EXERCISE.folder / "right" / "lecture_style.py").read_text()
    path = tmp_path / EXERCISE.file_name
    one_hot = "return torch.nn.functional.one_hot(xs, W.shape[0]).float() @ W"
    path.write_text(text.replace("return W[xs]", one_hot))
    verdict = judge(EXERCISE, path, jail)
    states = {part.name: (part.state, part.mistake) for part in verdict.parts}
    assert states["logits"] == states["backward"] == states["gradient"] == ("passed", "")
    assert states["logits of 100,000 rows"] == states["gradient of 100,000 rows"] == ("raised", "one-hot after all")
