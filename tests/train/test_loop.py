from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

from zth.errors import ConfigError, DataError, RunError, ShapeError, VocabularyError
from zth.models import evaluate
from zth.train import TrainConfig, Trainer, fit
from zth.train.batches import PIECE, Batches
from zth.train.schedule import rates

ALL = [
    ("mlp", "engine"),
    ("mlp", "autograd"),
    ("mlp with BatchNorm and direct", "engine"),
    ("wavenet", "engine"),
    ("wavenet", "autograd"),
    ("gru", "autograd"),
    ("rnn", "autograd"),
]


def test_the_loop_written_out(make: Any) -> None:
    """fit, against the five lines that it stands for."""
    (net, (X, Y)), (judge, _) = make("mlp", torch.float64), make("mlp", torch.float64)
    config = TrainConfig(steps=20, batch_size=16, optimizer="sgd", lr=0.2, schedule="linear")
    losses = fit(net, (X, Y), config, seed=3)
    rows = Batches(n_examples=len(X), batch_size=16, seed=3).rows(0, 20)
    wanted = []
    for ix, lr in zip(torch.from_numpy(rows), rates(config, 0, 20), strict=True):
        loss = torch.nn.functional.cross_entropy(judge(X[ix]), Y[ix])
        grads = torch.autograd.grad(loss, list(judge.parameters()))
        with torch.no_grad():
            for p, grad in zip(judge.parameters(), grads, strict=True):
                p -= lr * grad
        wanted.append(loss.item())
    assert np.allclose(losses, wanted, rtol=1e-12)


@pytest.mark.parametrize(("name", "backend"), ALL)
@pytest.mark.parametrize("recipe", [{}, {"optimizer": "sgd", "lr": 0.1, "weight_decay": 0.01}, {"ema": 0.9}])
def test_stopped_and_resumed_equals_never_stopped(
    name: str, backend: Any, recipe: dict[str, Any], make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zth.train.loop.PIECE", 16)
    monkeypatch.setattr("zth.train.batches.PIECE", 16)
    config = TrainConfig(steps=40, batch_size=8, backend=backend, warmup_steps=3, **recipe)
    net, examples = make(name)
    wanted = fit(net, examples, config, seed=5)
    state: dict[str, torch.Tensor] = {}
    losses, step = [], 0
    for stop in (1, 13, 23, 40):
        other, _ = make(name)
        trainer = Trainer(other, examples, config, seed=5)
        if step:
            trainer.load_state(step, state)
        losses.append(trainer.run(stop - step))
        step, state = trainer.step, copy.deepcopy(trainer.state())
    trainer.finish()
    assert np.concatenate(losses).tolist() == wanted.tolist()
    for ours, theirs in zip(other.state_dict().values(), net.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)


def test_watch_sees_the_net_of_that_step(make: Any) -> None:
    net, examples = make("mlp")
    seen: list[tuple[int, float]] = []
    fit(net, examples, TrainConfig(steps=25), watch=lambda step: seen.append((step, probe(net))), watch_every=10)
    assert [step for step, _ in seen] == [10, 20, 25]
    other, _ = make("mlp")
    trainer = Trainer(other, examples, TrainConfig(steps=25))
    for step, value in seen:
        trainer.run(step - trainer.step)
        assert probe(other) == value
    assert len({value for _, value in seen}) == 3


def probe(net: torch.nn.Module) -> float:
    return sum(p.double().sum().item() for p in net.parameters())


def test_an_average_is_what_watch_sees_and_what_is_left(make: Any) -> None:
    (net, examples), (raw, _) = make("mlp"), make("mlp")
    config = TrainConfig(steps=40, ema=0.9)
    seen: list[float] = []
    losses = fit(net, examples, config, watch=lambda _: seen.append(probe(net)), watch_every=20)
    plain = fit(raw, examples, TrainConfig(steps=40))
    assert losses.tolist() == plain.tolist(), "the average changes nothing in the training itself"
    assert seen[-1] == probe(net) != probe(raw)


def test_what_watch_raises_comes_through(make: Any) -> None:
    net, examples = make("mlp")

    def stop(step: int) -> None:
        raise LookupError(step)

    with pytest.raises(LookupError, match="10"):
        fit(net, examples, TrainConfig(steps=50), watch=stop, watch_every=10)


def test_a_gru_learns_from_padded_lines(make: Any) -> None:
    net, examples = make("gru")
    before = evaluate(net, *examples)
    losses = fit(net, examples, TrainConfig(steps=60, lr=0.01))
    assert before == pytest.approx(3.3, abs=0.02)
    assert evaluate(net, *examples) < before - 0.5
    assert losses[0] == pytest.approx(3.3, abs=0.05)


def test_fit_leaves_evaluation_mode_as_it_was(make: Any) -> None:
    for backend in ("engine", "autograd"):
        net, examples = make("deep mlp")
        net.eval()
        before = {name: b.clone() for name, b in net.named_buffers()}
        fit(net, examples, TrainConfig(steps=3, backend=backend))  # type: ignore[arg-type]
        assert not any(part.training for part in net.modules())
        assert all(not torch.equal(b, before[name]) for name, b in net.named_buffers())


def test_a_net_that_diverges_says_so_in_its_losses(make: Any) -> None:
    for backend in ("engine", "autograd"):
        net, examples = make("mlp")
        config = TrainConfig(steps=20, optimizer="sgd", lr=1e38, backend=backend)  # type: ignore[arg-type]
        assert not np.isfinite(fit(net, examples, config)[-1])


def test_more_steps_than_a_piece(make: Any) -> None:
    net, examples = make("mlp")
    assert fit(net, examples, TrainConfig(steps=PIECE + 3, batch_size=2)).shape == (PIECE + 3,)


def test_examples_that_are_none(make: Any) -> None:
    net, (X, Y) = make("mlp")
    config = TrainConfig(steps=1)
    with pytest.raises(ShapeError, match="do not belong together"):
        fit(net, (X, Y[:-1]), config)
    with pytest.raises(DataError, match="nothing to learn from"):
        fit(net, (X[:0], Y[:0]), config)
    with pytest.raises(DataError, match="nothing to learn from"):
        fit(net, (X, torch.full_like(Y, -1)), config)
    with pytest.raises(VocabularyError, match="targets"):
        fit(net, (X, Y + 27), config)
    with pytest.raises(VocabularyError, match="contexts"):
        fit(net, (X - 1, Y), config)
    with pytest.raises(ConfigError, match="watch_every"):
        fit(net, (X, Y), config, watch=print, watch_every=0)


def test_a_foreign_state_is_refused(make: Any) -> None:
    net, examples = make("mlp")
    state = Trainer(net, examples, TrainConfig(steps=1)).state()
    other, other_examples = make("wavenet")
    with pytest.raises(RunError, match="saved net does not fit"):
        Trainer(other, other_examples, TrainConfig(steps=1)).load_state(1, state)
    with pytest.raises(RunError, match=r"saved optimizer does not fit: m is .* wanted none"):
        Trainer(net, examples, TrainConfig(steps=1, optimizer="sgd")).load_state(1, state)
    with pytest.raises(RunError, match=r"saved average does not fit: .* is missing"):
        Trainer(net, examples, TrainConfig(steps=1, ema=0.5)).load_state(1, state)
