"""The lecture's table, trained again by its recipe: 3 characters, 8, the tree with its bug, without, and larger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import mean, stdev

import numpy as np
import plotly.graph_objects as go

from zth.models import LanguageModel, MLPConfig, MLPModel, WaveNetConfig, WaveNetModel, evaluate
from zth.seeds import stream
from zth.train import TrainConfig, fit
from zth.workbook.l06_wavenet import bug
from zth.workbook.measure import Lab
from zth.workbook.names import parts

SMALL = WaveNetConfig(embedding=10, hidden=68)
"""The tree with as many parameters as the flat net of 8 characters."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the lecture's table."""

    options: MLPConfig | WaveNetConfig
    train: float
    dev: float
    """The lecture's losses."""
    with_bug: bool = False
    n_seeds: int = 3
    """In full."""


ROWS = {
    "3 characters, flat": Row(options=MLPConfig(batchnorm="hidden", init="fan-in"), train=2.058, dev=2.105),
    "8 characters, flat": Row(
        options=MLPConfig(batchnorm="hidden", init="fan-in", block_size=8), train=1.918, dev=2.027
    ),
    "a tree, BatchNorm with the bug": Row(options=SMALL, train=1.941, dev=2.029, with_bug=True),
    "a tree, BatchNorm over (0, 1)": Row(options=SMALL, train=1.912, dev=2.022),
    "a larger tree": Row(options=WaveNetConfig(), train=1.769, dev=1.993, n_seeds=1),
}
FLAT3, FLAT8, BUG, FIXED, LARGE = ROWS
LONGEST_FIRST = (LARGE, BUG, FIXED, FLAT8, FLAT3)
"""So that no core ends up alone with the longest."""
COLOURS = dict(zip(ROWS, ("#8d96a8", "#6574dc", "#e0812f", "#2aa18f", "#b0478f"), strict=True))
BUDGETS: dict[str, tuple[int, int | None]] = {"quick": (3_000, 20_000), "full": (200_000, None)}
"""Steps, and of how many examples the train loss is (None: of all)."""
N_POINTS = 100
"""Of a loss curve: each is a mean over a hundredth of the steps."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One training."""

    n_parameters: int
    train: float
    dev: float
    curve: list[float]


def recipe(steps: int) -> TrainConfig:
    """The lecture's: batches of 32, 0.1, from three quarters of the steps on 0.01."""
    return TrainConfig(steps=steps, batch_size=32, optimizer="sgd", lr=0.1, schedule="step", drop_at=0.75)


def fresh(options: MLPConfig | WaveNetConfig, seed: int, *, with_bug: bool = False) -> MLPModel | WaveNetModel:
    """Untrained; with the bug or without, the weights are the same."""
    generator = stream(seed, "init")
    if isinstance(options, MLPConfig):
        return MLPModel(options, generator=generator)
    return bug.with_bug(options, generator=generator) if with_bug else WaveNetModel(options, generator=generator)


def train(name: str, steps: int, seed: int, n_train: int | None) -> Result:
    """One row by one seed; the train loss is that of the first `n_train` examples."""
    row, data = ROWS[name], parts(ROWS[name].options.block_size)
    model = fresh(row.options, seed, with_bug=row.with_bug)
    teach = partial(bug.fit, model) if row.with_bug and isinstance(model, WaveNetModel) else partial(fit, model)
    losses = teach(data.train, recipe(steps), seed=seed)
    X, Y = data.train
    return Result(
        n_parameters=sum(p.numel() for p in model.parameters()),
        train=_loss(model, X[:n_train], Y[:n_train]),
        dev=_loss(model, *data.dev),
        curve=[float(piece.mean()) for piece in np.array_split(losses, N_POINTS)],
    )


def _loss(model: LanguageModel, X: object, Y: object) -> float:
    return evaluate(model, X, Y, batch_size=4096)  # type: ignore[arg-type]


def measure(lab: Lab) -> None:
    lab.corpus("names")
    steps, n_train = BUDGETS[lab.preset]
    lab.run.text(
        f"The lecture's table, by its recipe: {steps:,} steps of 32 examples, plain gradient descent, rate 0.1 and "
        "after three quarters of the steps 0.01; every hidden layer has a BatchNorm. "
        + (
            f"Quick: the lecture takes {200_000 // steps} times as many, so compare the rows with each other alone."
            if lab.quick
            else "The first four rows are means over three seeds, which move the initial weights and the batches."
        )
    )
    results = _results(lab, steps, n_train)
    _tell_table(lab, results)
    _draw(lab, results, steps)
    lab.run.text(_answer(results))


def _results(lab: Lab, steps: int, n_train: int | None) -> dict[str, list[Result]]:
    """By row, a result for each seed."""
    n_seeds = {name: 1 if lab.quick else ROWS[name].n_seeds for name in LONGEST_FIRST}
    orders = [(name, steps, lab.seed + k, n_train) for name in LONGEST_FIRST for k in range(n_seeds[name])]
    found = lab.parallel(train, orders, "trainings")
    results: dict[str, list[Result]] = {name: [] for name in ROWS}
    for (name, _, seed, _), result in zip(orders, found, strict=True):
        results[name].append(result)
        lab.run.log(row=name, seed=seed, train=result.train, dev=result.dev)
    return results


def _tell_table(lab: Lab, results: dict[str, list[Result]]) -> None:
    lab.run.table(
        "Loss in nats per character",
        ["net", "parameters", "train", "dev", "dev: deviation", "lecture: train", "dev"],
        [
            [
                name,
                found[0].n_parameters,
                mean(r.train for r in found),
                _dev(found),
                stdev(r.dev for r in found) if len(found) > 1 else "one seed",
                ROWS[name].train,
                ROWS[name].dev,
            ]
            for name, found in results.items()
        ],
    )
    for name, found in results.items():
        reference = None if lab.quick else ROWS[name].dev
        source = "" if lab.quick else "lecture 6"
        lab.run.figure(
            f"{name}: dev",
            _dev(found),
            unit="nats",
            reference=reference,
            source=source,
            better="lower",
            tolerance=0.01,
        )


def _dev(found: Sequence[Result]) -> float:
    return mean(result.dev for result in found)


def _draw(lab: Lab, results: dict[str, list[Result]], steps: int) -> None:
    figure = go.Figure()
    x = [round((point + 0.5) * steps / N_POINTS) for point in range(N_POINTS)]
    for name, found in results.items():
        figure.add_scatter(
            name=name, x=x, y=found[0].curve, mode="lines", line={"color": COLOURS[name], "width": 1.5}
        )
    figure.add_vline(x=0.75 * steps, line={"dash": "dot", "width": 1}, annotation_text="rate 0.01")
    figure.update_layout(height=420)
    figure.update_xaxes(title="step")
    figure.update_yaxes(title="loss of the batches (nats)", range=[1.7, 2.6])
    caption = (
        f"Each point is a mean over {steps // N_POINTS:,} batches of train, seed {lab.seed}. Where the rate drops, "
        "the loss does: the larger steps had kept it from settling."
    )
    lab.run.plot("Training", figure, caption)


def _answer(results: dict[str, list[Result]]) -> str:
    dev = {name: _dev(found) for name, found in results.items()}
    gaps = [b.dev - f.dev for b, f in zip(results[BUG], results[FIXED], strict=True)]
    spread = f" (a mean over {len(gaps)} seeds, from {min(gaps):+.4f} to {max(gaps):+.4f})" if len(gaps) > 1 else ""
    large = results[LARGE][0]
    by_heart = ": it begins to know the names by heart" if large.dev - large.train > 0.1 else ""
    return (
        f"**Answer.** Five characters more of context bring {dev[FLAT3] - dev[FLAT8]:.3f} nats on dev. The tree of "
        f"the same size has {dev[FIXED]:.4f} where the flat net has {dev[FLAT8]:.4f}; the bug in its BatchNorm costs "
        f"it {mean(gaps):+.4f}{spread}, see 6.1. Three times as many parameters bring the tree to {dev[LARGE]:.4f}, "
        f"with {large.train:.4f} on train{by_heart}."
    )
