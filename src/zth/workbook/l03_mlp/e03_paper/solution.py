"""Four ideas of Bengio, Ducharme, Vincent and Jauvin (2003), each a line or two.

**Direct connections.** y = b + W x + U tanh(d + H x): the characters may speak for the next one without a detour.
What a linear layer can say is then not the hidden layer's work any more. `C` is reached on two paths, so its
gradient is a sum of two. The paper found that on its small corpus they made learning faster, and the result no
better. In the library this is `MLPConfig(direct=True)`.

**The mixture.** A net and a trigram err in different places: the trigram knows rare things by heart, the net knows
what similar characters do. The average of their probabilities is a distribution again, and by the convexity of -log
its loss is at most the average of theirs. `zth.models.mixture.MixtureModel` is one more language model, to be
saved, sampled and judged as every other. The share is one number more that is chosen by looking, so dev chooses it
and test is asked once.

**Decay.** A penalty of decay / 2 * W**2 has the gradient decay * W: each step makes the weights a little shorter.
It pulls towards saying nothing, as adding k to counts did in 2.3. A bias needs no such care: it is shared by all
inputs, so it does not fit noise. `TrainConfig(weight_decay=1e-4)` treats what has two axes.

**The rate.** start / (1 + r t) falls fast at first and never ends: Robbins and Monro's condition, that the rates
sum to infinity while their squares do not. `TrainConfig(schedule="inverse")` is this one, with r such that the rate
has come down to `drop_to` at the end.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from zth.models.mixture import mixed
from zth.models.mlp import MLPConfig, MLPModel
from zth.models.protocol import evaluating

__all__ = ["best_alpha", "gradients", "logits", "mixture_loss", "n_parameters", "penalty", "rate"]

Predictions = tuple[Tensor, Tensor, Tensor]
"""(N, V) the net's probabilities, (N, V) the trigram's, (N,) what came."""


def logits(parameters: list[Tensor], X: Tensor) -> Tensor:
    """(N, T) -> (N, V)."""
    model = _model(parameters)
    with evaluating(model):
        found: Tensor = model(X)
    return found


def gradients(parameters: list[Tensor], X: Tensor, Y: Tensor) -> list[Tensor]:
    model = _model(parameters)
    loss = F.cross_entropy(model(X), Y)
    return list(torch.autograd.grad(loss, list(model.parameters())))


def n_parameters(V: int, T: int, E: int, H: int) -> int:
    """The lecture's 11,897, and 3 * 10 * 27 more.

    >>> n_parameters(27, 3, 10, 200)
    12707
    """
    options = MLPConfig(vocab_size=V, block_size=T, embedding=E, hidden=H, direct=True)
    return sum(p.numel() for p in MLPModel(options, generator=torch.Generator()).parameters())


def mixture_loss(net: Tensor, trigram: Tensor, Y: Tensor, alpha: float) -> float:
    """
    >>> sure, even = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.5, 0.5]])
    >>> round(mixture_loss(sure, even, torch.tensor([1]), alpha=0.5), 4)  # -ln 0.25
    1.3863
    """
    logprobs = mixed([net.log(), trigram.log()], [1 - alpha, alpha])
    return F.nll_loss(logprobs, Y).item()


def best_alpha(alphas: Sequence[float], dev: Predictions, test: Predictions) -> tuple[float, float, float]:
    """By dev; test is asked once."""
    losses = {alpha: mixture_loss(*dev, alpha) for alpha in alphas}
    best = min(losses, key=losses.__getitem__)
    return best, losses[best], mixture_loss(*test, best)


def rate(t: int, start: float, r: float) -> float:
    """
    >>> [rate(t, 0.1, 0.5) for t in (0, 2, 18)]
    [0.1, 0.05, 0.01]
    """
    return start / (1 + r * t)


def penalty(parameters: list[Tensor], decay: float) -> float:
    """Weights are what has two axes: C, W1, W2 and D."""
    return decay / 2 * sum(p.square().sum().item() for p in parameters if p.dim() == 2)


def _model(parameters: list[Tensor]) -> MLPModel:
    C, W1, b1, W2, b2, D = parameters
    (V, E), (n_inputs, H) = C.shape, W1.shape
    options = MLPConfig(vocab_size=V, block_size=n_inputs // E, embedding=E, hidden=H, direct=True)
    model = MLPModel(options, generator=torch.Generator())
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), (C, W1, b1, W2, b2, D), strict=True):
            parameter.copy_(value)
    return model
