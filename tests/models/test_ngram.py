"""models/ngram.py against counting with a dictionary, and numbers worked by hand."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import Tensor

import zth.models.ngram as ngram
from zth.compare import EXACT, FLOAT64, same
from zth.errors import ConfigError, DataError, ShapeError, VocabularyError
from zth.models import NgramModel, evaluate
from zth.models.ngram import Counts, sweep


def examples(n: int, block_size: int, vocab_size: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    ids = (torch.rand(n, block_size + 1, generator=generator) ** 2 * vocab_size).long()  # small ids are commoner
    return ids[:, :-1], ids[:, -1]


@pytest.fixture(params=["dense", "sparse"])
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of keeping counts must give the same."""
    if request.param == "sparse":
        monkeypatch.setattr(ngram, "DENSE_CELLS", 0)
    return str(request.param)


class TestCounts:
    @pytest.mark.parametrize("block_size", [0, 1, 2, 4])
    def test_are_those_of_a_dictionary(self, layout: str, block_size: int) -> None:
        contexts, targets = examples(300, block_size, 5)
        counter = Counter((*c, t) for c, t in zip(contexts.tolist(), targets.tolist(), strict=True))
        counts = Counts.of(contexts, targets, 5)
        wanted_for, _ = examples(200, block_size, 5, seed=1)
        wanted = [[counter[(*context, i)] for i in range(5)] for context in wanted_for.tolist()]
        assert same(counts.rows(wanted_for), wanted, EXACT)
        assert int(counts.values.sum()) == 300
        assert len(counts.keys) == len(counter)

    def test_as_a_table(self) -> None:
        table = Counts.of(torch.tensor([[0, 1], [0, 1], [2, 2]]), torch.tensor([2, 2, 0]), 3).table()
        assert table.shape == (9, 3)
        assert table.nonzero().tolist() == [[1, 2], [8, 0]]
        assert table[1, 2] == 2

    def test_of_a_long_order_lay_out_only_what_was_seen(self) -> None:
        contexts, targets = examples(1000, 12, 27)  # 27**13 = 4e18 cells
        counts = Counts.of(contexts, targets, 27)
        assert len(counts.keys) <= 1000
        assert same(counts.rows(contexts).gather(1, targets[:, None]) >= 1, [[True]] * 1000)
        with pytest.raises(ConfigError, match=r"27\*\*13 counts is too big"):
            counts.table()

    def test_dtypes_of_ids_do_not_matter(self) -> None:
        contexts, targets = examples(50, 2, 5)
        a, b = Counts.of(contexts, targets, 5), Counts.of(contexts.int(), targets.to(torch.uint8), 5)
        assert same(a.table(), b.table(), EXACT)

    @pytest.mark.parametrize(
        ("contexts", "targets", "vocab_size", "error", "words"),
        [
            ([[0], [1]], [0], 2, ShapeError, r"\(2, 1\) and targets \(1,\)"),
            ([[2]], [0], 2, VocabularyError, "got 2"),
            ([[0]], [-1], 2, VocabularyError, "got -1"),
            ([[0.5]], [0], 2, VocabularyError, "float32"),
            ([[0]], [0], 0, ConfigError, "at least 1"),
        ],
    )
    def test_refuse(
        self, contexts: list[list[float]], targets: list[int], vocab_size: int, error: type[Exception], words: str
    ) -> None:
        with pytest.raises(error, match=words):
            Counts.of(torch.tensor(contexts), torch.tensor(targets), vocab_size)

    def test_of_nothing(self) -> None:
        with pytest.raises(DataError, match="nothing to count"):
            Counts.of(torch.empty(0, 1, dtype=torch.int64), torch.empty(0, dtype=torch.int64), 2)

    def test_of_an_order_that_cannot_be_numbered(self) -> None:
        contexts = torch.zeros(1, 20, dtype=torch.int64)
        with pytest.raises(ConfigError, match=r"8\*\*21 passes 2\*\*63\. Use order 20 or less"):
            Counts.of(contexts, torch.tensor([0]), 8)

    def test_that_are_none(self) -> None:
        one = torch.tensor([1, 1])
        with pytest.raises(ShapeError, match="are not counts of 1-grams"):
            Counts(one, one, order=1, vocab_size=3)  # not distinct
        with pytest.raises(ShapeError, match="are not counts of 1-grams"):
            Counts(torch.tensor([0, 3]), one, order=1, vocab_size=3)  # out of range

    def test_of_nothing_seen_are_zero_everywhere(self, layout: str) -> None:
        empty = torch.empty(0, dtype=torch.int64)
        counts = Counts(empty, empty, order=2, vocab_size=3)
        assert same(counts.rows(torch.tensor([[0], [2]])), [[0.0] * 3] * 2, EXACT)


class TestModel:
    contexts, targets = torch.tensor([[0], [0], [0], [1]]), torch.tensor([1, 1, 2, 0])

    def test_add_k_worked_by_hand(self, layout: str) -> None:
        model = NgramModel.fit(self.contexts, self.targets, 3, k=0.5)
        assert same(model.log_probs(torch.tensor([[0]])).exp(), [[0.5 / 4.5, 2.5 / 4.5, 1.5 / 4.5]])
        assert same(model.next_distribution([1]), [1.5 / 2.5, 0.5 / 2.5, 0.5 / 2.5])

    def test_unsmoothed_says_infinite(self, layout: str) -> None:
        model = NgramModel.fit(self.contexts, self.targets, 3)
        assert same(model.log_probs(torch.tensor([[0]])), [[-math.inf, math.log(2 / 3), math.log(1 / 3)]])
        assert same(evaluate(model, self.contexts, self.targets), -(2 * math.log(2 / 3) + math.log(1 / 3)) / 4)
        assert evaluate(model, torch.tensor([[0], [1]]), torch.tensor([1, 1])) == math.inf

    @pytest.mark.parametrize("k", [0, 1e-12, 1])
    def test_a_context_never_seen_is_uniform_also_in_the_limit(self, layout: str, k: float) -> None:
        model = NgramModel.fit(self.contexts, self.targets, 3, k=k)
        assert same(model.next_distribution([2]), [1 / 3] * 3)

    @pytest.mark.parametrize("k", [0.0, 0.01, 1.0])
    def test_every_distribution_sums_to_1(self, layout: str, k: float) -> None:
        model = NgramModel.fit(*examples(20, 2, 6), vocab_size=6, k=k)
        every = torch.cartesian_prod(torch.arange(6), torch.arange(6))
        assert same(model.log_probs(every).exp().sum(1), torch.ones(36), FLOAT64)

    def test_crops_long_contexts_and_pads_short_ones(self) -> None:
        model = NgramModel.fit(*examples(200, 2, 4), vocab_size=4, k=0.1)
        long, short = model.log_probs(torch.tensor([[3, 3, 1, 2]])), model.log_probs(torch.tensor([[2]]))
        assert same(long, model.log_probs(torch.tensor([[1, 2]])), EXACT)
        assert same(short, model.log_probs(torch.tensor([[0, 2]])), EXACT)
        assert same(model.next_distribution([]), model.next_distribution([0, 0]), EXACT)

    def test_the_unigram_takes_any_context(self) -> None:
        model = NgramModel.fit(self.contexts[:, :0], self.targets, 3)
        assert same(model.log_probs(self.contexts).exp(), [[0.25, 0.5, 0.25]] * 4)

    def test_an_id_outside_is_refused_not_mixed_up_with_another_context(self) -> None:
        model = NgramModel.fit(*examples(200, 2, 4), vocab_size=4, k=0.1)
        with pytest.raises(VocabularyError, match="got 4"):
            model.log_probs(torch.tensor([[0, 4]]))

    @pytest.mark.parametrize("k", [-0.1, math.inf, math.nan])
    def test_refuses_a_k_that_makes_no_sense(self, k: float) -> None:
        with pytest.raises(ConfigError, match="k must be"):
            NgramModel.fit(self.contexts, self.targets, 3, k=k)

    def test_sweep_is_fitting_again_with_each_k(self) -> None:
        contexts, targets = examples(100, 2, 5)
        dev = examples(50, 2, 5, seed=1)
        ks = [3, 0, 0.5]
        wanted = {k: evaluate(NgramModel.fit(contexts, targets, 5, k=k), *dev) for k in ks}
        found = sweep(NgramModel.fit(contexts, targets, 5), ks, *dev)
        assert found == wanted
        assert list(found) == ks
        assert found[0] == math.inf

    @pytest.mark.parametrize("block_size", [0, 1, 5])
    def test_saves_and_loads(self, tmp_path: Path, block_size: int) -> None:
        contexts, targets = examples(100, block_size, 27)
        model = NgramModel.fit(contexts, targets, 27, k=0.3)
        model.save(tmp_path)
        again = NgramModel.load(tmp_path)
        assert repr(again) == repr(model) == f"NgramModel(order={block_size + 1}, vocab_size=27, k=0.3)"
        assert same(again.log_probs(contexts), model.log_probs(contexts), EXACT)
