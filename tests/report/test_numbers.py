from __future__ import annotations

import math

import pytest

from zth.report import figure_texts, number
from zth.report.numbers import column, duration
from zth.runs import Figure


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (3, "3"),
        (228146.0, "228,146"),
        (3.295836866, "3.2958"),
        (2.5, "2.5"),
        (12345.678, "12,346"),
        (99.99999, "100"),
        (0.0417725705, "0.041773"),
        (-12.353553, "−12.354"),
        (0.0001, "0.0001"),
        (5e-9, "5 × 10⁻⁹"),
        (-4.7e-9, "−4.7 × 10⁻⁹"),
        (3.2e20, "3.2 × 10²⁰"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "not a number"),
    ],
)
def test_number(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "reference", "texts"),
    [
        (2.4540142, 2.454014, ("2.454014", "2.454014")),  # at the precision that the lecture prints
        (2.06199, 2.061862, ("2.061990", "2.061862")),
        (2.0671, 2.07, ("2.07", "2.07")),
        (99.5, 100.0, ("99.5", "100")),
        (5.37, 5.0, ("5.37", "5")),
        (4.7e-9, 5e-9, ("4.7 × 10⁻⁹", "5 × 10⁻⁹")),
        (3e-9, 0.01, ("3 × 10⁻⁹", "0.01")),
        (math.inf, 2.4533, ("∞", "2.4533")),
        (2.4533, math.inf, ("2.4533", "∞")),
        (2.4, None, ("2.4", "")),
    ],
)
def test_figure_texts(value, reference, texts):
    assert figure_texts(Figure(name="n", value=value, reference=reference, tolerance=0.01)) == texts


def test_a_figure_that_misses_its_reference_never_looks_equal_to_it():
    for gap in (1e-4, 1e-7, 1e-12, 4e-16):
        value, reference = figure_texts(Figure(name="n", value=2.4533 + gap, reference=2.4533))
        assert value != reference


def test_columns_stand_in_line_and_keep_their_digits():
    assert column([2.45401, 2.4533, 12.0]) == (["2.4540", "2.4533", "12.0000"], True)
    assert column([0.5, 0.25, 1]) == (["0.50", "0.25", "1.00"], True)
    assert column([5.37123, 0.012, 7.2]) == (["5.3712", "0.0120", "7.2000"], True)
    assert column([0.001, 0.3, 10]) == (["0.001", "0.3", "10"], True)  # too wide for one precision
    assert column([27, 729]) == (["27", "729"], True)
    assert column([1e-9, 2.5e-9]) == (["1 × 10⁻⁹", "2.5 × 10⁻⁹"], True)
    assert column(["inf", 2.5, None, ""]) == (["∞", "2.5", "–", ""], True)
    assert column([True, None]) == (["yes", "–"], False)
    assert column(["names", 1.5]) == (["names", "1.5"], False)
    assert column([]) == ([], False)
    assert column([0.0, 0.0]) == (["0", "0"], True)


def test_duration_of_anything():
    assert duration(59.96) == "1 min 0 s"
    assert duration("<b>") == "unknown"
    assert duration(math.inf) == "unknown"
