"""The mixture against averages worked out in probabilities, and as a model like any other."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from zth.compare import EXACT, FLOAT32, FLOAT64, same
from zth.errors import ConfigError, ShapeError
from zth.models import (
    GPTModel,
    GRUModel,
    LanguageModel,
    MixtureModel,
    MLPConfig,
    MLPModel,
    NgramModel,
    RecurrentConfig,
    evaluate,
)
from zth.models.gpt import preset
from zth.models.mixture import CLOSE_TO_BEST, MixtureContinuation, best_weights, mixed, sweep, target_log_probs
from zth.sample import Sampling, sample_ids
from zth.seeds import stream

V = 5


@pytest.fixture
def examples() -> tuple[Tensor, Tensor]:
    generator = stream(1, "examples")
    return torch.randint(V, (200, 3), generator=generator), torch.randint(V, (200,), generator=generator)


@pytest.fixture
def parts(examples: tuple[Tensor, Tensor]) -> list[LanguageModel]:
    """A net that looks back 3 ids, with a BatchNorm that evaluation must not move, and a trigram."""
    contexts, targets = examples
    net = MLPModel(MLPConfig(vocab_size=V, hidden=8, batchnorm="hidden"), generator=stream(1, "init"))
    return [net, NgramModel.fit(contexts[:, 1:], targets, V, k=0.2)]


def test_is_the_average_of_the_probabilities(parts: list[LanguageModel], examples: tuple[Tensor, Tensor]) -> None:
    model = MixtureModel(parts, [0.6, 0.4])
    contexts, _ = examples
    net, trigram = parts
    assert isinstance(net, MLPModel)
    found = model.log_probs(contexts).exp()
    with torch.no_grad():
        wanted = 0.6 * net.eval().log_probs(contexts).double().exp() + 0.4 * trigram.log_probs(contexts).exp()
    assert same(found, wanted, FLOAT64)
    assert same(found.sum(1), torch.ones(200), FLOAT32)  # the net's part is float32
    assert model.block_size == 3


def test_a_net_inside_is_evaluated_and_left_as_it_was(
    parts: list[LanguageModel], examples: tuple[Tensor, Tensor]
) -> None:
    model, (net, _) = MixtureModel(parts, [0.5, 0.5]), parts
    assert isinstance(net, MLPModel)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    first = evaluate(model, *examples)
    assert evaluate(model, *examples) == first
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert net.training


def test_one_weight_is_one_model(parts: list[LanguageModel], examples: tuple[Tensor, Tensor]) -> None:
    alone = [evaluate(model, *examples) for model in parts]
    mixtures = [evaluate(MixtureModel(parts, weights), *examples) for weights in ([1, 0], [0, 1])]
    assert mixtures == pytest.approx(alone, abs=1e-6)


def test_scores_every_position_as_each_alone(parts: list[LanguageModel]) -> None:
    model = MixtureModel(parts, [0.3, 0.7])
    ids = torch.randint(V, (4, 9), generator=stream(2, "ids"))
    assert same(model.log_probs_everywhere(ids), LanguageModel.log_probs_everywhere(model, ids), FLOAT64)


def test_saves_loads_and_samples(parts: list[LanguageModel], examples: tuple[Tensor, Tensor], tmp_path: Path) -> None:
    model = MixtureModel(parts, [0.25, 0.75])
    model.save(tmp_path)
    again = LanguageModel.load(tmp_path)
    assert isinstance(again, MixtureModel)
    assert [type(part) for part in again.models] == [MLPModel, NgramModel]
    assert same(again.log_probs(examples[0]), model.log_probs(examples[0]), EXACT)
    assert sample_ids(again, [1], Sampling(), n=5) == sample_ids(model, [1], Sampling(), n=5)


def test_a_mixture_of_mixtures(parts: list[LanguageModel], examples: tuple[Tensor, Tensor], tmp_path: Path) -> None:
    inner = MixtureModel(parts, [0.5, 0.5])
    outer = MixtureModel([inner, parts[0]], [0.5, 0.5])
    outer.save(tmp_path)
    flat = MixtureModel(parts, [0.75, 0.25])
    assert evaluate(LanguageModel.load(tmp_path), *examples) == pytest.approx(evaluate(flat, *examples), abs=1e-12)


def test_what_both_find_impossible_stays_so_without_nan() -> None:
    certain = torch.tensor([1.0, 0.0, 0.0]).log()
    other = torch.tensor([0.5, 0.5, 0.0]).log()
    assert mixed([certain, other], [0.5, 0.5]).exp().tolist() == pytest.approx([0.75, 0.25, 0.0])
    assert mixed([certain, other], [1.0, 0.0]).tolist() == [0.0, -math.inf, -math.inf]


def test_tiny_probabilities_are_not_lost() -> None:
    tiny = torch.tensor([-800.0, -700.0], dtype=torch.float64)  # exp of both is 0
    assert mixed([tiny, tiny], [0.5, 0.5]).tolist() == pytest.approx([-800.0, -700.0])


def test_sweep_is_evaluate_for_each_share(parts: list[LanguageModel], examples: tuple[Tensor, Tensor]) -> None:
    shares = [0.0, 0.1, 0.5, 1.0]
    wanted = [evaluate(MixtureModel(parts, [1 - share, share]), *examples) for share in shares]
    found = sweep(parts, shares, *examples)
    assert list(found) == shares
    assert list(found.values()) == pytest.approx(wanted, abs=1e-12)
    losses = [found[share] for share in shares]
    # -log of an average is convex in the weights: the middle lies under the line between the ends
    assert losses[2] < (losses[0] + losses[3]) / 2


@pytest.mark.parametrize("weights", [[0.5], [0.5, 0.6], [-0.5, 1.5], [math.nan, 1.0], [0.3, 0.3, 0.4]])
def test_refuses_weights_that_are_none(parts: list[LanguageModel], weights: list[float]) -> None:
    with pytest.raises(ConfigError, match="2 models need as many weights from 0 up that sum to 1"):
        MixtureModel(parts, weights)


def test_refuses_models_that_do_not_belong_together(
    parts: list[LanguageModel], examples: tuple[Tensor, Tensor]
) -> None:
    stranger = NgramModel.fit(*examples, V + 1)
    with pytest.raises(ConfigError, match=r"one vocabulary; got sizes \[5, 6\]"):
        MixtureModel([*parts, stranger], [0.5, 0.25, 0.25])
    with pytest.raises(ConfigError, match=r"one vocabulary; got sizes \[\]"):
        MixtureModel([], [])
    with pytest.raises(ConfigError, match="takes two models and shares from 0 to 1"):
        sweep(parts, [1.5], *examples)


def test_each_model_goes_on_with_its_own_cache(parts: list[LanguageModel]) -> None:
    gru = GRUModel(RecurrentConfig(vocab_size=V, hidden=8), generator=stream(3, "init"))
    gpt = GPTModel(preset("nano", vocab_size=V, block_size=4, output_init="same"), generator=stream(4, "init"))
    model = MixtureModel([*parts, gru, gpt], [0.2, 0.1, 0.3, 0.4])
    ids = torch.randint(1, V, (3, 9), generator=stream(5, "ids"))
    continuation = MixtureContinuation(model, ids[:, :2])
    assert type(model.continuation(ids)) is MixtureContinuation
    for t in range(2, 9):
        # past the GPT's block, too
        assert same(continuation.log_probs(), model.log_probs(ids[:, :t]), FLOAT32)
        continuation.append(ids[:, t])
    short = MixtureContinuation(model, ids)
    short.keep = 2
    short.append(ids[:, 0])  # the GPT reads its last two again
    wanted = MixtureModel([gpt], [1.0]).log_probs(torch.cat([ids, ids[:, :1]], dim=1)[:, -2:])
    with torch.no_grad():
        assert same(short.parts[3].log_probs(), wanted.float(), FLOAT32)


def test_what_is_said_of_the_targets_is_the_loss(parts: list[LanguageModel], monkeypatch: pytest.MonkeyPatch) -> None:
    generator = stream(2, "ids")
    ids = torch.randint(V, (7, 9), generator=generator)
    targets = torch.randint(-1, V, (7, 9), generator=generator)
    monkeypatch.setattr("zth.models.mixture.AT_A_TIME", 20)  # two rows at a time
    for part in parts:
        said = target_log_probs(part, ids, targets)
        assert len(said) == int((targets >= 0).sum())
        assert -float(said.mean()) == pytest.approx(evaluate(part, ids, targets), abs=1e-6)
    with pytest.raises(ShapeError, match="do not belong together"):
        target_log_probs(parts[0], ids, targets[:, 0])


def test_no_other_weights_are_better() -> None:
    said = torch.randn(3, 50, generator=stream(6, "said")).double().log_softmax(0) * 2
    steps = torch.linspace(0, 1, 101, dtype=torch.float64)
    grid = torch.cartesian_prod(steps, steps)
    grid = grid[grid.sum(1) <= 1]
    every = torch.cat([grid, 1 - grid.sum(1, keepdim=True)], dim=1)  # all weights in steps of 0.01
    best = float((every @ said.exp()).log().mean(1).max())
    weights = best_weights(said)
    assert sum(weights) == pytest.approx(1)
    assert float(mixed(list(said), weights).mean()) >= best - CLOSE_TO_BEST


def test_weights_of_a_twin_a_dunce_and_the_impossible() -> None:
    good, dunce = torch.tensor([0.6, 0.5, 0.7]).log(), torch.tensor([0.1, 0.2, 0.1]).log()
    twins = best_weights(torch.stack([good, dunce, good]))
    assert twins[0] == pytest.approx(twins[2])
    assert twins[1] < 0.001
    sure, sometimes = torch.tensor([1.0, 0.0, 0.0]).log(), torch.tensor([0.0, 1.0, 0.0]).log()
    assert best_weights(torch.stack([sure, sometimes])) == pytest.approx([0.5, 0.5])
    assert best_weights(torch.tensor([[-900.0, -800.0], [-800.0, -900.0]])) == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("said", [torch.empty(0, 3), torch.empty(2, 0), torch.full((2, 3), -math.inf)])
def test_nothing_to_weigh_by(said: Tensor) -> None:
    with pytest.raises(ConfigError, match="nothing to weigh"):
        best_weights(said)
