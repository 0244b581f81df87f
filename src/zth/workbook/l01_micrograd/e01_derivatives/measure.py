"""1.1: how near do differences come to the gradient, and how small may the step be?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from zth.autograd import Value
from zth.autograd.numerical import StepErrors, forward_difference, step_errors, symmetric_difference
from zth.autograd.plots import step_errors_figure
from zth.seeds import python_stream
from zth.workbook.l01_micrograd.e01_derivatives.solution import f, gradient
from zth.workbook.measure import Lab

AT = (2.0, 3.0, 4.0)
COURSE = (-12.3535533906, 10.2569902711, 0.0625)
"""The answer that the course gives for this point, to ten decimals."""
H = 1e-5

Function = Callable[..., Any]


def measure(lab: Lab) -> None:
    lab.run.text(
        "Is the symmetric difference really a far better approximation than the forward one, and **how small may the "
        f"step h be?** The function is `f(a, b, c) = -a^3 + sin(3b) - 1/c + b^2.5 - a^0.5`, the point {AT}."
    )
    _compare(lab)
    _search_step(lab)


def _compare(lab: Lab) -> None:
    """Each way to the gradient, at one step: what it gives, how far off it is, and how often f is called."""
    exact = gradient(*AT)
    ways: list[tuple[str, Callable[[Function], list[float]]]] = [
        ("on paper", lambda _: exact),
        ("forward, h = 1e-5", lambda function: forward_difference(function, AT, H)),
        ("symmetric, h = 1e-5", lambda function: symmetric_difference(function, AT, H)),
        ("backward()", _backward),
    ]
    rows, errors = [], []
    for name, way in ways:
        counted = _Counted()
        slopes = way(counted)
        errors.append(max(abs(slope - wanted) for slope, wanted in zip(slopes, exact, strict=True)))
        rows.append([name, *(f"{slope:.8f}" for slope in slopes), errors[-1], counted.calls])
    columns = ["way", "df/da", "df/db", "df/dc", "largest error", "calls of f"]
    lab.run.table("Four ways to one gradient", columns, rows)
    for name, slope, course in zip("abc", exact, COURSE, strict=True):
        lab.run.figure(f"df/d{name} on paper", slope, reference=course, source="the course", tolerance=5e-11)
    lab.run.figure("largest error of backward()", errors[-1], reference=0, source="on paper", tolerance=1e-14)
    lab.run.text(
        "For n coordinates the forward difference calls f n + 1 times, the symmetric one 2n times. `backward()` "
        "needs one call for any n, and no h: that is what the rest of the lecture builds."
    )


def _search_step(lab: Lab) -> None:
    """The error against the step: the median over many points, since a single point may be lucky."""
    n, per_decade = (200, 4) if lab.quick else (2_000, 10)
    errors = _median_errors(n, [10 ** (-k / per_decade) for k in range(per_decade, 15 * per_decade + 1)], lab)
    for h, forward, symmetric in zip(errors.steps, errors.forward, errors.symmetric, strict=True):
        lab.run.log(h=h, forward=forward, symmetric=symmetric)
    lab.run.plot(
        f"Error of the gradient against the step, median of {n:,} points",
        step_errors_figure(errors),
        "From the right, each line falls as Taylor's theorem says, until rounding takes over. A dotted line marks "
        "where the two should balance: the square root and the cube root of 2.2e-16.",
    )
    # Taylor: the errors begin with h/2 f'' and with h^2/6 f'''; the terms after them stay below 1 % at h = 1e-2
    for name, found, power in (("forward", errors.forward, 1), ("symmetric", errors.symmetric, 2)):
        lab.run.figure(
            f"{name}: power of h in the error",
            _power_of_h(errors.steps, found),
            reference=power,
            source="Taylor's theorem",
            tolerance=0.02,
        )
    _answer(lab, errors)


def _answer(lab: Lab, errors: StepErrors) -> None:
    forward, symmetric = min(errors.forward), min(errors.symmetric)
    lab.run.figure("forward: best step", errors.best_forward)
    lab.run.figure("forward: error at its best step", forward)
    lab.run.figure("symmetric: best step", errors.best_symmetric)
    lab.run.figure("symmetric: error at its best step", symmetric)
    lab.run.figure("symmetric is nearer, each at its best step", forward / symmetric, unit="x", better="higher")
    lab.run.text(
        f"**Answer.** Each at its best, the symmetric difference is wrong by {symmetric:.2g} (h = "
        f"{errors.best_symmetric:.1g}), the forward one by {forward:.2g} (h = {errors.best_forward:.1g}): "
        f"{forward / symmetric:,.0f} times as much. A smaller h is no better. At {errors.steps[-1]:.0e} the errors "
        f"are {errors.symmetric[-1]:.1g} and {errors.forward[-1]:.1g}, since rounding errors of about 1e-16 are "
        "divided by h."
    )


def _median_errors(n: int, steps: Sequence[float], lab: Lab) -> StepErrors:
    """The errors of both differences at each step: medians over n points near the exercise's."""
    rng = python_stream(lab.seed, "points")
    points = [tuple(rng.uniform(0.75, 1.25) * x for x in AT) for _ in range(n)]
    found = [step_errors(f, at, gradient(*at), steps) for at in lab.track(points, "points")]
    return StepErrors(
        steps=tuple(steps),
        forward=tuple(map(median, zip(*(errors.forward for errors in found), strict=True))),
        symmetric=tuple(map(median, zip(*(errors.symmetric for errors in found), strict=True))),
    )


def _power_of_h(steps: Sequence[float], errors: Sequence[float]) -> float:
    """The slope of log error over log h between the steps nearest to 1e-2 and 1e-4, where truncation rules."""
    first, last = (min(range(len(steps)), key=lambda i: abs(math.log10(steps[i] / h))) for h in (1e-2, 1e-4))
    return math.log(errors[first] / errors[last]) / math.log(steps[first] / steps[last])


def _backward(function: Function) -> list[float]:
    a, b, c = (Value(x) for x in AT)
    function(a, b, c).backward()
    return [a.grad, b.grad, c.grad]


class _Counted:
    """The f of the exercise, on numbers or on Values; it counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, a: Any, b: Any, c: Any) -> Any:
        self.calls += 1
        if isinstance(a, Value):
            return -(a**3) + (3 * b).sin() - 1.0 / c + b**2.5 - a**0.5
        return f(a, b, c)
