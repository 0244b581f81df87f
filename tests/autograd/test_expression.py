"""Expressions as people write them."""

from __future__ import annotations

import math

import pytest

from zth.autograd.expression import FUNCTIONS, parse
from zth.errors import ConfigError, DomainError


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1 + 2*3", 7.0),
        ("-(x - 5) / 4", 0.75),
        ("x**-1", 0.5),
        ("(-x)**3", -8.0),
        ("x.exp().log()", 2.0),
        ("max(x, 3) + x.max(1)", 5.0),
        ("sigmoid(0) * +x", 1.0),
        ("2**x", 4.0),
        ("7", 7.0),
    ],
)
def test_it_means_what_python_means(text: str, wanted: float) -> None:
    assert parse(text, {"x": 2})[0].data == pytest.approx(wanted, abs=1e-15)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "max"])
def test_every_function_is_there_in_both_forms(name: str) -> None:
    assert parse(f"{name}(x)", {"x": 0.3})[0].data == parse(f"x.{name}()", {"x": 0.3})[0].data


def test_one_variable_used_twice_is_one_node() -> None:
    root, variables = parse("x*x + x", {"x": 3})
    root.backward()
    assert variables["x"].grad == 7.0
    assert variables["x"].label == "x"


@pytest.mark.parametrize(
    "text",
    ["", "x +", "y", "x.__class__", "open('f')", "(lambda: 1)()", "[x]", "x if x else x", "x < 1", "exp()",
     "exp(x, x)", "exp(*[x])", "max(x)", "'a'", "True", "x @ x", "x.data", "exp(a=x)", "0/0",
     "2**10000000", "9**9**9", "(-2)**0.5", "1" + "0" * 400, "(" * 300 + "x" + ")" * 300],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse(text, {"x": 1.0})


def test_arithmetic_errors_come_through() -> None:
    with pytest.raises(DomainError, match=r"log\(x=0"):
        parse("log(x)", {"x": 0})
    assert math.isinf(parse("x", {"x": math.inf})[0].data)
