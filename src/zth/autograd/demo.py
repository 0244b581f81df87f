"""The lecture's demo: an MLP learns to tell the two moons apart, by nothing but Values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from zth.autograd.compiled import Compiled
from zth.autograd.functional import Number, svm_loss
from zth.autograd.nn import MLP, Inputs
from zth.autograd.optim import SGD
from zth.autograd.value import Value
from zth.autograd.walk import collector_paused

L2 = 1e-4
"""The weight of the sum of squared parameters in the loss."""


class Progress(NamedTuple):
    """What one step of `train` saw before it moved the parameters."""

    step: int
    loss: float
    accuracy: float
    """Of the training points, from 0 to 1."""


def train(
    model: MLP | Compiled, points: Sequence[Sequence[float]], labels: Sequence[float], *, steps: int = 100
) -> Iterator[Progress]:
    """(N, 2) points and (N,) labels of -1 or +1 -> one Progress a step; the model learns as you iterate.

    Full batch: max-margin loss plus 1e-4 times the sum of squares, a rate that falls from 1.0 to 0.1. On 100 points
    of two moons MLP(2, [16, 16, 1]) comes to 100 % within 100 steps (lecture 1).

    >>> model = MLP(1, [1])
    >>> history = list(train(model, [[-1.0], [1.0]], [-1, 1], steps=3))
    >>> history[-1].accuracy, history[-1].loss < history[0].loss
    (1.0, True)

    The same training by replay, some hundred times as fast:

    >>> model = MLP(1, [1]).compiled(loss_and_scores)
    >>> list(train(model, [[-1.0], [1.0]], [-1, 1], steps=3)) == history
    True
    """
    points = [[float(x) for x in point] for point in points]  # Python's own floats are the fastest here
    labels = [float(label) for label in labels]
    for step in range(steps):
        rate = 1.0 - 0.9 * step / steps
        if isinstance(model, Compiled):
            loss, *scores = model(points, labels).tolist()
            SGD().step(model.parameters, model.gradients, rate)
            model.store()
        else:
            with collector_paused():
                loss, *scores = _descend(model, points, labels, rate)
        right = sum((score > 0) == (label > 0) for score, label in zip(scores, labels, strict=True))
        yield Progress(step, loss, right / len(labels))


def loss_and_scores(model: MLP, points: Sequence[Inputs], labels: Sequence[Number]) -> list[Value]:
    """(N, 2) points and (N,) labels -> the objective, and the N scores that it judges."""
    scores = [model(point) for point in points]
    return [objective(model, scores, labels), *scores]


def objective(model: MLP, scores: Sequence[Value], labels: Sequence[Number]) -> Value:
    """(N,) scores and labels -> the max-margin loss plus L2 times the sum of the squared parameters."""
    return svm_loss(scores, labels) + L2 * sum((p * p for p in model.parameters()), Value(0.0))


def _descend(model: MLP, points: Sequence[Sequence[float]], labels: Sequence[float], rate: float) -> list[float]:
    """One step of gradient descent; the loss and the scores before it."""
    loss, *scores = loss_and_scores(model, points, labels)
    model.zero_grad()
    loss.backward()
    for p in model.parameters():
        p.data -= rate * p.grad
    return [loss.data, *(score.data for score in scores)]
