"""3.1: how low does a tuned MLP go, with a stated budget, and what mattered most?"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean
from typing import Any

import plotly.graph_objects as go
from torch import Tensor

from zth.models import MLPModel, evaluate
from zth.models.space import Between, Space
from zth.seeds import stream
from zth.train import TrainConfig, fit
from zth.train.tune import Study, tune
from zth.workbook.l03_mlp.trainings import COLOURS, FloatArray, run_all, smoothed, with_error
from zth.workbook.measure import Lab
from zth.workbook.names import parts

WIDEST = 8
LECTURE, CHALLENGE, GOAL = 2.1701, 2.2, 2.10
"""Losses on dev: the lecture's, what it asks to beat, and what is asked of a tuner here."""
FIXED = {"batchnorm": "none"}
QUICK, FULL = (1_000, 6), (10_000, None)
"""Steps of a trial (of batch 32), and trials; the full study is limited by time."""
MINUTES = 4.0
"""Of the full preset's tuner, on as many cores as there are."""
PATIENCE = 120.0
"""Seconds that the winner's own training may take, by the time that its trial took."""
LONGEST = 8
"""Times as many steps as in its trial, at most."""


@dataclass(frozen=True, kw_only=True)
class Won:
    """The winner's training with one seed; the net is kept as it was where dev was lowest."""

    losses: FloatArray
    steps: list[int]
    devs: list[float]
    """The dev loss after each of `steps`."""
    train: float
    test: float

    @property
    def dev(self) -> float:
        return min(self.devs)


def measure(lab: Lab) -> None:
    lab.corpus("names")
    steps, n_trials = QUICK if lab.quick else FULL
    base = TrainConfig(steps=steps)
    small: Space = {"embedding": Between(low=8, high=24), "hidden": Between(low=64, high=200)}
    budget: dict[str, Any] = {"trials": n_trials, "workers": 1, "space": small} if lab.quick else {"minutes": MINUTES}
    said = f"{n_trials} trials" if lab.quick else f"{MINUTES:g} minutes on all cores"
    lab.run.text(
        f"The lecture's net has {LECTURE} on dev after 200,000 steps; its challenge is to beat {CHALLENGE}. **How "
        f"low does a tuned one go?** A tuner has {said} to choose the context's length (up to {WIDEST}), the sizes, "
        f"the initialisation, direct connections, and AdamW's rate, decay, schedule and size of batch. No "
        f"BatchNorm: that is lecture 4's. Each trial sees {base.steps * base.batch_size:,} examples, and one that "
        f"lies behind the others on its way is given up. The winner is then trained longer, and kept where dev is "
        f"lowest."
        + (" This is the quick preset: a small study, far from what the full one finds." if lab.quick else "")
    )
    journal = lab.run.folder / "study.journal"
    study = tune(
        "mlp", parts(WIDEST), base=base, fixed=FIXED, seed=lab.seed, journal=journal, show=lab.show, **budget
    )
    study.write(lab.run)
    won = _train_winner(lab, study)
    _tell(lab, study, won)
    _draw(lab, won)
    _answer(lab, study, won)


def _train_winner(lab: Lab, study: Study) -> list[Won]:
    longest = 4 if lab.quick else LONGEST
    times = max(1.0, min(longest, PATIENCE / max(study.best.seconds, 1e-3)))
    config = study.train_config(steps=round(times * study.train_config().steps))
    seeds = [lab.seed] if lab.quick else [lab.seed, lab.seed + 1]
    return run_all(lab, _win, [(study.model_config(), config, seed) for seed in seeds], "the winner, trained longer")


def _win(options: Any, config: TrainConfig, seed: int) -> Won:
    names = parts(options.block_size)
    model = MLPModel(options, generator=stream(seed, "init"))
    steps: list[int] = []
    devs: list[float] = []
    kept: dict[str, Tensor] = {}

    def watch(step: int) -> None:
        steps.append(step)
        devs.append(evaluate(model, *names.dev))
        if devs[-1] == min(devs):
            kept.update({name: tensor.clone() for name, tensor in model.state_dict().items()})

    losses = fit(model, names.train, config, seed=seed, watch=watch, watch_every=max(1, config.steps // 20))
    model.load_state_dict(kept)
    return Won(
        losses=losses,
        steps=steps,
        devs=devs,
        train=evaluate(model, *names.train),
        test=evaluate(model, *names.test),
    )


def _tell(lab: Lab, study: Study, won: list[Won]) -> None:
    devs = [each.dev for each in won]
    lab.run.table(
        f"The winner, trained for {len(won[0].losses):,} steps with {len(won)} seed{'s' * (len(won) > 1)}",
        ["", "train", "dev", "test"],
        [
            ["the winner's trial", "", f"{study.best.dev:.4f}", ""],
            ["trained longer", *(with_error(v) for v in ([w.train for w in won], devs, [w.test for w in won]))],
            ["lecture 3", "2.1260", f"{LECTURE}", ""],
        ],
    )
    n = sum(p.numel() for p in MLPModel(study.model_config(), generator=stream(0, "init")).parameters())
    lab.run.figure("parameters of the winner", n)
    reference, source = (CHALLENGE, "lecture 3's challenge") if lab.quick else (GOAL, "the goal; lecture 3: 2.1701")
    name = "dev of the winner, trained longer"
    lab.run.figure(name, mean(devs), unit="nats", reference=reference, source=source, better="lower")
    lab.run.figure("test of the winner, asked once", mean(w.test for w in won), unit="nats")


def _draw(lab: Lab, won: list[Won]) -> None:
    figure = go.Figure()
    first = won[0]
    width = max(1, len(first.losses) // 100)
    curve = smoothed(first.losses, width)[::width]
    figure.add_scatter(
        x=[width * (i + 1) for i in range(len(curve))],
        y=curve.round(4).tolist(),
        name=f"train (mean of {width:,} batches)",
        mode="lines",
        line={"color": COLOURS[3]},
    )
    for number, run in enumerate(won):
        figure.add_scatter(
            x=run.steps,
            y=run.devs,
            name=f"dev, seed {lab.seed + number}",
            mode="lines+markers",
            line={"color": COLOURS[number]},
        )
    for level, name in ((LECTURE, "lecture 3's dev"), (GOAL, "the goal")):
        figure.add_hline(y=level, line_dash="dash", line_color="#888888", annotation_text=f"{name}, {level}")
    lowest = min(min(first.devs), float(curve.min()))
    figure.update_layout(height=420)
    figure.update_xaxes(title="steps")
    figure.update_yaxes(title="loss (nats)", range=[lowest - 0.03, 2.5])
    lab.run.plot(
        "The winner's training",
        figure,
        "Where train goes on falling and dev does not, it learns names by heart: the net is kept from before.",
    )


def _answer(lab: Lab, study: Study, won: list[Won]) -> None:
    dev = mean(w.dev for w in won)
    shares = study.importances()
    most = " and ".join(f"`{name}` ({share:.0%})" for name, share in list(shares.items())[:2])
    mattered = f"What mattered most was {most}. " if shares else "So few trials do not tell what mattered most. "
    lab.run.text(
        f"**Answer.** {dev:.4f} on dev, the lecture's net had {LECTURE}: {LECTURE - dev:.3f} nats "
        f"{'better' if dev < LECTURE else 'worse'}. {mattered}Dev has chosen among {len(study.trials)} trials, so "
        f"its loss flatters a little; test, asked once, says {mean(w.test for w in won):.4f}."
    )
