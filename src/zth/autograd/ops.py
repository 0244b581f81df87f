"""The table of operations: each op once, as one rule that gives the value and the local derivatives.

`table(m)` writes the rows over any arithmetic `m` that goes by NumPy's names. `SCALAR` is the table over Python
floats, which `Value` runs on; `table(numpy)` are the same rows over whole arrays.

Over floats a rule raises ValueError, OverflowError or ZeroDivisionError where its value is no real number, and
`domain_error` says so in words. A slope may be infinite where the value is not, as that of sqrt at 0: PyTorch's rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from zth.errors import DomainError


class Op(NamedTuple):
    """One row: `rule(a)` -> (value, d value/d a), or `rule(a, b)` -> (value, d value/d a, d value/d b).

    >>> SCALAR["mul"].rule(3.0, 4.0)
    (12.0, 4.0, 3.0)
    """

    name: str
    symbol: str
    """What a picture of the graph shows."""
    rule: Callable[..., tuple[Any, ...]]
    blocked: tuple[int, ...] = ()
    """The operands whose slope is 0 everywhere: no gradient flows through them."""

    @property
    def arity(self) -> int:
        return self.rule.__code__.co_argcount


class Floats:
    """Python floats under NumPy's names, as far as the table needs them; unlike NumPy's, these raise."""

    exp, log, sin, cos, tanh = math.exp, math.log, math.sin, math.cos, math.tanh
    sqrt, fabs, power = math.sqrt, math.fabs, math.pow

    @staticmethod
    def where(condition: bool, a: float, b: float) -> float:
        return a if condition else b

    @staticmethod
    def maximum(a: float, b: float) -> float:
        return a if a >= b or a != a else b  # a nan on either side comes through, as in NumPy

    @staticmethod
    def float_power(a: float, b: float) -> float:
        """a ** b, but infinite where `power` refuses 0 to a negative power: an infinite slope is no error."""
        return math.pow(a, b) if a or b >= 0.0 else math.inf


def table(m: Any) -> dict[str, Op]:
    """The rows over the arithmetic `m`, by name.

    >>> import numpy as np
    >>> value, slope = table(np)["exp"].rule(np.array([0.0, 1.0]))
    >>> slope.round(4).tolist()
    [1.0, 2.7183]
    """

    def power_slope(a: Any, n: Any) -> Any:
        return m.where(n == 0, 0.0, n * m.float_power(a, n - 1.0))  # where: at a = n = 0 the product is 0 * inf

    def sigmoid(a: Any) -> tuple[Any, Any]:
        e = m.exp(-m.fabs(a))  # at most 1, so that no large operand overflows
        return m.where(a >= 0, 1.0, e) / (1.0 + e), e / (1.0 + e) ** 2

    def larger(a: Any, b: Any) -> tuple[Any, Any, Any]:
        share = 0.5 * (a > b) + 0.5 * (a >= b)  # a tie gives each side half, as PyTorch's maximum
        return m.maximum(a, b), share, 1.0 - share

    rows = (
        Op("add", "+", lambda a, b: (a + b, 1.0, 1.0)),
        Op("sub", "-", lambda a, b: (a - b, 1.0, -1.0)),
        Op("mul", "*", lambda a, b: (a * b, b, a)),
        Op("div", "/", lambda a, b: ((q := a / b), 1.0 / b, -q / b)),
        Op("neg", "-", lambda a: (-a, -1.0)),
        Op("pow", "**", lambda a, b: ((p := m.power(a, b)), power_slope(a, b), p * m.log(m.where(a == 0, 1.0, a)))),
        # the exponent is a plain number: it has no slope, so a negative base needs no logarithm
        Op("power", "**", lambda a, n: (m.power(a, n), power_slope(a, n), 0.0), (1,)),
        Op("exp", "exp", lambda a: ((e := m.exp(a)), e)),
        Op("log", "log", lambda a: (m.log(a), 1.0 / a)),
        Op("sin", "sin", lambda a: (m.sin(a), m.cos(a))),
        Op("cos", "cos", lambda a: (m.cos(a), -m.sin(a))),
        Op("tanh", "tanh", lambda a: ((t := m.tanh(a)), 1.0 - t * t)),
        Op("sqrt", "sqrt", lambda a: (m.sqrt(a), 0.5 * m.float_power(a, -0.5))),
        Op("relu", "ReLU", lambda a: (m.maximum(a, 0.0), (a > 0) * 1.0)),
        Op("sigmoid", "sigmoid", sigmoid),
        Op("abs", "abs", lambda a: (m.fabs(a), (a > 0) * 1.0 - (a < 0))),
        Op("max", "max", larger),
        Op("detach", "detach", lambda a: (a, 0.0), (0,)),  # the number alone: PyTorch's word for it
    )
    return {op.name: op for op in rows}


SCALAR = table(Floats)

# What an op asks of its operands, and what to do where that is not so.
_DOMAINS = {
    "div": ("a divisor other than 0", "Keep it away from 0, as in a / (b + 1e-8)."),
    "pow": (
        "a base above 0, since the slope at a Value exponent holds the base's logarithm",
        "For a whole power of a negative number make the exponent a plain number: x ** 3.",
    ),
    "power": ("a base other than 0 for a negative power, and not below 0 for a fraction", "Try abs(x) or x + 1e-8."),
    "exp": ("an operand below 709.78", "Subtract the largest operand first, as functional.softmax does."),
    "log": ("an operand above 0", "Keep it there, as in x.max(1e-12).log(); or see functional.log_softmax."),
    "sqrt": ("an operand of at least 0", "Keep it there, as in x.max(0).sqrt()."),
}


def domain_error(op: Op, operands: Iterable[str], cause: Exception) -> DomainError:
    """The error for `op` at `operands`, each written as a number or as label=number.

    >>> domain_error(SCALAR["log"], ["loss=0.0"], ValueError()).problem
    'log(loss=0.0) is no real number; log needs an operand above 0.'
    """
    needs, next_move = _DOMAINS.get(op.name, ("a finite operand", "Look at where it comes from."))
    what = "is no real number"
    if isinstance(cause, OverflowError):
        what = "is too large for a float"
        if op.symbol == "**":
            needs, next_move = "a result below 1.8e308", "Scale the base down, or work with logarithms."
    return DomainError(f"{op.name}({', '.join(operands)}) {what}; {op.name} needs {needs}.", next_move)
