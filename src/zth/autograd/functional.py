"""Losses on lists of Values: from logits to probabilities to one number to call `backward()` on.

n logits belong to one example, N scores to N examples. Plain numbers may stand wherever a Value may. Nothing here
overflows: each exponential is taken after the largest logit has been subtracted, which changes neither the result
nor any gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from zth.autograd.value import Value
from zth.errors import ConfigError, ShapeError

Number = Value | float


def softmax(logits: Sequence[Number]) -> list[Value]:
    """(n,) logits -> (n,) probabilities, exp(x_i) / sum_j exp(x_j). Raises ShapeError where there are none.

    >>> [round(p.data, 4) for p in softmax([0.0, 3.0, -2.0, 1.0])]
    [0.0418, 0.839, 0.0057, 0.1135]
    """
    xs = _values(logits)
    shift = _largest(xs)
    exponentials = [(x - shift).exp() for x in xs]
    total = _sum(exponentials)
    return [e / total for e in exponentials]


def logsumexp(logits: Sequence[Number]) -> Value:
    """(n,) logits -> log(sum_j exp(x_j)). Raises ShapeError where there are none.

    >>> logsumexp([1000.0, 1000.0]).data  # 1000 + log 2
    1000.6931471805599
    """
    xs = _values(logits)
    shift = _largest(xs)
    return _sum([(x - shift).exp() for x in xs]).log() + shift


def log_softmax(logits: Sequence[Number]) -> list[Value]:
    """(n,) logits -> (n,) log-probabilities; finite where `softmax` followed by a log would meet log(0).

    >>> [x.data for x in log_softmax([0.0, 1000.0])]
    [-1000.0, 0.0]
    """
    xs = _values(logits)
    total = logsumexp(xs)
    return [x - total for x in xs]


def nll(log_probs: Sequence[Number], target: int) -> Value:
    """(n,) log-probabilities and the right answer's index -> its negative log-likelihood, in nats.

    Raises ShapeError where `target` is not among the n.
    """
    if not 0 <= target < len(log_probs):
        raise ShapeError(f"The target {target} is not among {len(log_probs)} classes.", "Classes are counted from 0.")
    return -_values(log_probs)[target]


def cross_entropy(logits: Sequence[Number], target: int) -> Value:
    """(n,) logits and the right answer's index -> the loss of one example, in nats: `nll` of `log_softmax`.

    Exercise 1.2: the gradient at the logits is softmax, less 1 at the target.

    >>> logits = [Value(x) for x in (0.0, 3.0, -2.0, 1.0)]
    >>> cross_entropy(logits, 3).backward()
    >>> [round(x.grad, 10) for x in logits]
    [0.0417725705, 0.8390245075, 0.0056533027, -0.8864503806]
    """
    return nll(log_softmax(logits), target)


def svm_loss(scores: Sequence[Number], labels: Sequence[Number]) -> Value:
    """(N,) scores and (N,) labels of -1 or +1 -> the mean of relu(1 - label * score), the max-margin loss.

    Zero for an example on its right side by a margin of at least 1. Raises ShapeError where the lengths differ or
    N is 0, ConfigError for another label (of plain numbers: what a Value holds is not known to a tape).

    >>> svm_loss([2.0, 0.5], [1, -1]).data
    0.75
    """
    if len(scores) != len(labels):
        raise ShapeError(f"Got {len(scores)} scores and {len(labels)} labels.", "Pass one label for each score.")
    for label in labels:
        if not isinstance(label, Value) and label not in (-1, 1):
            raise ConfigError(f"A label must be -1 or +1; got {label!r}.", "Map classes 0 and 1 by 2 * label - 1.")
    losses = [(1 + -label * score).relu() for score, label in zip(_values(scores), labels, strict=True)]
    return _sum(losses) * (1.0 / len(losses))


def _values(numbers: Sequence[Number]) -> list[Value]:
    if len(numbers) == 0:
        raise ShapeError("Got an empty list.", "Pass at least one number or Value.")
    return [x if isinstance(x, Value) else Value(x) for x in numbers]


def _largest(xs: Sequence[Value]) -> Value:
    """The largest number, through which no gradient flows; made of nodes, so that a tape finds it anew each time."""
    return reduce(Value.max, xs).detach()


def _sum(terms: Sequence[Value]) -> Value:
    """sum() alone would begin with a useless node for 0 + ..."""
    return sum(terms[1:], terms[0])
