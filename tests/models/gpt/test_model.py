"""models/gpt/model.py: scoring, the cache, saving, and that it learns."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from zth.compare import EXACT, FLOAT64, same
from zth.errors import ShapeError, VocabularyError
from zth.models import IGNORED, GPTModel, LanguageModel, evaluate
from zth.models.gpt import preset
from zth.models.protocol import build, config_class, trainable
from zth.sample import Sampling, sample_ids
from zth.seeds import stream

BLOCK = 12


class TestBuilding:
    def test_by_name(self) -> None:
        assert "gpt" in trainable()
        net = build("gpt", config_class("gpt")(vocab_size=5, width=16, layers=1), generator=stream(1, "init"))
        assert isinstance(net, GPTModel)

    def test_the_generator_decides(self, kind, make_options) -> None:
        def state(seed: int) -> dict[str, torch.Tensor]:
            return GPTModel(make_options(kind), generator=stream(seed, "init")).state_dict()

        first, again, other = state(1), state(1), state(2)
        assert all(torch.equal(first[name], again[name]) for name in first)
        assert not all(torch.equal(first[name], other[name]) for name in first)

    def test_starts_at_uniform_predictions(self, kind, make_options) -> None:
        model = GPTModel(make_options(kind), generator=stream(1, "init"))
        x, y = torch.randint(11, (2, 200, BLOCK), generator=torch.Generator().manual_seed(1))
        assert abs(evaluate(model, x, y) - math.log(11)) < 0.02

    def test_the_lectures_parts(self) -> None:
        model = GPTModel(preset("lecture", vocab_size=65), generator=stream(1, "init"))
        assert sum(p.numel() for p in model.parameters()) == 10_788_929
        names = set(model.state_dict())
        assert "blocks.0.attention.qkv.b" not in names  # the lecture's key, query and value have no bias
        assert {"blocks.5.attention.output.b", "blocks.5.mlp.up.b", "norm.beta", "head.b", "positions.C"} <= names
        assert abs(model.embedding.C.std().item() - 0.02) < 1e-3
        assert abs(model.blocks[0].mlp.down.W.std().item() - 0.02) < 1e-3
        assert {layer.p for layer in model.modules() if type(layer).__name__ == "Dropout"} == {0.2, 0.0}
        assert model.dropout.p == 0  # the lecture drops none of the embeddings


class TestScoring:
    def test_every_position_is_scored_as_if_it_were_the_last(self, kind, make, ids) -> None:
        model = make(kind)
        with torch.no_grad():
            everywhere = model.log_probs_everywhere(ids)
            assert everywhere.shape == (3, 40, 11)
            for t in range(40):
                assert same(everywhere[:, t], model.log_probs(ids[:, : t + 1]), FLOAT64)
        assert same(everywhere.exp().sum(-1), torch.ones(3, 40), FLOAT64)

    def test_of_a_long_text_the_last_block_counts(self, kind, make, ids) -> None:
        model = make(kind)
        assert same(model.log_probs(ids), model.log_probs(ids[:, -BLOCK:]), FLOAT64)
        if kind not in ("endless", "endless-groups"):  # those do not see the whole block
            assert not same(model.log_probs(ids), model.log_probs(ids[:, -BLOCK + 1 :]), FLOAT64)

    def test_nothing_stands_before_a_short_context(self, make) -> None:
        model = make("laptop")
        one, padded = torch.tensor([[5]]), torch.tensor([[0, 0, 5]])
        assert not same(model.log_probs(one), model.log_probs(padded), FLOAT64)
        assert same(model.next_distribution([]), model.next_distribution([0]), FLOAT64)

    def test_more_than_the_block_is_refused_in_training(self, make, ids) -> None:
        with pytest.raises(ShapeError, match=r"looks back 12 ids; got 13\. Pass the last ones: ids\[:, -12:\]"):
            make("laptop")(ids[:, :13])
        assert make("endless")(ids).shape == (3, 40, 11)

    def test_ids_outside_are_refused(self, make) -> None:
        with pytest.raises(VocabularyError, match="got id 11; ids go from 0 to 10"):
            make("laptop")(torch.tensor([[11]]))
        with pytest.raises(VocabularyError, match="got id -1"):
            make("laptop")(torch.tensor([[IGNORED]]))

    def test_no_rows_are_fine(self, kind, make) -> None:
        model = make(kind)
        assert model.log_probs(torch.zeros(0, 3, dtype=torch.int64)).shape == (0, 11)
        assert model.log_probs_everywhere(torch.zeros(0, 30, dtype=torch.int64)).shape == (0, 30, 11)

    def test_logits_stay_under_the_softcap(self, make, ids) -> None:
        free = make("laptop", softcap=None)(ids[:, :BLOCK])
        capped = make("laptop", softcap=2.0)(ids[:, :BLOCK])
        assert same(capped, 2 * (free / 2).tanh(), FLOAT64)
        assert free.abs().max() > 2 > capped.abs().max()

    def test_dropout_is_off_in_evaluation(self, make, ids) -> None:
        for where in ("branches", "lecture", "gpt2"):
            model = make("laptop", dropout=0.5, dropout_at=where)
            assert torch.equal(model(ids[:, :5]), model(ids[:, :5]))
            assert not torch.equal(model.train()(ids[:, :5]), model(ids[:, :5]))

    def test_a_nan_in_the_weights_shows(self, make, ids) -> None:
        model = make("laptop")
        with torch.no_grad():
            model.embedding.C[3, 0] = math.nan
        assert math.isnan(evaluate(model, ids[:, :BLOCK], ids[:, :BLOCK]))


class TestCache:
    @pytest.mark.parametrize("n_first", [0, 1, 7, 12, 20])
    def test_gives_equal_logits_at_every_position(self, kind, make, ids, n_first) -> None:
        model = make(kind)
        with torch.no_grad():
            continuation = model.continuation(ids[:, :n_first])
            for t in range(n_first, 40):
                assert same(continuation.log_probs(), model.log_probs(ids[:, :t]), FLOAT64)
                continuation.append(ids[:, t])

    @pytest.mark.parametrize("keep", [1, 6, 11, 12, 99])
    def test_reads_again_what_it_is_told_to_keep(self, make, ids, keep) -> None:
        model = make("lecture")
        lengths = []
        with torch.no_grad():
            continuation = model.continuation(ids[:, :3])
            continuation.keep = keep
            for t in range(3, 40):
                n = continuation.contexts.shape[1]
                lengths.append(n)
                assert same(continuation.log_probs(), model.log_probs(ids[:, t - n : t]), FLOAT64)
                continuation.append(ids[:, t])
        assert max(lengths) == BLOCK
        assert min(lengths[10:]) == min(keep, BLOCK)

    def test_computes_each_position_once(self, make, ids, monkeypatch) -> None:
        seen = []
        hidden = GPTModel.hidden

        def counted(self: GPTModel, ids: torch.Tensor, cache: object = None) -> torch.Tensor:
            seen.append(ids.shape[1])
            return hidden(self, ids, cache)

        monkeypatch.setattr(GPTModel, "hidden", counted)
        for kind, wanted in (("laptop", [3] + [1] * 9 + [12] * 5), ("endless", [3] + [1] * 14)):
            seen.clear()
            continuation = make(kind).continuation(ids[:, :3])
            for t in range(3, 17):
                continuation.append(ids[:, t])
            assert seen == wanted

    def test_samples_as_without(self, kind, make, monkeypatch) -> None:
        model, how = make(kind), Sampling(end=None, max_length=30)
        cached = sample_ids(model, [1, 2], how, n=10, seed=3)
        monkeypatch.setattr(GPTModel, "continuation", LanguageModel.continuation)
        assert sample_ids(model, [1, 2], how, n=10, seed=3) == cached
        assert len({tuple(ids) for ids in cached}) == 10

    def test_bounds_how_many_strings_grow_side_by_side(self) -> None:
        lecture, laptop = (
            GPTModel(preset(name, layers=1), generator=stream(1, "init")) for name in ("lecture", "laptop")
        )
        assert lecture.side_by_side == 2**27 // (2 * 384 * 256)
        assert laptop.side_by_side > lecture.side_by_side


class TestSaving:
    def test_comes_back_as_it_was(self, kind, make, ids, tmp_path: Path) -> None:
        model = make(kind)
        model.save(tmp_path)
        again = LanguageModel.load(tmp_path).eval()
        assert type(again) is GPTModel
        assert again.options == model.options
        assert same(again.log_probs(ids), model.log_probs(ids), EXACT)


class TestLearning:
    def test_every_parameter_gets_a_gradient(self, kind, make, ids) -> None:
        model = make(kind).train()
        model(ids[:, :BLOCK]).square().sum().backward()
        assert all(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())

    def test_learns_after_it_has_been_sampled_from(self, kind, make, ids) -> None:
        model = make(kind)  # whatever sampling keeps for later must be fit for gradients
        sample_ids(model, [1], Sampling(end=None, max_length=30), n=2)
        model.train()(ids[:, :BLOCK]).square().sum().backward()
        assert all(p.grad is not None for p in model.parameters())

    @pytest.mark.parametrize("kind", ["laptop", "lecture"])
    def test_learns_to_repeat(self, kind, make_options) -> None:
        """Half a block of random ids, and then the same again: only attention can know them."""
        model = GPTModel(make_options(kind), generator=stream(1, "init"))
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        g = torch.Generator().manual_seed(1)
        for _ in range(300):
            half = torch.randint(11, (32, 6), generator=g)
            x = torch.cat([half, half], 1)
            targets = torch.full_like(x[:, 1:], IGNORED)
            targets[:, 5:] = half
            loss = F.cross_entropy(model(x[:, :-1]).flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert loss.item() < 1.0  # knowing nothing is ln 11 = 2.4
