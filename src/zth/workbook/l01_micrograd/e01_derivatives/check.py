"""Check of 1.1: the gradient by hand, and by two differences on functions that the learner did not see."""

from collections.abc import Callable, Sequence
from math import cos

from zth.compare import Tolerance
from zth.workbook.check import Mistake, Part

POINTS = [(2.0, 3.0, 4.0), (0.7, 1.3, -2.0), (5.0, 0.2, 0.5)]
# The step is large, so that the truncation error of each formula shows: a forward difference cannot pass for a
# symmetric one. Rounding contributes 1e-16 / h = 1e-14.
STEPS = [(point, h) for point in POINTS for h in (0.01, 0.1)]
DIFFERENCE = Tolerance(relative=1e-9, absolute=1e-11)

PARTS = [
    Part(name="f", ask=lambda answer, a, b, c: answer.f(a, b, c), cases=POINTS),
    Part(name="gradient", ask=lambda answer, a, b, c: answer.gradient(a, b, c), cases=POINTS),
    Part(
        name="forward_difference",
        shown="forward_difference(f, {}, {})",
        ask=lambda answer, at, h: answer.forward_difference(answer.f, list(at), h),
        cases=STEPS,
        tolerance=DIFFERENCE,
    ),
    Part(
        name="symmetric_difference",
        shown="symmetric_difference(f, {}, {})",
        ask=lambda answer, at, h: answer.symmetric_difference(answer.f, list(at), h),
        cases=STEPS,
        tolerance=DIFFERENCE,
    ),
]

Function = Callable[..., float]


def _moved(at: Sequence[float], i: int, h: float) -> list[float]:
    return [x + h if j == i else x for j, x in enumerate(at)]


def _difference(up: float, down: float, over: float) -> Callable[[Function, Sequence[float], float], list[float]]:
    """(f(x + up h) - f(x + down h)) / (over h), coordinate by coordinate."""

    def slopes(f: Function, at: Sequence[float], h: float) -> list[float]:
        return [(f(*_moved(at, i, up * h)) - f(*_moved(at, i, down * h))) / (over * h) for i in range(len(at))]

    return slopes


def _all_at_once(f: Function, at: Sequence[float], h: float) -> list[float]:
    return [(f(*[x + h for x in at]) - f(*at)) / h] * len(at)


def _gradient(**wrong: Callable[[float], float]) -> dict[str, object]:
    right: dict[str, Callable[[float], float]] = {
        "a": lambda a: -3 * a**2 - 0.5 * a**-0.5,
        "b": lambda b: 3 * cos(3 * b) + 2.5 * b**1.5,
        "c": lambda c: c**-2,
    }
    slopes = {**right, **wrong}
    return {"gradient": lambda a, b, c: [slopes["a"](a), slopes["b"](b), slopes["c"](c)]}


MISTAKES = [
    Mistake(
        name="chain rule forgotten",
        says="The slope of sin(3b) is 3 cos(3b): multiply by the slope of the inner function, 3.",
        instead=_gradient(b=lambda b: cos(3 * b) + 2.5 * b**1.5),
    ),
    Mistake(
        name="sign of 1/c",
        says="-1/c is -(c^-1), and its slope is +1/c²: two minus signs meet.",
        instead=_gradient(c=lambda c: -(c**-2)),
    ),
    Mistake(
        name="root term forgotten",
        says="df/da has a second term: -a^0.5 has the slope -0.5 a^-0.5.",
        instead=_gradient(a=lambda a: -3 * a**2),
    ),
    Mistake(
        name="sign of the root term",
        says="-a^0.5 is subtracted, so its slope is -0.5 a^-0.5, with a minus.",
        instead=_gradient(a=lambda a: -3 * a**2 + 0.5 * a**-0.5),
    ),
    Mistake(
        name="backward instead of forward",
        says="That is the backward difference, (f(x) - f(x - h)) / h; the forward one looks ahead: f(x + h) - f(x).",
        instead={"forward_difference": _difference(0, -1, 1)},
    ),
    Mistake(
        name="all coordinates moved at once",
        says="You moved every coordinate at once, which gives the slope along the diagonal. Move one, and hold the "
        "others still.",
        instead={"forward_difference": _all_at_once},
    ),
    Mistake(
        name="forward instead of symmetric",
        says="That is the forward difference again. The symmetric one looks both ways: f(x + h) - f(x - h), over 2h.",
        instead={"symmetric_difference": _difference(1, 0, 1)},
    ),
    Mistake(
        name="divided by h instead of 2h",
        says="The distance from x - h to x + h is 2h. You divided by h, so each slope is twice what it should be.",
        instead={"symmetric_difference": _difference(1, -1, 1)},
    ),
]
