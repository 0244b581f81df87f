"""5.4: lecture 5's net trained without autograd, by several seeds; the readable step against the engine and autograd.

Letters: N examples, T ids in a context, V ids in the vocabulary, K steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, stdev

import numpy as np
import plotly.graph_objects as go
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from zth.backprop.atoms import Parameters, forward
from zth.backprop.engine import Engine
from zth.backprop.step import Statistics, as_layers, calibrate, of_layers, predict, train_step
from zth.compare import largest_difference
from zth.seeds import stream
from zth.workbook.l02_bigrams.costs import seconds
from zth.workbook.measure import Lab
from zth.workbook.names import parts

BATCH, BLOCK, HIDDEN = 32, 3, 200
N_SEEDS = {"quick": 2, "full": 4}
N_STEPS = {"quick": 10_000, "full": 200_000}
FIRST_STEPS = 100
TRAIN, DEV = 2.0705, 2.1099
"""The lecture's losses after 200,000 steps."""
ORANGE, GREY, BLUE = "#e8710a", "#808080", "#4c8bf5"


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What one seed's training leaves."""

    seed: int
    losses: NDArray[np.float64]
    """(K,), each batch's loss before its step."""
    checkpoints: list[tuple[int, float]]
    """(steps done, loss on dev)."""
    parameters: list[NDArray[np.float32]]
    train: float
    dev: float
    n_graphs: int
    """How many parameters have a gradient or a graph of autograd's; 0 without it."""


def measure(lab: Lab) -> None:
    lab.corpus("names")
    n_steps = N_STEPS[lab.preset]
    lab.run.text(
        f"Lecture 5's net, trained by the gradients of 5.1 to 5.3 alone: {n_steps:,} steps of {BATCH} examples at a "
        "rate of 0.1, in the second half of the steps 0.01, and BatchNorm's mean and variance calibrated over all "
        f"training examples at the end. **Does it reach the lecture's {TRAIN} on train and {DEV} on dev, with "
        "autograd switched off?**"
    )
    lab.run.figure("parameters", _n_parameters(lab.seed), reference=12_297, source="lecture 5")
    _agree(lab)
    seeds = range(lab.seed, lab.seed + N_SEEDS[lab.preset])
    runs = lab.parallel(train, [(seed, n_steps) for seed in seeds], f"{n_steps:,} steps")
    _tell_losses(lab, runs)
    _plot_curve(lab, runs, n_steps)
    slower = _time(lab)
    names = ", ".join(sample(runs[0], stream(lab.seed, "names"), 10))
    lab.run.text(
        f"**Answer.** {_verdict(runs, n_steps)} Not one call of autograd was made. A step by autograd takes "
        f"{slower['autograd']:.1f} times as long as the readable one by hand, and that takes "
        f"{slower['by hand']:.1f} times as long as the engine's. Ten names from the first net: {names}."
    )


@torch.no_grad()
def train(seed: int, n_steps: int) -> Trained:
    """The lecture's recipe from its own initialisation, with autograd switched off."""
    X, Y = parts(BLOCK).train
    net = as_layers(Parameters.draw(stream(seed, "init"), hidden=HIDDEN))
    engine = Engine(net, batch_size=BATCH, block_size=BLOCK, bessel=True)
    batches = stream(seed, "batches")
    losses, checkpoints = [], []
    for start, stop in pairwise(_stops(n_steps)):
        rows = torch.randint(len(X), (stop - start, BATCH), generator=batches)
        lr = np.where(np.arange(start, stop) < n_steps // 2, 0.1, 0.01)
        losses.append(engine.steps(X, Y, rows, lr))
        now = of_layers(net)
        few = calibrate(now, X[::8])  # enough for a curve
        checkpoints.append((stop, loss_of(now, few, *parts(BLOCK).dev)))
    statistics = calibrate(now, X)
    return Trained(
        seed=seed,
        losses=np.concatenate(losses),
        checkpoints=checkpoints,
        parameters=[p.numpy() for p in now],
        train=loss_of(now, statistics, X, Y),
        dev=loss_of(now, statistics, *parts(BLOCK).dev),
        n_graphs=sum(p.grad is not None or p.grad_fn is not None for p in net.parameters()),
    )


def loss_of(parameters: Parameters, statistics: Statistics, X: Tensor, Y: Tensor) -> float:
    """(N, T) contexts, (N,) targets -> the mean loss of the net with its calibrated statistics."""
    return F.cross_entropy(predict(parameters, statistics, X), Y).item()


def sample(run: Trained, g: torch.Generator, n: int) -> list[str]:
    """n names from a trained net, letter by letter."""
    parameters = Parameters(*map(torch.from_numpy, run.parameters))
    statistics = calibrate(parameters, parts(BLOCK).train[0])
    names: list[str] = []
    while len(names) < n:
        ids = [0] * BLOCK
        while len(ids) == BLOCK or (ids[-1] and len(ids) < 30):
            logits = predict(parameters, statistics, torch.tensor([ids[-BLOCK:]]))
            ids.append(int(torch.multinomial(logits.softmax(1), 1, generator=g)))
        name = parts(BLOCK).vocabulary.decode(ids[BLOCK:]).strip(".")
        names += [name] if name else []
    return names


def _stops(n_steps: int) -> list[int]:
    """Where training pauses to look at dev: closer together at the start, and after the rate has dropped."""
    return [0, *(round(n_steps * share) for share in (0.02, 0.06, 0.15, 0.3, 0.5, 0.55, 0.75, 1))]


def _n_parameters(seed: int) -> int:
    return sum(p.numel() for p in Parameters.draw(stream(seed, "init"), hidden=HIDDEN))


def _agree(lab: Lab) -> None:
    """The readable step and the engine, from the same numbers on the same batches."""
    X, Y = parts(BLOCK).train
    rows = torch.randint(len(X), (FIRST_STEPS, BATCH), generator=stream(lab.seed, "batches"))
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        draw = Parameters.draw(stream(lab.seed, "init"), hidden=HIDDEN)
        parameters = Parameters(*(p.to(dtype) for p in draw))
        net = as_layers(parameters)
        losses = Engine(net, batch_size=BATCH, block_size=BLOCK, bessel=True).steps(X, Y, rows, 0.1)
        readable = [train_step(parameters, X[ix], Y[ix], 0.1).item() for ix in rows]
        lab.run.figure(
            f"engine and readable step, losses apart in {FIRST_STEPS} steps, {str(dtype).removeprefix('torch.')}",
            largest_difference(losses, readable),
            reference=0,
            source="zth.backprop.step",
            tolerance=tolerance,
        )


def _tell_losses(lab: Lab, runs: Sequence[Trained]) -> None:
    rows = [[str(run.seed), run.train, run.dev] for run in runs]
    train, dev = ([getattr(run, name) for run in runs] for name in ("train", "dev"))
    rows.append(["mean", mean(train), mean(dev)])
    rows.append(["spread (standard deviation)", stdev(train), stdev(dev)])
    if not lab.quick:
        rows.append(["lecture 5", TRAIN, DEV])
    lab.run.table(f"Loss after {len(runs[0].losses):,} steps (nats)", ["seed", "train", "dev"], rows)
    for name, values, reference in (("train", train, TRAIN), ("dev", dev, DEV)):
        if lab.quick:  # a tenth of the lecture's steps has no reference
            lab.run.figure(f"{name}, mean of {len(runs)} seeds", mean(values), unit="nats")
            continue
        lab.run.figure(
            f"{name}, mean of {len(runs)} seeds",
            mean(values),
            unit="nats",
            reference=reference,
            source="lecture 5, one seed",
            better="lower",
            tolerance=0.01,
        )
    graphs = sum(run.n_graphs for run in runs)
    lab.run.figure(
        "parameters with a gradient or graph of autograd", graphs, reference=0, source="none was asked for"
    )


def _verdict(runs: Sequence[Trained], n_steps: int) -> str:
    train, dev = mean(run.train for run in runs), mean(run.dev for run in runs)
    told = f"{train:.4f} on train and {dev:.4f} on dev after {n_steps:,} steps, a mean of {len(runs)} seeds"
    if n_steps < N_STEPS["full"]:
        return f"{told}; the lecture's {TRAIN} and {DEV} need {N_STEPS['full']:,} (`--preset full`)."
    spread = stdev(run.dev for run in runs)
    return (
        f"{told}; the lecture has {TRAIN} and {DEV}, and one seed differs from the next by some {spread:.4f} on dev."
    )


def _plot_curve(lab: Lab, runs: Sequence[Trained], n_steps: int) -> None:
    width = n_steps // 200
    figure = go.Figure()
    first = runs[0]
    smooth = first.losses.reshape(-1, width).mean(1)
    steps = [width * (i + 1) for i in range(len(smooth))]
    for step, loss in zip(steps, smooth, strict=True):
        lab.run.log(seed=first.seed, step=step, train=float(loss))
    figure.add_scatter(name="batches, smoothed", x=steps, y=smooth.tolist(), mode="lines", line={"color": BLUE})
    for run in runs:
        for step, loss in run.checkpoints:
            lab.run.log(seed=run.seed, step=step, dev=loss)
        figure.add_scatter(
            name="dev, each seed",
            x=[step for step, _ in run.checkpoints],
            y=[loss for _, loss in run.checkpoints],
            mode="lines+markers",
            line={"color": ORANGE, "width": 1},
            showlegend=run is first,
        )
    figure.add_hline(y=DEV, line_dash="dash", line_color=GREY, annotation_text=f"the lecture's dev, {DEV}")
    figure.update_layout(height=400)
    figure.update_xaxes(title="step")
    figure.update_yaxes(title="loss (nats)", range=[2.0, 2.8])
    lab.run.plot(
        f"Training without autograd, {n_steps:,} steps",
        figure,
        f"Blue: the losses of seed {first.seed}'s batches, mean of {width:,} at a time. Orange: dev, each time with "
        "statistics calibrated on train names. The fall in the middle is the drop of the rate.",
    )


def _time(lab: Lab) -> dict[str, float]:
    """A step three ways, in turns on one thread; -> autograd's time / the readable step's, that / the engine's."""
    X, Y = parts(BLOCK).train
    n = 20
    rows = torch.randint(len(X), (n, BATCH), generator=stream(lab.seed, "batches"))
    start = Parameters.draw(stream(lab.seed, "init"), hidden=HIDDEN)
    engine = Engine(as_layers(start), batch_size=BATCH, block_size=BLOCK, bessel=True)
    ours, leaves = ([p.clone() for p in start] for _ in range(2))
    for p in leaves:
        p.requires_grad_()

    def by_autograd() -> None:
        for ix in rows:
            loss = forward(Parameters(*leaves), X[ix], Y[ix]).loss
            grads = torch.autograd.grad(loss, leaves)
            with torch.no_grad():
                for p, dp in zip(leaves, grads, strict=True):
                    p -= 0.01 * dp

    def readable() -> None:
        for ix in rows:
            train_step(Parameters(*ours), X[ix], Y[ix], 0.01)

    ways = {
        "autograd, the loss spelled out": by_autograd,
        "the readable step": readable,
        "the engine": lambda: engine.steps(X, Y, rows, 0.01),
    }
    taken = seconds(ways, rounds=10 if lab.quick else 30)
    slow, own, fast = taken.values()
    lab.run.table(
        f"One step of {BATCH} examples, float32, one thread, the choice of the batch included (median)",
        ["way", "time (µs)", "times the engine's"],
        [[way, 1e6 * each / n, each / fast] for way, each in taken.items()],
    )
    return {"autograd": slow / own, "by hand": own / fast}
