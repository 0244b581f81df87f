"""What a step of the engine ends with: all parameters moved along their gradients, as calls on flat arrays.

Letters: P parameters.

An update is told the arrays of the weights and of the gradients, both (P,), and which parts of the weights decay. It
writes down its calls once; before each step `prepare` sets the few numbers that change, and says by which factor the
gradients should be scaled where they arise, which costs nothing. The readable twins are in zth.train.optim.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from math import sqrt

import numpy as np

from zth.backprop.program import Array, Call

EPS = 1e-8
"""torch's, and the paper's: what keeps AdamW from dividing by zero."""


class Update(ABC):
    """(P,) weights and gradients, pieces of the weights that decay -> `calls`, to be run behind the gradients'."""

    calls: list[Call]

    @abstractmethod
    def prepare(self, rate: float) -> float:
        """Before a step of this learning rate: sets the numbers that depend on it -> the factor of the gradients."""

    def state(self) -> dict[str, Array]:
        """The arrays that the next step depends on, besides weights and gradients; to be written to as well."""
        return {}


class Descent(Update):
    """p -= rate * (dp + weight_decay * p), the decay (L2: the gradient of weight_decay / 2 * p**2) on `decayed` only.

    >>> weights, gradients = np.ones(3), np.full(3, 0.5)
    >>> descent = Descent(weights, gradients, [weights[:2]], weight_decay=0.1)
    >>> gradients *= descent.prepare(0.2)
    >>> for call in descent.calls:
    ...     _ = call()
    >>> weights.round(3).tolist()  # 1 - 0.2 * (0.5 + 0.1), and for the last 1 - 0.2 * 0.5
    [0.88, 0.88, 0.9]
    """

    def __init__(
        self, weights: Array, gradients: Array, decayed: Sequence[Array], *, weight_decay: float = 0.0
    ) -> None:
        self._weight_decay, self._shrink = weight_decay, np.ones((), weights.dtype)
        pieces = decayed if weight_decay else ()
        self.calls = [
            *(partial(np.multiply, piece, self._shrink, piece) for piece in pieces),
            partial(np.subtract, weights, gradients, weights),
        ]

    def prepare(self, rate: float) -> float:
        if self._weight_decay:
            self._shrink[...] = 1 - rate * self._weight_decay
        return rate


class AdamW(Update):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019), the decay on `decayed` only.

        m = beta1 * m + dp,  v = beta2 * v + dp**2,  p -= rate * weight_decay * p + scale * m / (sqrt(v) + eps / c)

    m and v lack the factors 1 - beta of the usual form: the two numbers `scale` and c, which correct the bias of the
    first steps, make up for them.
    """

    def __init__(
        self,
        weights: Array,
        gradients: Array,
        decayed: Sequence[Array],
        *,
        weight_decay: float = 0.0,
        beta1: float = 0.9,
        beta2: float = 0.999,
    ) -> None:
        self._weight_decay, self._beta1, self._beta2 = weight_decay, beta1, beta2
        self._m, self._v = np.zeros_like(weights), np.zeros_like(weights)
        self._n_steps = np.zeros((), np.int64)
        self._shrink, self._scale, self._eps = (np.ones((), weights.dtype) for _ in range(3))
        b1, b2 = np.array(beta1, weights.dtype), np.array(beta2, weights.dtype)
        m, v, work = self._m, self._v, gradients
        pieces = decayed if weight_decay else ()
        self.calls = [
            partial(np.multiply, m, b1, m),
            partial(np.add, m, gradients, m),
            partial(np.multiply, gradients, gradients, work),
            partial(np.multiply, v, b2, v),
            partial(np.add, v, work, v),
            partial(np.sqrt, v, work),
            partial(np.add, work, self._eps, work),
            partial(np.divide, m, work, work),
            partial(np.multiply, work, self._scale, work),
            *(partial(np.multiply, piece, self._shrink, piece) for piece in pieces),
            partial(np.subtract, weights, work, weights),
        ]

    def prepare(self, rate: float) -> float:
        self._n_steps += 1
        n = int(self._n_steps)
        c = sqrt((1 - self._beta2) / (1 - self._beta2**n))
        self._scale[...] = rate * (1 - self._beta1) / (1 - self._beta1**n) / c
        self._eps[...] = EPS / c
        self._shrink[...] = 1 - rate * self._weight_decay
        return 1.0

    def state(self) -> dict[str, Array]:
        return {"m": self._m, "v": self._v, "n_steps": self._n_steps}
