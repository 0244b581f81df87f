import math

import pytest

from zth.autograd.numerical import (
    FORWARD_STEP,
    SYMMETRIC_STEP,
    forward_difference,
    step_errors,
    symmetric_difference,
)
from zth.compare import finite_differences
from zth.errors import ConfigError, ShapeError

AT = (2.0, 3.0, 4.0)
# -3a^2 - 1/2 a^-1/2, 3 cos 3b + 5/2 b^3/2, c^-2, worked out by hand
EXACT = (-12 - 0.5 / math.sqrt(2), 3 * math.cos(9) + 2.5 * 3**1.5, 1 / 16)


def f(a: float, b: float, c: float) -> float:
    """LECTURES 1.1."""
    return -(a**3) + math.sin(3 * b) - 1 / c + b**2.5 - a**0.5


def error(gradient: list[float]) -> float:
    return max(abs(x - y) for x, y in zip(gradient, EXACT, strict=True))


def test_exercise_1_1_the_symmetric_difference_is_far_better() -> None:
    forward, symmetric = forward_difference(f, AT, 1e-4), symmetric_difference(f, AT, 1e-4)
    assert 1e-4 < error(forward) < 1e-2
    assert error(symmetric) < 1e-6


def test_the_errors_fall_with_h_and_with_h_squared() -> None:
    # a tenth of the step: a tenth of the one error, a hundredth of the other
    assert error(forward_difference(f, AT, 1e-3)) / error(forward_difference(f, AT, 1e-4)) == pytest.approx(
        10, rel=0.01
    )
    ratio = error(symmetric_difference(f, AT, 1e-2)) / error(symmetric_difference(f, AT, 1e-3))
    assert ratio == pytest.approx(100, rel=0.01)


def test_another_implementation_agrees() -> None:
    wanted = finite_differences(lambda at: f(*at), list(AT), h=1e-4).tolist()
    assert symmetric_difference(f, AT, 1e-4) == pytest.approx(wanted, rel=1e-9)


def test_the_default_steps_are_good_ones() -> None:
    assert error(forward_difference(f, AT)) < 1e-6
    assert error(symmetric_difference(f, AT)) < 1e-9


def test_the_measured_best_step_is_near_the_theoretical_one() -> None:
    errors = step_errors(f, AT, EXACT)
    assert FORWARD_STEP / 10 < errors.best_forward < FORWARD_STEP * 10
    assert SYMMETRIC_STEP / 10 < errors.best_symmetric < SYMMETRIC_STEP * 10


def test_too_small_a_step_ruins_both() -> None:
    errors = step_errors(f, AT, EXACT, steps=[1e-5, 1e-15])
    assert errors.steps == (1e-5, 1e-15)
    assert errors.forward[1] > 1000 * errors.forward[0]
    assert errors.symmetric[1] > 1000 * errors.symmetric[0]
    # below the spacing of floats near 2 nothing moves, and each slope comes out as 0
    assert forward_difference(f, AT, 1e-17) == [0.0, 0.0, 0.0]


def test_the_point_is_left_as_it_was() -> None:
    at = list(AT)
    symmetric_difference(f, at)
    assert at == list(AT)


@pytest.mark.parametrize("h", [0.0, -1e-3, math.nan, math.inf])
def test_a_step_must_be_positive(h: float) -> None:
    for difference in (forward_difference, symmetric_difference):
        with pytest.raises(ConfigError, match="step h"):
            difference(f, AT, h)


def test_the_exact_gradient_must_fit_the_point() -> None:
    with pytest.raises(ShapeError, match="3 coordinates, the gradient 2"):
        step_errors(f, AT, EXACT[:2])
