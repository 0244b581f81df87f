"""3.2: where does the loss begin under each initialisation of the lectures, and how many steps does a good one "
"save?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import mean

import numpy as np
import plotly.graph_objects as go
import torch

from zth.layers import Tanh
from zth.layers.diagnostic_plots import spread_figure
from zth.layers.diagnostics import Activation, Watch
from zth.models import MLPConfig, MLPModel, evaluate
from zth.seeds import stream
from zth.train import TrainConfig
from zth.workbook.l03_mlp.trainings import COLOURS, FloatArray, run_all, smoothed, trained, with_error
from zth.workbook.measure import Lab
from zth.workbook.names import parts

INITS = ("unit", "quiet-output", "quiet-tanh", "kaiming")
"""Lecture 3's, then lecture 4's repairs, each on top of the one before."""
REPAIRED = "kaiming"
LECTURE_SEED = 2147483647
"""The lecture's generator, with which the first net here has the lecture's weights."""
UNIFORM = math.log(27)
CLOSE = 0.03
QUICK_STEPS, FULL_STEPS = 4_000, 30_000
N_LOOKED_AT = 2000
"""Examples on which the first loss and the hidden layer are looked at."""
SCALES = (0.0, 0.003, 0.01, 0.03, 0.05, 0.07, 0.1, 0.2, 0.3, 0.5, 1.0)


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """A net before its first step."""

    loss: float
    hidden: Activation


def measure(lab: Lab) -> None:
    lab.corpus("names")
    lab.run.text(
        f"A net that knows nothing, and says so, has a loss of ln 27 = {UNIFORM:.4f}. **Where does the lecture's net "
        "begin, and how many steps does a better beginning save?** `unit` is the lecture's way, N(0, 1) for all. "
        "Lecture 4 repairs it one thing at a time: `quiet-output` (W2 * 0.01, b2 = 0), `quiet-tanh` (W1 * 0.2, b1 * "
        "0.01 as well), `kaiming` (W1 * 5/3 / sqrt(30))."
    )
    seeds = range(lab.seed, lab.seed + (2 if lab.quick else 5))
    beginnings = {init: [_beginning(init, seed) for seed in seeds] for init in INITS}
    _tell_first_losses(lab)
    _draw_scales(lab)
    _draw_hidden(lab, beginnings)
    _race(lab, beginnings, list(seeds))


def _options(init: str) -> MLPConfig:
    return MLPConfig(init=init)


def _beginning(init: str, seed: int, generator: torch.Generator | None = None) -> Beginning:
    model = MLPModel(_options(init), generator=generator or stream(seed, "init"))
    with Watch(model, only=(Tanh,)) as watch:
        loss = _first_loss(model)
    (hidden,) = watch.activations()
    return Beginning(loss=loss, hidden=hidden)


def _first_loss(model: MLPModel) -> float:
    X, Y = parts(model.block_size).train
    return evaluate(model, X[:N_LOOKED_AT], Y[:N_LOOKED_AT])


def _tell_first_losses(lab: Lab) -> None:
    """By the lecture's own generator, so that its numbers can be met."""
    for init in INITS:
        loss = _beginning(init, 0, torch.Generator().manual_seed(LECTURE_SEED)).loss
        reference, tolerance = (27.0, 2.0) if init == "unit" else (round(UNIFORM, 4), CLOSE)
        source = "lecture 3: about 27" if init == "unit" else "ln 27"
        name = f"first loss, {init}"
        lab.run.figure(name, loss, unit="nats", reference=reference, source=source, tolerance=tolerance)


def _draw_scales(lab: Lab) -> None:
    """Turned one by one: the scale of W2, and of b2, with all else as in `kaiming`."""
    figure = go.Figure()
    apart: dict[str, list[float]] = {}
    for (name, what), colour in zip((("W2", "W"), ("b2", "b")), COLOURS[2:], strict=False):
        apart[name] = [_with_scale(what, scale, lab.seed) - UNIFORM for scale in SCALES]
        figure.add_scatter(
            x=SCALES[1:],
            y=apart[name][1:],
            name=f"{name} ~ N(0, scale²)",
            mode="lines+markers",
            line={"color": colour},
            hovertemplate="scale %{x}: %{y:.4f} nats above ln 27",
        )
    figure.add_hline(y=CLOSE, line_dash="dash", line_color="#888888", annotation_text=f"{CLOSE} above ln 27")
    figure.update_layout(height=380)
    figure.update_xaxes(title="scale", type="log", dtick=1)
    figure.update_yaxes(title="first loss above ln 27 (nats)", type="log", dtick=1)
    lab.run.plot(
        "The first loss against the scale of the last layer",
        figure,
        "Everything else as in `kaiming`. Below the dashed line the net knows nothing and says so.",
    )
    largest = max(scale for scale, above in zip(SCALES, apart["W2"], strict=True) if above <= CLOSE)
    lab.run.figure("largest scale of W2 tried that keeps the first loss within 0.03", largest)
    lab.run.text(
        "Logits of size s that know nothing cost about s² / 2 over ln 27: twice the scale costs four times as much, "
        f"as the straight lines show. With all zeros in `W2` the first loss is {UNIFORM + apart['W2'][0]:.4f}, "
        f"exactly ln 27, but then only `W2` and `b2` have a gradient in the first step; 4.1 shows what comes of that."
    )


def _with_scale(what: str, scale: float, seed: int) -> float:
    model = MLPModel(_options(REPAIRED), generator=stream(seed, "init"))
    parameter = getattr(model.output[0], what)
    with torch.no_grad():
        parameter.copy_(scale * torch.randn(parameter.shape, generator=stream(seed, what)))
    return _first_loss(model)


def _draw_hidden(lab: Lab, beginnings: dict[str, list[Beginning]]) -> None:
    shown = ("unit", "quiet-tanh", "kaiming")  # quiet-output has unit's hidden layer
    figure = spread_figure([replace(beginnings[init][0].hidden, name=init, kind="") for init in shown], x="h")
    figure.update_layout(height=360)
    lab.run.plot(
        "The hidden layer before the first step",
        figure,
        f"`unit` has {_percent(beginnings['unit'])} of its places beyond 0.97, where tanh is flat: the peaks at the "
        f"ends. The first loss does not see that: `quiet-output` has the same hidden layer.",
    )


def _percent(beginnings: list[Beginning]) -> str:
    return f"{mean(_saturation(each) for each in beginnings):.0%}"


def _saturation(beginning: Beginning) -> float:
    share = beginning.hidden.saturation
    assert share is not None
    return share


def _race(lab: Lab, beginnings: dict[str, list[Beginning]], seeds: list[int]) -> None:
    """The same steps, batches and rate for all: who is where, when?"""
    steps, width = (QUICK_STEPS, 200) if lab.quick else (FULL_STEPS, 500)
    config = TrainConfig(steps=steps, batch_size=32, optimizer="sgd", lr=0.1, schedule="constant")
    runs = run_all(
        lab, trained, [(_options(init), config, seed) for init in INITS for seed in seeds], "initialisations"
    )
    of = {init: runs[i * len(seeds) : (i + 1) * len(seeds)] for i, init in enumerate(INITS)}
    curves = {init: [smoothed(run.losses, width) for run in of[init]] for init in INITS}
    # where `unit` is at the end: each seed's nets saw the same batches, so they are compared seed by seed
    caught = {
        init: [_first_at(curve, unit[-1], width) for curve, unit in zip(curves[init], curves["unit"], strict=True)]
        for init in INITS
    }
    rows = [
        [
            init,
            with_error([each.loss for each in beginnings[init]]),
            _percent(beginnings[init]),
            with_error([float(curve[-1]) for curve in curves[init]]),
            with_error([run.dev for run in of[init]]),
            f"{steps if init == 'unit' else mean(caught[init]):,.0f}",
        ]
        for init in INITS
    ]
    title = f"{steps:,} steps of batch 32 at rate 0.1, {len(seeds)} seeds (± standard error)"
    columns = ["init", "first loss", "h saturated", f"last {width:,} batches", "dev", "steps to where unit ends"]
    lab.run.table(title, columns, rows)
    _draw_race(lab, {init: np.mean(curves[init], axis=0) for init in INITS}, width, steps)
    saved = 1 - mean(caught[REPAIRED]) / steps
    gained = mean(run.dev for run in of["unit"]) - mean(run.dev for run in of[REPAIRED])
    lab.run.figure(f"{REPAIRED}: steps to where unit is after {steps:,}", mean(caught[REPAIRED]), unit="steps")
    lab.run.figure(f"steps saved by {REPAIRED}", 100 * saved, unit="%")
    lab.run.figure(f"dev gained by {REPAIRED} after {steps:,} steps", gained, unit="nats")
    quiet = mean(run.dev for run in of["unit"]) - mean(run.dev for run in of["quiet-output"])
    lab.run.text(
        f"**Answer.** `kaiming` is after {mean(caught[REPAIRED]):,.0f} steps where `unit` is after {steps:,}: it "
        f"saves {saved:.0%} of them. The quiet output, which mends the first loss, gains {quiet:.3f} nats on dev at "
        f"this budget; the hidden layer, which the first loss does not show, brings that to {gained:.3f}."
    )


def _first_at(curve: FloatArray, level: float, width: int) -> int:
    """The step at which the last `width` losses have come down to `level`; the end where they never do."""
    return int(np.argmax(curve <= level)) + width if (curve <= level).any() else len(curve) + width - 1


def _draw_race(lab: Lab, curves: dict[str, FloatArray], width: int, steps: int) -> None:
    figure = go.Figure()
    for (init, curve), colour in zip(curves.items(), COLOURS, strict=False):
        every = max(1, len(curve) // 300)
        figure.add_scatter(
            x=list(range(width, steps + 1, every)),
            y=curve[::every].round(4).tolist(),
            name=init,
            mode="lines",
            line={"color": colour},
        )
    figure.update_layout(height=420)
    figure.update_xaxes(title="steps")
    figure.update_yaxes(title=f"mean loss of the last {width:,} batches (nats)", range=[2.1, 3.1])
    lab.run.plot(
        "What a good beginning saves", figure, "The mean over the seeds. `unit` comes from far above the picture."
    )
