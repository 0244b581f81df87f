"""2.6: the measured story, the properties that make Kneser-Ney what it is, and how real wrong files are told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from zth.compare import FLOAT64, same
from zth.data.sources import names
from zth.data.split import split_lines
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.models import NgramModel, evaluate
from zth.models.neural_ngram import NeuralNgramModel
from zth.models.ngram import Counts
from zth.runs import read
from zth.workbook.exercise import get
from zth.workbook.l02_bigrams.e06_kneser_ney import check
from zth.workbook.l02_bigrams.e06_kneser_ney.solution import continuation_counts, kneser_ney
from zth.workbook.measure import measure

EXERCISE = get("2.6")


def test_the_experiment_meets_the_lecture_and_passes_the_nets(tmp_path: Path) -> None:
    record = read(measure(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    figures = {figure.name: figure for figure in record.figures}
    held = [figure for figure in figures.values() if figure.reference is not None]
    assert len(held) == 9
    assert [figure.name for figure in held if not figure.ok] == []
    assert {name: figure.verdict for name, figure in figures.items() if name.startswith("add-k")} == {
        f"add-k, order {n}: {what}": "as the course" for n in (2, 3) for what in ("best k", "dev", "test")
    }
    # Known names help, but the rest must not be worse than a net of lecture 6.
    assert (
        1.993
        > figures["Kneser-Ney, order 6: dev"].value
        < figures["Kneser-Ney, order 6: dev, new names"].value
        < 2.022
    )
    assert [block["kind"] for block in record.blocks].count("plot") == 1


def test_by_hand() -> None:
    N = torch.tensor([[0, 1, 3], [2, 0, 0], [4, 0, 1]])  # as in task.md; columns seen after 2, 1 and 2 characters
    assert continuation_counts(N).tolist() == [2, 1, 2]
    # row 0: total 4, two followers, so 0.5 * 2 / 4 = 1/4 is shared out by 2/5, 1/5, 2/5
    row = [0 + 0.25 * 0.4, 0.5 / 4 + 0.25 * 0.2, 2.5 / 4 + 0.25 * 0.4]
    assert same(kneser_ney(N, 0.5)[0], row, FLOAT64)


@pytest.mark.parametrize("d", [0.1, 0.75, 1.0])
def test_rows_sum_to_one_and_columns_keep_their_share_of_the_text(d: float) -> None:
    N = check._names()
    P = kneser_ney(N, d)
    assert same(P.sum(1), torch.ones(27), FLOAT64)
    assert same(N.sum(1).double() @ P, N.sum(0), FLOAT64)


def test_without_a_discount_it_is_the_plain_table() -> None:
    N = check._names()
    assert same(kneser_ney(N, 0.0), N / N.sum(1, keepdim=True).double(), FLOAT64)


def test_it_is_no_worse_than_the_best_add_k_on_dev() -> None:
    split, vocabulary = split_lines(names()), Vocabulary.of_lines(names())
    train, dev = windows(split.train, vocabulary, 1), windows(split.dev, vocabulary, 1)
    P = kneser_ney(Counts.of(*train, 27).table(), 0.75)
    assert evaluate(NeuralNgramModel(P.log()), *dev) < evaluate(NgramModel.fit(*train, 27, k=0.3), *dev)


@pytest.mark.parametrize(
    ("style", "old", "new", "mistake"),
    [
        ("vectorised", "return (N > 0).sum(0)", "return (N > 0).sum(1)", "followers instead of contexts"),
        ("vectorised", "return (N > 0).sum(0)", "return N.sum(0)", "how often, not after how many different ones"),
        ("vectorised", "(N - d).clamp(min=0.0)", "(N - d)", "counts of 0 pay as well"),
        ("loops", "total = sum(row)", "total = N.sum().item()", "divided by the sum of all counts"),
        ("vectorised", "d * seen.sum(1, keepdim=True)", "d * seen.sum(1)", "totals keep their axis, followers don't"),
        ("vectorised", "    P[total[:, 0] == 0] = p_continuation\n", "", "an empty row stays empty"),
        ("vectorised", "seen.sum(0) / seen.sum()", "1 / N.shape[0]", "handed out evenly"),
        (
            "loops",
            "followers = sum(1 for n in row if n > 0)",
            "followers = len(row)",
            "d for each character of the alphabet",
        ),
        ("loops", "followers = sum(1 for n in row if n > 0)", "followers = 1", "d was taken once only"),
        ("loops", "        if total == 0:\n", "        if False:\n", "0 / 0 in an empty row, in plain Python"),
        (
            "one_function",
            "        if self.total[x] == 0:\n",
            "        if False:\n",
            "0.0 / 0 in an empty row, in plain Python",
        ),
        ("numpy_what_is_left", "    P = np.nan_to_num(P)\n", "", "0 / 0 in an empty row"),
    ],
)
def test_slips_in_a_real_file_are_named(slip, style: str, old: str, new: str, mistake: str) -> None:
    failure = slip(EXERCISE, style, old, new).first_failure
    assert failure is not None
    assert failure.mistake == mistake
