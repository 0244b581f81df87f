"""A scalar engine that can be told to go wrong in one place: the mistakes of 1.2 are made with it.

It runs on the library's table of operations. Unlike the library's engine it is small and slow, and whatever people
get wrong (a slope, the adding up, the order) is a row or a method that a mistake replaces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zth.autograd import ops

Rule = Callable[..., tuple[float, ...]]
"""rule(a) or rule(a, b) -> the value, then one slope for each operand."""

RULES: Mapping[str, Rule] = {name: op.rule for name, op in ops.SCALAR.items()}


class Engine:
    """One number with its gradient, as `zth.autograd.Value` is; it mixes with plain numbers.

    >>> x = Engine(3.0)
    >>> (2 / x + x * x).backward()
    >>> round(x.grad, 4)
    5.7778
    """

    rules = RULES
    seed = 1.0

    def __init__(
        self, data: float, operands: Sequence[Engine] = (), slopes: Sequence[float] = (), made_by: str = ""
    ) -> None:
        self.data, self.operands, self.slopes, self.made_by = data, operands, slopes, made_by
        self.grad = 0.0

    def backward(self) -> None:
        self.grad = self.seed
        for node in self.order():
            for operand, slope in zip(node.operands, node.slopes, strict=True):
                operand.grad = node.gathered(operand.grad, node.share(slope))

    def order(self) -> Sequence[Engine]:
        """Every node once, after all that was made from it."""
        done: dict[Engine, None] = {}

        def visit(node: Engine) -> None:
            if node not in done:
                for operand in node.known_operands():
                    visit(operand)
                done[node] = None

        visit(self)
        return list(reversed(done))

    def known_operands(self) -> Sequence[Engine]:
        """Those that the order is made from."""
        return self.operands

    def share(self, slope: float) -> float:
        """What this node adds to the gradient of an operand."""
        return slope * self.grad

    def gathered(self, before: float, share: float) -> float:
        return before + share

    def node(self, name: str, *others: Any) -> Any:
        """The result of one operation, by its row of the table."""
        operands = [self, *(other if isinstance(other, Engine) else type(self)(other) for other in others)]
        data, *slopes = self.rules[name](*(operand.data for operand in operands))
        return type(self)(data, operands, slopes, name)

    def exp(self) -> Any:
        return self.node("exp")

    def log(self) -> Any:
        return self.node("log")

    def __neg__(self) -> Any:
        return self.node("neg")

    def __add__(self, other: Any) -> Any:
        return self.node("add", other)

    def __sub__(self, other: Any) -> Any:
        return self.node("sub", other)

    def __mul__(self, other: Any) -> Any:
        return self.node("mul", other)

    def __truediv__(self, other: Any) -> Any:
        return self.node("div", other)

    def __pow__(self, n: float) -> Any:
        return self.node("power", n)

    def __radd__(self, other: float) -> Any:
        return self + other

    def __rmul__(self, other: float) -> Any:
        return self * other

    def __rsub__(self, other: float) -> Any:
        return -self + other

    def __rtruediv__(self, other: float) -> Any:
        return type(self)(other) / self


def softmax(logits: Sequence[Any]) -> list[Any]:
    """(n,) logits of any engine -> (n,) probabilities, as a learner writes it."""
    counts = [x.exp() for x in logits]
    total = sum(counts)
    return [count / total for count in counts]


def nll(probs: Sequence[Any], label: int) -> Any:
    return -probs[label].log()


def mistaken(rules: Mapping[str, Rule] | None = None, **methods: object) -> dict[str, object]:
    """The three names of the exercise, with some rows of the table or methods of the engine replaced."""
    value = type("Value", (Engine,), {"rules": {**RULES, **(rules or {})}, **methods})
    return {"Value": value, "softmax": softmax, "nll": nll}
