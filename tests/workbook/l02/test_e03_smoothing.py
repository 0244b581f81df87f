"""2.3: the lecture's figures, cases where each set would choose another k, and how real wrong files are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from zth.runs import read
from zth.workbook.exercise import get
from zth.workbook.l02_bigrams.e03_smoothing.check import PARTS
from zth.workbook.l02_bigrams.e03_smoothing.solution import loss
from zth.workbook.measure import measure

EXERCISE = get("2.3")


def test_the_experiment_meets_the_lecture(tmp_path: Path) -> None:
    record = read(measure(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    held = [figure for figure in record.figures if figure.reference is not None]
    assert len(held) == 9
    assert [figure.name for figure in held if not figure.ok] == []
    assert any("Train would have chosen k = 0.001" in block.get("markdown", "") for block in record.blocks)
    assert [block["kind"] for block in record.blocks].count("plot") == 2


def test_the_cases_tell_the_four_sets_apart_by_the_k_that_each_would_choose() -> None:
    (tune,) = (part for part in PARTS if part.name == "tune")
    for ks, train, dev, test, T in tune.inputs():
        chosen = []
        for words in (train, dev, test, dev + test):
            first, second, *_ = sorted(ks, key=lambda k: loss(train, words, T, k))
            chosen.append(first)
            # float32 must not choose otherwise: it is sure of a loss to about 1e-6
            assert loss(train, words, T, second) - loss(train, words, T, first) > 1e-4
        assert len(set(chosen)) == 4
        assert 1 not in chosen
        assert chosen[0] == min(ks)


@pytest.mark.parametrize(
    ("style", "old", "new", "mistake"),
    [
        ("lecture_style", "loss(train, dev, T, k)", "loss(train, test, T, k)", "test in dev's place"),
        ("lecture_style", "lossi < best_loss", "lossi > best_loss or best_k is None", "the largest loss wins"),
        ("lecture_style", "P = N + k\n", "P = N + 1\n", "always add 1"),
        (
            "lecture_style",
            "loss(train, test, T, best_k)",
            "loss(train + dev, test, T, best_k)",
            "counted again with dev",
        ),
        ("numpy_grid", "ks[best], losses[best]", "best, losses[best]", "position instead of k"),
        ("numpy_grid", "+ 27 * ks)", "+ ks)", "k added once to the sum"),
        (
            "counters",
            "Counter(examples(train, T))",
            "Counter(examples(words, T))",
            "counted on the words it is asked about",
        ),
        (
            "counters",
            "min((loss(train, dev, T, k), k) for k in ks)",
            "loss(train, dev, T, min(ks)), min(ks)",
            "the smallest k",
        ),
    ],
)
def test_slips_in_a_real_file_are_named(slip, style: str, old: str, new: str, mistake: str) -> None:
    failure = slip(EXERCISE, style, old, new).first_failure
    assert failure is not None
    assert failure.mistake == mistake
