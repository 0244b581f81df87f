"""An expression as people write it, such as "tanh(a*b + c)", as a graph of Values. Nothing is evaluated as Python."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from zth.autograd.value import Value
from zth.errors import ConfigError, DomainError, did_you_mean

FUNCTIONS = ("abs", "cos", "exp", "log", "max", "relu", "sigmoid", "sin", "sqrt", "tanh")

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


def parse(text: str, values: Mapping[str, float]) -> tuple[Value, dict[str, Value]]:
    """The root of the graph of `text`, and its variables by name, with the numbers that `values` gives them.

    Numbers, names, + - * / **, brackets and the functions of FUNCTIONS, written f(x) or x.f(). Raises ConfigError for
    anything else, and DomainError where the arithmetic leaves the real numbers.

    >>> root, variables = parse("tanh(a*b + c)", {"a": 2, "b": -3, "c": 6})
    >>> root.backward()
    >>> root.data, variables["a"].grad
    (0.0, -3.0)
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ConfigError(f"{text!r:.80} is not an expression.", "Write one as in: tanh(a*b + c)") from error
    variables = {name: Value(number, label=name) for name, number in values.items()}
    try:
        return _Reader(variables).read(tree.body), variables
    except DomainError:
        raise
    except ArithmeticError as error:  # between plain numbers, where no Value watches
        raise ConfigError(f"{text!r:.80} cannot be worked out: {error}.", "Look at its numbers.") from error
    except TypeError as error:  # (-2) ** 0.5 is a complex number in Python
        raise ConfigError(f"{text!r:.80} is no real number.", "Look at its powers.") from error


class _Reader:
    def __init__(self, variables: Mapping[str, Value]) -> None:
        self.variables = variables

    def read(self, node: ast.AST) -> Value:
        result = self._read(node)
        return result if isinstance(result, Value) else Value(result)

    def _read(self, node: ast.AST) -> Any:
        """A Value, or a plain number: x ** 2 differs from x ** Value(2), which needs a positive x."""
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return float(number)
            case ast.Name(id=name):
                return self._variable(name)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](self._read(left), self._read(right))
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](self._read(operand))
            case ast.Call(func=ast.Name(id=name), args=[first, *rest], keywords=[]):
                return self._call(name, first, rest)
            case ast.Call(func=ast.Attribute(value=first, attr=name), args=rest, keywords=[]):
                return self._call(name, first, rest)
        raise ConfigError(
            f"{ast.unparse(node)!r:.60} cannot stand in an expression.",
            f"Numbers, names, + - * / ** and {', '.join(FUNCTIONS)} can.",
        )

    def _variable(self, name: str) -> Value:
        if name not in self.variables:
            raise ConfigError(f"{name} has no value.", f"Give it one, as in: {name}=2")
        return self.variables[name]

    def _call(self, name: str, first: ast.AST, rest: list[ast.expr]) -> Value:
        wanted = 1 if name == "max" else 0
        if name not in FUNCTIONS:
            raise ConfigError(f"There is no function {name}.", did_you_mean(name, FUNCTIONS))
        if len(rest) != wanted:
            raise ConfigError(f"{name} takes {wanted + 1} operand(s); got {len(rest) + 1}.", "")
        result: Value = getattr(self.read(first), name)(*map(self.read, rest))
        return result
