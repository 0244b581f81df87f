"""The lecture's demo: an MLP learns to tell the two moons apart, by nothing but Values."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from zth.autograd.functional import svm_loss
from zth.autograd.nn import MLP
from zth.autograd.value import Value

L2 = 1e-4
"""The weight of the sum of squared parameters in the loss."""


class Progress(NamedTuple):
    """What one step of `train` saw before it moved the parameters."""

    step: int
    loss: float
    accuracy: float
    """Of the training points, from 0 to 1."""


def train(
    model: MLP, points: Sequence[Sequence[float]], labels: Sequence[float], *, steps: int = 100
) -> Iterator[Progress]:
    """(N, 2) points and (N,) labels of -1 or +1 -> one Progress a step; the model learns as you iterate.

    Full batch: max-margin loss plus 1e-4 times the sum of squares, a rate that falls from 1.0 to 0.1. On 100 points
    of two moons MLP(2, [16, 16, 1]) comes to 100 % within 100 steps (lecture 1).

    >>> history = list(train(MLP(1, [1]), [[-1.0], [1.0]], [-1, 1], steps=3))
    >>> history[-1].accuracy, history[-1].loss < history[0].loss
    (1.0, True)
    """
    points = [[float(x) for x in point] for point in points]  # Python's own floats are the fastest here
    labels = [float(label) for label in labels]
    for step in range(steps):
        with _collector_paused():
            loss, accuracy = _descend(model, points, labels, rate=1.0 - 0.9 * step / steps)
        yield Progress(step, loss, accuracy)


def objective(model: MLP, scores: Sequence[Value], labels: Sequence[float]) -> Value:
    """(N,) scores and labels -> the max-margin loss plus L2 times the sum of the squared parameters."""
    return svm_loss(scores, labels) + L2 * sum((p * p for p in model.parameters()), Value(0.0))


def _descend(
    model: MLP, points: Sequence[Sequence[float]], labels: Sequence[float], *, rate: float
) -> tuple[float, float]:
    """One step of gradient descent; the loss and the accuracy before it."""
    scores = [model(point) for point in points]
    loss = objective(model, scores, labels)
    model.zero_grad()
    loss.backward()
    for p in model.parameters():
        p.data -= rate * p.grad
    right = sum((score.data > 0) == (label > 0) for score, label in zip(scores, labels, strict=True))
    return loss.data, right / len(labels)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A graph has no cycles, so looking for some among 65,000 fresh nodes only costs time: up to half of a step."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
