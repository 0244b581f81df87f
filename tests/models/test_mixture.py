"""The mixture against averages worked out in probabilities, and as a model like any other."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from zth.compare import EXACT, FLOAT32, FLOAT64, same
from zth.errors import ConfigError
from zth.models import LanguageModel, MixtureModel, MLPConfig, MLPModel, NgramModel, evaluate
from zth.models.mixture import mixed, sweep
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
