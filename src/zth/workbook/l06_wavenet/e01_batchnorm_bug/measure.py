"""6.1: what does the bug cost in loss, and how much noisier are its statistics?

Letters: B examples of a batch, T positions, C channels, N examples, K batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import mean, stdev
from typing import cast

import plotly.graph_objects as go
import torch
from torch import Tensor

from zth.layers import Sequential
from zth.models import WaveNetModel
from zth.models.protocol import evaluating
from zth.seeds import stream
from zth.train import fit
from zth.workbook.l06_wavenet.bug import LectureBatchNorm
from zth.workbook.l06_wavenet.e01_batchnorm_bug.solution import has_bug, numbers
from zth.workbook.l06_wavenet.measure import BUG, FIXED, SMALL, Result, recipe, train
from zth.workbook.measure import Lab
from zth.workbook.names import parts

B = 32
BUDGETS = {"quick": (1_500, 3), "full": (30_000, 8)}
"""Steps, and pairs of trainings."""
COLOURS = {BUG: "#e0812f", FIXED: "#2aa18f"}


def measure(lab: Lab) -> None:
    lab.corpus("names")
    lab.run.text(
        "In the lecture's tree the BatchNorm of (B, T, C) took its statistics over the batch axis alone: each "
        "position had a mean and a variance of its own. How much **noisier** are they, and what does that cost in "
        "**loss**?"
    )
    x = _first_level(lab)
    _tell_shapes(lab, x)
    noise = _tell_noise(lab, x)
    pairs = _train_pairs(lab)
    gaps = [with_bug.dev - fixed.dev for with_bug, fixed in pairs]
    error = stdev(gaps) / sqrt(len(gaps))
    lab.run.figure("the bug's cost on dev", mean(gaps), unit="nats")
    lab.run.figure("standard error of that cost", error, unit="nats")
    sure = "more than" if mean(gaps) > 2 * error else "within"
    lab.run.text(
        f"**Answer.** The bug costs {mean(gaps):+.4f} nats on dev, with a standard error of {error:.4f} over "
        f"{len(gaps)} pairs of equal weights and equal batches: {sure} two standard errors, and the mended net is "
        f"the better one in {sum(gap > 0 for gap in gaps)} of {len(gaps)}. A mean of the bug's is {noise.means:.1f} "
        f"times as noisy as one over all positions, a standard deviation up to {noise.deviations:.1f} times. The "
        "lecture's own two runs are 0.007 apart; what they and 200,000 steps give here, `zth measure 6` tells."
    )


def _first_level(lab: Lab) -> Tensor:
    """(N, T, C): what comes to the first BatchNorm of a mended tree, trained a little, for names of train."""
    model = WaveNetModel(SMALL, generator=stream(lab.seed, "init"))
    fit(model, parts(8).train, recipe(1_000), seed=lab.seed)
    contexts = parts(8).train[0][: 10_000 if lab.quick else 100_000]
    with evaluating(model):
        linear = cast(Sequential, model.levels[0])[0]
        x: Tensor = linear(model.pairs(model.embedding(contexts)))
    return x


def _tell_shapes(lab: Lab, x: Tensor) -> None:
    """What a look at one batch would have shown."""
    _, T, C = x.shape
    layer = LectureBatchNorm(C)
    with torch.no_grad():
        y = layer(x[:B])
    counts = numbers(B, T, C)
    refusal = "nothing, it ran"
    try:
        layer.eval()(x[:1, : T // 2])
    except RuntimeError as error:
        refusal = str(error).split(" at non-singleton")[0]
    lab.run.text(
        f"One batch of {tuple(x[:B].shape)}. With the bug the running mean has the shape "
        f"{tuple(layer.running_mean.shape)}: {counts['bug'][1]} means of {counts['bug'][0]} numbers each, where "
        f"{counts['fixed'][1]} of {counts['fixed'][0]} were wanted. The output's overall mean is {y.mean():.0e} and "
        f"its variance {y.var():.3f}, as they should be; `has_bug` says {has_bug(y)}. On a text of half the length "
        f"it then says: “{refusal}”."
    )


@dataclass(frozen=True, kw_only=True)
class Noise:
    """How many times as noisy the bug's statistics are, from batch to batch."""

    means: float
    """A mean over positions."""
    deviations: float
    """The worst position's."""


def _tell_noise(lab: Lab, x: Tensor) -> Noise:
    """How far the statistics of K batches scatter, in units of the channel's standard deviation."""
    K, T = 300 if lab.quick else 2_000, x.shape[1]
    ix = torch.randint(len(x), (K, B), generator=stream(lab.seed, "noise"))
    spread = x.std((0, 1))  # (C,)
    means = torch.stack([x[rows].mean(0) for rows in ix]) / spread  # (K, T, C)
    deviations = torch.stack([x[rows].std(0, correction=0) for rows in ix]) / x.std(0)
    pooled = torch.stack([x[rows].mean((0, 1)) for rows in ix])[:, None] / spread  # (K, 1, C)
    pooled_deviations = torch.stack([x[rows].std((0, 1), correction=0) for rows in ix])[:, None] / spread
    of_means = [*_scatter(means), *_scatter(pooled)]
    of_deviations = [*_scatter(deviations), *_scatter(pooled_deviations)]
    own = [*_root_mean_square(x.std(0) / spread), 1.0]
    names = [f"position {t}" for t in range(T)] + ["all positions"]
    lab.run.table(
        f"Statistics of {K:,} batches in front of the first BatchNorm; the unit is the channel's standard deviation",
        ["statistics of", "numbers", "spread of the values", "scatter of the mean", "scatter of the deviation"],
        [
            [name, B if t < T else B * T, own[t], of_means[t], f"{of_deviations[t]:.1%}"]
            for t, name in enumerate(names)
        ],
    )
    _draw_means(lab, means, pooled, names)
    found = Noise(means=mean(of_means[:T]) / of_means[T], deviations=max(of_deviations[:T]) / of_deviations[T])
    lab.run.figure("scatter of a mean: bug / all positions", found.means, unit="x")
    lab.run.figure("scatter of a deviation, worst position: bug / all positions", found.deviations, unit="x")
    return found


def _scatter(statistics: Tensor) -> list[float]:
    """(K, T, C) -> T numbers: the standard deviation over batches, the channels' root mean square."""
    return _root_mean_square(statistics.std(0))


def _root_mean_square(of_channels: Tensor) -> list[float]:
    """(T, C) -> T numbers."""
    roots: list[float] = of_channels.square().mean(-1).sqrt().tolist()
    return roots


def _draw_means(lab: Lab, means: Tensor, pooled: Tensor, names: list[str]) -> None:
    """The channel whose positions differ most."""
    channel = int(means.mean(0).std(0).argmax())
    values = torch.cat([means, pooled], dim=1)[:300, :, channel].T.tolist()
    boxes = [
        go.Box(
            name=name,
            y=y,
            marker_color=COLOURS[BUG if name.startswith("position") else FIXED],
            boxpoints="all",
            jitter=0.6,
            pointpos=0,
            marker_size=2,
            line_width=1,
        )
        for name, y in zip(names, values, strict=True)
    ]
    figure = go.Figure(boxes)
    figure.update_layout(height=380, showlegend=False)
    figure.update_yaxes(title="mean of a batch (standard deviations)")
    lab.run.plot(
        f"What is subtracted from channel {channel}",
        figure,
        "Each point is the mean of one batch of 32 names. With the bug (orange) each position subtracts its own, and "
        "with it what tells the positions apart; position 0 is the oldest pair, mostly dots. Over all positions "
        "(green) there is one mean, from four times as many numbers.",
    )


def _train_pairs(lab: Lab) -> list[tuple[Result, Result]]:
    """(with the bug, without) for each seed: equal initial weights, equal batches."""
    steps, n_seeds = BUDGETS[lab.preset]
    seeds = [lab.seed + k for k in range(n_seeds)]
    orders = [(name, steps, seed, 1_000) for seed in seeds for name in (BUG, FIXED)]
    found = lab.parallel(train, orders, "trainings")
    pairs = list(zip(found[::2], found[1::2], strict=True))
    for seed, (with_bug, fixed) in zip(seeds, pairs, strict=True):
        lab.run.log(seed=seed, bug=with_bug.dev, fixed=fixed.dev)
    lab.run.table(
        f"Dev loss of the tree of 22,397 parameters after {steps:,} steps",
        ["seed", "with the bug", "without", "the bug's cost"],
        [[seed, b.dev, f.dev, f"{b.dev - f.dev:+.4f}"] for seed, (b, f) in zip(seeds, pairs, strict=True)],
    )
    figure = go.Figure()
    for place, name in enumerate((BUG, FIXED)):
        y = [pair[place].dev for pair in pairs]
        figure.add_scatter(
            name=name, x=list(map(str, seeds)), y=y, mode="markers", marker={"color": COLOURS[name], "size": 9}
        )
    figure.update_layout(height=340)
    figure.update_xaxes(title="seed", type="category")
    figure.update_yaxes(title="dev loss (nats)")
    caption = "The two points of a seed began with the same weights and saw the same batches."
    lab.run.plot("The cost of the bug, seed by seed", figure, caption)
    return pairs
