"""sample.py: draws what the model says, stops where it should, and the same again from the same seed."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

import zth.sample
from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.errors import ConfigError, VocabularyError
from zth.models import GPTModel, NgramModel
from zth.models.gpt import preset
from zth.sample import Sampling, draw, sample, sample_ids, sample_stream
from zth.seeds import stream

VOCABULARY = Vocabulary.of_lines(names())
TEXT = "to be or not to be, that is the question. "


@pytest.fixture(scope="module")
def bigram() -> NgramModel:
    return NgramModel.fit(*windows(names(), VOCABULARY, 1), 27)


def chi_square(found: Counter[int], probs: torch.Tensor) -> tuple[float, int]:
    """Pearson's sum over the ids, and its degrees of freedom; an id of probability 0 must not occur at all."""
    n = sum(found.values())
    assert all(probs[i] > 0 for i in found)
    possible = [i for i in range(len(probs)) if n * probs[i] >= 5]  # the rule of thumb for Pearson's test
    total = sum((found[i] - n * float(probs[i])) ** 2 / (n * float(probs[i])) for i in possible)
    return total, len(possible) - 1


class TestDistribution:
    @pytest.mark.parametrize(
        ("temperature", "top_k"), [(1.0, None), (0.5, None), (2.0, None), (1.0, 5), (0.7, 3), (1.0, 27)]
    )
    def test_is_the_models_after_temperature_and_top_k(
        self, bigram: NgramModel, temperature: float, top_k: int | None
    ) -> None:
        probs = bigram.next_distribution([1]) ** (1 / temperature)
        kept = probs.topk(top_k or 27).indices
        wanted = torch.zeros(27, dtype=torch.float64).index_copy(0, kept, probs[kept])
        wanted /= wanted.sum()
        logprobs = bigram.log_probs(torch.ones(20_000, 1, dtype=torch.int64))
        ids = draw(logprobs, Sampling(temperature=temperature, top_k=top_k), stream(1, "sampling"))
        total, freedom = chi_square(Counter(ids.tolist()), wanted)
        # mean = freedom, variance = 2 freedom: six deviations are out of reach for a right answer
        assert total < freedom + 6 * (2 * freedom) ** 0.5

    @pytest.mark.parametrize(
        ("top_p", "top_k", "kept"),
        [(0.5, None, 1), (0.51, None, 2), (0.9, None, 3), (1.0, None, 4), (1e-9, None, 1), (0.7, 2, 2), (0.6, 2, 1)],
    )
    def test_top_p_keeps_the_likeliest_that_are_enough(self, top_p: float, top_k: int | None, kept: int) -> None:
        # the order is not the ids'; with top_k = 2 the two are 0.625 and 0.375 of what is left
        probs = torch.tensor([0.05, 0.5, 0.15, 0.3])
        how = Sampling(top_p=top_p, top_k=top_k)
        ids = draw(probs.log().repeat(4000, 1), how, stream(1, "sampling"))
        likeliest = probs.argsort(descending=True)[:kept]
        wanted = torch.zeros(4).index_copy(0, likeliest, probs[likeliest])
        total, freedom = chi_square(Counter(ids.tolist()), wanted / wanted.sum())
        assert total <= freedom + 6 * (2 * freedom) ** 0.5

    def test_of_pairs_is_the_bigrams(self, bigram: NgramModel) -> None:
        pairs: dict[int, Counter[int]] = {i: Counter() for i in range(27)}
        for ids in sample_ids(bigram, [], Sampling(), n=6000, seed=5):
            for a, b in zip([0, *ids], [*ids, 0], strict=True):
                pairs[a][b] += 1
        results = [chi_square(found, bigram.next_distribution([i])) for i, found in pairs.items() if found]
        total, freedom = sum(t for t, _ in results), sum(f for _, f in results)
        assert freedom > 300
        assert abs(total - freedom) < 6 * (2 * freedom) ** 0.5

    def test_a_temperature_near_0_is_the_likeliest(self, bigram: NgramModel) -> None:
        logprobs = bigram.log_probs(torch.arange(27)[:, None])
        for how in (Sampling(temperature=1e-320), Sampling(temperature=0), Sampling(top_k=1)):
            assert torch.equal(draw(logprobs, how, stream(1, "sampling")), logprobs.argmax(1))


class TestStrings:
    def test_look_like_names(self, bigram: NgramModel) -> None:
        drawn = sample(bigram, VOCABULARY, n=500, seed=1)
        assert len(drawn) == 500
        assert len(set(drawn)) > 300
        assert all("." not in name for name in drawn)
        # the mean length is that of the training names: a bigram ends as often as they do
        assert abs(sum(map(len, drawn)) / 500 - sum(map(len, names())) / len(names())) < 0.8

    def test_are_the_same_again_from_the_same_seed(self, bigram: NgramModel) -> None:
        first, again, other = (sample(bigram, VOCABULARY, n=20, seed=seed) for seed in (3, 3, 4))
        assert first == again != other

    def test_do_not_touch_the_global_generator(self, bigram: NgramModel) -> None:
        torch.manual_seed(0)
        wanted = torch.rand(1)
        torch.manual_seed(0)
        sample(bigram, VOCABULARY, n=3)
        assert torch.equal(torch.rand(1), wanted)

    def test_go_on_from_a_prompt(self, bigram: NgramModel) -> None:
        drawn = sample(bigram, VOCABULARY, n=50, prompt="qu")
        assert all(name.startswith("qu") for name in drawn)
        trigram = NgramModel.fit(*windows(["ab", "cb", "cd"], VOCABULARY, 2), 27)
        assert set(sample(trigram, VOCABULARY, n=20, prompt="a")) == {"ab"}  # the context is ".a", not "a" alone

    def test_are_no_longer_than_asked(self, bigram: NgramModel) -> None:
        drawn = sample(bigram, VOCABULARY, n=200, prompt="xy", max_length=3)
        assert {len(name) for name in drawn} == {2, 3, 4, 5}
        assert sample(bigram, VOCABULARY, n=2, prompt="xy", max_length=0) == ["xy", "xy"]

    def test_of_a_long_text_do_not_stop(self) -> None:
        text = "to be or not to be, that is the question"
        vocabulary = Vocabulary.of_text(text)
        ids = torch.tensor(vocabulary.encode(text))
        model = NgramModel.fit(ids[:-1, None], ids[1:], len(vocabulary), k=0.1)
        drawn = sample(model, vocabulary, n=3, max_length=40, prompt="be")
        assert [len(string) for string in drawn] == [42] * 3
        assert all(" " in string for string in drawn)  # id 0 is a blank here, not an end
        assert any(len(string) < 42 for string in sample(model, vocabulary, n=9, max_length=40, prompt="be", end=0))

    def test_in_several_rounds(self, bigram: NgramModel, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(zth.sample, "AT_A_TIME", 7)
        drawn = sample(bigram, VOCABULARY, n=20)
        assert len(drawn) == 20
        assert len(set(drawn)) > 10
        assert sample(bigram, VOCABULARY, n=0) == []


class TestStop:
    @pytest.fixture
    def vocabulary(self) -> Vocabulary:
        return Vocabulary.of_text(TEXT)

    @pytest.fixture
    def model(self, vocabulary: Vocabulary) -> NgramModel:
        ids = torch.tensor(vocabulary.encode(TEXT * 3))
        return NgramModel.fit(ids.unfold(0, 3, 1)[:-1], ids[3:], len(vocabulary), k=0.01)

    @pytest.mark.parametrize("stop", ["e", "be", ", that", " qu", "question. to"])
    def test_ends_a_string_before_it(self, model: NgramModel, vocabulary: Vocabulary, stop: str) -> None:
        free = sample(model, vocabulary, n=30, max_length=60, prompt="to ")
        stopped = sample(model, vocabulary, n=30, max_length=60, prompt="to ", stop=stop)
        assert stopped == ["to " + string[3:].split(stop)[0] for string in free]
        assert stopped != free

    def test_counts_among_the_new_characters_only(self, model: NgramModel, vocabulary: Vocabulary) -> None:
        drawn = sample(model, vocabulary, n=5, temperature=0, max_length=30, prompt="to be", stop="be")
        assert drawn == ["to be or not to "] * 5

    def test_must_be_of_the_vocabulary(self, model: NgramModel, vocabulary: Vocabulary) -> None:
        with pytest.raises(VocabularyError, match=r"The stop 'X;' has ';', 'X', which the model never saw"):
            sample(model, vocabulary, n=1, stop="X;")


class TestStream:
    @pytest.mark.parametrize("stop", ["", "a", "an", "nna", "ia", "zzz"])
    @pytest.mark.parametrize("max_length", [0, 1, 5, 40])
    def test_is_what_sample_draws(self, bigram: NgramModel, stop: str, max_length: int) -> None:
        for seed in range(30):
            options = {"seed": seed, "stop": stop, "max_length": max_length, "prompt": "an", "top_p": 0.95}
            pieces = list(sample_stream(bigram, VOCABULARY, **options))  # type: ignore[arg-type]
            assert ["an" + "".join(pieces)] == sample(bigram, VOCABULARY, n=1, **options)  # type: ignore[arg-type]
            assert all(pieces)

    def test_gives_each_character_at_once_and_holds_back_what_may_be_the_stop(self) -> None:
        ids = torch.arange(6)
        cycle = NgramModel.fit(ids[:, None], ids.roll(-1), 6)  # abcdefabcdef...
        vocabulary = Vocabulary.of_text("abcdef")
        assert list(sample_stream(cycle, vocabulary, max_length=6, prompt="a")) == ["b", "c", "d", "e", "f", "a"]
        held = list(sample_stream(cycle, vocabulary, max_length=6, prompt="a", stop="cda"))
        assert held == ["b", "cde", "f", "a"]
        assert list(sample_stream(cycle, vocabulary, max_length=3, prompt="a", stop="cda")) == ["b", "cd"]
        assert list(sample_stream(cycle, vocabulary, max_length=9, prompt="a", stop="fa")) == ["b", "c", "d", "e"]

    def test_leaves_gradients_and_mode_to_the_caller_between_two(self) -> None:
        model = GPTModel(preset("nano", dropout=0.5), generator=stream(1, "init")).train()
        for _ in sample_stream(model, VOCABULARY, max_length=3, end=None):
            assert torch.is_grad_enabled()
            assert all(part.training for part in model.modules())

    def test_refuses_at_once(self, bigram: NgramModel) -> None:
        with pytest.raises(ConfigError, match="top_k"):
            sample_stream(bigram, VOCABULARY, top_k=99)
        with pytest.raises(VocabularyError, match="'E', which the model never saw"):
            sample_stream(bigram, VOCABULARY, prompt="Emma")


class TestKeep:
    def test_reads_less_and_still_draws(self) -> None:
        model = GPTModel(preset("nano", output_init="scaled"), generator=stream(1, "init"))
        exact, fast = (sample(model, VOCABULARY, n=3, max_length=60, end=None, keep=keep) for keep in (None, 8))
        assert [string[:15] for string in exact] == [string[:15] for string in fast]  # the first block is the same
        assert [len(string) for string in fast] == [60] * 3
        assert exact == sample(model, VOCABULARY, n=3, max_length=60, end=None, keep=16)

    def test_strings_are_drawn_in_rounds_when_the_cache_is_large(self) -> None:
        model = GPTModel(preset("nano"), generator=stream(1, "init"))
        model.side_by_side = 2
        assert len(sample(model, VOCABULARY, n=5)) == 5


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"temperature": -0.1}, r"temperature must be from 0 up; got -0\.1"),
            ({"temperature": float("nan")}, "temperature must be from 0 up; got nan"),
            ({"temperature": float("inf")}, "temperature must be from 0 up; got inf"),
            ({"top_k": 0}, "top_k must be at least 1; got 0"),
            ({"top_k": 28}, r"top_k must be in 1 \.\. 27; got 28"),
            ({"max_length": -1}, "max_length must be at least 0; got -1"),
            ({"top_p": 0.0}, "top_p must be above 0, up to 1; got 0"),
            ({"top_p": 1.1}, r"top_p must be above 0, up to 1; got 1\.1"),
            ({"keep": 0}, "keep must be at least 1; got 0"),
            ({"n": -1}, "n must be at least 0; got -1"),
        ],
    )
    def test_options(self, bigram: NgramModel, options: dict[str, float], words: str) -> None:
        with pytest.raises(ConfigError, match=words):
            sample(bigram, VOCABULARY, **{"n": 1, **options})  # type: ignore[arg-type]

    def test_a_vocabulary_of_another_size(self, bigram: NgramModel) -> None:
        with pytest.raises(ConfigError, match="has 2 characters, the model 27"):
            sample(bigram, Vocabulary.of_lines(["a"]), n=1)

    def test_a_prompt_or_an_end_outside(self, bigram: NgramModel) -> None:
        with pytest.raises(VocabularyError, match=r"The prompt 'Emma' has 'E', which the model never saw\. Try 'em"):
            sample(bigram, VOCABULARY, n=1, prompt="Emma")
        with pytest.raises(VocabularyError, match=r"has ' ', '!', 'E', which .* It knows '\.abc"):
            sample(bigram, VOCABULARY, n=1, prompt="Em ma!")
        with pytest.raises(VocabularyError, match=r"prompt and end must be ids .* got 27"):
            sample(bigram, VOCABULARY, n=1, end=27)
