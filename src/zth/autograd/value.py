"""Value: one number that remembers how it was made, and the backward pass over the graph of such numbers.

A node keeps its operands and, beside each, the local derivative as the forward pass saw it; so changing some `data`
afterwards cannot spoil a gradient. A node holds no closure and no set, and points only at older nodes: reference
counting frees a graph the moment that its root is let go, and the cyclic garbage collector finds nothing to do.
"""

from __future__ import annotations

import linecache
import operator
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any

from zth.autograd import ops
from zth.errors import ConfigError

_new = object.__new__  # __init__ checks what a user passes; the nodes made here need no check


METHODS: dict[str, Callable[..., Value]] = {}
"""What applies the row of a name to Values."""


def _title(method: Any, op: ops.Op) -> None:
    METHODS[op.name] = method
    method.__name__ = op.name
    method.__qualname__ = f"Value.{op.name}"
    method.__doc__ = f"One node {op.symbol!r}; its value and slopes are the row {op.name!r} of the table in ops.py."


def _unary(op: ops.Op) -> Callable[[Value], Value]:
    """The method that applies `op` to one Value."""
    rule = op.rule

    def method(self: Value) -> Value:
        out = _new(Value)
        try:
            out._data, out._da = rule(self._data)
        except (ValueError, ArithmeticError) as error:
            raise ops.domain_error(op, _named(self), error) from None
        out.grad = 0.0
        out.op = op
        out.label = ""
        out._a = self
        out._b = out._db = None
        out._uses = 0
        return out

    _title(method, op)
    return method


def _binary(op: ops.Op) -> Callable[[Value, Value | float], Value]:
    """The method that applies `op` to a Value and a Value or number."""
    rule = op.rule

    def method(self: Value, other: Any) -> Any:
        if other.__class__ is not Value:
            other = _as_value(other)
            if other is NotImplemented:
                return other
        out = _new(Value)
        try:
            out._data, out._da, out._db = rule(self._data, other._data)
        except (ValueError, ArithmeticError) as error:
            raise ops.domain_error(op, _named(self, other), error) from None
        out.grad = 0.0
        out.op = op
        out.label = ""
        out._a = self
        out._b = other
        out._uses = 0
        return out

    _title(method, op)
    return method


def _reflected(method: Callable[[Value, Value | float], Value]) -> Callable[[Value, float], Value]:
    """number (op) Value, where `method` is Value (op) Value."""

    def reflected(self: Value, other: float) -> Any:
        left = _as_value(other)
        return left if left is NotImplemented else method(left, self)

    return reflected


def _comparison(compare: Callable[[float, Any], bool]) -> Callable[[Value, Value | float], bool]:
    """Compare the numbers; it makes no node."""

    def method(self: Value, other: Value | float) -> bool:
        return compare(self.data, other.data if isinstance(other, Value) else other)

    return method


_made: set[Value] | None = None
"""While a tape is recorded: the leaves made meanwhile, which are its constants."""


@contextmanager
def recording() -> Iterator[set[Value]]:
    """Until it ends no number of a Value can be read or compared, and the leaves that are made are kept."""
    global _made
    if _made is not None:
        raise ConfigError("A tape is being recorded already.", "Record one after the other.")
    _made = set()
    try:
        yield _made
    finally:
        _made = None


def _frozen_number() -> ConfigError:
    """The error for reading a number while a tape is recorded, with the line that did it."""
    frame: Any = sys._getframe(2)
    while frame.f_code.co_filename == __file__ and frame.f_back is not None:
        frame = frame.f_back
    path, line = frame.f_code.co_filename, frame.f_lineno
    code = linecache.getline(path, line).strip() or "its source is not at hand"
    return ConfigError(
        f"{path}, line {line}, reads the number of a Value while a tape is recorded: {code}. What follows from the "
        "number would be frozen on the tape, and wrong for the next numbers.",
        "Use ops of Value, as in x.max(y) or x.relu(), return what you want to look at, or do not record this.",
    )


class Value:
    """One float with its gradient. Numbers mix freely with Values; every operation makes a node.

    `data` is the number and `grad` the derivative of whatever `backward()` was last called on; `label` is a name for
    pictures and errors. Two Values are equal when they are the same node; `<` and `>` compare the numbers.
    Raises TypeError where `data` is no real number, and DomainError where a result is none, as in the log of 0.

    >>> a, b = Value(2.0), Value(-3.0)
    >>> c = (a * b + b**2).tanh()
    >>> c.backward()
    >>> c, round(a.grad, 4)
    (Value(data=0.9950547536867305, grad=1.0), -0.0296)
    """

    __slots__ = ("_a", "_b", "_da", "_data", "_db", "_uses", "grad", "label", "op")
    __array_ufunc__ = None  # so that numpy.float64(2) * Value is left to Value

    grad: float
    label: str
    op: ops.Op | None
    """The row of the table that made this node; None for a leaf."""
    _data: float
    _a: Any
    """The first operand; None for a leaf."""
    _b: Any
    _da: Any
    """d self / d _a, as the forward pass saw it."""
    _db: Any
    _uses: int
    """-1 for a leaf; else, within backward(), how many nodes have yet to hand their gradient down to this one."""

    def __init__(self, data: float, *, label: str = "") -> None:
        self._data = data if data.__class__ is float else _as_float(data)
        self.grad = 0.0
        self.op = None
        self.label = label
        self._a = self._b = self._da = self._db = None
        self._uses = -1
        if _made is not None:
            _made.add(self)

    @property
    def data(self) -> float:
        """The number. While a tape is recorded it cannot be read: whatever came of it would be frozen on the tape."""
        if _made is not None:
            raise _frozen_number()
        return self._data

    @data.setter
    def data(self, number: float) -> None:
        self._data = number

    __add__ = _binary(ops.SCALAR["add"])
    __sub__ = _binary(ops.SCALAR["sub"])
    __mul__ = _binary(ops.SCALAR["mul"])
    __truediv__ = _binary(ops.SCALAR["div"])
    __radd__ = _reflected(__add__)
    __rsub__ = _reflected(__sub__)
    __rmul__ = _reflected(__mul__)
    __rtruediv__ = _reflected(__truediv__)
    __neg__ = _unary(ops.SCALAR["neg"])
    exp = _unary(ops.SCALAR["exp"])
    log = _unary(ops.SCALAR["log"])
    sin = _unary(ops.SCALAR["sin"])
    cos = _unary(ops.SCALAR["cos"])
    tanh = _unary(ops.SCALAR["tanh"])
    sqrt = _unary(ops.SCALAR["sqrt"])
    relu = _unary(ops.SCALAR["relu"])
    sigmoid = _unary(ops.SCALAR["sigmoid"])
    abs = __abs__ = _unary(ops.SCALAR["abs"])
    detach = _unary(ops.SCALAR["detach"])
    _max = _binary(ops.SCALAR["max"])
    _pow = _binary(ops.SCALAR["pow"])
    _power = _binary(ops.SCALAR["power"])
    __rpow__ = _reflected(_pow)
    __lt__ = _comparison(operator.lt)
    __gt__ = _comparison(operator.gt)
    __le__ = _comparison(operator.le)
    __ge__ = _comparison(operator.ge)

    def __pow__(self, other: Value | float) -> Value:
        """self ** other. A plain number as exponent allows a negative base, as in Value(-2.0) ** 3."""
        return self._pow(other) if isinstance(other, Value) else self._power(other)

    def max(self, other: Value | float) -> Value:
        """The larger of the two; where they are equal, each gets half the gradient."""
        result = self._max(other)
        if result is NotImplemented:
            raise TypeError(f"max() needs a Value or a number; got {type(other).__name__} {other!r:.60}.")
        return result

    def __pos__(self) -> Value:
        return self

    @property
    def operands(self) -> tuple[Value, ...]:
        """The nodes that this one was made from, in order: none, one or two (perhaps the same twice)."""
        return tuple(node for node in (self._a, self._b) if node is not None)

    def backward(self) -> None:
        """Set `grad` to d self / d node throughout the graph. As in PyTorch, leaves accumulate over several calls.

        A node between is set anew by each call, so a second call doubles the leaves' gradients exactly. No
        recursion: a chain of a million nodes is as good as a short one.

        >>> x = Value(3.0)
        >>> (x * x + x).backward()
        >>> x.grad
        7.0
        """
        if self._a is None:
            self.grad += 1.0
            return
        try:
            _count_uses(self)
            self.grad = 1.0
            _hand_down(self)
        except BaseException:  # Ctrl-C, or a grad that is no number: leave no half-counted node behind
            _forget_uses(self)
            raise

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self._data}, grad={self.grad}{label})"


def _count_uses(root: Value) -> None:
    """Clear the gradient of every inner node, and count by how many nodes it is used."""
    stack = [root]
    push, pop = stack.append, stack.pop
    while stack:
        node = pop()
        node.grad = 0.0
        operand = node._a
        uses = operand._uses
        if not uses:
            operand._uses = 1
            push(operand)
        elif uses > 0:
            operand._uses = uses + 1
        operand = node._b
        if operand is not None:
            uses = operand._uses
            if not uses:
                operand._uses = 1
                push(operand)
            elif uses > 0:
                operand._uses = uses + 1


def _hand_down(root: Value) -> None:
    """The chain rule, from a node to its operands; a node's turn comes when its last user has handed down to it."""
    stack = [root]
    push, pop = stack.append, stack.pop
    while stack:
        node = pop()
        grad = node.grad
        operand = node._a
        operand.grad += node._da * grad
        uses = operand._uses
        if uses == 1:
            operand._uses = 0
            push(operand)
        elif uses > 1:
            operand._uses = uses - 1
        operand = node._b
        if operand is not None:
            operand.grad += node._db * grad
            uses = operand._uses
            if uses == 1:
                operand._uses = 0
                push(operand)
            elif uses > 1:
                operand._uses = uses - 1


def _forget_uses(root: Value) -> None:
    """Back to the state between two backward passes. It may use a set: it runs only after an error."""
    seen = {root}
    stack = [root]
    while stack:
        node = stack.pop()
        node._uses = min(node._uses, 0)
        fresh = set(node.operands) - seen
        seen |= fresh
        stack.extend(fresh)


def _as_value(number: Any) -> Any:
    """A number as a leaf, a Value of a subclass as it is; NotImplemented for anything else, as operators want it."""
    if isinstance(number, (float, int)):
        return Value(float(number))
    if isinstance(number, Value):
        return number
    return Value(float(number)) if isinstance(number, Real) else NotImplemented


def _as_float(data: object) -> float:
    if isinstance(data, Real):
        return float(data)
    raise TypeError(
        f"Value holds one real number; got {type(data).__name__} {data!r:.60}. "
        "Make a list of Values for several numbers; take .item() of an array's or tensor's element."
    )


def _named(*operands: Value) -> list[str]:
    return [f"{node.label}={node._data!r}" if node.label else repr(node._data) for node in operands]
