"""The figures of lecture 2, to their printed digits, by the data, models and `evaluate` that everybody uses."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from zth.data.sources import names
from zth.data.split import Split, split_lines
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.models import Descent, KneserNeyModel, NeuralNgramModel, NgramModel, evaluate
from zth.models.ngram import sweep

KS = [0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 2, 3, 5, 10]
BIGRAM, TRUE_TRIGRAM, TRIGRAM = (1, 1), (2, 1), (2, 2)  # how many ids of context, how many leading dots
Examples = tuple[Tensor, Tensor]


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.of_lines(names())


@pytest.fixture(scope="module")
def split() -> Split:
    return split_lines(names())


def of(lines: list[str], vocabulary: Vocabulary, kind: tuple[int, int]) -> Examples:
    return windows(lines, vocabulary, kind[0], leading=kind[1])


class TestAllNames:
    @pytest.mark.parametrize(
        ("kind", "n_examples", "unsmoothed", "add_one"),
        [
            (BIGRAM, 228_146, "2.454014", "2.454577"),
            (TRUE_TRIGRAM, 196_113, "2.061862", "2.093080"),
            (TRIGRAM, 228_146, "2.185743", "2.212582"),
        ],
    )
    def test_counted(
        self, vocabulary: Vocabulary, kind: tuple[int, int], n_examples: int, unsmoothed: str, add_one: str
    ) -> None:
        contexts, targets = of(names(), vocabulary, kind)
        model = NgramModel.fit(contexts, targets, 27)
        assert len(targets) == n_examples
        assert f"{evaluate(model, contexts, targets):.6f}" == unsmoothed
        assert f"{evaluate(model.with_k(1), contexts, targets):.6f}" == add_one

    def test_unigram_and_uniform(self, vocabulary: Vocabulary) -> None:
        contexts, targets = of(names(), vocabulary, BIGRAM)
        unigram = NgramModel.fit(contexts[:, :0], targets, 27)  # of the ids that are predicted: letters and ends
        assert f"{evaluate(unigram, contexts, targets):.6f}" == "2.822726"
        uniform = NeuralNgramModel(torch.zeros(27, 27, dtype=torch.float64))
        assert f"{evaluate(uniform, contexts, targets):.6f}" == f"{math.log(27):.6f}" == "3.295837"

    def test_the_neural_bigram_approaches_the_counted_one(self, vocabulary: Vocabulary) -> None:
        contexts, targets = of(names(), vocabulary, BIGRAM)
        model = NeuralNgramModel.fit(contexts, targets, 27, descent=Descent(steps=2000, rate=50))
        assert 2.454014 < evaluate(model, contexts, targets) < 2.455

    def test_the_neural_trigram_passes_the_bigram_and_approaches_its_own(self, vocabulary: Vocabulary) -> None:
        contexts, targets = of(names(), vocabulary, TRIGRAM)
        model = NeuralNgramModel.fit(contexts, targets, 27, descent=Descent(steps=5000, rate=50))
        assert 2.185743 < evaluate(model, contexts, targets) < 2.20


@pytest.mark.parametrize(
    ("kind", "losses"),
    [
        (BIGRAM, "2.4548 / 2.4533 / 2.4584"),
        (TRUE_TRIGRAM, "2.0966 / 2.1187 / 2.1234"),
        (TRIGRAM, "2.2156 / 2.2365 / 2.2373"),
    ],
)
def test_train_dev_and_test(vocabulary: Vocabulary, split: Split, kind: tuple[int, int], losses: str) -> None:
    model = NgramModel.fit(*of(split.train, vocabulary, kind), 27, k=1)
    found = [evaluate(model, *of(lines, vocabulary, kind)) for lines in (split.train, split.dev, split.test)]
    assert " / ".join(f"{loss:.4f}" for loss in found) == losses


@pytest.mark.parametrize(
    ("kind", "best", "dev", "test"),
    [
        (BIGRAM, 0.3, "2.45297", "2.45796"),
        (TRUE_TRIGRAM, 0.2, "2.10215", "2.10727"),
        (TRIGRAM, 0.2, "2.22227", "2.22348"),
    ],
)
def test_tuned_smoothing(
    vocabulary: Vocabulary, split: Split, kind: tuple[int, int], best: float, dev: str, test: str
) -> None:
    model = NgramModel.fit(*of(split.train, vocabulary, kind), 27)
    losses = sweep(model, KS, *of(split.dev, vocabulary, kind))
    assert min(losses, key=losses.__getitem__) == best
    assert f"{losses[best]:.5f}" == dev
    assert f"{evaluate(model.with_k(best), *of(split.test, vocabulary, kind)):.5f}" == test


def test_kneser_ney_gains_with_every_order_and_passes_the_best_add_k(vocabulary: Vocabulary, split: Split) -> None:
    contexts, targets = windows(split.train, vocabulary, 5)
    dev = windows(split.dev, vocabulary, 5)
    losses = [evaluate(KneserNeyModel.fit(contexts[:, 6 - n :], targets, 27), *dev) for n in range(2, 7)]
    assert losses == sorted(losses, reverse=True)
    add_k = [min(sweep(NgramModel.fit(contexts[:, 6 - n :], targets, 27), KS, *dev).values()) for n in range(2, 7)]
    assert all(ours < theirs for ours, theirs in zip(losses, add_k, strict=True))
    assert losses[-1] < 2.02  # lecture 6's hierarchical net of 22,000 parameters: 2.022
