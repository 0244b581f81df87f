"""Check of 1.2: each operation by its value and its gradient, then softmax and the loss, apart and in one graph."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from zth.autograd import Value
from zth.workbook.answer import Remote
from zth.workbook.check import Mistake, Part
from zth.workbook.l01_micrograd.e02_softmax.engine import RULES, Engine, Rule, mistaken


@dataclass(frozen=True)
class Formula:
    """What is computed, and where. The text is both what is run and what a verdict shows.

    >>> Formula("2 / x", (4.0,))
    2 / x  at x = 4
    """

    text: str
    at: tuple[float, ...]

    def __repr__(self) -> str:
        return f"{self.text}  at {', '.join(f'{name} = {number:g}' for name, number in self.leaves())}"

    def leaves(self) -> list[tuple[str, float]]:
        return list(zip("xy", self.at, strict=False))


def value_and_gradient(answer: Any, formula: Formula) -> object:
    leaves = {name: answer.Value(number) for name, number in formula.leaves()}
    try:
        out = eval(formula.text, dict(leaves))  # the texts are those of this file
    except (TypeError, AttributeError):
        if isinstance(leaves["x"], Remote):  # the answer's code would have raised over there: None + None, say
            return None
        raise
    if not _is_value(out):
        return out
    out.backward()
    return {"value": out.data, **{f"{name}.grad": leaf.grad for name, leaf in leaves.items()}}


def probabilities(answer: Any, logits: Sequence[float]) -> object:
    """The probabilities, and the gradient of the first of them."""
    xs = [answer.Value(x) for x in logits]
    probs = answer.softmax(xs)
    if isinstance(probs, Remote):
        probs = list(probs)
    if not isinstance(probs, (list, tuple)) or not probs or not all(_is_value(p) for p in probs):
        return probs
    probs[0].backward()
    return {"probs": [p.data for p in probs], "gradient of probs[0]": [x.grad for x in xs]}


def loss_of_probs(answer: Any, probs: Sequence[float], label: int) -> object:
    leaves = [answer.Value(p) for p in probs]
    return _loss_and_gradient(answer.nll(leaves, label), leaves)


def loss_of_logits(answer: Any, logits: Sequence[float], label: int) -> object:
    leaves = [answer.Value(x) for x in logits]
    return _loss_and_gradient(answer.nll(answer.softmax(leaves), label), leaves)


def _loss_and_gradient(loss: Any, leaves: Sequence[Any]) -> object:
    if not _is_value(loss):
        return loss
    loss.backward()
    return {"loss": loss.data, "gradient": [leaf.grad for leaf in leaves]}


def _is_value(thing: object) -> bool:
    """Not a plain number, say: an answer's own object, or one of those that stand in for it."""
    return isinstance(thing, (Remote, Value, Engine))


def _part(name: str, *formulas: tuple[str, tuple[float, ...]]) -> Part:
    cases = [(Formula(text, at),) for text, at in formulas]
    return Part(name=name, shown="{}", ask=value_and_gradient, cases=cases)


# Each new operation stands alone, below another (so that the gradient which arrives is not 1), beside a second use of
# its operand (so that gradients add up), and above another (so that what it was made from has to have its turn).
PARTS = [
    _part("x + y", ("x + y", (2.0, -3.0)), ("x + 3", (2.0,)), ("x + x", (3.0,))),
    _part("x * y", ("x * y", (2.0, -3.0)), ("x * 3", (2.0,)), ("x * x", (-3.0,))),
    # b is used at two depths: whoever takes it too early hands down a part of its gradient
    _part(
        "backward",
        ("(b := x * y) + y * (x * b)", (2.0, -3.0)),
        ("(b := x + y) * (x * (y * b))", (0.5, 3.0)),
        ("(b := x * y) * x * y + b", (2.0, -3.0)),
        ("x", (2.0,)),
    ),
    _part(
        "exp",
        ("x.exp()", (2.0,)),
        ("y * x.exp()", (-0.5, 3.0)),
        ("x * x.exp()", (1.5,)),
        ("(x * y).exp()", (0.5, -3.0)),
    ),
    _part(
        "log",
        ("x.log()", (2.0,)),
        ("y * x.log()", (0.5, 3.0)),
        ("x * x.log()", (4.0,)),
        ("(x * y).log()", (3.0, 2.0)),
    ),
    _part("-x", ("-x", (2.0,)), ("y * -x", (2.0, -3.0)), ("x * -x", (1.5,)), ("-(x * y)", (3.0, 2.0))),
    _part(
        "x - y",
        ("x - y", (2.0, 5.0)),
        ("x - 3", (2.0,)),
        ("y * (x - y)", (2.0, -3.0)),
        ("x - x", (4.0,)),
        ("x * 2 - (y + 3)", (3.0, 2.0)),
    ),
    _part(
        "x ** n",
        ("x ** 3", (2.0,)),
        ("x ** -1", (4.0,)),
        ("x ** 0.5", (9.0,)),
        ("y * x ** 2", (-1.5, 3.0)),
        ("x * x ** 3", (-2.0,)),
        ("(x * y) ** 2", (3.0, 2.0)),
    ),
    _part(
        "x / y",
        ("x / y", (3.0, -4.0)),
        ("x / 3", (2.0,)),
        ("y * (x / y)", (2.0, 5.0)),
        ("x / x", (3.0,)),
        ("(x + 2) / (y * 3)", (1.5, 0.5)),
    ),
    _part(
        "2 + x, 2 * x",
        ("2 + x", (5.0,)),
        ("2 * x", (5.0,)),
        ("y * (2 + x)", (5.0, 3.0)),
        ("2 * (3 + x * y)", (5.0, 3.0)),
        ("sum([x, y])", (2.0, 7.0)),
    ),
    _part("2 - x", ("2 - x", (5.0,)), ("y * (2 - x)", (-1.0, 3.0)), ("2 - x * y", (5.0, 3.0))),
    _part("2 / x", ("2 / x", (4.0,)), ("y * (3 / x)", (-2.0, 5.0)), ("2 / (x * y)", (4.0, 0.5))),
    Part(
        name="softmax",
        ask=probabilities,
        cases=[([0.0, 3.0, -2.0, 1.0],), ([-1.5, -0.5],), ([2.0, 2.0, 2.5, -3.0, 0.25],)],
    ),
    Part(
        name="nll", ask=loss_of_probs, cases=[([0.1, 0.7, 0.2], 1), ([0.5, 0.125, 0.25, 0.125], 0), ([0.9, 0.1], 1)]
    ),
    Part(
        name="the loss of logits",
        shown="nll(softmax({}), {})",
        ask=loss_of_logits,
        cases=[([0.0, 3.0, -2.0, 1.0], 3), ([-4.0, 6.0], 0), ([1.0, 1.0, 1.0], 2), ([0.5, -0.25, 2.0, 7.0, -6.0], 1)],
    ),
]

NEW = ("exp", "log", "neg", "sub", "power", "div")
"""The operations that the learner adds."""


def _cut(rule: Rule) -> Rule:
    def without_slopes(*operands: float) -> tuple[float, ...]:
        value, *slopes = rule(*operands)
        return value, *[0.0 for _ in slopes]

    return without_slopes


def _slopes(**slopes: Callable[..., Any]) -> dict[str, object]:
    """An engine in which the named operations have right values and these slopes."""

    def mended(rule: Rule, slope: Callable[..., Any]) -> Rule:
        def row(*operands: float) -> tuple[float, ...]:
            found = slope(*operands)
            return rule(*operands)[0], *(found if isinstance(found, tuple) else (found,))

        return row

    return mistaken({name: mended(RULES[name], slope) for name, slope in slopes.items()})


def _at_once(root: Engine) -> list[Engine]:
    """Breadth first, each node when it is first met."""
    queue = [root]
    for node in queue:
        queue += [operand for operand in dict.fromkeys(node.operands) if operand not in queue]
    return queue


def _every_way(node: Engine) -> list[Engine]:
    """As a recursion without a memory goes: a node once for each way that leads to it."""
    return [node, *(below for operand in node.operands for below in _every_way(operand))]


def _plain(name: str) -> Callable[..., Any]:
    return lambda self, *others: RULES[name](self.data, *(getattr(other, "data", other) for other in others))[0]


def _refuse(_self: Engine, _other: object) -> Any:
    return NotImplemented  # then Python says what it says where the method is missing


def _power_by_logarithm(self: Engine, n: float) -> Any:
    return self.node("log").__mul__(n).exp()


def _softmax_of_numbers(logits: Sequence[Any]) -> list[Any]:
    counts = [math.exp(x.data) for x in logits]
    return [type(logits[0])(count / sum(counts)) for count in counts]


def _softmax_with_fixed_total(logits: Sequence[Any]) -> list[Any]:
    counts = [x.exp() for x in logits]
    return [count / sum(c.data for c in counts) for count in counts]


# The first that answers as the learner did is named. Those of softmax come first: what goes wrong only there must not
# be laid at the door of an operation, which has a part of its own.
MISTAKES = [
    Mistake(
        name="softmax: not divided by the sum",
        says="Those are the exponentials. Divide each by their sum; then they add up to 1.",
        instead={"softmax": lambda logits: [x.exp() for x in logits]},
    ),
    Mistake(
        name="softmax: no exponential",
        says="You divided the logits themselves by their sum. A logit may be negative, a probability may not: take "
        "exp of each first.",
        instead={"softmax": lambda logits: [x / sum(logits) for x in logits]},
    ),
    Mistake(
        name="softmax: the sum left the graph",
        says="The probabilities are right, but their gradients are not: you divide by a plain number. Every logit "
        "is in the sum, so it must be a Value too: sum the Values, not their .data.",
        instead={"softmax": _softmax_with_fixed_total},
    ),
    Mistake(
        name="softmax: made from plain numbers",
        says="The probabilities are right, but no gradient gets through to the logits: you computed with .data. Use "
        "x.exp() and / on the Values themselves.",
        instead={"softmax": _softmax_of_numbers},
    ),
    Mistake(
        name="nll: the minus is missing",
        says="A logarithm of a probability is at most 0; the loss is its negative, which is at least 0.",
        instead={"nll": lambda probs, label: probs[label].log()},
    ),
    Mistake(
        name="nll: no logarithm",
        says="That is the negative probability; take its logarithm first: -log(p).",
        instead={"nll": lambda probs, label: -probs[label]},
    ),
    Mistake(
        name="nll: counted from 1",
        says="Labels are counted from 0: the probability of the right answer is probs[label].",
        instead={"nll": lambda probs, label: -probs[label - 1].log()},
    ),
    Mistake(
        name="nll: all classes",
        says="You averaged over all classes. Only the probability of the right answer counts: probs[label].",
        instead={"nll": lambda probs, _: -sum(p.log() for p in probs) / len(probs)},
    ),
    Mistake(
        name="the last use wins",
        says="A number that is used twice has two ways to change the result, and its gradient is their sum. "
        "Yours keeps only the last: write `self.grad += ...`, not `self.grad = ...`, in every operation.",
        instead=mistaken(gathered=lambda _self, _before, share: share),
    ),
    Mistake(
        name="no gradient to begin with",
        says="All gradients are 0, because each is a multiple of the one above it. backward() must begin with "
        "`self.grad = 1.0`: the derivative of a number with respect to itself.",
        instead=mistaken(seed=0.0),
    ),
    Mistake(
        name="a node's turn comes too early",
        says="A node passed its gradient on before all of it had arrived. Its turn comes after every node that was "
        "made from it: sort the graph first, so that operands come before results, and go through it backwards.",
        instead=mistaken(order=_at_once),
    ),
    Mistake(
        name="a node has several turns",
        says="A node that is used twice passed its gradient on twice. Visit each node once, after every node that "
        "was made from it: keep a set of those that you have seen.",
        instead=mistaken(order=_every_way),
    ),
    Mistake(
        name="the way back is cut",
        says="The value is right, but no gradient gets through. The new Value must know how to go back: is there a "
        "line `out._backward = _backward`, and does `_backward` add to `self.grad`?",
        instead=mistaken({name: _cut(RULES[name]) for name in NEW}),
    ),
    Mistake(
        name="the operands are forgotten",
        says="What lies two steps back gets no gradient: the new Value does not remember what it was made from, so "
        "backward() never gets there. Pass it on: `Value(..., (self,))`.",
        instead=mistaken(known_operands=lambda self: () if self.made_by in NEW else self.operands),
    ),
    Mistake(
        name="a plain number comes out",
        says="The result is a plain number, and the graph ends there. Wrap it in a Value that remembers `self`.",
        instead=mistaken(
            exp=_plain("exp"),
            log=_plain("log"),
            __neg__=_plain("neg"),
            __sub__=_plain("sub"),
            __pow__=_plain("power"),
            __truediv__=_plain("div"),
        ),
    ),
    Mistake(
        name="the gradient from above is forgotten",
        says="You add the slope alone. By the chain rule it is multiplied by the gradient that arrives: slope * "
        "out.grad.",
        instead=mistaken(share=lambda self, slope: slope if self.made_by in NEW else slope * self.grad),
    ),
    Mistake(
        name="exp: slope 1",
        says="`exp` passes the gradient on unchanged. The slope of e^x is e^x, which is out.data: multiply "
        "out.grad by it.",
        instead=_slopes(exp=lambda _: 1.0),
    ),
    Mistake(
        name="exp: slope x",
        says="You multiply by self.data, the exponent. The slope of e^x is e^x itself, which is out.data.",
        instead=_slopes(exp=lambda x: x),
    ),
    Mistake(
        name="exp: the power rule",
        says="x e^(x-1) is the rule for a power, where the base varies. In e^x the exponent varies, and the slope is "
        "e^x itself, which is out.data.",
        instead=_slopes(exp=lambda x: x * math.exp(x - 1)),
    ),
    Mistake(
        name="log: one over the result",
        says="You divide by out.data, the logarithm. The slope of log x is 1 / x: divide by self.data.",
        instead=_slopes(log=lambda x: 1 / math.log(x)),
    ),
    Mistake(
        name="log: another base",
        says="That is the logarithm to base 10; `math.log` is the natural one, which undoes exp.",
        instead=mistaken({"log": lambda x: (math.log10(x), 1 / x)}),
    ),
    Mistake(
        name="minus: the sign of the second slope",
        says="If y grows, x - y falls: the slope at y is -1. Yours is +1, as in a sum.",
        instead=_slopes(sub=lambda _x, _y: (1.0, 1.0)),
    ),
    Mistake(
        name="power: the factor n is missing",
        says="The slope of x ** n is n * x ** (n - 1); the factor n is missing.",
        instead=_slopes(power=lambda x, n: (x ** (n - 1), 0.0)),
    ),
    Mistake(
        name="power: the exponent is not lowered",
        says="The slope of x ** n is n * x ** (n - 1): one power less than you have.",
        instead=_slopes(power=lambda x, n: (n * x**n, 0.0)),
    ),
    Mistake(
        name="power: brackets",
        says="`n * x ** n - 1` is (n * (x ** n)) - 1 in Python: the power goes first. Put brackets: x ** (n - 1).",
        instead=_slopes(power=lambda x, n: (n * x**n - 1, 0.0)),
    ),
    Mistake(
        name="power: by way of the logarithm",
        says="exp(n log x) is x ** n only where x is above 0; (-2) ** 3 is -8, and -2 has no logarithm. Compute "
        "`self.data ** n`.",
        instead=mistaken(__pow__=_power_by_logarithm),
    ),
    Mistake(
        name="division: only the numerator",
        says="The numerator gets its gradient and the denominator none: y changes x / y too. Its slope is -x / y².",
        instead=_slopes(div=lambda _, y: (1 / y, 0.0)),
    ),
    Mistake(
        name="division: the sign of the denominator",
        says="If y grows, x / y shrinks (for positive numbers): the slope at y is -x / y², with a minus.",
        instead=_slopes(div=lambda x, y: (1 / y, x / y**2)),
    ),
    Mistake(
        name="no number on the left",
        says="For 2 + x, Python asks 2 first, which knows nothing of Values, and then calls x.__radd__(2). "
        "__rmul__, __rsub__ and __rtruediv__ work in the same way. Is the method there, and does it take a plain "
        "number?",
        instead=mistaken(__radd__=_refuse, __rmul__=_refuse, __rsub__=_refuse, __rtruediv__=_refuse),
    ),
    Mistake(
        name="2 - x the wrong way round",
        says="That is x - 2. Python calls x.__rsub__(2) for 2 - x: `other` is on the left, so return other - self.",
        instead=mistaken(__rsub__=lambda self, other: self - other),
    ),
    Mistake(
        name="2 / x the wrong way round",
        says="That is x / 2. Python calls x.__rtruediv__(2) for 2 / x: `other` is on top, so return other / self.",
        instead=mistaken(__rtruediv__=lambda self, other: self / other),
    ),
]
