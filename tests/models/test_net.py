"""What holds for every net: made from a seed, scored like windows, sampled, saved, and able to learn."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from zth.compare import EXACT, FLOAT64, same
from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.errors import ConfigError, RunError, VocabularyError
from zth.models import (
    IGNORED,
    GRUModel,
    LanguageModel,
    MLPConfig,
    MLPModel,
    RecurrentConfig,
    RNNModel,
    WaveNetConfig,
    WaveNetModel,
    evaluate,
)
from zth.models.net import NetConfig, NetModel
from zth.sample import Sampling, sample, sample_ids
from zth.seeds import stream

VOCABULARY = Vocabulary.of_lines(names())
LINES = names()[:200]


@dataclass(frozen=True)
class Kind:
    model_class: type
    options: NetConfig

    def build(self, seed: int = 1) -> NetModel:
        return self.model_class(self.options, generator=stream(seed, "init"))


KINDS = {
    "mlp": Kind(MLPModel, MLPConfig()),
    "mlp-direct": Kind(MLPModel, MLPConfig(block_size=5, direct=True)),
    "mlp-deep": Kind(MLPModel, MLPConfig(hidden=50, n_hidden=5, batchnorm="everywhere", init="fan-in")),
    "wavenet": Kind(WaveNetModel, WaveNetConfig(hidden=32)),
    "wavenet-plain": Kind(WaveNetModel, WaveNetConfig(hidden=32, block_size=4, batchnorm=False)),
    "rnn": Kind(RNNModel, RecurrentConfig(hidden=32)),
    "gru": Kind(GRUModel, RecurrentConfig(hidden=32)),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
def lived_in(kind: Kind) -> NetModel:
    """In float64, with every parameter and running statistic far from where it started; in training mode."""
    model = kind.build().double()
    g = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            tensor += 0.3 * torch.randn(tensor.shape, generator=g, dtype=torch.float64)
            if name.endswith("running_var"):
                tensor.abs_().add_(0.5)
    return model


def padded(lines: list[str]) -> tuple[Tensor, Tensor]:
    """Names -> (B, T) ids from the leading boundary on, and (B, T) targets, IGNORED behind each name's end."""
    ids = torch.zeros(len(lines), max(map(len, lines)) + 1, dtype=torch.int64)
    targets = torch.full_like(ids, IGNORED)
    for row, line in enumerate(lines):
        codes = VOCABULARY.encode(line)
        ids[row, 1 : len(line) + 1] = torch.tensor(codes)
        targets[row, : len(line) + 1] = torch.tensor([*codes, 0])
    return ids, targets


class TestBuilding:
    def test_the_generator_decides(self, kind: Kind) -> None:
        torch.manual_seed(0)
        wanted = torch.rand(1)
        torch.manual_seed(0)
        first, again, other = (kind.build(seed).state_dict() for seed in (1, 1, 2))
        assert all(torch.equal(first[name], again[name]) for name in first)
        assert not all(torch.equal(first[name], other[name]) for name in first)
        assert torch.equal(torch.rand(1), wanted)  # the global generator was left alone

    def test_starts_at_uniform_predictions(self, kind: Kind) -> None:
        loss = evaluate(kind.build(), *windows(LINES, VOCABULARY, kind.options.block_size))
        assert abs(loss - math.log(27)) < 0.02

    def test_another_vocabulary_has_another_width(self, kind: Kind) -> None:
        model = kind.model_class(replace(kind.options, vocab_size=5), generator=stream(1, "init"))
        assert model.next_distribution([4]).shape == (5,)
        with pytest.raises(VocabularyError, match="got 5"):
            model.next_distribution([5])

    @pytest.mark.parametrize("wrong", [0, -3, 2.5, True, "8"])
    def test_sizes_must_be_whole_numbers_from_1_up(self, kind: Kind, wrong: object) -> None:
        for name in ("vocab_size", "block_size", "embedding", "hidden"):
            with pytest.raises(ConfigError, match=f"{name} must be a whole number from 1 up; got"):
                replace(kind.options, **{name: wrong})

    def test_options_cannot_be_changed_afterwards(self, kind: Kind) -> None:
        with pytest.raises(AttributeError):
            kind.build().options.block_size = 9  # type: ignore[misc]


class TestScoring:
    def test_whole_names_score_like_their_windows(self, lived_in: NetModel) -> None:
        # 16 ids hold every name, so that a recurrent net's window lacks nothing; the others crop it
        wanted = evaluate(lived_in, *windows(LINES, VOCABULARY, 16))
        assert same(evaluate(lived_in, *padded(LINES)), wanted, FLOAT64)
        assert abs(wanted - math.log(27)) > 0.05  # and it is not the score of a net that says nothing

    def test_every_position_is_scored_as_if_it_were_the_last(self, lived_in: NetModel) -> None:
        lived_in.eval()
        ids = torch.randint(27, (6, 14), generator=torch.Generator().manual_seed(3))
        everywhere = lived_in.log_probs_everywhere(ids)
        assert everywhere.shape == (6, 14, 27)
        for t in range(14):
            assert same(everywhere[:, t], lived_in.log_probs(ids[:, : t + 1]), FLOAT64)
        assert same(everywhere.exp().sum(-1), torch.ones(6, 14), FLOAT64)

    def test_what_is_missing_on_the_left_is_a_boundary(self, lived_in: NetModel) -> None:
        wanted = lived_in.next_distribution([0] * 20 + [5, 13])
        for context in ([5, 13], [0, 5, 13], [0, 0, 0, 5, 13]):
            assert same(lived_in.next_distribution(context), wanted, FLOAT64)
        assert same(lived_in.next_distribution([]), lived_in.next_distribution([0]), FLOAT64)
        assert not same(lived_in.next_distribution([]), wanted, FLOAT64)

    def test_no_rows_are_fine(self, lived_in: NetModel) -> None:
        lived_in.eval()
        assert lived_in.log_probs(torch.zeros(0, 3, dtype=torch.int64)).shape == (0, 27)
        assert lived_in.log_probs_everywhere(torch.zeros(0, 3, dtype=torch.int64)).shape == (0, 3, 27)

    def test_does_not_move_the_statistics(self, lived_in: NetModel) -> None:
        before = {name: tensor.clone() for name, tensor in lived_in.state_dict().items()}
        evaluate(lived_in, *padded(LINES))
        lived_in.next_distribution([1, 2])
        assert all(torch.equal(tensor, before[name]) for name, tensor in lived_in.state_dict().items())
        assert all(part.training for part in lived_in.modules())


class TestSampling:
    def test_gives_the_same_names_from_the_same_seed(self, lived_in: NetModel) -> None:
        first, again, other = (sample(lived_in, VOCABULARY, n=20, seed=seed, prompt="a") for seed in (3, 3, 4))
        assert first == again != other
        assert all(name.startswith("a") for name in first)

    def test_draws_with_its_continuation_as_without(
        self, lived_in: NetModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        how = Sampling(end=None, max_length=12)
        cached = sample_ids(lived_in, [1, 2], how, n=20, seed=3)
        monkeypatch.setattr(type(lived_in), "continuation", LanguageModel.continuation)
        assert sample_ids(lived_in, [1, 2], how, n=20, seed=3) == cached
        assert len({tuple(ids) for ids in cached}) > 10


class TestSaving:
    def test_comes_back_as_it_was(self, lived_in: NetModel, tmp_path: Path) -> None:
        lived_in.save(tmp_path)
        again = LanguageModel.load(tmp_path)
        assert type(again) is type(lived_in)
        assert again.options == lived_in.options
        ids, targets = padded(LINES)
        assert evaluate(again, ids, targets) == evaluate(lived_in, ids, targets)
        assert again.train().training
        assert {tensor.dtype for tensor in again.state_dict().values()} == {torch.float64}

    def test_comes_back_able_to_learn(self, kind: Kind, tmp_path: Path) -> None:
        kind.build().save(tmp_path)
        again = kind.model_class.load(tmp_path)
        again(torch.randint(27, (4, 8))).sum().backward()
        assert all(parameter.grad is not None for parameter in again.parameters())

    @pytest.mark.parametrize("changes", [{"hidden": 33}, {"vocab_size": 28}, {"hiden": 32}, {"hidden": "x"}])
    def test_refuses_a_config_that_does_not_fit(self, kind: Kind, tmp_path: Path, changes: dict[str, object]) -> None:
        kind.build().save(tmp_path)
        path = tmp_path / "model.json"
        meta = json.loads(path.read_text())
        path.write_text(json.dumps(meta | {"config": meta["config"] | changes}))
        with pytest.raises(RunError, match=r"does not fit model\.safetensors"):
            LanguageModel.load(tmp_path)


class TestLearning:
    def test_brings_the_loss_of_a_few_names_down(self, kind: Kind) -> None:
        model = kind.build()
        lines = LINES[:40]
        # windows for those that look at one, whole names for those that score all positions in forward
        recurrent = isinstance(model, (RNNModel, GRUModel))
        x, y = padded(lines) if recurrent else windows(lines, VOCABULARY, model.block_size)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        for _ in range(60):
            loss = F.cross_entropy(model(x).flatten(0, -2), y.flatten(), ignore_index=IGNORED)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert evaluate(model, *padded(lines)) < 2.0

    def test_the_cast_to_float32_loses_little(self, lived_in: NetModel) -> None:
        wanted = evaluate(lived_in, *padded(LINES))
        assert abs(evaluate(lived_in.float(), *padded(LINES)) - wanted) < 1e-5


@pytest.mark.parametrize("name", ["mlp-direct", "mlp-deep", "wavenet"])
def test_folded_has_the_same_outputs_and_can_be_saved(name: str, tmp_path: Path) -> None:
    model = KINDS[name].build().double()
    model(torch.randint(27, (64, 8), generator=torch.Generator().manual_seed(1)))  # moves the running statistics
    model.eval()
    folded = model.folded()
    ids = torch.randint(27, (50, 8), generator=torch.Generator().manual_seed(2))
    assert same(folded(ids), model(ids), FLOAT64)
    assert same(folded.log_probs_everywhere(ids), model.log_probs_everywhere(ids), FLOAT64)
    assert not any("BatchNorm" in type(part).__name__ for part in folded.modules())
    folded.save(tmp_path)
    assert same(LanguageModel.load(tmp_path)(ids), folded(ids), EXACT)


class TestAsSequential:
    def test_is_the_same_net_of_the_very_same_parts(self, lived_in: NetModel) -> None:
        layers = lived_in.as_sequential()
        if layers is None:
            assert lived_in.reads_lines
            return
        contexts = windows(LINES, VOCABULARY, lived_in.block_size)[0]
        assert torch.equal(layers(contexts), lived_in(contexts))
        assert {id(p) for p in layers.parameters()} == {id(p) for p in lived_in.parameters()}
        assert {id(b) for b in layers.buffers()} == {id(b) for b in lived_in.buffers()}
