"""zth.autograd against the PyPI package micrograd 0.1.0 on micrograd's own demo.

Two moons, 100 points, MLP(2, [16, 16, 1]), full batch; one step = forward, max-margin loss plus 1e-4 L2, accuracy,
backward, update. Both engines run the same line of code on the same floats and make the same number of nodes; their
losses must agree to 1e-9 at every step. They take turns, each in a process of its own.
"""

from __future__ import annotations

import gc
import multiprocessing
import random
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import micrograd.engine
import micrograd.nn
import psutil

import zth.autograd
import zth.autograd.nn
from _table import Row, interleave, main, peak_mb
from zth.data.moons import moons

REPEATS = 11
AGREE = 1e-9
demo: Demo
"""What a worker process trains."""


class Demo:
    """The demo on one engine: a model and how far it has been trained."""

    def __init__(self, engine: str) -> None:
        self.value: Any = {"ours": zth.autograd.Value, "micrograd": micrograd.engine.Value}[engine]
        mlp: Any = {"ours": zth.autograd.nn.MLP, "micrograd": micrograd.nn.MLP}[engine]
        self.model = mlp(2, [16, 16, 1])
        draw = random.Random(1337)
        for p in self.model.parameters():
            p.data = draw.uniform(-1, 1)
        points, labels = moons(100, noise=0.1, seed=1337)
        self.points: list[list[float]] = points.tolist()
        self.labels: list[int] = labels.tolist()
        self.losses: list[float] = []

    def graph(self, inputs: Any, labels: Any) -> list[Any]:
        """The loss's node, and the scores'; written as micrograd's demo notebook has it."""
        scores = list(map(self.model, inputs))
        losses = [(1 + -label * score).relu() for label, score in zip(labels, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        reg_loss = 1e-4 * sum(p * p for p in self.model.parameters())
        return [data_loss + reg_loss, *scores]

    def forward(self) -> tuple[Any, float]:
        """The loss's node, and the accuracy."""
        inputs = [list(map(self.value, point)) for point in self.points]
        loss, *scores = self.graph(inputs, self.labels)
        right = [(label > 0) == (score.data > 0) for label, score in zip(self.labels, scores, strict=True)]
        return loss, sum(right) / len(right)

    def step(self) -> None:
        loss, _ = self.forward()
        self.model.zero_grad()
        loss.backward()
        rate = 1.0 - 0.9 * len(self.losses) / 100
        for p in self.model.parameters():
            p.data -= rate * p.grad
        self.losses.append(loss.data)


class Worker:
    """A fresh process for one engine, so that neither's garbage falls to the other's collector."""

    def __init__(self, engine: str, *, collect: bool = True) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(1, mp_context=spawn, initializer=_open_demo, initargs=(engine, collect))

    def run(self, what: Callable[[], Any]) -> Any:
        return self.pool.submit(what).result()


def _open_demo(engine: str, collect: bool) -> None:
    global demo
    demo = Demo(engine)
    (gc.enable if collect else gc.disable)()


def step() -> None:
    demo.step()


def collect_garbage() -> None:
    gc.collect()


def losses() -> list[float]:
    return demo.losses


def step_peak_mb() -> float:
    return peak_mb(demo.step)


def bytes_per_node() -> tuple[float, float]:
    """What a node of the graph holds after backward(): as the system gave it, and as tracemalloc counted it."""
    process = psutil.Process()
    gc.collect()
    start = process.memory_info().rss
    loss, _ = demo.forward()
    loss.backward()
    resident = process.memory_info().rss - start
    n = _count_nodes(loss)
    del loss
    gc.collect()
    tracemalloc.start()
    loss, _ = demo.forward()
    loss.backward()
    gc.collect()
    return resident / n, tracemalloc.get_traced_memory()[0] / n


def measure() -> list[Row]:
    return [_steps("moons step", collect=True), _steps("moons step, gc off", collect=False), *_memory()]


def _steps(name: str, *, collect: bool) -> Row:
    """Only the row with the collector on, as users have it, has a target."""
    ours, baseline = Worker("ours", collect=collect), Worker("micrograd", collect=collect)

    def tidy() -> None:
        if not collect:  # else micrograd's cycles of one step would stay for ever
            ours.run(collect_garbage)
            baseline.run(collect_garbage)

    times = interleave(lambda: ours.run(step), lambda: baseline.run(step), repeats=REPEATS, before=tidy)
    for i, (a, b) in enumerate(zip(ours.run(losses), baseline.run(losses), strict=True)):
        assert abs(a - b) < AGREE, (i, a, b)
    return Row.of_times(name, *times, target=5.0 if collect else None, peak_mb=ours.run(step_peak_mb))


def _memory() -> list[Row]:
    ours, baseline = (Worker(engine).run(bytes_per_node) for engine in ("ours", "micrograd"))
    return [
        Row(name=f"memory a node, {how}", ours=a, baseline=b, unit="bytes", target=3.0)
        for how, a, b in zip(("resident", "traced"), ours, baseline, strict=True)
    ]


def _count_nodes(root: Any) -> int:
    seen = {root}
    stack = [root]
    while stack:
        node = stack.pop()
        fresh = set(node.operands if hasattr(node, "operands") else node._prev) - seen
        seen |= fresh
        stack.extend(fresh)
    return len(seen)


if __name__ == "__main__":
    main("zth.autograd against micrograd 0.1.0: the two moons", measure)
