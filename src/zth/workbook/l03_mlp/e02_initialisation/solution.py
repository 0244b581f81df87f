"""How large is a sum? The one question behind every initial scale.

A sum of n products, each of a number of size 1 and a weight of size s, has the size s * sqrt(n): their variances
add up, and the root of n * s**2 is what is left. `zth.layers.init` has this argument for every scale of the
lectures.

**The output.** With weights of size 1 and 200 hidden numbers near 1 or -1, the logits come out at size 14. The
softmax of such numbers is sure of one character, mostly of a wrong one: hence a first loss near 27. Logits of size
s that know nothing cost ln V + s**2 / 2, about. So s = 0.1 costs 0.005 over ln V: `W2 * 0.01` and a bias of zeros.

**Not zero, though.** With `W2 = 0` the first loss is ln V to the last digit, and the first step moves `W2` and `b2`
alone: on the way back the gradient is multiplied with `W2` before it reaches the hidden layer. The second step
moves all, so the net survives it. But nothing is won over 0.01, and where two layers in a row are zero, nothing
ever starts; exercise 4.1 shows that.

**The hidden layer.** Its 30 inputs of size 1, and the bias, make sums of size 5.6: there tanh is 1 or -1, and flat,
in seven places of ten. 1/sqrt(30) brings the sums to size 1. Kaiming's 5/3 on top makes up for what tanh takes
away.

The first loss says nothing about the hidden layer, and a good one does not mean that the net learns: look at both.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from zth.layers.diagnostics import SATURATED, Activation, Watch
from zth.models.mlp import MLPConfig, MLPModel
from zth.models.protocol import evaluate, evaluating
from zth.seeds import stream

__all__ = ["dead_units", "init", "loss", "saturation", "uniform_loss"]

assert SATURATED == 0.97


def uniform_loss(V: int) -> float:
    """-ln(1 / V), in nats.

    >>> round(uniform_loss(27), 4)
    3.2958
    """
    return math.log(V)


def loss(parameters: list[Tensor], X: Tensor, Y: Tensor) -> float:
    """The five tensors as a model of the library, judged as every other."""
    return evaluate(_model(parameters), X, Y)


def saturation(parameters: list[Tensor], X: Tensor) -> float:
    """`Watch` looks into any net; an `Activation` knows its saturation and its dead units."""
    share = _hidden(parameters, X).saturation
    assert share is not None
    return share


def dead_units(parameters: list[Tensor], X: Tensor) -> list[int]:
    return list(_hidden(parameters, X).dead)


def init(V: int, T: int, E: int, H: int, seed: int) -> list[Tensor]:
    """Kaiming's scale for the hidden layer, 0.01 for the output: `INITS["kaiming"]`.

    >>> [tuple(tensor.shape) for tensor in init(27, 3, 10, 200, seed=1)]
    [(27, 10), (30, 200), (200,), (200, 27), (27,)]
    """
    options = MLPConfig(vocab_size=V, block_size=T, embedding=E, hidden=H, init="kaiming")
    return [p.detach() for p in MLPModel(options, generator=stream(seed, "init")).parameters()]


def _model(parameters: list[Tensor]) -> MLPModel:
    C, W1, b1, W2, b2 = parameters
    (V, E), (n_inputs, H) = C.shape, W1.shape
    options = MLPConfig(vocab_size=V, block_size=n_inputs // E, embedding=E, hidden=H)
    model = MLPModel(options, generator=torch.Generator())
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), (C, W1, b1, W2, b2), strict=True):
            parameter.copy_(value)
    return model


def _hidden(parameters: list[Tensor], X: Tensor) -> Activation:
    model = _model(parameters)
    with evaluating(model), Watch(model.hidden) as watch:
        model(X)
    return watch.activations()[-1]
