"""3.3: which of the paper's ideas helps, at one budget, over several seeds?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import mean

import plotly.graph_objects as go
import torch
from torch import Tensor

from zth.models import LanguageModel, MixtureModel, MLPConfig, NgramModel, evaluate
from zth.models.mixture import sweep
from zth.models.ngram import sweep as sweep_k
from zth.train import TrainConfig
from zth.workbook.l03_mlp.trainings import COLOURS, Trained, run_all, standard_error, trained, with_error
from zth.workbook.measure import Lab
from zth.workbook.names import parts

BLOCK = 3
QUICK, FULL = (2_000, 3), (40_000, 5)
"""Steps, and seeds."""
KS = (0.05, 0.1, 0.2, 0.3, 0.5)
ALPHAS = tuple(round(0.02 * n, 2) for n in range(51))
"""Shares of the trigram."""
HALF = 0.5
"""The paper's fixed share."""
BASE = MLPConfig(block_size=BLOCK)
PLAIN = "lecture 3's net"
FROM_TENTH: dict[str, float | str] = {"schedule": "inverse"}
FROM_THREE: dict[str, float | str] = {"schedule": "inverse", "lr": 0.3, "drop_to": 1 / 30}
"""The paper's schedule, which falls at once: from the lecture's rate, and from one that makes up for that."""
T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
"""Student's t for 95 %, by the number of seeds: how many standard errors a mean of so few may be off."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One idea put into the net or its training; a mixture is made afterwards."""

    name: str
    options: MLPConfig = BASE
    train: dict[str, float | str] = field(default_factory=dict)
    """What differs from the common TrainConfig."""
    share: float | str | None = None
    """The trigram's in a mixture, or "tuned" on dev."""


VARIANTS = (
    Variant(name=PLAIN),
    Variant(name="direct connections", options=replace(BASE, direct=True)),
    Variant(name="weight decay 1e-4", train={"weight_decay": 1e-4}),
    Variant(name="0.1 / (1 + r t)", train=FROM_TENTH),
    Variant(name="0.3 / (1 + r t)", train=FROM_THREE),
    Variant(name="mixture, half trigram", share=HALF),
    Variant(name="mixture, share tuned", share="tuned"),
    Variant(
        name="all four",
        options=replace(BASE, direct=True),
        train={"weight_decay": 1e-4, **FROM_THREE},
        share="tuned",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Scores:
    """One variant, a number for each seed."""

    dev: list[float]
    test: list[float]
    n_parameters: int
    shares: list[float] = field(default_factory=list)

    def apart(self, other: Scores, part: str) -> list[float]:
        """Seed by seed, since both learnt from the same batches: below 0 is better."""
        return [a - b for a, b in zip(getattr(self, part), getattr(other, part), strict=True)]


def measure(lab: Lab) -> None:
    lab.corpus("names")
    steps, n_seeds = QUICK if lab.quick else FULL
    lab.run.text(
        "Bengio et al. (2003) give their net direct connections from the embeddings to the output, mix it with a "
        "trigram, let its weights decay, and let the rate fall as 1 / (1 + r t). **Which of that helps here?** Every "
        f"net has {steps:,} steps of batch 32 and begins with Kaiming's weights; {n_seeds} seeds, and in each all "
        "variants see the same batches. The rate is 0.1 and drops to 0.01 at half time, as in the lecture; the "
        "paper's falls from 0.1, or from 0.3, to 0.01 by the end."
    )
    common = TrainConfig(steps=steps, batch_size=32, optimizer="sgd", lr=0.1, schedule="step")
    seeds = range(lab.seed, lab.seed + n_seeds)
    trigram = _trigram(lab)
    nets = _train(lab, common, seeds)
    scores = {variant.name: _scores(variant, nets[_recipe(variant)], trigram) for variant in VARIANTS}
    _tell(lab, scores, steps)
    _draw(lab, scores)
    _draw_shares(lab, nets[_recipe(VARIANTS[0])], trigram)
    _answer(lab, scores)


def _trigram(lab: Lab) -> NgramModel:
    """The lecture's trigram with k chosen on dev, as in 2.3."""
    contexts, targets = parts(BLOCK).train
    model = NgramModel.fit(contexts[:, -2:], targets, 27)
    losses = sweep_k(model, KS, *parts(BLOCK).dev)
    best = min(losses, key=losses.__getitem__)
    lab.run.figure(
        "the trigram alone: dev", losses[best], unit="nats", reference=2.22227, source="lecture 2", tolerance=5e-6
    )
    return model.with_k(best)


def _recipe(variant: Variant) -> str:
    """Variants of one recipe share their nets."""
    return f"{variant.options.direct} {sorted(variant.train.items())}"


def _train(lab: Lab, common: TrainConfig, seeds: Sequence[int]) -> dict[str, list[Trained]]:
    recipes = {_recipe(variant): variant for variant in VARIANTS}
    jobs = [
        (variant.options, replace(common, **variant.train), seed)  # type: ignore[arg-type]
        for variant in recipes.values()
        for seed in seeds
    ]
    runs = run_all(lab, trained, jobs, "nets")
    return {recipe: runs[i * len(seeds) : (i + 1) * len(seeds)] for i, recipe in enumerate(recipes)}


def _scores(variant: Variant, runs: Sequence[Trained], trigram: NgramModel) -> Scores:
    names = parts(BLOCK)
    nets = [run.model(variant.options) for run in runs]
    shares: list[float] = []
    models: list[LanguageModel] = list(nets)
    if variant.share is not None:
        shares = [_share(variant, net, trigram) for net in nets]
        models = [MixtureModel([net, trigram], [1 - s, s]) for net, s in zip(nets, shares, strict=True)]
    return Scores(
        dev=[evaluate(model, *names.dev) for model in models],
        test=[evaluate(model, *names.test) for model in models],
        n_parameters=sum(p.numel() for p in nets[0].parameters()),
        shares=shares,
    )


def _share(variant: Variant, net: LanguageModel, trigram: NgramModel) -> float:
    if isinstance(variant.share, float):
        return variant.share
    losses = sweep([net, trigram], ALPHAS, *parts(BLOCK).dev)
    return min(losses, key=losses.__getitem__)


def _tell(lab: Lab, scores: dict[str, Scores], steps: int) -> None:
    rows = [
        [
            name,
            f"{score.n_parameters:,}",
            f"{mean(score.shares):.2f}" if score.shares else "",
            with_error(score.dev),
            with_error(score.test),
            "" if name == PLAIN else _signed(score.apart(scores[PLAIN], "test")),
            "" if name == PLAIN else _verdict(score.apart(scores[PLAIN], "test")),
        ]
        for name, score in scores.items()
    ]
    columns = ["variant", "parameters", "trigram's share", "dev", "test", "test, less the plain net's", "helps?"]
    n_seeds = len(scores[PLAIN].dev)
    lab.run.table(f"{steps:,} steps, {n_seeds} seeds (mean ± standard error)", columns, rows)
    for name, score in scores.items():
        lab.run.figure(f"{name}: dev", mean(score.dev), unit="nats")
        if name != PLAIN:
            lab.run.figure(
                f"{name}: test, less the plain net's", mean(score.apart(scores[PLAIN], "test")), unit="nats"
            )


def _signed(differences: Sequence[float]) -> str:
    return f"{mean(differences):+.4f} ± {standard_error(differences):.4f}"


def _verdict(differences: Sequence[float]) -> str:
    """A difference counts where 0 lies outside its 95 % interval."""
    middle = mean(differences)
    if abs(middle) <= _margin(differences):
        return "cannot be told"
    return "yes" if middle < 0 else "no, it harms"


def _margin(differences: Sequence[float]) -> float:
    """Half the 95 % interval of the mean."""
    return T_95[len(differences)] * standard_error(differences)


def _draw(lab: Lab, scores: dict[str, Scores]) -> None:
    shown = [name for name in scores if name != PLAIN]
    apart = {name: scores[name].apart(scores[PLAIN], "test") for name in shown}
    figure = go.Figure()
    figure.add_bar(
        x=shown,
        y=[mean(apart[name]) for name in shown],
        error_y={"type": "data", "array": [_margin(apart[name]) for name in shown]},
        marker_color=COLOURS[3],
        name="mean",
        hovertemplate="%{x}: %{y:+.4f} nats",
    )
    figure.add_scatter(
        x=[name for name in shown for _ in apart[name]],
        y=[value for name in shown for value in apart[name]],
        mode="markers",
        marker={"color": COLOURS[0], "size": 6},
        name="a seed",
    )
    figure.update_layout(height=400)
    figure.update_yaxes(title="test loss, less the plain net's (nats)")
    lab.run.plot(
        "What each idea brings",
        figure,
        "Below 0 it helps. The whiskers are 95 % intervals; where one crosses 0, these seeds cannot tell.",
    )


def _draw_shares(lab: Lab, runs: Sequence[Trained], trigram: NgramModel) -> None:
    """The first seed's net, mixed: on dev, where the share is chosen, and on train."""
    net = runs[0].model(BASE)
    figure = go.Figure()
    for (name, part), colour in zip(
        (("dev", parts(BLOCK).dev), ("train", _some(parts(BLOCK).train))), COLOURS[2:], strict=False
    ):
        losses = sweep([net, trigram], ALPHAS, *part)
        best = min(losses, key=losses.__getitem__)
        figure.add_scatter(x=ALPHAS, y=list(losses.values()), name=name, mode="lines", line={"color": colour})
        figure.add_scatter(
            x=[best], y=[losses[best]], mode="markers", marker={"color": colour, "size": 10}, showlegend=False
        )
    figure.update_layout(height=380)
    figure.update_xaxes(title="the trigram's share")
    figure.update_yaxes(title="loss of the mixture (nats)")
    lab.run.plot(
        "How much of the trigram",
        figure,
        "The first seed's plain net. Each curve is convex: its best share is marked.",
    )


def _some(examples: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Every eighth example of train: as many as dev has."""
    rows = torch.arange(0, len(examples[1]), 8)
    return examples[0][rows], examples[1][rows]


def _answer(lab: Lab, scores: dict[str, Scores]) -> None:
    apart = {name: score.apart(scores[PLAIN], "test") for name, score in scores.items() if name != PLAIN}
    by_verdict: dict[str, list[str]] = {}
    for name, differences in apart.items():
        by_verdict.setdefault(_verdict(differences), []).append(f"{name} ({_signed(differences)})")
    told = [
        f"{heading}: {', '.join(by_verdict[verdict])}."
        for verdict, heading in (
            ("yes", "Better than the plain net on test"),
            ("no, it harms", "Worse"),
            ("cannot be told", "No difference that these seeds can tell"),
        )
        if verdict in by_verdict
    ]
    few = (
        "Three seeds and a short training tell little; the full preset has five, and twenty times the steps. "
        if lab.quick
        else ""
    )
    lab.run.text(
        f"**Answer.** {' '.join(told)} {few}The share of the mixture was chosen on dev, so the comparison is made "
        f"on test."
    )
