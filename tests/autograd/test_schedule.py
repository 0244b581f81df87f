"""Which nodes become one, and which run side by side; the numbers are judged in test_replay.py."""

from collections.abc import Callable
from typing import Any

import numpy as np

from zth.autograd import Value
from zth.autograd.functional import softmax
from zth.autograd.nn import MLP, Layer
from zth.autograd.schedule import LARGEST, SUM, Graph, Group, groups
from zth.autograd.tape import ROWS, record


def plan(f: Callable[..., Any], *inputs: Any, **options: Any) -> list[Group]:
    return list(groups(Graph(record(f, *inputs)), **options))


def told(plan: list[Group]) -> list[tuple[str, tuple[int, ...]]]:
    names = {SUM: "sum", LARGEST: "largest"}
    return [(names.get(group.kind) or ROWS[group.kind].name, group.nodes.shape) for group in plan]


def total(terms: list[Value]) -> Value:
    return sum(terms[1:], terms[0])


def test_a_layer_on_many_examples_is_one_product_of_matrices() -> None:
    layer = Layer(6, 8)
    found = plan(lambda xs: total([y for x in xs for y in layer(x)]), np.ones((30, 6)))
    assert told(found) == [("sum", (1, 8, 30)), ("relu", (240,)), ("sum", (1,))]
    left, right = found[0].operands
    assert (left.shape, right.shape) == ((1, 8, 7), (1, 7, 30))  # the bias is a weight whose input is 1


def test_without_matrices_it_is_gathered() -> None:
    layer = Layer(6, 8)
    found = plan(lambda xs: total([y for x in xs for y in layer(x)]), np.ones((30, 6)), matrices=False)
    assert told(found) == [("sum", (240,)), ("relu", (240,)), ("sum", (1,))]


def test_one_example_is_a_matrix_only_for_a_batch() -> None:
    model = MLP(6, [8, 1])
    assert all(len(shape) == 1 for _, shape in told(plan(model, np.ones(6))))
    assert told(plan(model, np.ones(6), batch=100))[0] == ("sum", (1, 8, 1))


def test_factors_that_are_each_examples_own_are_no_matrix() -> None:
    def f(rows: Any, columns: Any) -> list[Value]:
        return [sum((a * b for a, b in zip(row, x, strict=True)), Value(0.0)) for row in rows for x in columns]

    inputs = np.ones((12, 10)), np.ones((12, 10))
    assert told(plan(f, *inputs)) == [("sum", (1, 12, 12))]
    assert told(plan(f, *inputs, batch=5)) == [("sum", (144,))]


def test_a_step_that_somebody_else_uses_is_kept() -> None:
    def f(x: Value, y: Value) -> list[Value]:
        inner = x * y + x
        return [inner + y * y + x, inner]

    assert told(plan(f, 1.0, 2.0)) == [("sum", (1,)), ("sum", (1,))]


def test_long_and_short_chains_are_of_one_round_but_not_filled_up_without_end() -> None:
    for longest, wanted in ((200, {(201, 5)}), (2000, {(4, 2), (5, 2), (2001, 1)})):
        found = plan(lambda xs: [sum(xs[:n], Value(0.0)) for n in (3, 4, 4, 3, len(xs))], np.ones(longest))
        assert {group.operands[0].shape for group in found} == wanted


def test_nodes_wait_for_more_of_their_like() -> None:
    """A softmax of one number has no sum and so a shorter way; its exp runs with the others' all the same."""
    found = told(plan(lambda xs: total([p for n in (1, 2, 3) for p in softmax(xs[:n])]), np.ones(3)))
    assert [shape for name, shape in found if name == "exp"] == [(6,)]
    assert [shape for name, shape in found if name == "div"] == [(6,)]
    assert ("largest", (2,)) in found


def test_where_no_gradient_is_wanted_none_is_made() -> None:
    w = Value(1.0)
    live = {
        name: group.live for (name, _), group in ((told([g])[0], g) for g in plan(lambda x: x.exp() * w.sin(), 1.0))
    }
    assert live == {"exp": False, "sin": True, "mul": True}
