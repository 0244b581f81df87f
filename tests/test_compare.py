from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from zth.compare import (
    EXACT,
    FLOAT32,
    FLOAT64,
    PRINTED,
    Tolerance,
    as_array,
    difference,
    finite_differences,
    largest_difference,
    same,
)


class SaysYes:
    """Claims to equal everything."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = object.__hash__


# ---- what agrees


@pytest.mark.parametrize(
    ("got", "wanted"),
    [
        (1, 1.0),
        ([1, 2], (1.0, 2.0)),
        ([[1, 2]], np.array([[1.0, 2.0]])),
        (torch.tensor([1.0, 2.0], requires_grad=True), [1, 2]),
        (torch.ones(2, dtype=torch.bfloat16), [1, 1]),
        ([torch.tensor(1.0), 2.0], [1, 2]),
        ([], []),
        ([math.inf, -math.inf, math.nan], [math.inf, -math.inf, math.nan]),
        (True, True),
        (np.bool_(True), True),
        (np.array(True), True),
        (torch.tensor(True), np.bool_(True)),
        ([True, False], [1, 0]),
        ("emma", "emma"),
        (None, None),
        (("a", "b"), ["a", "b"]),
        ([("emma", 0.1 + 0.2)], [("emma", 0.3)]),
        ([None, 1.0], [None, 1.0]),
        ([{"a": [1]}], [{"a": (1.0,)}]),
        ({"x": 1, "y": {"z": [1, 2]}}, {"y": {"z": [1, 2]}, "x": 1.0}),
    ],
)
def test_same(got, wanted):
    assert difference(got, wanted) is None
    assert same(got, wanted)


# ---- what differs, and what is said of it


@pytest.mark.parametrize(
    ("got", "wanted", "sentence"),
    [
        (1.5, 1.0, "got 1.5, wanted 1"),
        ([1, 2, 4, 9], [1, 2, 3, 4], "at [2] got 4, wanted 3 (largest difference 5)"),
        ([[1, 2], [3, 5]], [[1, 2], [3, 4]], "at [1, 1] got 5, wanted 4 (largest difference 1)"),
        ([1.0], [[1.0]], "got shape (1,), wanted (1, 1)"),
        ([1.0, math.nan], [1.0, 2.0], "at [1] got nan, wanted 2"),
        ([math.inf], [1.0], "at [0] got inf, wanted 1"),
        ([5.0], [math.inf], "at [0] got 5, wanted inf"),
        ([-math.inf], [math.inf], "at [0] got -inf, wanted inf"),
        ([math.inf, 5], [math.inf, 4], "at [1] got 5, wanted 4 (largest difference 1)"),
        (None, 1.0, "got type NoneType None, wanted a number"),
        ("1.0", 1.0, "got type str '1.0', wanted a number"),
        ([1.0, None], [1.0, 2.0], "got type NoneType None, wanted numbers of shape (2,)"),
        ([[1], [1, 2]], [[1, 2]], "got type a list of rows of different lengths, wanted numbers of shape (1, 2)"),
        (np.array(["a"]), [1.0], "got type <U1, wanted numbers"),
        (1j, 1.0, "got type complex 1j, wanted a number"),
        (1, True, "got 1, wanted True"),
        (True, False, "got True, wanted False"),
        (1.0, "a", "got 1.0, wanted 'a'"),
        (0, None, "got 0, wanted None"),
        (["a", "c"], ["a", "b"], "at [1] got 'c', wanted 'b'"),
        (["a"], ["a", "b"], "got length 1, wanted 2"),
        (["a", "b"], ["a"], "got length 2, wanted 1"),
        ("ab", ["a", "b"], "got type str 'ab', wanted a list of 2"),
        ([("emma", 1)], [("emma", 2)], "at [0][1] got 1, wanted 2 (largest difference 1)"),
        ({"a": 1}, {"b": 1}, "got keys ['a'], wanted ['b']"),
        ([1], {"b": 1}, "got type [1], wanted a dict with keys ['b']"),
        ({"a": [1, 2]}, {"a": [1, 3]}, "at ['a'][1] got 2, wanted 3 (largest difference 1)"),
        ({"a": [1]}, {"a": [1, 3]}, "at ['a'] got shape (1,), wanted (2,)"),
    ],
)
def test_difference_in_words(got, wanted, sentence):
    assert str(difference(got, wanted)) == sentence


@pytest.mark.parametrize("wanted", [1.0, True, "a", None, [1.0], ["a", "b"], [("a", 1)], {"a": 1}, np.ones(2)])
def test_an_object_that_claims_to_equal_everything_equals_nothing(wanted):
    assert not same(SaysYes(), wanted)
    assert not same([SaysYes()], wanted)
    assert not same(["a", SaysYes()], wanted)
    assert not same({"a": SaysYes()}, wanted)


def test_a_long_text_is_shortened():
    sentence = str(difference("a" * 1000, "b" * 1000))
    assert len(sentence) < 200
    assert "..." in sentence


# ---- tolerance


def test_the_border_of_a_tolerance():
    half = Tolerance(relative=0.0, absolute=0.5)
    assert same(1.5, 1.0, half)
    assert not same(math.nextafter(1.5, 2), 1.0, half)
    tenth = Tolerance(relative=0.125)
    assert same(9.0, 8.0, tenth)
    assert not same(9.1, 8.0, tenth)
    assert not same(1e-300, 0.0, tenth)


def test_a_relative_tolerance_is_of_the_wanted_value():
    assert not same(8.0, 9.2, Tolerance(relative=0.125))
    assert same(9.2, 8.2, Tolerance(relative=0.125))


def test_exact_tells_large_integers_apart():
    assert not same(2**53 + 1, 2**53, EXACT)
    assert same(2**53 + 1, 2**53, FLOAT64)
    assert not same(0.1 + 0.2, 0.3, EXACT)


@pytest.mark.parametrize(("tolerance", "dtype"), [(FLOAT64, np.float64), (FLOAT32, np.float32)])
def test_the_named_tolerances_forgive_another_order_of_summing_and_no_wrong_formula(tolerance, dtype):
    x = np.random.default_rng(0).normal(size=(300, 40)).astype(dtype)
    forwards, backwards = np.cumsum(x, axis=0)[-1], np.cumsum(x[::-1], axis=0)[-1]
    assert not same(forwards, backwards, EXACT)
    assert same(forwards, backwards, tolerance)
    assert not same(x.var(axis=0), x.var(axis=0, ddof=1), tolerance)


def test_printed_is_half_of_the_fourth_decimal():
    assert same(2.45334, 2.4533, PRINTED)
    assert not same(2.4534, 2.4533, PRINTED)


# ---- arrays and measures


def test_as_array_keeps_integers_and_shapes():
    assert as_array([[1, 2], [3, 4]]).dtype == np.int64
    assert as_array(torch.zeros(2, 0, 3)).shape == (2, 0, 3)
    assert as_array([1.0, 2.0]).tolist() == [1.0, 2.0]
    assert as_array([]).shape == (0,)


@pytest.mark.parametrize("value", [None, "1", {"a": 1}, object(), [1, "a"], [[1], [2, 3]]])
def test_as_array_refuses_what_is_no_number(value):
    with pytest.raises(TypeError):
        as_array(value)


def test_largest_difference():
    assert largest_difference(torch.tensor([1.0, 2.0, -5.0]), [1.0, 2.5, -4.0]) == 1.0
    assert largest_difference([], []) == 0.0
    with pytest.raises(AssertionError):  # (3,) and (3, 1) would broadcast to nine differences
        largest_difference([1, 2, 3], [[1], [2], [3]])


def test_finite_differences_against_a_gradient_worked_by_hand():
    # f = -a^3 + sin(3b) - 1/c + b^2.5 - a^0.5 at (2, 3, 4): exercise 1.1
    def f(x: list[float]) -> float:
        a, b, c = x
        return -(a**3) + math.sin(3 * b) - 1 / c + b**2.5 - a**0.5

    a, b, c = 2.0, 3.0, 4.0
    gradient = [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**1.5, 1 / c**2]
    assert same(finite_differences(f, [a, b, c]), gradient, Tolerance(relative=1e-8, absolute=1e-8))


def test_finite_differences_do_not_move_the_point():
    point = [1.0, 2.0]
    finite_differences(lambda x: x[0] * x[1], point)
    assert point == [1.0, 2.0]


def test_results_of_different_shapes_are_compared_one_by_one():
    wanted = (np.zeros((2, 3)), np.zeros(3), 1.0)
    assert same([np.zeros((2, 3)), [0.0, 0.0, 0.0], 1], wanted)
    found = difference((np.zeros((2, 3)), np.ones(3), 1.0), wanted)
    assert found is not None
    assert str(found) == "at [1][0] got 1, wanted 0 (largest difference 1)"
    assert difference((np.zeros((2, 3)), np.zeros(4), 1.0), wanted) is not None
