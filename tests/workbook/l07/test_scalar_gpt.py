"""The scalar GPT: by replay as eagerly, one tape for each length, the future unseen; it fits on four pages."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random

import numpy as np
import pytest

from zth.compare import FLOAT64, difference
from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.workbook.l07_gpt import scalar_gpt
from zth.workbook.l07_gpt.scalar_gpt import BLOCK, ScalarGPT, Training, documents, write

VOCABULARY = Vocabulary.of_lines(names())
LONG = [0, *range(1, 20), 0]
"""Longer than the block."""


def test_the_lesson_has_at_most_200_lines() -> None:
    assert len(Path(scalar_gpt.__file__).read_text().splitlines()) <= 200


def test_the_first_loss_is_that_of_knowing_nothing() -> None:
    loss = ScalarGPT(27).loss([0, 5, 13], [5, 13, 1]).data
    assert abs(loss - math.log(27)) < 0.1


def test_eager_and_replayed_training_agree() -> None:
    """In another order of sums: each loss to 1e-12, and after eight steps of Adam all weights to 1e-9, since Adam
    divides a gradient that is all but 0 by its own size."""
    eager, replayed = Training(ScalarGPT(27), eager=True), Training(ScalarGPT(27))
    for ids in [[0, 5, 0], LONG, *documents(names()[:3], VOCABULARY), *3 * [[0, 5, 0]]]:
        eager.step(ids)
        replayed.step(ids)
        assert difference(replayed.losses, eager.losses, FLOAT64) is None
        scale = np.abs(eager.compiled.gradients).max()
        assert difference(replayed.compiled.gradients / scale, eager.compiled.gradients / scale, FLOAT64) is None
    assert np.abs(replayed.compiled.parameters - eager.compiled.parameters).max() < 1e-9
    assert eager.losses[-1] < eager.losses[-2] < eager.losses[-3]


def test_one_tape_for_each_length(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = []
    loss = ScalarGPT.loss

    def counted(self, tokens, following):
        lengths.append(len(tokens))
        return loss(self, tokens, following)

    monkeypatch.setattr(ScalarGPT, "loss", counted)
    training = Training(ScalarGPT(27))
    for ids in ([0, 5, 0], [0, 1, 2, 0], [0, 7, 0], LONG, [0, 3, 2, 0], LONG[:-1]):
        training.step(ids)
    assert lengths == [2, 3, BLOCK]


def test_nothing_later_is_seen() -> None:
    model = ScalarGPT(27)
    one, other = ([logits.data for logits in _logits(model, ids)[2]] for ids in ([0, 5, 13, 9], [0, 5, 13, 2]))
    assert one == other
    changed = [logits.data for logits in _logits(model, [0, 4, 13])[2]]
    assert changed != one


def _logits(model: ScalarGPT, ids: list[int]) -> list[list]:
    keys, values = [], []
    return [model(number, keys, values) for number in ids]


def test_a_choice_by_a_one_among_zeros_is_the_choice_by_index() -> None:
    model = ScalarGPT(27)
    rows = np.eye(27)[[0, 5, 13, 0]]
    by_row = model.compiled(ScalarGPT.loss)(rows[:-1], rows[1:])[0]
    assert difference(float(by_row), model.loss([0, 5, 13], [5, 13, 0]).data, FLOAT64) is None


def test_what_it_writes_is_a_name_of_at_most_a_block() -> None:
    model = ScalarGPT(27)
    written = [write(model, VOCABULARY, Random(seed)) for seed in range(4)]
    assert len(set(written)) == 4
    assert all(1 <= len(name) <= BLOCK and set(name) <= set(VOCABULARY.characters[1:]) for name in written)
    assert write(model, VOCABULARY, Random(3)) == written[3]


def test_documents_are_shuffled_by_their_seed() -> None:
    lines = names()[:50]
    one, other = documents(lines, VOCABULARY), documents(lines, VOCABULARY, seed=1)
    assert one == documents(lines, VOCABULARY) != other
    assert sorted(one) == sorted(other) == sorted([0, *VOCABULARY.encode(line), 0] for line in lines)
