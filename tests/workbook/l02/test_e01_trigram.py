"""2.1: the lecture's figures, what the nets are held to, and how real wrong files are told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from zth.compare import FLOAT32, same
from zth.runs import read
from zth.workbook.exercise import get
from zth.workbook.jail import Jail
from zth.workbook.judge import Verdict, judge
from zth.workbook.l02_bigrams.e01_trigram import solution
from zth.workbook.measure import measure

EXERCISE = get("2.1")
LECTURE_STYLE = (EXERCISE.folder / "right" / "lecture_style.py").read_text()


@pytest.fixture
def judged(tmp_path: Path, jail: Jail):
    """judged(old, new) -> the verdict on the lecture's way to write it, with `old` replaced by `new`."""

    def run(old: str, new: str) -> Verdict:
        assert LECTURE_STYLE.count(old) == 1
        path = tmp_path / EXERCISE.file_name
        path.write_text(LECTURE_STYLE.replace(old, new))
        return judge(EXERCISE, path, jail)

    return run


def test_the_experiment_meets_the_lecture_and_the_nets_come_near_their_counts(tmp_path: Path) -> None:
    record = read(measure(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    figures = {figure.name: figure for figure in record.figures}
    held = [figure for figure in figures.values() if figure.reference is not None]
    assert len(held) == 11
    assert [figure.name for figure in held if not figure.ok] == []
    nets = {name: figure.value for name, figure in figures.items() if " net, after" in name}
    (bigram, trigram) = nets.values()
    assert 0 < bigram - figures["bigram: unsmoothed"].value < 0.001
    assert 0 < trigram - figures["trigram, two dots: unsmoothed"].value < 0.02
    # with two dots the other characters cost what one dot says: 2.061862 of lecture 2
    assert figures["all but first letters: trigram"].value == pytest.approx(2.061862, abs=5e-7)
    assert [block["kind"] for block in record.blocks].count("plot") == 3


def test_the_solution_agrees_with_torch() -> None:
    words = ["emma", "olivia", "ava", "emma"]
    rows = solution.trigrams(words)
    W = torch.randn(729, 27, generator=torch.Generator().manual_seed(1)).requires_grad_()
    logits = W[27 * rows[:, 0] + rows[:, 1]]
    loss = F.cross_entropy(logits, rows[:, 2])
    loss.backward()
    assert W.grad is not None
    P = W.detach().softmax(1).view(27, 27, 27)
    assert same(solution.loss(P, words), loss, FLOAT32)
    assert same(solution.train(W.detach(), words, 1, 2.0), W.detach() - 2.0 * W.grad, FLOAT32)
    assert solution.count(words).sum() == len(rows) == 4 + 1 + 6 + 1 + 3 + 1 + 4 + 1


def test_who_cuts_the_words_wrongly_is_told_so_wherever_words_come_in(judged) -> None:
    verdict = judged('["."] * 2 + list(w)', '["."] + list(w)')
    told = {part.name: part.mistake for part in verdict.parts}
    assert told.pop("probabilities") == ""
    assert set(told.values()) == {"one dot in front"}


@pytest.mark.parametrize(
    ("old", "new", "part", "mistake"),
    [
        ("P /= P.sum(2, keepdim=True)", "P /= P.sum(2)", "probabilities", "keepdim forgotten"),
        ("W.grad = None", "pass", "train", "gradients pile up"),
        ("W.data += -rate", "W.data += rate", "train", "uphill"),
        ("t[:, 0] * 27 + t[:, 1]", "t[:, 0] + t[:, 1] * 27", "train", "row i + 27 j"),
        ("return -log_likelihood / n", "return log_likelihood / n", "loss", "minus forgotten"),
        ("return -log_likelihood / n", "return -log_likelihood / len(words)", "loss", "mean per name"),
    ],
)
def test_slips_in_a_real_file_are_named(judged, old: str, new: str, part: str, mistake: str) -> None:
    verdict = judged(old, new)
    assert [(each.name, each.mistake) for each in verdict.parts if not each.ok] == [(part, mistake)]
