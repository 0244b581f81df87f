"""n-grams as a net without hidden layers: one row of logits for each context (lecture 2, exercises 2.1, 2.4, 2.5).

Letters: N examples, B contexts in a batch, T ids in a context, V ids in the vocabulary, R = V**T possible contexts.

The same arithmetic in the forms that the lecture and its exercises ask for, with equal losses and gradients:

    logits     `one_hot_logits`    one_hot(context) @ W      the lecture's: a matrix product with nearly all zeros
               `index_logits`      W[context]                2.4: a one-hot row only ever picks one row of W
    loss       `spelled_out_loss`  exp, normalise, log       the lecture's: overflows at logits over 88 in float32
               `F.cross_entropy`   log-sum-exp               2.5: stable at any logits, and keeps no intermediates
    gradient   `example_gradient`  autograd, N examples      the lecture's
               `table_gradient`    a formula, (R, V) counts  the same gradient from how often each pair occurs

A trigram's context is a pair of ids, and here it is one of R = V*V rows, so that the best W holds the logarithms of
the trigram's probabilities, as the bigram's does. The other way one meets, two one-hots side by side times a (2V, V)
matrix, only adds two rows of logits: what the first id says cannot depend on the second. The best such matrix stays
at 2.3357 nats on all names, where the pairs reach 2.1857.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zth.errors import ConfigError, ShapeError
from zth.models.ngram import Counts, ngram_keys
from zth.models.protocol import LanguageModel, last_ids
from zth.seeds import stream


@dataclass(frozen=True, kw_only=True)
class Descent:
    """Full-batch gradient descent, as in lecture 2. Raises ConfigError for values that make no sense.

    On the names a rate of 50 settles; at 100 the commonest row (the starts, one example in seven) begins to swing.
    """

    steps: int = 2000
    rate: float = 50.0
    decay: float = 0.0
    """The factor of (W**2).mean() in the loss, 0.01 in the lecture: it pulls towards uniform, as add-k does."""
    seed: int = 42

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise ConfigError(f"steps must be at least 0; got {self.steps}.", "Try steps=2000.")
        if not (0 < self.rate < math.inf):
            raise ConfigError(f"rate must be above 0; got {self.rate}.", "Try rate=50.")
        if not (0 <= self.decay < math.inf):
            raise ConfigError(f"decay must be from 0 up; got {self.decay}.", "Try decay=0.01.")


class NeuralNgramModel(nn.Module, LanguageModel):
    """W (R, V): the logits of the next id, a row for each context.

    >>> contexts, targets = torch.tensor([[0], [1], [1], [1], [1]]), torch.tensor([1, 0, 0, 0, 1])
    >>> model = NeuralNgramModel.fit(contexts, targets, vocab_size=2, descent=Descent(steps=200, rate=2.0))
    >>> [round(p, 2) for p in model.next_distribution([1]).tolist()]
    [0.75, 0.25]
    """

    family = "neural-ngram"

    def __init__(self, W: Tensor) -> None:
        super().__init__()
        self.vocab_size = W.shape[1]
        self.block_size = _block_size(W)
        self.W = nn.Parameter(W)

    @classmethod
    def fit(
        cls,
        contexts: Tensor,
        targets: Tensor,
        vocab_size: int,
        *,
        descent: Descent | None = None,
        on_step: Callable[[int, float], None] | None = None,
    ) -> Self:
        """Learn from (N, T) contexts and (N,) targets, from W ~ N(0, 1) on the stream "init".

        `on_step` gets each step's number and the loss before it, weight decay included. Raises as `Counts.of`, and
        ConfigError where the V**(T + 1) weights would be too many to lay out, or where the descent diverges.
        """
        descent = descent or Descent()
        counts = Counts.of(contexts, targets, vocab_size).table().float()
        W = torch.randn(counts.shape, generator=stream(descent.seed, "init"))
        for step in range(descent.steps):
            loss, dW = table_gradient(W, counts, decay=descent.decay)
            W -= descent.rate * dW
            if on_step is not None:
                on_step(step, loss.item())
        if not W.isfinite().all():
            raise ConfigError(
                f"The weights left the finite numbers within {descent.steps} steps of rate {descent.rate:g}.",
                "Use a lower rate, or less decay.",
            )
        return cls(W)

    def forward(self, contexts: Tensor) -> Tensor:
        """(B, T) ids -> (B, V) logits."""
        return index_logits(self.W, last_ids(contexts, self.block_size))

    def log_probs(self, contexts: Tensor) -> Tensor:
        """(B, T) ids -> (B, V), in W's dtype."""
        return F.log_softmax(self.forward(contexts), dim=1)

    def config(self) -> dict[str, Any]:
        return {"vocab_size": self.vocab_size, "block_size": self.block_size}

    def tensors(self) -> dict[str, Tensor]:
        return {"W": self.W}

    @classmethod
    def from_parts(cls, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        model = cls(tensors["W"])
        if model.config() != dict(config):
            raise ShapeError(f"W {tuple(model.W.shape)} is not that of {dict(config)}.", "Save the model again.")
        return model


def index_logits(W: Tensor, contexts: Tensor) -> Tensor:
    """W (R, V), (B, T) ids -> (B, V) logits: the context's row of W. Exercise 2.4.

    >>> W = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
    >>> index_logits(W, torch.tensor([[1], [0], [1]])).tolist()
    [[2.0, 3.0], [0.0, 1.0], [2.0, 3.0]]
    """
    return W[_rows(W, contexts)]


def one_hot_logits(W: Tensor, contexts: Tensor) -> Tensor:
    """W (R, V), (B, T) ids -> (B, V) logits, as lecture 2 has it. Makes (B, R) numbers of which B are not 0.

    >>> W = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
    >>> one_hot_logits(W, torch.tensor([[1], [0], [1]])).tolist()
    [[2.0, 3.0], [0.0, 1.0], [2.0, 3.0]]
    """
    xenc = F.one_hot(_rows(W, contexts), num_classes=len(W)).to(W.dtype)  # (B,) -> (B, R)
    return xenc @ W


def spelled_out_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """(N, V) logits, (N,) targets -> the mean negative log likelihood, step by step as lecture 2 has it.

    From logits of 89 on in float32 (710 in float64) exp overflows to inf, and the loss is nan.

    >>> round(spelled_out_loss(torch.zeros(3, 4), torch.tensor([0, 1, 2])).item(), 4)  # ln 4
    1.3863
    >>> spelled_out_loss(torch.tensor([[100.0, 0.0]]), torch.tensor([0]))
    tensor(nan)
    """
    counts = logits.exp()
    probs = counts / counts.sum(1, keepdim=True)
    return -probs[torch.arange(len(targets)), targets].log().mean()


def example_gradient(
    W: Tensor,
    contexts: Tensor,
    targets: Tensor,
    *,
    decay: float = 0.0,
    logits_of: Callable[[Tensor, Tensor], Tensor] = index_logits,
    loss_of: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
) -> tuple[Tensor, Tensor]:
    """W (R, V), (N, T) contexts, (N,) targets -> the loss () and its gradient dW (R, V), by autograd over N examples.

    >>> contexts, targets = torch.tensor([[0], [1]]), torch.tensor([1, 0])
    >>> loss, dW = example_gradient(torch.zeros(2, 2), contexts, targets)
    >>> round(loss.item(), 4), dW.tolist()
    (0.6931, [[0.25, -0.25], [-0.25, 0.25]])
    """
    leaf = W.detach().requires_grad_()
    loss = loss_of(logits_of(leaf, contexts), targets) + decay * (leaf**2).mean()
    (dW,) = torch.autograd.grad(loss, leaf)
    return loss.detach(), dW


def table_gradient(W: Tensor, counts: Tensor, *, decay: float = 0.0) -> tuple[Tensor, Tensor]:
    """W (R, V), counts (R, V) -> the loss () and its gradient dW (R, V): those of `example_gradient`.

    All examples with the same context have the same logits, so the loss depends on them through the counts alone:
    -sum(counts * log_softmax(W)) / N. The gradient of a row is (total * softmax(W) - counts) / N: zero where
    softmax(W) is what counting gives. A step costs R*V instead of N*V.

    >>> loss, dW = table_gradient(torch.zeros(2, 2), torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    >>> round(loss.item(), 4), dW.tolist()
    (0.6931, [[0.25, -0.25], [-0.25, 0.25]])
    """
    W = W.detach()
    n_examples = counts.sum()
    logprobs = F.log_softmax(W, dim=1)
    loss = -(counts * logprobs).sum() / n_examples + decay * (W**2).mean()
    dW = (counts.sum(1, keepdim=True) * logprobs.exp() - counts) / n_examples + 2 * decay * W / W.numel()
    return loss, dW


def _rows(W: Tensor, contexts: Tensor) -> Tensor:
    """(B, T) ids -> (B,) which row of W each context has."""
    block_size = _block_size(W)
    if contexts.dim() != 2 or contexts.shape[1] != block_size:
        raise ShapeError(
            f"W {tuple(W.shape)} takes contexts (B, {block_size}); got {tuple(contexts.shape)}.",
            f"Take the last ids of each: contexts[:, -{block_size}:]." if block_size else "Pass contexts[:, :0].",
        )
    return ngram_keys(contexts, W.shape[1])


def _block_size(W: Tensor) -> int:
    """The T of W (V**T, V)."""
    n_rows, vocab_size = W.shape if W.dim() == 2 else (0, 1)
    block_size = next((t for t in range(64) if vocab_size**t >= n_rows), 0)
    if n_rows == 0 or vocab_size**block_size != n_rows:
        raise ShapeError(f"W must be (V**T, V); got {tuple(W.shape)}.", "A bigram's is (V, V), a trigram's (V*V, V).")
    return block_size
