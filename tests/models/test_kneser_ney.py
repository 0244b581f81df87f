"""models/kneser_ney.py against the formula written out with dictionaries, over histories of their true length."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
import torch

from zth.compare import EXACT, FLOAT64, same
from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.errors import RunError, ShapeError
from zth.models import KneserNeyModel
from zth.models.kneser_ney import FALLBACK, discounts_of
from zth.models.ngram import Counts

Ngram = tuple[int, ...]


class Reference:
    """Chen and Goodman's formula for p(w | h), one at a time: h begins with its line, or is order - 1 long."""

    def __init__(self, lines: Sequence[Ngram], order: int, vocab_size: int, *, has_start: bool) -> None:
        self.order, self.vocab_size = order, vocab_size
        plain: Counter[Ngram] = Counter()
        for line in lines:  # a line is its ids with one 0 before (if it has a start) and one after
            for end in range(1 if has_start else order - 1, len(line)):
                for n in range(1, min(order, end + 1) + 1):
                    plain[line[end - n + 1 : end + 1]] += 1
        left: dict[Ngram, set[int]] = defaultdict(set)
        for ngram in plain:
            left[ngram[1:]].add(ngram[0])
        self.counts: dict[Ngram, Counter[int]] = defaultdict(Counter)
        by_order: dict[int, list[int]] = defaultdict(list)
        for ngram, n_times in plain.items():
            at_start = has_start and len(ngram) > 1 and ngram[0] == 0
            count = n_times if len(ngram) == order or at_start else len(left[ngram])
            self.counts[ngram[:-1]][ngram[-1]] = count
            by_order[len(ngram)].append(count)
        self.discounts = {n: discounts_of(torch.tensor(counts)).tolist() for n, counts in by_order.items()}
        self.probability = cache(self._probability)

    def _probability(self, history: Ngram, w: int) -> float:
        lower = 1 / self.vocab_size if not history else self.probability(history[1:], w)
        seen = self.counts.get(history)
        if not seen:
            return lower
        discounts = self.discounts[len(history) + 1]
        taken = sum(discounts[min(count, 3)] for count in seen.values())
        own = seen[w] - discounts[min(seen[w], 3)] if w in seen else 0.0
        return (own + taken * lower) / sum(seen.values())


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return random.Random(1).sample(names(), 120)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.of_lines(names())


@pytest.mark.parametrize("order", [1, 2, 3, 4, 6])
def test_is_the_formula_over_lines(lines: list[str], vocabulary: Vocabulary, order: int) -> None:
    width = max(order - 1, 1)
    contexts, targets = windows(lines, vocabulary, width)
    model = KneserNeyModel.fit(contexts[:, width - order + 1 :], targets, 27)
    reference = Reference([(0, *vocabulary.encode(line), 0) for line in lines], order, 27, has_start=True)
    others, _ = windows(["emma", "zzyzx", "a", "maryann"], vocabulary, width)
    for context, logprobs in zip(others.tolist(), model.log_probs(others), strict=True):
        inside = [i for i in context if i != 0]
        history = tuple(context[-width:] if len(inside) == width else [0, *inside])[-width:] if order > 1 else ()
        assert same(logprobs.exp(), [reference.probability(history, w) for w in range(27)], FLOAT64)


@pytest.mark.parametrize("order", [2, 3, 5])
def test_is_the_formula_over_one_long_text(order: int) -> None:
    ids = tuple(torch.randint(4, (300,), generator=torch.Generator().manual_seed(0)).tolist())
    grams = torch.tensor(ids).unfold(0, order, 1)
    model = KneserNeyModel.fit(grams[:, :-1], grams[:, -1], 4, start=None)
    reference = Reference([ids], order, 4, has_start=False)
    # the reference also counts the short n-grams that end where a full one does, as the model does: from order - 1 on
    for history in [ids[i : i + order - 1] for i in (0, 10, 40)] + [(3,) * (order - 1)]:
        wanted = [reference.probability(history, w) for w in range(4)]
        assert same(model.next_distribution(history), wanted, FLOAT64)


class TestDistributions:
    @pytest.mark.parametrize("start", [0, None])
    def test_sum_to_1_after_all_contexts_of_two(
        self, lines: list[str], vocabulary: Vocabulary, start: int | None
    ) -> None:
        model = KneserNeyModel.fit(*windows(lines, vocabulary, 2), 27, start=start)
        every = torch.cartesian_prod(torch.arange(27), torch.arange(27))
        logprobs = model.log_probs(every)
        assert same(logprobs.exp().sum(1), torch.ones(729), FLOAT64)
        assert bool(logprobs.isfinite().all())

    def test_sum_to_1_after_contexts_seen_and_unseen_at_order_6(
        self, lines: list[str], vocabulary: Vocabulary
    ) -> None:
        contexts, targets = windows(lines, vocabulary, 5)
        model = KneserNeyModel.fit(contexts, targets, 27)
        tried = torch.cat([contexts, torch.randint(27, (2000, 5), generator=torch.Generator().manual_seed(0))])
        logprobs = model.log_probs(tried)
        assert same(logprobs.exp().sum(1), torch.ones(len(tried)), FLOAT64)
        assert bool(logprobs.isfinite().all())

    def test_leading_dots_beyond_the_first_say_nothing(self, lines: list[str], vocabulary: Vocabulary) -> None:
        model = KneserNeyModel.fit(*windows(lines, vocabulary, 5), 27)
        assert all(level.order == 2 or 0 not in level.keys // 27 for level in model.levels[1:])  # no "..", "..." kept
        for context in ([], [0], [0, 0], [7, 0, 0]):
            assert same(model.next_distribution(context), model.next_distribution([0] * 5), EXACT)

    def test_an_id_never_seen_keeps_a_chance(self) -> None:
        model = KneserNeyModel.fit(torch.tensor([[0], [1]]), torch.tensor([1, 0]), 30)
        assert 0 < float(model.next_distribution([0])[29]) < 1 / 30


def test_what_follows_one_word_only_is_a_poor_guess_after_an_unknown_one() -> None:
    # 1 "san", 2 "francisco" (frequent, after "san" only), 3 "fish" (rarer, after 4, 5 and 6); nothing follows 7
    pairs = [(1, 2)] * 9 + [(4, 3), (5, 3), (6, 3)]
    contexts, targets = torch.tensor([[a] for a, _ in pairs]), torch.tensor([b for _, b in pairs])
    after_unknown = KneserNeyModel.fit(contexts, targets, 8).next_distribution([7])
    # continuation counts 1 and 3, each less FALLBACK, and what was taken spread evenly
    wanted = [(1 - FALLBACK + 2 * FALLBACK / 8) / 4, (3 - FALLBACK + 2 * FALLBACK / 8) / 4]
    assert same(after_unknown[2:4], wanted)


class TestDiscounts:
    def test_worked_by_hand(self) -> None:
        counts = torch.tensor([1] * 6 + [2] * 3 + [3] * 2 + [4] * 1 + [9] * 5)  # n = 6, 3, 2, 1 and so Y = 1/2
        wanted = [0, 1 - 2 * 0.5 * 3 / 6, 2 - 3 * 0.5 * 2 / 3, 3 - 4 * 0.5 * 1 / 2]
        assert same(discounts_of(counts), wanted)

    @pytest.mark.parametrize("counts", [[], [40, 50], [1, 1, 1], [2, 2, 3]])
    def test_fall_back_where_counts_tell_nothing(self, counts: list[int]) -> None:
        assert discounts_of(torch.tensor(counts, dtype=torch.int64)).tolist() == [0.0] + [FALLBACK] * 3

    def test_lie_between_nothing_and_the_count(self) -> None:
        steep = torch.tensor([1] * 9 + [2] + [3] * 50)  # D_2 = 2 - 3 Y 50 would be far below 0
        discounts = discounts_of(steep).tolist()
        assert discounts[2] == FALLBACK
        assert all(0 < discount <= r for r, discount in zip((1, 2, 3), discounts[1:], strict=True))


def test_lines_shorter_than_the_order() -> None:
    vocabulary = Vocabulary.of_lines(["a", "b"])
    model = KneserNeyModel.fit(*windows(["a", "b", "a"], vocabulary, 5), 3)
    assert same(model.next_distribution([]).sum(), 1.0)
    assert model.next_distribution([])[1] > model.next_distribution([])[2] > model.next_distribution([])[0] > 0


def test_saves_and_loads(lines: list[str], vocabulary: Vocabulary, tmp_path: Path) -> None:
    contexts, targets = windows(lines, vocabulary, 3)
    model = KneserNeyModel.fit(contexts, targets, 27)
    model.save(tmp_path)
    again = KneserNeyModel.load(tmp_path)
    assert repr(again) == repr(model) == "KneserNeyModel(order=4, vocab_size=27)"
    assert same(again.log_probs(contexts), model.log_probs(contexts), EXACT)
    (tmp_path / "model.json").write_text((tmp_path / "model.json").read_text().replace('"order": 4', '"order": 3'))
    with pytest.raises(RunError, match="does not fit"):
        KneserNeyModel.load(tmp_path)


def test_levels_must_count_up_from_1() -> None:
    level = Counts.of(torch.tensor([[0]]), torch.tensor([1]), 2)
    with pytest.raises(ShapeError, match=r"got counts of orders \[2\]"):
        KneserNeyModel([level], torch.zeros(1, 4))
