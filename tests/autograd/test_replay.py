"""The replay against the eager engine: random graphs, nets, batches; to the bit where the order is the same."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zth.autograd import Value, ops
from zth.autograd.demo import loss_and_scores
from zth.autograd.functional import cross_entropy
from zth.autograd.nn import MLP
from zth.autograd.replay import Replay
from zth.autograd.stepwise import Stepwise
from zth.autograd.tape import record
from zth.compare import EXACT, FLOAT32, difference, same
from zth.data.moons import moons
from zth.errors import ConfigError, DomainError, ShapeError

GRAPHS = 500
PLACE = st.integers(0, 10_000)
NUMBER = st.floats(-3, 3)
# Each on nodes a and b and a number k above 0; where an op asks something of an operand, it is made to comply.
ROUNDED_ALIKE: dict[str, Any] = {
    "a + b": lambda a, b, k: a + b,
    "a - b": lambda a, b, k: a - b,
    "a * b": lambda a, b, k: a * b,
    "a / b": lambda a, b, k: a / (b * b + 0.5),
    "a * b + a * k + b": lambda a, b, k: a * b + a * k + b,
    "sum": lambda a, b, k: sum([a * k, b, k * b, a * b, a * a], a),
    "k + (a + b * k)": lambda a, b, k: k + (a + b * k),
    "a max b": lambda a, b, k: a.max(b),
    "shift": lambda a, b, k: a - a.max(b).max(k).detach(),
    "-a": lambda a, b, k: -a,
    "relu": lambda a, b, k: a.relu(),
    "abs": lambda a, b, k: abs(a),
    "sqrt": lambda a, b, k: (a * a + 0.5).sqrt(),
    "same twice": lambda a, b, k: a * a + a,
}
OTHERS: dict[str, Any] = {
    "a ** b": lambda a, b, k: (a * a + 0.5) ** b.tanh(),
    "a ** k": lambda a, b, k: (a * a + 0.5) ** k,
    "a ** 3": lambda a, b, k: a**3,
    "exp": lambda a, b, k: a.sin().exp(),
    "log": lambda a, b, k: (a * a + 0.5).log(),
    "cos": lambda a, b, k: a.cos(),
    "tanh": lambda a, b, k: a.tanh(),
    "sigmoid": lambda a, b, k: a.sigmoid(),
}


def graphs(moves: dict[str, Any]) -> Any:
    step = st.tuples(st.sampled_from(sorted(moves)), PLACE, PLACE, st.sampled_from([0.25, 1.0, 1.5, 2.0]))
    return st.tuples(st.lists(NUMBER, min_size=2, max_size=4), st.lists(step, min_size=1, max_size=25))


def build(moves: dict[str, Any], steps: Any, tame: bool) -> Any:
    """The function of a list of leaves that a random graph is; `tame` keeps numbers small by tanh."""

    def f(leaves: list[Value]) -> Value:
        nodes = list(leaves)
        for name, i, j, k in steps:
            node = moves[name](nodes[i % len(nodes)], nodes[-1 - j % len(nodes)], k)
            nodes.append(node.tanh() if tame else node * 0.125)
        return sum(nodes[1:], nodes[0])

    return f


def eagerly(f: Any, *inputs: list[float]) -> tuple[float, list[float]]:
    leaves = [[Value(x) for x in numbers] for numbers in inputs]
    root = f(*leaves)
    root.backward()
    return root.data, [x.grad for numbers in leaves for x in numbers]


def replayed(f: Any, recorded_at: list[float], numbers: list[float], **options: Any) -> tuple[float, Any]:
    """Recorded at other numbers than it is run on."""
    replay = Replay(record(f, [Value(x) for x in recorded_at]), **options)
    (value,) = replay.forward(numbers)[0]
    replay.backward()
    return float(value), replay.input_gradients[:, 0]


def test_random_graphs_of_every_op_agree_with_the_eager_engine() -> None:
    seen: Counter[str] = Counter()
    moves = ROUNDED_ALIKE | OTHERS

    @settings(
        max_examples=GRAPHS, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(graphs(moves), st.booleans())
    def judge(graph: Any, in_order: bool) -> None:
        numbers, steps = graph
        f = build(moves, steps, tame=True)
        wanted, gradients = eagerly(f, numbers)
        value, found = replayed(f, [0.5] * len(numbers), numbers, in_order=in_order)
        # relative to the largest: what cancels is good to the last digits of its terms, not to its own
        scale = max(1.0, *map(abs, gradients))
        assert abs(value - wanted) <= 1e-12 * max(1.0, abs(wanted))
        assert difference(found / scale, [g / scale for g in gradients]) is None
        seen["graphs"] += 1
        seen.update(ops_of(f, numbers))

    judge()
    assert seen["graphs"] >= GRAPHS
    assert set(ops.SCALAR) <= set(seen), "every op is met in some graph"


def ops_of(f: Any, numbers: list[float]) -> set[str]:
    tape = record(f, numbers)
    return {list(ops.SCALAR)[code] for code in tape.codes.tolist()}


@settings(max_examples=200, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(graphs(ROUNDED_ALIKE))
def test_in_order_is_the_eager_engine_bit_for_bit(graph: Any) -> None:
    numbers, steps = graph
    f = build(ROUNDED_ALIKE, steps, tame=False)
    wanted, gradients = eagerly(f, numbers)
    value, found = replayed(f, [0.5] * len(numbers), numbers, in_order=True)
    assert value == wanted
    assert found.tolist() == gradients


def moons_loss() -> tuple[MLP, Any, Any, Any]:
    model = MLP(2, [16, 8, 1])
    points, labels = moons(40, noise=0.1, seed=1)
    tape = record(lambda x, y: loss_and_scores(model, x, y), points, labels, parameters=model.parameters())
    return model, tape, points, labels


@pytest.mark.parametrize("in_order", [True, False])
def test_a_net_on_a_full_batch(in_order: bool) -> None:
    model, tape, points, labels = moons_loss()
    wanted = loss_and_scores(model, points.tolist(), labels.tolist())
    wanted[0].backward()
    replay = Replay(tape, in_order=in_order)
    outputs = replay.forward(points, labels)[:, 0]
    replay.backward()
    ruler = {"tolerance": EXACT} if in_order else {}
    assert difference(outputs, [x.data for x in wanted], **ruler) is None
    assert difference(replay.parameter_gradients, [p.grad for p in model.parameters()], **ruler) is None
    assert (
        any(group.ndim == 3 for group in (getattr(o, "out", replay.parameters) for o in replay.runner.operations))
        != in_order
    )


def test_float32() -> None:
    _, tape, points, labels = moons_loss()
    double, single = Replay(tape), Replay(tape, dtype=np.float32)
    results = []
    for replay in (double, single):
        outputs = replay.forward(points, labels)
        replay.backward()
        results.append((outputs, replay.parameter_gradients))
    assert single.runner.memory.values.dtype == single.runner.memory.edges.dtype == results[1][0].dtype == np.float32
    assert same(results[1][0], results[0][0], FLOAT32)
    assert same(results[1][1], results[0][1], FLOAT32)


@pytest.mark.parametrize("in_order", [True, False])
def test_a_batch_is_its_examples_one_by_one(in_order: bool) -> None:
    model = MLP(3, [40, 5])
    draw = np.random.default_rng(0)
    points, hits = draw.normal(size=(30, 3)), np.eye(5)[draw.integers(0, 5, 30)]

    def loss(x: list[Value], hit: list[Value]) -> Value:
        logits = model(x)
        return sum((cross_entropy(logits, i) * h for i, h in enumerate(hit)), Value(0.0)) + logits[0] * x[0] * hit[1]

    tape = record(loss, [Value(0.1)] * 3, hits[0], parameters=model.parameters())
    replay = Replay(tape, batch=30, in_order=in_order)
    outputs = replay.forward(points, hits)[0]
    replay.backward()
    for i in range(30):
        x = [Value(number) for number in points[i].tolist()]
        wanted = loss(x, [Value(number) for number in hits[i].tolist()])
        wanted.backward()
        assert same(outputs[i], wanted.data)
        assert same(replay.input_gradients[:3, i], [v.grad for v in x])
    assert same(replay.parameter_gradients, [p.grad for p in model.parameters()])
    assert not replay.input_gradients[3:].any(), "the hits came as plain numbers"


def test_every_node_can_be_looked_at() -> None:
    """Also those that have gone into a sum or a matrix."""
    _, tape, points, labels = moons_loss()
    replay = Replay(tape)
    replay.forward(points, labels)
    replay.backward()
    nodes = tape.values()
    nodes[tape.outputs[0]].backward()
    assert same(replay.node_values()[:, 0], [node.data for node in nodes])
    wanted = np.array([node.grad for node in nodes])
    data = (
        np.arange(tape.n_nodes) < tape.n_inputs
    )  # of plain numbers, and what is made of these alone, none is wanted
    for i, (_, a, b) in enumerate(tape.steps(), tape.n_leaves):
        data[i] = data[a] and (b < 0 or data[b])
    constants = slice(tape.n_inputs + tape.n_parameters, tape.n_leaves)
    data[constants] = True
    known = ~data
    assert known.sum() > 5000
    assert same(replay.node_gradients()[known, 0], wanted[known])


def test_a_chain_of_additions_is_no_worst_case() -> None:
    tape = record(lambda xs: sum(xs, Value(0.0)), [Value(1.0)] * 1000)
    replay = Replay(tape)
    assert replay.forward(np.arange(1000.0))[0, 0] == 499500
    replay.backward()
    assert (replay.input_gradients == 1).all()
    assert len(replay.runner.operations) == 1


def test_outputs_may_be_leaves_inner_nodes_and_the_same_twice() -> None:
    def f(x: Value, y: Value) -> list[Value]:
        product = x * y
        return [product + y, product, x, x, (product + 1) * 2]

    replay = Replay(record(f, Value(1.0), Value(1.0)))
    assert replay.forward(3.0, 5.0)[:, 0].tolist() == [20, 15, 3, 3, 32]
    replay.backward()
    assert replay.input_gradients[:, 0].tolist() == [5, 4]
    identity = Replay(record(lambda x: x, Value(1.0)))
    assert identity.forward(7.0).tolist() == [[7.0]]
    identity.backward()
    assert identity.input_gradients.tolist() == [[1.0]]


def test_what_the_eager_engine_refuses_is_refused_in_its_words() -> None:
    replay = Replay(record(lambda x: x.log() * 2, Value(1.0, label="x")), batch=2)
    with pytest.raises(DomainError, match=r"log\(x=-1.0\) is no real number"):
        replay.forward([1.0, -1.0])


def test_what_does_not_fit_is_refused() -> None:
    tape = record(lambda x: x[0] * x[1], [1.0, 2.0])
    with pytest.raises(ConfigError, match="at least one example"):
        Replay(tape, batch=0)
    with pytest.raises(ConfigError, match="float64 or float32; got float16"):
        Replay(tape, dtype="float16")
    replay = Replay(tape)
    with pytest.raises(ShapeError, match=r"shape \(3,\); wanted \(2,\)"):
        replay.forward([1.0, 2.0, 3.0])
    with pytest.raises(ShapeError, match="Got 2 inputs; 1 were recorded"):
        replay.forward([1.0, 2.0], 3.0)
    with pytest.raises(ConfigError, match="forward"):
        replay.backward()


def test_a_chain_is_run_node_by_node_bit_for_bit() -> None:
    def f(leaves: list[Value]) -> list[Value]:
        x, w = leaves
        for _ in range(400):
            x = (x * w).sin() + x.detach() * 0.5
        return [x, (w - 0.5).sqrt() * 2]

    replay = Replay(record(f, [Value(1.0), Value(1.5)]))
    assert isinstance(replay.runner, Stepwise)
    for numbers in ([0.3, 1.2], [2.0, 0.5]):  # at 0.5 the slope of the root is infinite, and nobody's gradient
        leaves = [Value(x) for x in numbers]
        wanted = f(leaves)
        wanted[0].backward()
        assert replay.forward(numbers)[:, 0].tolist() == [x.data for x in wanted]
        replay.backward()
        assert replay.input_gradients[:, 0].tolist() == [x.grad for x in leaves]
        assert replay.node_values()[list(replay.tape.outputs)].ravel().tolist() == [x.data for x in wanted]
        assert replay.node_gradients()[:2, 0].tolist() == [x.grad for x in leaves]
    with pytest.raises(DomainError, match=r"sqrt\(-0.25\)"):
        replay.forward([1.0, 0.25])
    with pytest.raises(ConfigError, match="forward"):
        replay.backward()
