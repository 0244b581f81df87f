"""The scalar engine replayed: micrograd's demo by four engines, and what a node costs as graphs grow.

The demo is bench/autograd.py's: two moons, 100 points, MLP(2, [16, 16, 1]), full batch; one step = forward, loss
with L2, accuracy, backward, update. PyPI's micrograd, the eager engine, its replay and torch (float64, one thread,
autograd) start from the same floats and take turns, each in a process of its own that times itself; their losses must
agree.

    python bench/replay.py                 the demo, and graphs of 10^3 to 10^5 nodes
    python bench/replay.py --growth 7      graphs up to 10^7 nodes, in a run folder with a plot (minutes, some 4 GB)
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
import tracemalloc
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import torch

from _table import Row, Times, show
from autograd import AGREE, Demo
from zth.autograd import Value
from zth.autograd.compiled import Compiled
from zth.autograd.nn import MLP, Layer
from zth.autograd.optim import SGD
from zth.autograd.replay import Replay
from zth.autograd.tape import record
from zth.autograd.walk import collector_paused
from zth.runs import Run

REPEATS = 11
Graph = Callable[..., Value]
STEPS = 100
"""Of a training; the fast engines run one between two steps of the slow ones."""
side: Any = None
"""What a worker process holds."""


class Scalars:
    """The demo on Values, one step at a time."""

    def __init__(self, engine: str) -> None:
        self.demo = Demo(engine)
        self.losses = self.demo.losses

    def seconds_per_step(self) -> float:
        started = time.perf_counter()
        self.demo.step()
        return time.perf_counter() - started


class Arrays(ABC):
    """A training of STEPS steps on (P,) parameters, by whatever `step` does."""

    def __init__(self) -> None:
        demo = Demo("ours")
        self.demo = demo
        self.losses: list[float] = []
        self.points, self.labels = np.array(demo.points), np.array(demo.labels, float)
        self.start = np.array([p.data for p in demo.model.parameters()])

    @abstractmethod
    def begin(self) -> None:
        """Back to the first weights."""

    @abstractmethod
    def step(self, rate: float) -> tuple[float, float]:
        """-> loss and accuracy."""

    def seconds_per_step(self) -> float:
        self.begin()
        started = time.perf_counter()
        self.losses = [self.step(1.0 - 0.9 * i / STEPS)[0] for i in range(STEPS)]
        return (time.perf_counter() - started) / STEPS


class Replayed(Arrays):
    def __init__(self) -> None:
        super().__init__()
        self.compiled = Compiled(self.demo.graph, self.demo.model.parameters())
        self.compiled(self.points, self.labels)

    def begin(self) -> None:
        self.compiled.parameters[...] = self.start

    def step(self, rate: float) -> tuple[float, float]:
        outputs = self.compiled(self.points, self.labels)
        SGD().step(self.compiled.parameters, self.compiled.gradients, rate)
        return float(outputs[0]), float(((outputs[1:] > 0) == (self.labels > 0)).mean())


class Torch(Arrays):
    def __init__(self) -> None:
        super().__init__()
        torch.set_num_threads(1)
        self.xb, self.yb = torch.tensor(self.points), torch.tensor(self.labels)

    def begin(self) -> None:
        """A neuron's numbers are its weights and then its bias."""
        self.parameters, at = [], 0
        for n_in, n_out in ((2, 16), (16, 16), (16, 1)):
            block = torch.tensor(self.start[at : at + n_out * (n_in + 1)]).view(n_out, n_in + 1)
            self.parameters += [block[:, :-1].T.contiguous().requires_grad_(), block[:, -1].clone().requires_grad_()]
            at += block.numel()

    def step(self, rate: float) -> tuple[float, float]:
        W1, b1, W2, b2, W3, b3 = self.parameters
        scores = (((self.xb @ W1 + b1).relu() @ W2 + b2).relu() @ W3 + b3)[:, 0]
        loss = (1 - self.yb * scores).relu().mean() + 1e-4 * sum((p * p).sum() for p in self.parameters)
        for p in self.parameters:
            p.grad = None
        torch.autograd.backward(loss)
        with torch.no_grad():
            for p in self.parameters:
                assert p.grad is not None
                p -= rate * p.grad
        return loss.item(), ((scores > 0) == (self.yb > 0)).double().mean().item()


SIDES: dict[str, Callable[[], Any]] = {
    "micrograd": lambda: Scalars("micrograd"),
    "eager": lambda: Scalars("ours"),
    "replay": Replayed,
    "torch": Torch,
}


def _open(name: str) -> None:
    global side
    side = SIDES[name]()


def seconds_per_step() -> float:
    seconds: float = side.seconds_per_step()
    return seconds


def losses() -> list[float]:
    return list(side.losses)


def record_seconds() -> float:
    """From Value code to a tape that can be replayed."""
    gc.collect()
    started = time.perf_counter()
    Replay(record(side.demo.graph, side.points, side.labels, parameters=side.demo.model.parameters()))
    return time.perf_counter() - started


def bytes_per_node() -> float:
    """Of the tape and its replay, all that Python and NumPy hold for them."""
    gc.collect()
    tracemalloc.start()
    tape = record(side.demo.graph, side.points, side.labels, parameters=side.demo.model.parameters())
    replay = Replay(tape)
    replay.forward(side.points, side.labels)
    replay.backward()
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / replay.tape.n_nodes


def measure() -> list[Row]:
    spawn = get_context("spawn")
    pools = {name: ProcessPoolExecutor(1, mp_context=spawn, initializer=_open, initargs=(name,)) for name in SIDES}
    seconds: dict[str, list[float]] = {name: [] for name in [*SIDES, "record"]}
    for turn in range(REPEATS + 1):
        for name in list(SIDES)[:: 1 if turn % 2 else -1]:
            seconds[name].append(pools[name].submit(seconds_per_step).result())
        seconds["record"].append(pools["replay"].submit(record_seconds).result())
    histories = {name: pool.submit(losses).result() for name, pool in pools.items()}
    for name, history in histories.items():
        for i, (a, b) in enumerate(zip(history, histories["micrograd"], strict=False)):
            assert abs(a - b) < AGREE, (name, i, a, b)
    times = {name: Times(found[1:]) for name, found in seconds.items()}
    two_steps = Times([2 * x for x in times["eager"].seconds])
    held = pools["replay"].submit(bytes_per_node).result()
    for pool in pools.values():
        pool.shutdown()
    row = Row.of_times
    return [
        row("moons step, eager against micrograd", times["eager"], times["micrograd"], target=5.0),
        row("moons step, replay against micrograd", times["replay"], times["micrograd"], target=500.0),
        row("moons step, replay against eager", times["replay"], times["eager"]),
        row("moons step, replay against torch", times["replay"], times["torch"]),
        row("recording it, against two eager steps", times["record"], two_steps, target=1.0),
        Row(name="memory a node: replay, at most 64", ours=held, baseline=64.0, unit="bytes", most=64.0),
    ]


# ----- as work grows ---------------------------------------------------------------------------------------------


def chain(n_nodes: int) -> tuple[Graph, Any]:
    """Every node waits for the one before: nothing runs side by side."""

    def f(x: Value) -> Value:
        for _ in range(n_nodes // 2):
            x = (x * 0.99).sin()
        return x

    return f, 1.0


def wide(n_nodes: int) -> tuple[Graph, Any]:
    """A dense layer of 32 neurons on as many examples as it takes."""
    layer = Layer(32, 32, rng=1)
    n_examples = max(1, n_nodes // (32 * 67))

    def f(xs: list[list[Value]]) -> Value:
        outputs: list[Value] = [y for x in xs for y in layer(x)]
        return sum(outputs[1:], outputs[0])

    return f, np.random.default_rng(1).normal(size=(n_examples, 32))


def elementwise(n_nodes: int) -> tuple[Graph, Any]:
    """As wide, but nothing to multiply as matrices: each number is read, worked on and written."""

    def f(xs: list[Value]) -> Value:
        outputs = [(x * x + 1.0).log() / (x.exp() + 1.0) for x in xs]
        return sum(outputs[1:], outputs[0])

    return f, np.random.default_rng(1).normal(size=max(2, n_nodes // 8))


def net(n_nodes: int) -> tuple[Graph, Any]:
    """MLP(2, [16, 16, 1]), as on the moons, on as many examples as it takes."""
    model = MLP(2, [16, 16, 1])

    def f(xs: list[list[Value]]) -> Value:
        losses: list[Value] = [(1 - model(x)).relu() for x in xs]
        return sum(losses[1:], losses[0])

    return f, np.random.default_rng(1).normal(size=(max(1, n_nodes // 660), 2))


GRAPHS = {"chain": chain, "wide layer": wide, "elementwise": elementwise, "MLP": net}


def growth(name: str, n_nodes: int) -> dict[str, float]:
    """Nanoseconds and bytes a node: to record, to replay, and for the eager engine, all of one graph.

    Of the processor's time, since large graphs take long and neighbours come and go meanwhile.
    """
    f, inputs = GRAPHS[name](n_nodes)
    eager = _median(lambda: _eagerly(f, inputs), 3 if n_nodes < 1e6 else 1)
    started = time.process_time()
    tape = record(f, inputs)
    replay = Replay(tape)
    recorded = time.process_time() - started

    def step() -> None:
        replay.forward(inputs)
        replay.backward()

    step()
    n = tape.n_nodes
    return {
        "nodes": n,
        "eager ns": eager / n * 1e9,
        "record ns": recorded / n * 1e9,
        "replay ns": _median(step, 5) / n * 1e9,
        "replay bytes": _held_bytes(replay) / n,
    }


def _held_bytes(thing: object) -> int:
    """Of all that can be reached from it. tracemalloc would do, but not for a plan of 10^7 nodes."""
    seen, stack, total = {id(thing)}, [thing], 0
    while stack:
        thing = stack.pop()
        total += sys.getsizeof(thing)
        below = [thing.__closure__] if isinstance(thing, FunctionType) else gc.get_referents(thing)
        below += [thing.base] if isinstance(thing, np.ndarray) else []
        for each in below:
            if id(each) not in seen and not isinstance(each, (ModuleType, type)):
                seen.add(id(each))
                stack.append(each)
    return total


def _eagerly(f: Graph, inputs: Any) -> None:
    with collector_paused():
        f(_as_values(inputs)).backward()


def _as_values(numbers: Any) -> Any:
    return [_as_values(x) for x in numbers] if isinstance(numbers, np.ndarray) else Value(float(numbers))


def _median(step: Callable[[], object], n: int) -> float:
    """Of n runs, in seconds."""
    found = []
    for _ in range(n):
        started = time.process_time()
        step()
        found.append(time.process_time() - started)
    return statistics.median(found)


def grow(decades: int) -> tuple[list[Row], dict[str, list[dict[str, float]]]]:
    spawn = get_context("spawn")
    found: dict[str, list[dict[str, float]]] = {name: [] for name in GRAPHS}
    rows = []
    for name in GRAPHS:
        for decade in range(3, decades + 1):
            with ProcessPoolExecutor(1, mp_context=spawn) as pool:
                point = pool.submit(growth, name, 10**decade).result()
            found[name].append(point)
            rows.append(
                Row(
                    name=f"{name}, {point['nodes']:,} nodes",
                    ours=point["replay ns"],
                    baseline=point["eager ns"],
                    unit="ns a node",
                    note=f"{point['replay bytes']:.0f} bytes a node, recording {point['record ns']:.0f} ns a node",
                )
            )
    return rows, found


def growth_figure(found: dict[str, list[dict[str, float]]]) -> Any:
    """Time on the left, memory on the right, both axes of both logarithmic."""
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=1, cols=2, subplot_titles=("nanoseconds a node", "bytes a node"))
    colours = ("#e8710a", "#4c8bf5", "#12a150", "#9353d3")
    for (name, points), colour in zip(found.items(), colours, strict=True):
        nodes = [point["nodes"] for point in points]
        for key, dash, column in (("replay ns", "solid", 1), ("eager ns", "dot", 1), ("replay bytes", "solid", 2)):
            figure.add_scatter(
                x=nodes,
                y=[point[key] for point in points],
                name=f"{name}, {key.split()[0]}",
                line={"color": colour, "dash": dash},
                showlegend=column == 1,
                row=1,
                col=column,
            )
    figure.update_xaxes(type="log", title_text="nodes", exponentformat="power")
    figure.update_yaxes(type="log")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print a list of rows instead of tables")
    parser.add_argument("--growth", type=int, metavar="DECADES", help="only graphs, of 10^3 to 10^DECADES nodes")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the folder with the plot goes")
    arguments = parser.parse_args()
    if arguments.growth is None:
        rows = measure() + grow(5)[0]
    else:
        rows, found = grow(arguments.growth)
        with Run.create(kind="measure", name="replay", root=arguments.runs, title="Replay as work grows") as run:
            run.plot("A node's cost as the graph grows", growth_figure(found))
    show("zth.autograd.replay: the two moons, and graphs that grow", rows, as_json=arguments.json)


if __name__ == "__main__":
    main()
