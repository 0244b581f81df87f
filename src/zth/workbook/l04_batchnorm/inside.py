"""The inside of lecture 4's deep net, with BatchNorm and without, for three gains: activations, gradients, updates.

Letters: B examples in a batch, T ids in a context, H hidden units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np
import plotly.graph_objects as go
import torch
import torch.nn.functional as F
from torch import Tensor

from zth.layers import Linear, Tanh
from zth.layers.diagnostic_plots import spread_figure, update_figure, weight_gradient_figure
from zth.layers.diagnostics import Activation, Gradient, UpdateRatios, Watch, WeightGradient, weight_gradients
from zth.models import MLPConfig, MLPModel
from zth.seeds import stream
from zth.train import TrainConfig, Trainer
from zth.workbook.measure import Lab
from zth.workbook.names import parts

RATE, BATCH = 0.1, 32
DEEP = MLPConfig(hidden=100, n_hidden=5, batchnorm="everywhere", init="fan-in")
DEEP_PARAMETERS = 47_024
GAINS = ((False, 5 / 3), (False, 0.5), (False, 3.0), (True, 5 / 3), (True, 0.5), (True, 3.0))
"""With BatchNorm or without, and the gain of the hidden layers' 1/sqrt(fan_in)."""


@dataclass(frozen=True, kw_only=True)
class Inside:
    """The inside of a deep net: activations and gradients before training, the rest while it trains."""

    n_parameters: int
    activations: list[Activation]
    gradients: list[Gradient]
    weights: list[WeightGradient]
    steps: list[int]
    ratios: dict[str, list[float]]
    losses: list[float]


def first_batch(seed: int) -> tuple[Tensor, Tensor]:
    X, Y = parts(3).train
    some = torch.randint(len(X), (BATCH,), generator=stream(seed, "look"))
    return X[some], Y[some]


def deep_net(*, batchnorm: bool, gain: float, seed: int) -> MLPModel:
    """The lecture's deep net, with or without its BatchNorms, the hidden layers drawn with gain/sqrt(fan_in)."""
    config = DEEP if batchnorm else MLPConfig(hidden=100, n_hidden=5, init="fan-in")
    model = MLPModel(config, generator=stream(seed, "init"))
    with torch.no_grad():
        for layer in model.hidden:
            if isinstance(layer, Linear):
                layer.W.mul_(gain)
    return model


def look_inside(batchnorm: bool, gain: float, steps: int, seed: int) -> Inside:
    """Activations and gradients of the first batch; then `steps` steps, of which every tenth is measured."""
    model = deep_net(batchnorm=batchnorm, gain=gain, seed=seed).train()
    X, Y = first_batch(seed)
    with Watch(model, only=(Tanh,)) as watch:
        F.cross_entropy(model(X), Y).backward()  # type: ignore[no-untyped-call]
    model = deep_net(batchnorm=batchnorm, gain=gain, seed=seed)
    updates, losses = UpdateRatios(model), []
    config = TrainConfig(steps=steps, batch_size=BATCH, optimizer="sgd", lr=RATE, schedule="constant")
    trainer = Trainer(model, parts(3).train, config, seed=seed)
    while trainer.step < steps:
        with updates.step(trainer.step):
            losses.append(trainer.run(1))
        losses.append(trainer.run(9))
    trainer.finish()
    model.zero_grad()
    F.cross_entropy(model.train()(X), Y).backward()  # type: ignore[no-untyped-call]
    return Inside(
        n_parameters=sum(p.numel() for p in model.parameters()),
        activations=watch.activations(),
        gradients=watch.gradients(),
        weights=[row for row in weight_gradients(model) if len(row.shape) == 2],
        steps=updates.steps,
        ratios=updates.ratios,
        losses=np.concatenate(losses).tolist(),
    )


def _called(batchnorm: bool, gain: float) -> str:
    named = "5/3" if gain == 5 / 3 else f"{gain:g}"
    return f"{'with' if batchnorm else 'without'} BatchNorm, gain {named}"


def tell(lab: Lab, insides: Sequence[Inside]) -> None:
    """The nets of GAINS: a line each, and the pictures of three."""
    deep = insides[GAINS.index((True, 5 / 3))]
    lab.run.figure("parameters of the deep net", deep.n_parameters, reference=DEEP_PARAMETERS, source="lecture 4")
    rows = []
    for gain, inside in zip(GAINS, insides, strict=True):
        first, last = inside.activations[0], inside.activations[-1]
        back = inside.gradients
        numbers = (first.std, last.std, back[0].std / back[-1].std, _late(inside.ratios), mean(inside.losses[-100:]))
        saturated = f"{last.saturation or 0:.0%}"
        rows.append([_called(*gain), saturated, *(round(number, 3) for number in numbers)])
    columns = ["net", "saturated", "spread, layer 1", "layer 5", "gradient, 1 / 5", "update", "loss"]
    lab.run.table("Five hidden layers of 100 tanh units", columns, rows)
    lab.run.text(
        "Before training, on one batch: how much of layer 5 is saturated, the spread of the activations in layers 1 "
        "and 5, and the spread of layer 1's gradient over that of layer 5. At the end of "
        f"{len(insides[0].losses):,} steps at a rate of {RATE}: log10 of update over weight in the hidden layers, "
        "and the loss in nats."
    )
    lab.run.text(
        "Without BatchNorm the gain decides: with 0.5 the signal fades from layer to layer, with 3 the units "
        "saturate, and 5/3 keeps both ways alive. With BatchNorm the forward pass looks the same for every gain; "
        "what is left of a wrong one is in the updates: larger weights get smaller gradients, so the same rate moves "
        "them less."
    )
    _draw(lab, insides)


def _late(ratios: Mapping[str, Sequence[float]]) -> float:
    """The mean of the hidden layers' ratios over the last tenth of what was measured."""
    hidden = [values for name, values in ratios.items() if name.startswith("hidden")]
    return mean(mean(values[-len(values) // 10 :]) for values in hidden)


def _draw(lab: Lab, insides: Sequence[Inside]) -> None:
    bad, good = insides[GAINS.index((False, 0.5))], insides[GAINS.index((True, 0.5))]
    lecture = insides[GAINS.index((True, 5 / 3))]
    for name, inside in ((_called(False, 0.5), bad), (_called(True, 0.5), good)):
        lab.run.plot(f"Activations {name}", _short(spread_figure(inside.activations)), _CAPTIONS["activations"])
        lab.run.plot(
            f"Gradients {name}", _short(spread_figure(inside.gradients, x="gradient")), _CAPTIONS["gradients"]
        )
    name = _called(True, 5 / 3)
    lab.run.plot(
        f"Gradients of the weights {name}", _short(weight_gradient_figure(lecture.weights)), _CAPTIONS["weights"]
    )
    for gain, inside in (((True, 5 / 3), lecture), ((False, 0.5), bad)):
        figure = _short(update_figure(inside.steps, _rounded(inside.ratios)))
        lab.run.plot(f"Updates {_called(*gain)}", figure, _CAPTIONS["updates"])


_CAPTIONS = {
    "activations": "The five tanh layers before training, the first blue, the last orange. Healthy: all alike.",
    "gradients": "What comes back to the same layers. Healthy: all alike, neither fading nor growing.",
    "weights": "After some training; ratio is the spread of the gradient over that of the weight.",
    "updates": "How far a step moves each weight, in every tenth step; -3 is a thousandth of its spread.",
}


def _short(figure: go.Figure) -> go.Figure:
    figure.update_layout(height=340)
    return figure


def _rounded(ratios: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    return {name: [round(value, 3) for value in values] for name, values in ratios.items()}
