"""4.1: lecture 3's net with all weights and biases zero: what moves, what never does, and where does the loss stop?

Letters: N examples, T ids in a context, V ids in the vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
import torch
import torch.nn.functional as F
from torch import Tensor

from zth.compare import largest_difference
from zth.layers.diagnostics import Watch
from zth.models import MLPConfig, MLPModel, evaluate
from zth.seeds import stream
from zth.train import TrainConfig, Trainer
from zth.workbook.l04_batchnorm.e01_all_zero.check import ALWAYS, NORM, ONE, TWO
from zth.workbook.l04_batchnorm.e01_all_zero.solution import first_moves, limit
from zth.workbook.measure import Lab
from zth.workbook.names import parts

UNIGRAM = 2.822726
"""LECTURES.md: the characters alone, counted on all names."""
STEPS_SEEN = (0, 1, 1000)
ZERO, KAIMING = "all zero", "Kaiming"
COLOURS = {ZERO: "#e8710a", KAIMING: "#4c8bf5"}
NETS = (
    ("tanh", ONE, "W1 b1 W2 b2", "tanh"),
    ("relu", ONE, "W1 b1 W2 b2", "relu"),
    ("tanh", ONE, "W2 b2", "tanh"),
    ("tanh", ONE, "W1 b1", "tanh"),
    ("relu", ONE, "W1 b1", "relu"),
    ("tanh", ONE, "C W1 b1", "tanh"),
    ("tanh", ONE, "W1 W2 b2", "tanh"),
    ("two layers", TWO, "W1 W2 b2 W3 b3", "tanh"),
    ("two layers", TWO, "W1 W2 W3 b3", "tanh"),
    ("BatchNorm", NORM, "W1 bnbias W2 b2", "tanh"),
    ("BatchNorm", NORM, "W1 bnbias", "tanh"),
    ("BatchNorm", NORM, "W1 bngain bnbias", "tanh"),
)
"""What it is, its parameters, those that begin at zero, its activation."""


def measure(lab: Lab) -> None:
    lab.corpus("names")
    lab.run.text(
        "Set all weights and biases of lecture 3's net to **zero**, leave its embeddings random, and train. Which "
        "parameters move, why do the others never do, and at which loss does it stop?"
    )
    model, losses = _train(lab, "zero")
    _, healthy = _train(lab, "kaiming")
    _tell_where_it_stops(lab, model)
    _draw_losses(lab, {ZERO: losses, KAIMING: healthy})
    _draw_bias(lab, model)
    _compare_nets(lab)


def _train(lab: Lab, init: str) -> tuple[MLPModel, Sequence[float]]:
    """The net by lecture 3's recipe, shortened; the zero one is looked into on its way."""
    model = MLPModel(MLPConfig(init=init), generator=stream(lab.seed, "init"))
    start = {name: p.detach().clone() for name, p in _named(model).items()}
    steps = 5_000 if lab.quick else 50_000
    config = TrainConfig(steps=steps, optimizer="sgd", lr=0.1, schedule="step")
    trainer = Trainer(model, parts(3).train, config, seed=lab.seed)
    seen, losses = [], []
    for stop in lab.track((*STEPS_SEEN, steps), f"training, {init}"):
        losses.append(trainer.run(stop - trainer.step))
        seen.append(_gradients(model))
    trainer.finish()
    if init == "zero":
        _tell_gradients(lab, seen, (*STEPS_SEEN, steps))
        _tell_layers(lab, model)
        _tell_moved(lab, start, _named(model))
    return model, np.concatenate(losses).tolist()


def _named(model: MLPModel) -> dict[str, Tensor]:
    return dict(zip(ONE, model.parameters(), strict=True))


def _some() -> tuple[Tensor, Tensor]:
    X, Y = parts(3).train
    return X[:4096], Y[:4096]


def _gradients(model: MLPModel) -> dict[str, Tensor]:
    """By autograd, on the same examples each time."""
    X, Y = _some()
    grads = torch.autograd.grad(F.cross_entropy(model(X), Y), list(model.parameters()))
    return dict(zip(ONE, grads, strict=True))


def _tell_gradients(lab: Lab, seen: Sequence[Mapping[str, Tensor]], steps: Sequence[int]) -> None:
    rows = [[name, *(_shown(grads[name].abs().max().item()) for grads in seen)] for name in ONE]
    columns = ["parameter", *(f"after {step:,} step{'s' * (step != 1)}" for step in steps)]
    lab.run.table("The largest |gradient| of each parameter, by autograd on 4,096 examples", columns, rows)
    largest = max(grads[name].abs().max().item() for grads in seen for name in ONE if name != "b2")
    lab.run.figure(
        "largest |gradient| of C, W1, b1, W2 at all times", largest, reference=0, source="h = 0 and W2 = 0"
    )


def _tell_layers(lab: Lab, model: MLPModel) -> None:
    """What goes forward and what comes back, after training: all there is to say about why."""
    X, Y = _some()
    with Watch(model) as watch:
        F.cross_entropy(model(X), Y).backward()  # type: ignore[no-untyped-call]
    model.zero_grad()
    back = {row.name: row for row in watch.gradients()}
    rows = []
    for row in watch.activations():
        largest = max(abs(row.histogram.edges[0]), abs(row.histogram.edges[-1])) if row.std else abs(row.mean)
        numbers = (largest, row.std, back[row.name].std)
        rows.append([f"{row.kind} ({row.name})", *map(_shown, numbers)])
    lab.run.table(
        "After training: what each layer gives out, and what gradient comes back to it",
        ["layer", "largest |output|", "spread of the output", "spread of the gradient"],
        rows,
    )
    lab.run.text(
        "Forward, the signal ends at the first Linear: `h` is 0, so `dW2 = h.T @ dlogits` is 0. Backward, it ends at "
        "the last one: `W2` is 0, so `dh = dlogits @ W2.T` is 0, and with it all that comes through `dh`: `db1`, "
        "`dW1`, `dC`. Each zero keeps the other one. Only `b2` has no zero in its way."
    )


def _shown(value: float) -> str:
    """A 0 that is one, told from a small number."""
    return "0" if value == 0 else f"{value:.2g}"


def _tell_moved(lab: Lab, start: Mapping[str, Tensor], end: Mapping[str, Tensor]) -> None:
    moved = {name: int((end[name] != start[name]).sum()) for name in ONE}
    n = sum(tensor.numel() for tensor in end.values())
    name = f"numbers that moved, of {n:,}"
    lab.run.figure(name, sum(moved.values()), reference=end["b2"].numel(), source="b2, and nothing else")


def _tell_where_it_stops(lab: Lab, model: MLPModel) -> None:
    made = parts(3)
    X, Y = (torch.cat(tensors) for tensors in zip(made.train, made.dev, made.test, strict=True))
    counts = torch.bincount(Y, minlength=27)
    lab.run.figure(
        "unigram by its formula, all names", limit(counts), reference=UNIGRAM, source="lecture 2", tolerance=5e-7
    )
    for name, examples, reference, source in (
        ("all names", (X, Y), UNIGRAM, "lecture 2's unigram"),
        ("train", made.train, round(limit(torch.bincount(made.train[1])), 6), "entropy of train's characters"),
    ):
        loss = evaluate(model, *examples)
        lab.run.figure(
            f"the zero net's loss on {name}", loss, unit="nats", reference=reference, source=source, tolerance=0.005
        )
    lab.run.figure("its loss on dev", evaluate(model, *made.dev), unit="nats", better="lower")


def _draw_losses(lab: Lab, losses: Mapping[str, Sequence[float]]) -> None:
    figure = go.Figure()
    for name, values in losses.items():
        width = len(values) // 100
        means = np.asarray(values).reshape(-1, width).mean(1)
        steps = np.arange(width, len(values) + 1, width)
        figure.add_scatter(
            x=steps.tolist(), y=means.round(4).tolist(), mode="lines", name=name, line_color=COLOURS[name]
        )
    figure.add_hline(y=UNIGRAM, line_dash="dash", line_color="#888888", annotation_text="unigram, 2.8227")
    figure.update_layout(height=360)
    figure.update_xaxes(title="step")
    figure.update_yaxes(title="loss of the batches, mean of a hundredth (nats)")
    caption = "All the zero net can learn is learnt early: how often each character comes."
    lab.run.plot("The zero net stops at the unigram", figure, caption)


def _draw_bias(lab: Lab, model: MLPModel) -> None:
    """What b2 has become beside what it would be in the limit: log p, less its mean, since b2's sum never moves."""
    made = parts(3)
    logp = (torch.bincount(made.train[1]).double() / len(made.train[1])).log()
    wanted, b2 = logp - logp.mean(), _named(model)["b2"].detach()
    lab.run.figure("b2 and log p - mean(log p): largest difference", largest_difference(b2, wanted), better="lower")
    characters = [made.vocabulary.decode([i]) for i in range(len(b2))]
    figure = go.Figure()
    ends = [float(wanted.min()), float(wanted.max())]
    figure.add_scatter(x=ends, y=ends, mode="lines", line={"color": "#888888", "dash": "dash"}, name="equal")
    figure.add_scatter(
        x=wanted.tolist(), y=b2.tolist(), text=characters, mode="markers+text", textposition="top center", name="b2"
    )
    figure.update_layout(height=420, showlegend=False)
    figure.update_xaxes(title="log p - mean(log p), counted")
    figure.update_yaxes(title="b2, trained")
    caption = "Rare characters arrive last: they are seldom there to pull, and seldom guessed to push."
    lab.run.plot("What the net has learnt: the logarithm of how often each character comes", figure, caption)


def _compare_nets(lab: Lab) -> None:
    """Other nets with zeros in them: in which step each parameter first has a gradient."""
    columns = ["C", "W1", "bngain", "bnbias", "b1", "W2", "b2", "W3", "b3"]
    rows = []
    for what, names, zero, activation in NETS:
        first = first_moves(tuple(names), tuple(zero.split()), activation, ALWAYS)
        cells = [str(first.get(name, "never")) if name in names else "" for name in columns]
        rows.append([what, zero, *cells])
    lab.run.table("The first step in which each parameter has a gradient", ["hidden", "begins at 0", *columns], rows)
    lab.run.text(
        "**Answer.** With all Linears at zero `b2` alone moves, for ever: the net becomes the unigram. It takes two "
        "zeros, one before `h` and one behind it: with either layer random all parameters move by the second step. "
        "relu is worse than tanh, since its slope at 0 is 0: there a zero hidden layer is enough. BatchNorm does not "
        "help the net of zeros; where the last layer is random, it lets a gradient through, although all it gives "
        "out is 0."
    )
