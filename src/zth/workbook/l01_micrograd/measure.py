"""Lecture 1's own experiment: what a step of its demo costs by Values, by their tape, and by PyTorch's tensors."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import plotly.graph_objects as go

from zth.autograd.demo import L2, loss_and_scores, train
from zth.autograd.nn import MLP
from zth.autograd.plots import BLUE, ORANGE
from zth.data.moons import moons
from zth.workbook.l02_bigrams.costs import one_thread
from zth.workbook.measure import Lab

SIZES = {"quick": (10, 30, 100), "full": (10, 30, 100, 300, 1000)}
"""Points of the moons."""
LECTURE = 100
"""As many as the lecture's demo has."""
TURNS = {"quick": 3, "full": 9}
"""Of each way at each size, after one that warms up; a turn is a step of Values and FAST steps of the others."""
FAST = 10
APART = 1e-12
"""Of two losses: float64 keeps 2e-16, and some steps with sums in another order lose three digits of it."""
VALUES, TAPE, PYTORCH = "Values", "their tape, replayed", "PyTorch"
WAYS = {VALUES: ORANGE, TAPE: BLUE, PYTORCH: "#888888"}


@dataclass(frozen=True, kw_only=True)
class Raced:
    """What came of one size."""

    n_points: int
    n_values: int
    """Nodes of the graph of a step."""
    ms: dict[str, float]
    """A step of each way, the median."""
    first_ms: float
    """The first step by tape: it is recorded and planned."""
    apart: float
    """The largest difference of two ways' losses at the same step."""


def measure(lab: Lab) -> None:
    lab.run.text(
        "A `Value` shows each number, and pays for it in time. The code of a step makes the same graph each time, so "
        "it can be recorded once as a *tape* and replayed as operations on whole arrays: "
        "`model.compiled(loss)`. **How much does that gain, and what is left to PyTorch?** The demo's net, "
        "`MLP(2, [16, 16, 1])`, full batch, in float64, on one thread and with the same first weights; a step is "
        "forward, backward and update."
    )
    with one_thread():
        raced = [_race(lab, n) for n in lab.track(SIZES[lab.preset], "two moons, three ways")]
    lab.run.plot(
        "A step on the two moons, three ways",
        _drawn(raced),
        f"Medians, the ways taking turns. The lecture has {LECTURE} points.",
    )
    lab.run.table(
        "Milliseconds a step",
        ["points", "values in the graph", *WAYS, "first step by tape", "times as fast by tape"],
        [
            [r.n_points, r.n_values, *(f"{r.ms[way]:.3g}" for way in WAYS), f"{r.first_ms:.3g}", f"{_gain(r):.0f}"]
            for r in raced
        ],
    )
    (demo,) = (r for r in raced if r.n_points == LECTURE)
    for way, ms in demo.ms.items():
        lab.run.figure(f"moons: one step, {way}", ms, unit="ms")
    lab.run.figure("moons: the tape's gain", _gain(demo), better="higher")
    apart = max(r.apart for r in raced)
    lab.run.figure("losses apart", apart, reference=0, source="PyTorch and the eager engine", tolerance=APART)
    lab.run.text(
        f"**Answer.** On the lecture's {LECTURE} points the tape is {_gain(demo):.0f} times as fast as its Values; "
        f"PyTorch takes {demo.ms[PYTORCH] / demo.ms[TAPE]:.1f} times as long as the tape, since its calls are small "
        f"here. The tape's first step takes {demo.first_ms / demo.ms[VALUES]:.1f} eager ones: the graph is made, "
        "read and planned then."
    )


def _gain(raced: Raced) -> float:
    return raced.ms[VALUES] / raced.ms[TAPE]


def _race(lab: Lab, n_points: int) -> Raced:
    """All three from the same weights; each one's losses are kept, and its times."""
    points, labels = (array.tolist() for array in moons(n_points, noise=0.1))
    turns = TURNS[lab.preset] + 1
    steps = turns * FAST
    eager = MLP(2, [16, 16, 1], rng=lab.seed)
    taped = MLP(2, [16, 16, 1], rng=lab.seed).compiled(loss_and_scores)
    ways: dict[str, Iterator[float]] = {
        VALUES: (row.loss for row in train(eager, points, labels, steps=steps)),
        TAPE: (row.loss for row in train(taped, points, labels, steps=steps)),
        PYTORCH: _torch_losses(MLP(2, [16, 16, 1], rng=lab.seed), points, labels, steps),
    }
    losses: dict[str, list[float]] = {way: [] for way in ways}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    first = _timed(ways[TAPE], 1, losses[TAPE])
    for _ in range(turns):
        for way, iterator in ways.items():
            n_steps = 1 if way == VALUES else min(FAST, steps - len(losses[way]))
            seconds[way].append(_timed(iterator, n_steps, losses[way]) / n_steps)
    return Raced(
        n_points=n_points,
        n_values=_n_values(MLP(2, [16, 16, 1], rng=lab.seed), points, labels),
        ms={way: 1000 * median(found[1:]) for way, found in seconds.items()},
        first_ms=1000 * first,
        apart=max(abs(a - b) for way in ways for a, b in zip(losses[way], losses[VALUES], strict=False)),
    )


def _timed(losses: Iterator[float], n_steps: int, kept: list[float]) -> float:
    """Seconds of so many steps; what older ones left to the garbage collector is outside the clock."""
    gc.collect()
    started = perf_counter()
    kept += [next(losses) for _ in range(n_steps)]
    return perf_counter() - started


def _torch_losses(
    model: MLP, points: Sequence[Sequence[float]], labels: Sequence[float], steps: int
) -> Iterator[float]:
    """The demo's training with tensors in float64: a matrix and a row of biases for each layer."""
    import torch

    layers: list[tuple[Any, Any]] = []
    for layer in model.layers:
        w = [[p.data for p in neuron.w] for neuron in layer.neurons]
        b = [neuron.b.data for neuron in layer.neurons]
        layers.append((torch.tensor(w, dtype=torch.float64), torch.tensor(b, dtype=torch.float64)))
    parameters = [p.requires_grad_() for pair in layers for p in pair]
    xb, yb = torch.tensor(points, dtype=torch.float64), torch.tensor(labels, dtype=torch.float64)
    for step in range(steps):
        h = xb
        for i, (w, b) in enumerate(layers):
            h = torch.nn.functional.linear(h, w, b)
            h = h.relu() if i < len(layers) - 1 else h
        loss = (1 - yb * h[:, 0]).relu().mean() + L2 * sum((p * p).sum() for p in parameters)
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for p, dp in zip(parameters, gradients, strict=True):
                p -= (1.0 - 0.9 * step / steps) * dp
        yield loss.item()


def _n_values(model: MLP, points: Sequence[Sequence[float]], labels: Sequence[float]) -> int:
    from zth.autograd.tape import record

    return record(lambda x, y: loss_and_scores(model, x, y), points, labels, parameters=model.parameters()).n_nodes


def _drawn(raced: Sequence[Raced]) -> go.Figure:
    figure = go.Figure()
    for way, colour in WAYS.items():
        figure.add_scatter(
            x=[r.n_points for r in raced],
            y=[r.ms[way] for r in raced],
            mode="lines+markers",
            name=way,
            line_color=colour,
        )
    figure.update_xaxes(type="log", title_text="points", tickvals=[r.n_points for r in raced])
    figure.update_yaxes(type="log", title_text="ms a step", exponentformat="power")
    figure.update_layout(legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"})
    return figure
