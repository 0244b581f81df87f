"""Lecture 4's own experiments: its log of five nets, and what the inside of a deep one looks like.

Letters: B examples in a batch, H hidden units, V ids in the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

import numpy as np
import plotly.graph_objects as go
import torch
import torch.nn.functional as F
from plotly.subplots import make_subplots
from torch import Tensor

from zth.layers.diagnostics import SATURATED
from zth.models import MLPConfig, MLPModel, evaluate
from zth.seeds import stream
from zth.train import TrainConfig, fit
from zth.workbook.l04_batchnorm import inside
from zth.workbook.l04_batchnorm.inside import BATCH, GAINS, RATE, Inside, first_batch, look_inside
from zth.workbook.measure import Lab
from zth.workbook.names import parts

POINTS = 100
"""Of a loss curve."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the lecture's log."""

    name: str
    config: MLPConfig
    train: float
    dev: float
    digits: int = 4
    """How many the lecture's log has."""

    @property
    def tolerance(self) -> float:
        """Nats. The log's second row is rounded to two digits, which adds 0.005."""
        return 0.01 if self.digits == 4 else 0.015


ROWS = (
    Row(name="original", config=MLPConfig(init="unit"), train=2.1245, dev=2.1682),
    Row(name="softmax not confidently wrong", config=MLPConfig(init="quiet-output"), train=2.07, dev=2.13, digits=2),
    Row(name="tanh not saturated", config=MLPConfig(init="quiet-tanh"), train=2.0356, dev=2.1027),
    Row(name="Kaiming initialisation", config=MLPConfig(init="kaiming"), train=2.0377, dev=2.1070),
    Row(name="BatchNorm", config=MLPConfig(batchnorm="hidden", momentum=0.001), train=2.0668, dev=2.1048),
)


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What one training of a row left."""

    first_loss: float
    saturation: float
    """Of the hidden layer before training, on one batch."""
    saturated: list[list[int]]
    """(B, H), 1 where |h| is above 0.97, before training."""
    train: float
    dev: float
    curve: list[float]
    """Means over hundredths of the batches' losses."""


def measure(lab: Lab) -> None:
    lab.corpus("names")
    lab.run.text(
        "Lecture 4 repairs lecture 3's net step by step. Does each repair give what the lecture's log says, and what "
        "does the inside of a net look like, with **BatchNorm** and without?"
    )
    trainings, insides = _work(lab)
    _tell_log(lab, trainings)
    _draw_curves(lab, trainings)
    _draw_saturation(lab, trainings)
    inside.tell(lab, insides)


def _work(lab: Lab) -> tuple[list[list[Trained]], list[Inside]]:
    """Everything that trains, side by side: for each row its trainings by seed, for each of GAINS its inside."""
    steps, seeds = (10_000, [lab.seed]) if lab.quick else (200_000, [lab.seed, lab.seed + 1])
    jobs: list[tuple[Any, ...]] = [("row", row.config, steps, seed) for row in ROWS for seed in seeds]
    n_trainings = len(jobs)
    jobs += [("inside", *gain, 200 if lab.quick else 1_000, lab.seed) for gain in GAINS]
    done: list[Any] = lab.parallel(_do, jobs, "training")
    by_row = [done[i : i + len(seeds)] for i in range(0, n_trainings, len(seeds))]
    return by_row, done[n_trainings:]


def _do(kind: str, *arguments: Any) -> Trained | Inside:
    return _train(*arguments) if kind == "row" else look_inside(*arguments)


def _train(config: MLPConfig, steps: int, seed: int) -> Trained:
    """The lecture's recipe: batches of 32, the rate 0.1, and 0.01 in the second half."""
    made = parts(3)
    model = MLPModel(config, generator=stream(seed, "init"))
    with torch.no_grad():
        saturated = _hidden(model, first_batch(seed)[0]).abs() > SATURATED
        first_loss = F.cross_entropy(model(made.train[0][:4096]), made.train[1][:4096]).item()
    model = MLPModel(config, generator=stream(seed, "init"))  # afresh: looking has moved a BatchNorm's running ones
    recipe = TrainConfig(steps=steps, batch_size=BATCH, optimizer="sgd", lr=RATE, schedule="step")
    losses = fit(model, made.train, recipe, seed=seed)
    return Trained(
        first_loss=first_loss,
        saturation=saturated.float().mean().item(),
        saturated=saturated.int().tolist(),
        train=evaluate(model, *made.train),
        dev=evaluate(model, *made.dev),
        curve=losses.reshape(POINTS, -1).mean(1).tolist(),
    )


def _hidden(model: MLPModel, X: Tensor) -> Tensor:
    """(B, T) -> (B, H): what the hidden layer gives out."""
    h: Tensor = model.hidden(model.embedding(X))
    return h


def _tell_log(lab: Lab, trainings: Sequence[Sequence[Trained]]) -> None:
    """The five rows beside the lecture's."""
    rows = []
    for row, found in zip(ROWS, trainings, strict=True):
        first = found[0]
        told = [f"{value:.{row.digits}f}" for value in (row.train, row.dev)]
        rows.append([row.name, first.first_loss, f"{first.saturation:.0%}", first.train, first.dev, *told])
        for trained, seed in zip(found, range(lab.seed, lab.seed + len(found)), strict=True):
            lab.run.log(row=row.name, seed=seed, train=trained.train, dev=trained.dev, first_loss=trained.first_loss)
    title = f"The lecture's log, seed {lab.seed}: losses in nats"
    if lab.quick:
        title += " (a twentieth of the lecture's steps)"
    columns = ["net", "first loss", "|h| > 0.97 at first", "train", "dev", "lecture: train", "lecture: dev"]
    lab.run.table(title, columns, rows)
    for row, found in zip(ROWS, trainings, strict=True):
        if lab.quick:
            lab.run.figure(f"{row.name}: dev", found[0].dev, unit="nats", better="lower")
            continue
        for part, value, reference in (("train", found[0].train, row.train), ("dev", found[0].dev, row.dev)):
            lab.run.figure(
                f"{row.name}: {part}",
                value,
                unit="nats",
                reference=reference,
                source="lecture 4",
                better="lower",
                tolerance=row.tolerance,
            )
    lab.run.figure(
        "first loss, softmax not confidently wrong",
        trainings[1][0].first_loss,
        unit="nats",
        reference=3.2958,
        source="ln 27",
        tolerance=0.03,
    )
    if not lab.quick:
        _tell_spread(lab, trainings)


def _tell_spread(lab: Lab, trainings: Sequence[Sequence[Trained]]) -> None:
    """How far one training's dev loss lies from another's that differs in nothing but the seed."""
    spreads = [stdev(trained.dev for trained in found) for found in trainings]
    pooled = float(np.sqrt(mean(spread**2 for spread in spreads)))
    lab.run.figure("dev loss: spread from seed to seed", pooled, unit="nats")
    lab.run.text(
        f"Two seeds of the same net differ by {pooled:.4f} nats on dev (a standard deviation, pooled over the five "
        "nets). The lecture's last three rows lie within 0.0043 of each other: which of them is the best, one seed "
        "each cannot tell."
    )


def _draw_curves(lab: Lab, trainings: Sequence[Sequence[Trained]]) -> None:
    figure = go.Figure()
    n_steps = 10_000 if lab.quick else 200_000
    steps = [n_steps * (i + 1) // POINTS for i in range(POINTS)]
    for row, found in zip(ROWS, trainings, strict=True):
        figure.add_scatter(x=steps, y=[round(loss, 4) for loss in found[0].curve], mode="lines", name=row.name)
    figure.update_layout(height=380)
    figure.update_xaxes(title="step")
    figure.update_yaxes(title="loss of the batches, mean of a hundredth (nats)", range=[2.0, 2.8])
    lab.run.plot(
        "Where the first steps go",
        figure,
        "The original begins at 26 nats, far above this picture, and spends its first steps on undoing its own "
        "confidence. The drop in the middle is the rate's, from 0.1 to 0.01.",
    )


def _draw_saturation(lab: Lab, trainings: Sequence[Sequence[Trained]]) -> None:
    """The lecture's black and white picture: a row for each example, a column for each unit."""
    shown = [0, 3]
    titles = [f"{ROWS[i].name}: {trainings[i][0].saturation:.0%} saturated" for i in shown]
    figure = make_subplots(rows=2, cols=1, subplot_titles=titles, shared_xaxes=True, vertical_spacing=0.12)
    for place, i in enumerate(shown, 1):
        colours = [[0, "#111111"], [1, "#ffffff"]]
        image = go.Heatmap(z=trainings[i][0].saturated, zmin=0, zmax=1, colorscale=colours, showscale=False)
        figure.add_trace(image, row=place, col=1)
        figure.update_yaxes(title="example", autorange="reversed", row=place, col=1)
    figure.update_xaxes(title="unit", row=2, col=1)
    figure.update_layout(height=450, margin={"t": 40})
    dead = [_n_dead(trainings[i][0].saturated) for i in shown]
    lab.run.plot(
        "Saturated units before training, white: |tanh| > 0.97",
        figure,
        f"Where it is white hardly any gradient passes. A unit that is dead on this batch is a white column: "
        f"{dead[0]} of 200 above, {dead[1]} below.",
    )


def _n_dead(saturated: Sequence[Sequence[int]]) -> int:
    return sum(all(column) for column in zip(*saturated, strict=True))
