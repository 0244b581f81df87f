"""Random expression graphs, each built twice: of Values and of torch's float64 scalars."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zth.autograd import Value, ops
from zth.compare import difference

GRAPHS = 600

# Each runs on both engines alike: on nodes a and b, and a number k above 0. Where an op asks something of an operand,
# the operand is first made to comply (b * b + 0.5 is above 0), so that no graph is thrown away.
MOVES: dict[str, Callable[[Any, Any, float], Any]] = {
    "a + b": lambda a, b, k: a + b,
    "a - b": lambda a, b, k: a - b,
    "a * b": lambda a, b, k: a * b,
    "a / b": lambda a, b, k: a / (b * b + 0.5),
    "a ** b": lambda a, b, k: (a * a + 0.5) ** b.tanh(),
    "a max b": lambda a, b, k: a.max(b),
    "a max a": lambda a, b, k: a.max(a),
    "k + a": lambda a, b, k: k + a,
    "a - k": lambda a, b, k: a - k,
    "k - a": lambda a, b, k: k - a,
    "k * a": lambda a, b, k: k * a,
    "a / k": lambda a, b, k: a / k,
    "k / a": lambda a, b, k: k / (a * a + 0.5),
    "k ** a": lambda a, b, k: k ** a.tanh(),
    "a ** k": lambda a, b, k: (a * a + 0.5) ** k,
    "a ** 2": lambda a, b, k: a**2,
    "a ** 3": lambda a, b, k: a**3,
    "a ** -1": lambda a, b, k: (a * a + 0.5) ** -1,
    "-a": lambda a, b, k: -a,
    "+a": lambda a, b, k: +a,
    "exp": lambda a, b, k: a.sin().exp(),
    "log": lambda a, b, k: (a * a + 0.5).log(),
    "sin": lambda a, b, k: a.sin(),
    "cos": lambda a, b, k: a.cos(),
    "tanh": lambda a, b, k: a.tanh(),
    "sqrt": lambda a, b, k: (a * a + 0.5).sqrt(),
    "relu": lambda a, b, k: a.relu(),
    "sigmoid": lambda a, b, k: a.sigmoid(),
    "abs": lambda a, b, k: abs(a),
    "detach": lambda a, b, k: a.detach() * b + a,
    "same twice": lambda a, b, k: a * a + a,
}
PLACE = st.integers(0, 10_000)
GRAPH = st.tuples(
    st.lists(st.floats(-3, 3), min_size=1, max_size=4),
    st.lists(
        st.tuples(st.sampled_from(sorted(MOVES)), PLACE, PLACE, st.sampled_from([0.25, 1.0, 1.5, 2.0])),
        min_size=1,
        max_size=30,
    ),
)


def build(leaves: list[float], moves: list[tuple[str, int, int, float]]) -> Iterator[tuple[Value, torch.Tensor]]:
    """Every node as (ours, torch's), in the order of making; a move takes its operands from all nodes before it."""
    nodes = [(Value(x), torch.tensor(x, dtype=torch.float64, requires_grad=True)) for x in leaves]
    yield from nodes
    for name, i, j, k in moves:
        (a, s), (b, t) = nodes[i % len(nodes)], nodes[-1 - j % len(nodes)]
        ours, judge = MOVES[name](a, b, k), MOVES[name](s, t, k)
        if abs(ours.data) > 10:  # products of products would grow beyond all bounds
            ours, judge = ours.tanh(), judge.tanh()
        nodes.append((ours, judge))
        yield ours, judge


def test_random_graphs_agree_with_torch() -> None:
    seen: Counter[str] = Counter()

    @settings(
        max_examples=GRAPHS, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(GRAPH)
    def judge(graph: tuple[list[float], list[tuple[str, int, int, float]]]) -> None:
        nodes = list(build(*graph))
        for _, theirs in nodes:
            theirs.retain_grad()
        (ours, theirs) = nodes[-1]
        ours.backward()
        theirs.backward()
        assert difference([v.data for v, _ in nodes], [t.item() for _, t in nodes]) is None
        wanted = [0.0 if t.grad is None else t.grad.item() for _, t in nodes]
        # a sum of large terms that cancel is good to their last digits, not to its own: so in units of the largest
        scale = max(1.0, *map(abs, wanted))
        assert difference([v.grad / scale for v, _ in nodes], [g / scale for g in wanted]) is None
        seen["graphs"] += 1
        stack, met = [ours], {ours}
        while stack:
            node = stack.pop()
            seen[node.op.name if node.op else "leaf"] += 1
            fresh = set(node.operands) - met
            met |= fresh
            stack.extend(fresh)

    judge()
    assert seen["graphs"] >= 500
    assert set(ops.SCALAR) <= set(seen), "every op is met in some graph"
