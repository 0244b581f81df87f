import copy
import gc
import math
import operator
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from zth.autograd import Value
from zth.compare import finite_differences, same
from zth.errors import DomainError

Form = Callable[[Any], Any]


def by_torch(f: Form, x: float) -> tuple[float, float]:
    """f(x) and f'(x)."""
    leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    out = f(leaf)
    out.backward()
    assert leaf.grad is not None
    return out.item(), leaf.grad.item()


def by_value(f: Form, x: float) -> tuple[float, float]:
    leaf = Value(x)
    out = f(leaf)
    out.backward()
    return out.data, leaf.grad


FORMS: dict[str, Form] = {
    "x + 2": lambda x: x + 2,
    "2 + x": lambda x: 2 + x,
    "x - 2.5": lambda x: x - 2.5,
    "2.5 - x": lambda x: 2.5 - x,
    "x * 3": lambda x: x * 3,
    "3 * x": lambda x: 3 * x,
    "x / 4": lambda x: x / 4,
    "4 / x": lambda x: 4 / x,
    "x ** 3": lambda x: x**3,
    "x ** -2": lambda x: x**-2,
    "x ** 0": lambda x: x**0,
    "2 ** x": lambda x: 2**x,
    "0.5 ** x": lambda x: 0.5**x,
    "-x": lambda x: -x,
    "+x": lambda x: +x,
    "abs(x)": abs,
    "x + x": lambda x: x + x,
    "x - x": lambda x: x - x,
    "x * x": lambda x: x * x,
    "x / x": lambda x: x / x,
    "x.exp()": lambda x: x.exp(),
    "x.sin()": lambda x: x.sin(),
    "x.cos()": lambda x: x.cos(),
    "x.tanh()": lambda x: x.tanh(),
    "x.relu()": lambda x: x.relu(),
    "x.sigmoid()": lambda x: x.sigmoid(),
    "x.abs()": lambda x: x.abs(),
    "x.max(-x)": lambda x: x.max(-x),
    "x.max(x)": lambda x: x.max(x),
    "sum": lambda x: sum([x, x, x]),
    "reuse": lambda x: (x * x + x).relu() * (x - 3) + x * (x * x + x),
}
POSITIVE_FORMS: dict[str, Form] = {
    "x ** x": lambda x: x**x,
    "x ** 0.5": lambda x: x**0.5,
    "x.log()": lambda x: x.log(),
    "x.sqrt()": lambda x: x.sqrt(),
    "nested": lambda x: ((x.log() + 2) ** 2 / (1 + x.exp())).sqrt(),
}


@pytest.mark.parametrize("x", [-1.5, 0.5, 2.0])
@pytest.mark.parametrize("name", FORMS)
def test_each_form_agrees_with_torch(name: str, x: float) -> None:
    assert same(by_value(FORMS[name], x), by_torch(FORMS[name], x))


@pytest.mark.parametrize("x", [0.25, 1.0, 3.0])
@pytest.mark.parametrize("name", POSITIVE_FORMS)
def test_each_form_of_a_positive_number_agrees_with_torch(name: str, x: float) -> None:
    assert same(by_value(POSITIVE_FORMS[name], x), by_torch(POSITIVE_FORMS[name], x))


@pytest.mark.parametrize("name", ["abs(x)", "x.relu()", "x.max(-x)", "x.max(x)"])
def test_kinks_and_ties_are_as_in_torch(name: str) -> None:
    assert by_value(FORMS[name], 0.0) == by_torch(FORMS[name], 0.0)


@pytest.mark.parametrize("f", [lambda x: x.sqrt(), lambda x: x**0.5, lambda x: x**1, lambda x: x**0])
def test_the_edge_of_a_domain_is_as_in_torch(f: Form) -> None:
    assert by_value(f, 0.0) == by_torch(f, 0.0)


def test_a_graph_worked_by_hand() -> None:
    # lecture 1: L = (a * b + c) * f
    a, b, c, f = Value(2.0), Value(-3.0), Value(10.0), Value(-2.0)
    e = a * b
    d = e + c
    loss = d * f
    loss.backward()
    assert loss.data == -8.0
    assert [v.grad for v in (loss, f, d, c, e, a, b)] == [1.0, 4.0, -2.0, -2.0, -2.0, 6.0, -4.0]


def test_the_lectures_neuron() -> None:
    # lecture 1: x1 = 2, x2 = 0, w1 = -3, w2 = 1, the bias chosen so that the digits come out round
    x1, x2, w1, w2 = Value(2.0), Value(0.0), Value(-3.0), Value(1.0)
    o = (x1 * w1 + x2 * w2 + 6.8813735870195432).tanh()
    o.backward()
    assert same([o.data, x1.grad, w1.grad, x2.grad, w2.grad], [2**-0.5, -1.5, 1.0, 0.5, 0.0])


def test_accumulating_statements_agree_with_torch() -> None:
    """As much as micrograd's own tests ask for: += on nodes, mixed numbers, reuse, powers, a reflected division."""

    def tangle(x: Any, y: Any) -> Any:
        p, q = x - y, x * y + y**3 + x / 2
        p += p * 2 - 1
        p += 3 + p - (-x)
        q += q * 3 + (x + y).relu()
        q += 2 * q - (y - x).relu()
        r = (q - p) ** 2 / 3.0
        r += 7.0 / r
        return r.relu() + x * r

    x, y = Value(-4.0), Value(2.0)
    out = tangle(x, y)
    out.backward()
    s, t = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (-4.0, 2.0))
    judge = tangle(s, t)
    judge.backward()
    assert same([out.data, x.grad, y.grad], [judge.detach(), s.grad, t.grad])


def test_two_variable_powers_against_differences() -> None:
    x, y = Value(1.7), Value(-0.6)
    (x**y).backward()
    assert [x.grad, y.grad] == pytest.approx(finite_differences(lambda at: at[0] ** at[1], [1.7, -0.6]).tolist())


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, int, float, bool])
@pytest.mark.parametrize("op", [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow])
def test_any_real_number_may_stand_on_either_side(op: Callable[[Any, Any], Any], kind: Any) -> None:
    number, value = kind(1), Value(2.0)
    for out, wanted in ((op(number, value), op(1, 2.0)), (op(value, number), op(2.0, 1))):
        assert type(out) is Value
        assert type(out.data) is float
        assert out.data == wanted


def test_data_is_a_float_whatever_was_passed() -> None:
    assert [type(Value(x).data) for x in (3, np.float32(3), True)] == [float] * 3


def test_backward_twice_doubles_the_leaves_exactly_and_sets_the_rest_anew() -> None:
    x = Value(0.3)
    middle = (x * x).tanh()
    loss = (middle * x + middle).exp()
    loss.backward()
    once, between = x.grad, middle.grad
    loss.backward()
    assert (x.grad, middle.grad, loss.grad) == (2 * once, between, 1.0)


def test_two_losses_on_one_part_accumulate_as_in_torch() -> None:
    def leaves_after(x: Any) -> Any:
        shared = (x * x).exp()
        first, second = shared * 3, shared.log() + shared * x
        first.backward(**({"retain_graph": True} if isinstance(x, torch.Tensor) else {}))
        second.backward()
        return x.grad

    assert same(leaves_after(Value(0.7)), leaves_after(torch.tensor(0.7, dtype=torch.float64, requires_grad=True)))


def test_backward_on_a_leaf_adds_one() -> None:
    x = Value(5.0)
    x.backward()
    x.backward()
    assert x.grad == 2.0


def test_nodes_outside_the_graph_keep_their_gradients() -> None:
    x = Value(2.0)
    other = x * 5
    other.grad = 7.0
    (x * x).backward()
    assert other.grad == 7.0


def test_augmented_assignment_makes_a_new_node() -> None:
    x = Value(2.0)
    y = x
    y += 1
    (y * y).backward()
    assert (x.data, y.data, x.grad) == (2.0, 3.0, 6.0)


def test_data_changed_after_the_forward_pass_does_not_spoil_the_gradient() -> None:
    x, y = Value(2.0), Value(3.0)
    out = x * y
    x.data, y.data = 100.0, 200.0
    out.backward()
    assert (x.grad, y.grad) == (3.0, 2.0)


def test_a_million_nodes_neither_overflow_nor_dawdle() -> None:
    x = step = Value(1.0)
    for _ in range(1_000_000):
        x = x + step
    start = time.process_time()
    x.backward()
    assert time.process_time() - start < 5
    assert step.grad == 1_000_001.0
    del x  # a million nodes, each the last holder of the one before


def test_a_ladder_of_shared_nodes_is_walked_once() -> None:
    # 2^200 paths lead from the top to the leaf
    x = top = Value(1.0)
    for _ in range(200):
        top = top + top
    top.backward()
    assert x.grad == 2.0**200


def test_the_garbage_collector_finds_nothing_to_do() -> None:
    gc.collect()
    x = Value(0.5)
    loss = sum(((x * k).tanh() ** 2 for k in range(50)), Value(0.0))
    loss.backward()
    del x, loss
    assert gc.collect() == 0


DOMAIN = [
    (lambda x: x.log(), 0.0, "log(x=0.0) is no real number; log needs an operand above 0."),
    (lambda x: x.log(), -1.0, "log(x=-1.0)"),
    (lambda x: x.sqrt(), -1.0, "sqrt(x=-1.0) is no real number"),
    (lambda x: x**-1, 0.0, "power(x=0.0, -1.0) is no real number"),
    (lambda x: x**0.5, -4.0, "power(x=-4.0, 0.5) is no real number"),
    (lambda x: x ** Value(2.0), -4.0, "pow(x=-4.0, 2.0) is no real number; pow needs a base above 0"),
    (lambda x: x ** Value(-1.0, label="n"), 0.0, "pow(x=0.0, n=-1.0)"),
    (lambda x: (-2) ** x, 2.0, "pow(-2.0, x=2.0)"),
    (lambda x: 1 / x, 0.0, "div(1.0, x=0.0) is no real number; div needs a divisor other than 0."),
    (lambda x: x / 0, 1.0, "div(x=1.0, 0.0)"),
    (lambda x: x.exp(), 1000.0, "exp(x=1000.0) is too large for a float; exp needs an operand below 709.78."),
    (lambda x: x**400, 10.0, "power(x=10.0, 400.0) is too large for a float; power needs a result below 1.8e308."),
    (lambda x: 10**x, 400.0, "pow(10.0, x=400.0) is too large for a float"),
    (lambda x: x.sin(), math.inf, "sin(x=inf) is no real number; sin needs a finite operand."),
]


@pytest.mark.parametrize(("f", "x", "says"), DOMAIN, ids=[says.split(")")[0] + ")" for _, _, says in DOMAIN])
def test_leaving_the_real_numbers_names_the_operation_and_the_operand(f: Form, x: float, says: str) -> None:
    with pytest.raises(DomainError) as caught:
        f(Value(x, label="x"))
    assert caught.value.problem.startswith(says)
    assert caught.value.next_move
    assert isinstance(caught.value, ArithmeticError)


@pytest.mark.parametrize("wrong", ["3", None, [1.0], 1j, np.array([1.0]), torch.tensor(1.0)])
def test_only_real_numbers_mix_with_values(wrong: Any) -> None:
    with pytest.raises(TypeError, match="one real number"):
        Value(wrong)
    for op in (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow):
        with pytest.raises(TypeError):
            op(Value(1.0), wrong)
        with pytest.raises(TypeError):
            op(wrong, Value(1.0))
    with pytest.raises(TypeError, match="max"):
        Value(1.0).max(wrong)


def test_a_failed_backward_leaves_a_graph_that_works() -> None:
    x, bad = Value(2.0), Value(3.0)
    shared = x * x
    loss = bad * shared + shared
    bad.grad = "oops"  # type: ignore[assignment]
    with pytest.raises(TypeError):
        loss.backward()
    bad.grad = 0.0
    loss.backward()
    assert (x.grad, bad.grad) == (16.0, 4.0)


def test_numbers_are_ordered_and_nodes_are_told_apart() -> None:
    a, b = Value(1.0), Value(2.0)
    assert a < b <= 2 < 3.0 > b >= a > 0
    assert max([a, b]) is b
    assert a != Value(1.0)
    assert len({a, b, Value(1.0)}) == 3


def test_a_node_knows_what_made_it() -> None:
    a = Value(3.0, label="a")
    product, square = a * 2, a * a
    assert (a.op, a.operands) == (None, ())
    assert product.op is not None
    assert product.op.symbol == "*"
    assert [v.data for v in product.operands] == [3.0, 2.0]
    assert square.operands == (a, a)
    assert a.relu().operands == (a,)


def test_repr_shows_data_grad_and_label() -> None:
    assert repr(Value(2)) == "Value(data=2.0, grad=0.0)"
    assert repr(Value(2, label="a")) == "Value(data=2.0, grad=0.0, label='a')"


def test_a_subclass_mixes_with_values() -> None:
    class Weight(Value):
        pass

    w, x = Weight(2.0), Value(3.0)
    (x * w + w * x).backward()
    assert (w.grad, x.grad) == (6.0, 4.0)


def test_a_deep_copy_has_gradients_of_its_own() -> None:
    x = Value(2.0)
    out = x * x
    other = copy.deepcopy(out)
    other.backward()
    assert (x.grad, other.operands[0].grad) == (0.0, 4.0)


def test_the_package_loads_neither_numpy_nor_torch() -> None:
    code = "import sys, zth.autograd, zth.autograd.nn; print({'numpy', 'torch', 'plotly'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"
