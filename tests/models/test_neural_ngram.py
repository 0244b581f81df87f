"""models/neural_ngram.py: all forms agree with each other, with torch and with finite differences."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from zth.compare import EXACT, FLOAT32, FLOAT64, Tolerance, finite_differences, same
from zth.errors import ConfigError, RunError, ShapeError, VocabularyError
from zth.models import Descent, NeuralNgramModel, NgramModel, evaluate
from zth.models.neural_ngram import (
    example_gradient,
    index_logits,
    one_hot_logits,
    spelled_out_loss,
    table_gradient,
)
from zth.models.ngram import Counts
from zth.seeds import stream

V = 5


@pytest.fixture(params=[0, 1, 2], ids=["unigram", "bigram", "trigram"])
def block_size(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def batch(block_size: int) -> tuple[Tensor, Tensor, Tensor]:
    """W in float64, contexts and targets."""
    generator = torch.Generator().manual_seed(block_size)
    W = torch.randn(V**block_size, V, generator=generator, dtype=torch.float64)
    ids = torch.randint(V, (200, block_size + 1), generator=generator)
    return W, ids[:, :-1], ids[:, -1]


Batch = tuple[Tensor, Tensor, Tensor]


class TestForms:
    @pytest.mark.parametrize(
        ("logits_of", "loss_of"),
        list(itertools.product([index_logits, one_hot_logits], [F.cross_entropy, spelled_out_loss])),
    )
    @pytest.mark.parametrize("decay", [0.0, 0.01])
    def test_give_equal_losses_and_gradients(self, batch: Batch, logits_of, loss_of, decay: float) -> None:  # type: ignore[no-untyped-def]
        W, contexts, targets = batch
        counts = Counts.of(contexts, targets, V).table().double()
        loss, dW = example_gradient(W, contexts, targets, decay=decay, logits_of=logits_of, loss_of=loss_of)
        table_loss, table_dW = table_gradient(W, counts, decay=decay)
        assert same(loss, table_loss, FLOAT64)
        assert same(dW, table_dW, FLOAT64)

    def test_have_the_gradient_of_finite_differences(self, batch: Batch) -> None:
        W, contexts, targets = batch
        counts = Counts.of(contexts, targets, V).table().double()

        def loss_at(weights: list[float]) -> float:
            moved = torch.tensor(weights, dtype=torch.float64).view_as(W)
            nll = -torch.log_softmax(moved, 1)[rows_of(contexts), targets].mean()
            return float(nll + 0.01 * (moved**2).mean())

        _, dW = table_gradient(W, counts, decay=0.01)
        assert same(dW.flatten(), finite_differences(loss_at, W.flatten().tolist()), Tolerance(absolute=1e-8))

    def test_differ_at_large_logits(self) -> None:
        logits = torch.tensor([[100.0, 0.0]])
        for target, spelled_out, true in [(0, "nan", 0.0), (1, "inf", 100.0)]:
            targets = torch.tensor([target])
            assert str(spelled_out_loss(logits, targets).item()) == spelled_out
            assert F.cross_entropy(logits, targets).item() == true

    def test_leave_the_weights_alone(self, batch: Batch) -> None:
        W, contexts, targets = batch
        before = W.clone()
        example_gradient(W, contexts, targets)
        assert torch.equal(W, before)
        assert not W.requires_grad

    def test_the_gradient_is_0_at_what_counting_gives(self, batch: Batch) -> None:
        _, contexts, targets = batch
        counts = Counts.of(contexts, targets, V).table().double() + 1
        _, dW = table_gradient(counts.log(), counts)
        assert same(dW, torch.zeros_like(dW), FLOAT64)

    def test_refuse_contexts_of_another_length(self) -> None:
        W = torch.zeros(25, 5)
        with pytest.raises(ShapeError, match=r"W \(25, 5\) takes contexts \(B, 2\); got \(1, 1\)"):
            index_logits(W, torch.tensor([[1]]))
        with pytest.raises(VocabularyError, match="got 5"):
            one_hot_logits(W, torch.tensor([[0, 5]]))

    @pytest.mark.parametrize("shape", [(24, 5), (5,), (0, 5), (2, 1)])
    def test_refuse_weights_of_no_ngram(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ShapeError, match=r"W must be \(V\*\*T, V\)"):
            index_logits(torch.zeros(shape), torch.tensor([[1]]))


def rows_of(contexts: Tensor) -> Tensor:
    """Which row of W, worked out in another way than the model's."""
    return sum(
        (contexts[:, t] * V ** (contexts.shape[1] - 1 - t) for t in range(contexts.shape[1])),
        torch.zeros(len(contexts)).long(),
    )


class TestFit:
    def test_takes_the_lectures_steps(self, batch: Batch) -> None:
        _, contexts, targets = batch
        descent = Descent(steps=7, rate=5.0, decay=0.01, seed=3)
        seen: list[float] = []
        model = NeuralNgramModel.fit(contexts, targets, V, descent=descent, on_step=lambda _, loss: seen.append(loss))
        # lecture 2: forward pass, W.grad = None, backward, update
        W = torch.randn(V ** contexts.shape[1], V, generator=stream(3, "init"), requires_grad=True)
        losses = []
        for _ in range(7):
            xenc = F.one_hot(rows_of(contexts), num_classes=len(W)).float()
            counts = (xenc @ W).exp()
            probs = counts / counts.sum(1, keepdim=True)
            loss = -probs[torch.arange(len(targets)), targets].log().mean() + 0.01 * (W**2).mean()
            losses.append(loss.item())
            (dW,) = torch.autograd.grad(loss, W)
            W.data += -5.0 * dW
        assert same(seen, losses, FLOAT32)
        assert same(model.W, W, FLOAT32)

    def test_comes_to_the_counts(self, batch: Batch) -> None:
        _, contexts, targets = batch
        counted = evaluate(NgramModel.fit(contexts, targets, V), contexts, targets)
        losses = [
            evaluate(
                NeuralNgramModel.fit(contexts, targets, V, descent=Descent(steps=n, rate=4.0)), contexts, targets
            )
            for n in (0, 10, 3000)
        ]
        assert losses[0] > losses[1] > losses[2]
        assert same(losses[2], counted, Tolerance(absolute=0.01))

    def test_decay_pulls_towards_uniform(self, batch: Batch) -> None:
        _, contexts, targets = batch
        flat = NeuralNgramModel.fit(contexts, targets, V, descent=Descent(steps=3000, rate=0.1, decay=20))
        assert same(flat.next_distribution([0, 0]), [1 / V] * V, Tolerance(absolute=0.02))

    def test_the_seed_decides(self, batch: Batch) -> None:
        _, contexts, targets = batch
        fits = [
            NeuralNgramModel.fit(contexts, targets, V, descent=Descent(steps=1, rate=1.0, seed=seed))
            for seed in (1, 1, 2)
        ]
        assert torch.equal(fits[0].W, fits[1].W)
        assert not torch.equal(fits[0].W, fits[2].W)

    def test_says_that_it_diverged(self, batch: Batch) -> None:
        _, contexts, targets = batch
        with pytest.raises(ConfigError, match="left the finite numbers within 200 steps of rate 1e"):
            NeuralNgramModel.fit(contexts, targets, V, descent=Descent(steps=200, rate=1e9, decay=1.0))

    def test_refuses_a_table_too_big(self) -> None:
        contexts = torch.zeros(1, 6, dtype=torch.int64)
        with pytest.raises(ConfigError, match=r"27\*\*7 counts is too big"):
            NeuralNgramModel.fit(contexts, torch.tensor([0]), 27)

    @pytest.mark.parametrize(
        "wrong", [{"steps": -1}, {"rate": 0.0}, {"rate": math.inf}, {"decay": -1.0}, {"decay": math.nan}]
    )
    def test_refuses_a_descent_that_makes_no_sense(self, wrong: dict[str, float]) -> None:
        with pytest.raises(ConfigError, match=f"{next(iter(wrong))} must be"):
            Descent(**wrong)  # type: ignore[arg-type]


def test_saves_and_loads(batch: Batch, tmp_path: Path) -> None:
    W, contexts, _ = batch
    model = NeuralNgramModel(W)
    model.save(tmp_path)
    again = NeuralNgramModel.load(tmp_path)
    assert same(again.log_probs(contexts), model.log_probs(contexts), EXACT)
    assert again.W.dtype == W.dtype
    (tmp_path / "model.json").write_text(
        (tmp_path / "model.json").read_text().replace('"vocab_size": 5', '"vocab_size": 6')
    )
    with pytest.raises(RunError, match="does not fit"):
        NeuralNgramModel.load(tmp_path)
