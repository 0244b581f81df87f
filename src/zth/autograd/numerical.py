"""Derivatives by differences, and how small the step may be. Nothing here looks inside the function.

The forward difference errs by h/2 f'' (lecture 1), the symmetric one by h^2/6 f'''; both add about eps f / h, since
a rounded f is divided by h. Each sum is least near the step given here, for arguments, values and derivatives near 1.
`at` is a point of n coordinates; the function is called as f(*at).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zth.errors import ConfigError, ShapeError

Function = Callable[..., float]

FORWARD_STEP = math.sqrt(sys.float_info.epsilon)
"""1.5e-8, where h and eps / h are equal; the error is then about 1e-8 too."""
SYMMETRIC_STEP = sys.float_info.epsilon ** (1 / 3)
"""6.1e-6, where h^2 and eps / h are equal; the error is then about 4e-11."""


def forward_difference(f: Function, at: Sequence[float], h: float = FORWARD_STEP) -> list[float]:
    """(n,) point -> (n,) gradient: (f(x + h) - f(x)) / h, one coordinate at a time. Raises ConfigError for h <= 0.

    >>> forward_difference(lambda a, b: a * b**2, [3.0, 2.0], h=0.5)
    [4.0, 13.5]
    """
    _check_step(h)
    here = f(*at)
    return [(f(*_moved(at, i, h)) - here) / h for i in range(len(at))]


def symmetric_difference(f: Function, at: Sequence[float], h: float = SYMMETRIC_STEP) -> list[float]:
    """(n,) point -> (n,) gradient: (f(x + h) - f(x - h)) / 2h, one coordinate at a time. ConfigError for h <= 0.

    Exact for a parabola, whatever h:

    >>> symmetric_difference(lambda a, b: a * b**2, [3.0, 2.0], h=0.5)
    [4.0, 12.0]
    """
    _check_step(h)
    return [(f(*_moved(at, i, h)) - f(*_moved(at, i, -h))) / (2 * h) for i in range(len(at))]


@dataclass(frozen=True, kw_only=True)
class StepErrors:
    """For each of s steps, the largest absolute error over the coordinates of a gradient."""

    steps: tuple[float, ...]
    forward: tuple[float, ...]
    symmetric: tuple[float, ...]

    @property
    def best_forward(self) -> float:
        """The step at which the forward difference erred least, to set beside FORWARD_STEP."""
        return min(zip(self.forward, self.steps, strict=True))[1]

    @property
    def best_symmetric(self) -> float:
        """The step at which the symmetric difference erred least, to set beside SYMMETRIC_STEP."""
        return min(zip(self.symmetric, self.steps, strict=True))[1]


def step_errors(
    f: Function, at: Sequence[float], exact: Sequence[float], steps: Sequence[float] | None = None
) -> StepErrors:
    """Measure both differences against the `exact` (n,) gradient; four steps a decade from 0.1 to 1e-15 by default.

    Raises ShapeError where `exact` has another length than `at`.

    >>> import math
    >>> errors = step_errors(math.sin, [1.0], [math.cos(1.0)])
    >>> min(errors.symmetric) < min(errors.forward) / 100
    True
    """
    if len(exact) != len(at):
        raise ShapeError(f"The point has {len(at)} coordinates, the gradient {len(exact)}.", "Give one for each.")
    steps = tuple(steps) if steps is not None else tuple(10 ** (-k / 4) for k in range(4, 61))
    return StepErrors(
        steps=steps,
        forward=tuple(_error(forward_difference(f, at, h), exact) for h in steps),
        symmetric=tuple(_error(symmetric_difference(f, at, h), exact) for h in steps),
    )


def _moved(at: Sequence[float], i: int, h: float) -> list[float]:
    return [x + h if j == i else x for j, x in enumerate(at)]


def _error(gradient: Sequence[float], exact: Sequence[float]) -> float:
    return max((abs(a - b) for a, b in zip(gradient, exact, strict=True)), default=0.0)


def _check_step(h: float) -> None:
    if not 0 < h < math.inf:
        raise ConfigError(f"The step h must be positive; got {h!r}.", "Take one between 1e-8 and 1e-3.")
