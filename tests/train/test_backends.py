"""The engine against autograd, net by net and optimizer by optimizer."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from zth.compare import FLOAT64, Tolerance, difference
from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.data.windows import padded_lines
from zth.errors import ConfigError, ShapeError
from zth.layers import Embedding, FlattenConsecutive, Linear, Sequential
from zth.models import GRUModel, RecurrentConfig
from zth.models.protocol import IGNORED
from zth.seeds import stream
from zth.train import TrainConfig, Trainer, fit
from zth.train.backends import AutogradSteps, EngineSteps, batch_loss, choose, training

WORDS = names()[:200]
VOCABULARY = Vocabulary.of_lines(WORDS)
SEQUENCES = ["mlp", "mlp with direct connections", "mlp with BatchNorm and direct", "deep mlp", "wavenet"]
RECIPES: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": "sgd", "lr": 0.1, "schedule": "step"},
    "sgd with decay": {"optimizer": "sgd", "lr": 0.1, "schedule": "linear", "weight_decay": 0.01},
    "adamw": {"optimizer": "adamw", "lr": 0.003, "schedule": "cosine", "warmup_steps": 5},
    "adamw with decay": {"optimizer": "adamw", "lr": 0.003, "weight_decay": 0.1, "beta1": 0.8, "beta2": 0.95},
}
# 40 steps of float32 in another order of sums: rounding of 6e-8 grows to some 1e-6 of losses near 3
AFTER_40_STEPS = Tolerance(relative=1e-5, absolute=1e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, FLOAT64), (torch.float32, AFTER_40_STEPS)])
@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", SEQUENCES)
def test_both_give_the_same_losses_and_nets(
    name: str, recipe: str, dtype: torch.dtype, tolerance: Tolerance, make: Any
) -> None:
    (net, examples), (judge, _) = make(name, dtype), make(name, dtype)
    if "adamw" in recipe and "BatchNorm" in name:
        tolerance = Tolerance(relative=1e-4, absolute=1e-4) if dtype == torch.float32 else Tolerance(absolute=1e-9)
    ours, theirs = (
        fit(each, examples, TrainConfig(steps=40, backend=backend, **RECIPES[recipe]))
        for each, backend in ((net, "engine"), (judge, "autograd"))
    )
    assert theirs[-5:].mean() < theirs[0] - 0.05
    assert difference(ours, theirs, tolerance) is None
    for (key, value), wanted in zip(net.state_dict().items(), judge.state_dict().values(), strict=True):
        found = difference(value, wanted, tolerance)
        assert found is None, (key, str(found))


@pytest.mark.parametrize("name", ["mlp", "mlp with direct connections", "wavenet", "gru", "rnn"])
def test_auto_takes_the_engine_where_it_can(name: str, make: Any) -> None:
    net, examples = make(name)
    backend = Trainer(net, examples, TrainConfig(steps=1)).backend
    assert backend == ("engine" if name in SEQUENCES else "autograd")


def test_auto_leaves_to_autograd_what_the_engine_cannot(make: Any) -> None:
    net, (X, Y) = make("mlp")
    net.embedding[0].C.requires_grad_(False)
    steps = choose(net, X, Y, TrainConfig())
    assert isinstance(steps, AutogradSteps)
    before = net.embedding[0].C.clone()
    fit(net, (X, Y), TrainConfig(steps=3))
    assert torch.equal(net.embedding[0].C, before), "a frozen parameter stays"
    with pytest.raises(ConfigError, match="frozen"):
        choose(net, X, Y, TrainConfig(backend="engine"))


def test_what_is_left_out_depends_on_the_seed_and_the_step_alone() -> None:
    X, Y = padded_lines(WORDS, VOCABULARY)
    config = TrainConfig(steps=12, lr=0.01)

    def trainer(seed: int) -> Trainer:
        options = RecurrentConfig(vocab_size=len(VOCABULARY), hidden=12, embedding=6, dropout=0.3)
        return Trainer(GRUModel(options, generator=stream(7, "init")), (X, Y), config, seed=seed)

    whole, first, other = trainer(3), trainer(3), trainer(4)
    before = torch.get_rng_state()
    losses = whole.run(12)
    assert torch.equal(torch.get_rng_state(), before), "the caller's generator is left alone"
    first.run(5)
    torch.rand(3)
    again = trainer(3)
    again.load_state(5, first.state())
    assert again.run(7).tolist() == losses[5:].tolist()
    assert other.run(12).tolist() != losses.tolist()
    assert len(set(losses.tolist())) == 12


def test_the_engine_says_why_it_cannot(make: Any) -> None:
    net, (X, Y) = make("gru")
    with pytest.raises(ConfigError, match="cannot train this GRUModel: it is no sequence of layers"):
        choose(net, X, Y, TrainConfig(backend="engine"))
    net, (X, Y) = make("mlp")
    with pytest.raises(ConfigError, match="would score every position"):
        choose(net, X, X, TrainConfig(backend="engine"))


class Half(nn.Module):
    """Only half of its parameters stand in its Sequential."""

    def __init__(self) -> None:
        super().__init__()
        g = stream(1, "init")
        layers = (Embedding(27, 2, generator=g), FlattenConsecutive(3), Linear(6, 27, generator=g))
        self.layers, self.scale = Sequential(*layers), nn.Parameter(torch.ones(()))

    def as_sequential(self) -> Sequential:
        return self.layers

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x) * self.scale


def test_a_sequential_that_is_not_the_whole_net_is_not_trained_in_its_place(make: Any) -> None:
    _, (X, Y) = make("mlp")
    net = Half()
    fit(net, (X, Y), TrainConfig(steps=5))
    assert net.scale.item() != 1.0


def test_a_plain_sequential_and_a_plain_module_can_be_trained(make: Any) -> None:
    _, (X, Y) = make("mlp")
    assert isinstance(choose(Half().layers, X, Y, TrainConfig()), EngineSteps)
    plain = nn.Sequential(nn.Embedding(27, 4), nn.Flatten(), nn.Linear(12, 27))
    losses = fit(plain, (X, Y), TrainConfig(steps=60, lr=0.03))
    assert losses[-10:].mean() < losses[0] - 0.3


def test_contexts_of_another_length(make: Any) -> None:
    """Longer or shorter ones mean the same to both: the last block_size ids, boundaries before them."""
    (net, (X, Y)), (judge, _) = make("mlp"), make("mlp")
    for wide in (torch.nn.functional.pad(X, (2, 0)), X[:, 1:]):
        ours = fit(net, (wide, Y), TrainConfig(steps=5, backend="engine"))
        theirs = fit(judge, (wide, Y), TrainConfig(steps=5, backend="autograd"))
        assert difference(ours, theirs, AFTER_40_STEPS) is None


def test_the_loss_of_padded_lines_counts_what_is_not_padding(make: Any) -> None:
    net, (X, Y) = make("gru")
    xb, yb = X[:20], Y[:20]
    wanted = F.cross_entropy(net(xb).flatten(0, 1), yb.flatten(), ignore_index=IGNORED)
    assert torch.allclose(batch_loss(net, xb, yb), wanted, rtol=1e-6)
    short = (Y != IGNORED).sum(1) <= 5
    seen: list[int] = []
    net.register_forward_pre_hook(lambda _, args: seen.append(args[0].shape[1]))
    batch_loss(net, X[short], Y[short])
    assert seen == [5], "columns of nothing but padding are not looked at"


def test_windows_can_train_a_net_that_scores_all_positions(make: Any) -> None:
    net, _ = make("gru")
    _, (X, Y) = make("mlp")
    wanted = F.cross_entropy(net(X[:9])[:, -1], Y[:9])
    assert torch.allclose(batch_loss(net, X[:9], Y[:9]), wanted)


def test_a_net_of_windows_cannot_learn_from_lines(make: Any) -> None:
    net, _ = make("mlp")
    _, lines = make("gru")
    with pytest.raises(ShapeError, match="learns from windows"):
        fit(net, lines, TrainConfig(steps=1))


def test_training_mode_is_given_back() -> None:
    net = nn.Sequential(nn.Linear(1, 1), nn.Dropout())
    net[1].eval()
    with training(net):
        assert all(part.training for part in net.modules())
    assert [part.training for part in net.modules()] == [True, True, False]


def test_what_the_engine_does_not_know_is_done_by_autograd(make) -> None:
    net, (X, Y) = make("mlp")
    for config, words in (({"optimizer": "muon"}, "knows no Muon"), ({"clip": 1.0}, "does not clip")):
        assert choose(net, X, Y, TrainConfig(**config)).name == "autograd"
        with pytest.raises(ConfigError, match=words):
            choose(net, X, Y, TrainConfig(backend="engine", **config))


def test_gradients_are_clipped_together(make) -> None:
    """A step of SGD is lr * clip long, all parameters taken together."""
    net, (X, Y) = make("mlp")
    before = torch.cat([p.detach().flatten() for p in net.parameters()])
    Trainer(net, (X, Y), TrainConfig(steps=1, optimizer="sgd", lr=1.0, schedule="constant", clip=0.01)).run(1)
    after = torch.cat([p.detach().flatten() for p in net.parameters()])
    assert abs((after - before).norm().item() - 0.01) < 1e-4
