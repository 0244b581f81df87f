"""Lecture 3's own experiment: its net by its recipe, the learning-rate finder, the letters in a plane, some names."""

from __future__ import annotations

from statistics import mean

import plotly.graph_objects as go

from zth.models import MLPConfig, MLPModel, evaluate
from zth.sample import sample
from zth.seeds import stream
from zth.train import TrainConfig
from zth.train.finder import find_lr
from zth.workbook.l03_mlp.trainings import COLOURS, Trained, run_all, smoothed, trained, with_error
from zth.workbook.measure import Lab
from zth.workbook.names import parts

NET = MLPConfig(block_size=3, embedding=10, hidden=200, init="unit")
PLANE = MLPConfig(block_size=3, embedding=2, hidden=300, init="unit")
"""The net whose letters can be drawn."""
RECIPE = TrainConfig(steps=200_000, batch_size=32, optimizer="sgd", lr=0.1, schedule="step", drop_at=0.5, drop_to=0.1)
TRAIN, DEV = 2.1260, 2.1701
QUICK_STEPS, PLANE_STEPS = 10_000, 60_000
VOWELS = "aeiou"
N_SAMPLES = 20


def measure(lab: Lab) -> None:
    lab.corpus("names")
    steps = QUICK_STEPS if lab.quick else RECIPE.steps
    config = TrainConfig(**{**vars(RECIPE), "steps": steps})
    shorter = f" (The lecture has {RECIPE.steps:,}. This is the quick preset, whose losses are higher.)"
    lab.run.text(
        "Three characters, each looked up as ten numbers; 200 hidden units; 27 logits: the MLP of Bengio et al. "
        f"(2003), with the lecture's initialisation and its recipe: {steps:,} steps of batch 32 at rate 0.1, which "
        "drops to 0.01 at half time." + (shorter if lab.quick else "")
    )
    _find_rate(lab)
    seeds = [lab.seed + i for i in range(1 if lab.quick else 4)]
    plane = TrainConfig(**{**vars(RECIPE), "steps": QUICK_STEPS if lab.quick else PLANE_STEPS})
    jobs = [*((NET, config, seed) for seed in seeds), (PLANE, plane, lab.seed)]
    *runs, drawn = run_all(lab, trained, jobs, "trainings")
    _tell(lab, runs, steps)
    _draw_losses(lab, runs[0])
    _draw_letters(lab, drawn, plane.steps)
    _show_names(lab, runs[0])


def _find_rate(lab: Lab) -> None:
    net = MLPModel(NET, generator=stream(lab.seed, "init"))
    sweep = find_lr(net, parts(3).train, RECIPE, seed=lab.seed, exponents=(-3.0, 0.0))
    lab.run.plot(
        "The learning-rate finder",
        sweep.figure(),
        "1,000 steps, each with a rate a little higher than the one before, from 10^-3 to 10^0. Where the loss is "
        "lowest and not yet unsteady, there a good rate lies.",
    )
    lab.run.figure("rate that the finder suggests (the lecture takes 0.1)", sweep.suggestion)


def _tell(lab: Lab, runs: list[Trained], steps: int) -> None:
    n = sum(p.numel() for p in runs[0].model(NET).parameters())
    lab.run.figure("parameters", n, reference=11_897, source="lecture 3")
    trains = [evaluate(run.model(NET), *parts(3).train) for run in runs]
    devs = [run.dev for run in runs]
    title = f"After {steps:,} steps, {len(runs)} seed{'s' * (len(runs) > 1)} (± standard error)"
    rows = [["here", with_error(trains), with_error(devs)], ["lecture 3, 200,000 steps", f"{TRAIN:.4f}", f"{DEV}"]]
    lab.run.table(title, ["", "train", "dev"], rows)
    for name, values, reference in (("train", trains, TRAIN), ("dev", devs, DEV)):
        if lab.quick:  # 10,000 steps cannot meet what 200,000 do
            lab.run.figure(f"{name} after {steps:,} steps", mean(values), unit="nats")
        else:
            lab.run.figure(name, mean(values), unit="nats", reference=reference, source="lecture 3", tolerance=0.01)
    if len(devs) > 1:
        lab.run.figure("dev: lowest of the seeds", min(devs), unit="nats")
        lab.run.figure("dev: highest of the seeds", max(devs), unit="nats")


def _draw_losses(lab: Lab, run: Trained) -> None:
    width = 100 if lab.quick else 1_000
    curve = smoothed(run.losses, width)[:: max(1, len(run.losses) // 400)]
    every = max(1, len(run.losses) // 400)
    figure = go.Figure()
    figure.add_scatter(
        x=[width + every * i for i in range(len(curve))],
        y=curve.round(4).tolist(),
        mode="lines",
        name=f"mean of the last {width:,} batches",
        line={"color": COLOURS[3]},
    )
    for level, part in ((TRAIN, "train"), (DEV, "dev")):
        figure.add_hline(
            y=level, line_dash="dash", line_color="#888888", annotation_text=f"lecture's {part} at its end"
        )
    figure.update_layout(height=400)
    figure.update_xaxes(title="steps")
    figure.update_yaxes(title="loss (nats)", range=[2.05, 3.0])
    lab.run.plot(
        "The loss",
        figure,
        "At half time the rate drops to a tenth: the steps get smaller, and the loss falls at once.",
    )


def _draw_letters(lab: Lab, run: Trained, steps: int) -> None:
    vocabulary = parts(3).vocabulary
    C = run.state["embedding.layers.0.C"]
    letters = [vocabulary.decode([i]) for i in range(len(vocabulary))]
    kinds = (("vowels", VOWELS, COLOURS[0]), ("the dot", ".", COLOURS[4]), ("others", "", COLOURS[3]))
    figure = go.Figure()
    for name, wanted, colour in kinds:
        ids = [i for i, ch in enumerate(letters) if (ch in wanted if wanted else ch not in VOWELS + ".")]
        figure.add_scatter(
            x=C[ids, 0].tolist(),
            y=C[ids, 1].tolist(),
            text=[letters[i] for i in ids],
            mode="markers+text",
            marker={"size": 22, "color": colour, "opacity": 0.35},
            textfont={"size": 14},
            name=name,
        )
    figure.update_layout(height=560)
    figure.update_yaxes(scaleanchor="x")
    lab.run.plot(
        "The letters in a plane",
        figure,
        f"The embedding table of a net with two numbers for each character, after {steps:,} steps. Letters that are "
        f"used alike lie together: look for the vowels.",
    )


def _show_names(lab: Lab, run: Trained) -> None:
    names = sample(run.model(NET), parts(3).vocabulary, n=N_SAMPLES, seed=lab.seed)
    lab.run.text("Names that it makes: " + ", ".join(f"`{name}`" for name in names) + ".")
