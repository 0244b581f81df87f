import math

import numpy as np
import pytest

from zth.autograd import ops
from zth.compare import finite_differences, same

# (n, 2) operands at which every op has a value and a slope
PLACES = [(1.5, 2.5), (2.5, 1.5), (0.3, 0.7), (4.0, -1.5)]


@pytest.mark.parametrize("name", ops.SCALAR)
def test_the_slopes_are_those_that_differences_find(name: str) -> None:
    op = ops.SCALAR[name]
    n = op.arity
    for place in PLACES:
        value, *slopes = op.rule(*place[:n])
        found = finite_differences(lambda at, rule=op.rule: rule(*at)[0], place[:n])
        wanted = found.tolist()
        for i in op.blocked:  # the exponent of power is a constant, and so is what detach passes on
            wanted[i] = 0.0
        assert slopes == pytest.approx(wanted, rel=1e-7, abs=1e-8), (name, place, value)


@pytest.mark.parametrize("name", ops.SCALAR)
def test_the_same_row_runs_on_arrays(name: str) -> None:
    n = ops.SCALAR[name].arity
    columns = [np.array(column) for column in zip(*PLACES, strict=True)][:n]
    over_arrays = [np.broadcast_to(part, len(PLACES)) for part in ops.table(np)[name].rule(*columns)]
    one_by_one = [ops.SCALAR[name].rule(*place[:n]) for place in PLACES]
    assert same(np.stack(over_arrays, axis=1), one_by_one)


@pytest.mark.parametrize(
    ("name", "operands", "wanted"),
    [
        ("relu", (0.0,), (0.0, 0.0)),
        ("relu", (-3.0,), (0.0, 0.0)),
        ("abs", (0.0,), (0.0, 0.0)),
        ("abs", (-2.0,), (2.0, -1.0)),
        ("max", (2.0, 2.0), (2.0, 0.5, 0.5)),
        ("sqrt", (0.0,), (0.0, math.inf)),
        ("power", (0.0, 0.0), (1.0, 0.0, 0.0)),
        ("power", (0.0, 1.0), (0.0, 1.0, 0.0)),
        ("power", (0.0, 2.0), (0.0, 0.0, 0.0)),
        ("power", (0.0, 0.5), (0.0, math.inf, 0.0)),
        ("power", (-2.0, 3.0), (-8.0, 12.0, 0.0)),
        ("power", (-2.0, -1.0), (-0.5, -0.25, 0.0)),
        ("pow", (0.0, 2.0), (0.0, 0.0, 0.0)),
        ("pow", (0.0, 0.0), (1.0, 0.0, 0.0)),
        ("sigmoid", (-1000.0,), (0.0, 0.0)),
        ("sigmoid", (1000.0,), (1.0, 0.0)),
        ("tanh", (1000.0,), (1.0, 0.0)),
    ],
)
def test_the_corners(name: str, operands: tuple[float, ...], wanted: tuple[float, ...]) -> None:
    assert same(ops.SCALAR[name].rule(*operands), wanted)


def test_sigmoid_keeps_its_digits_far_out() -> None:
    value, slope = ops.SCALAR["sigmoid"].rule(-40.0)
    assert value == pytest.approx(math.exp(-40), rel=1e-12)
    assert slope == pytest.approx(math.exp(-40), rel=1e-12)


def test_max_lets_a_nan_through() -> None:
    rule = ops.SCALAR["max"].rule
    assert math.isnan(rule(math.nan, 1.0)[0])
    assert math.isnan(rule(1.0, math.nan)[0])
