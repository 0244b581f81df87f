"""4.2: does a trained net give out the same without its BatchNorms, what would a slip cost, how much faster is it?

Letters: B contexts in a batch, T ids in a context, V ids in the vocabulary.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import plotly.graph_objects as go
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zth.compare import largest_difference
from zth.layers import BatchNorm1d, Linear
from zth.models import MLPConfig, MLPModel, evaluate
from zth.models.protocol import evaluating
from zth.seeds import stream
from zth.train import TrainConfig, fit
from zth.workbook.l02_bigrams.costs import seconds
from zth.workbook.l04_batchnorm.e02_fold_batchnorm.check import MISTAKES, run
from zth.workbook.l04_batchnorm.e02_fold_batchnorm.solution import Layer, described, fold_net
from zth.workbook.measure import Lab
from zth.workbook.names import parts

NET = MLPConfig(hidden=100, n_hidden=2, batchnorm="everywhere", init="fan-in")
"""Three Linears, each with a BatchNorm behind it."""
OURS, TORCH = "spelled out", "torch.nn"
COLOURS = {OURS: "#4c8bf5", TORCH: "#e8710a"}
SLIPS = (
    "eps forgotten",
    "Bessel's correction undone",
    "mean forgotten",
    "gamma forgotten",
    "bias not scaled",
    "the BatchNorm thrown away",
)
"""The mistakes of the check that are put into the trained net."""


def measure(lab: Lab) -> None:
    lab.corpus("names")
    lab.run.text(
        "In evaluation a BatchNorm multiplies each channel by a constant and adds another, so the Linear before it "
        "can do that as well. Does a trained net of three layers give out **the same** without its BatchNorms, and "
        "how much time does it save?"
    )
    model = _trained(lab)
    with torch.no_grad():
        folded = _compare_outputs(lab, model)
        _put_slips_in(lab, model)
        _time(lab, model, folded)


def _trained(lab: Lab) -> MLPModel:
    model = MLPModel(NET, generator=stream(lab.seed, "init"))
    steps = 2_000 if lab.quick else 30_000
    lab.show("training", 0, 1)
    fit(model, parts(3).train, TrainConfig(steps=steps, optimizer="sgd", lr=0.1, schedule="step"), seed=lab.seed)
    return model.eval()


def _compare_outputs(lab: Lab, model: MLPModel) -> MLPModel:
    """-> the folded net. The difference over all contexts of dev, in both precisions; the loss before and after."""
    X, Y = parts(3).dev
    folded, exact = model.folded(), copy.deepcopy(model).double()
    largest = model(X).abs().max().item()
    for dtype, apart, limit in (
        ("float32", largest_difference(folded(X), model(X)), 1e-5),
        ("float64", largest_difference(exact.folded()(X), exact(X)), 1e-12),
    ):
        name = f"largest difference of {X.shape[0]:,} x {model.vocab_size} logits, {dtype}"
        lab.run.figure(name, apart, reference=0, source="the same function", tolerance=limit)
    left = sum(isinstance(module, BatchNorm1d) for module in folded.modules())
    lab.run.figure("BatchNorms left", left, reference=0, source="the exercise")
    rows = [[name, len(_layers(net)), _n_numbers(net), evaluate(net, X, Y)] for name, net in _both(model, folded)]
    lab.run.table(
        f"Before and after; the logits reach {largest:.1f}",
        ["net", "layers behind the embedding", "numbers, with the running ones", "dev loss (nats)"],
        rows,
    )
    return folded


def _both(model: MLPModel, folded: MLPModel) -> list[tuple[str, MLPModel]]:
    return [("with BatchNorm", model), ("folded", folded)]


def _n_numbers(net: nn.Module) -> int:
    return sum(tensor.numel() for tensor in net.state_dict().values())


def _layers(net: MLPModel) -> list[Layer]:
    return [described(layer) for part in (net.hidden, net.output) for layer in part]


def _put_slips_in(lab: Lab, model: MLPModel) -> None:
    """What each slip does to the outputs, and whether the loss would tell."""
    X, Y = parts(3).dev
    x, layers = model.embedding(X), _layers(model)
    wanted = run(layers, x)
    ways: dict[str, Callable[[Sequence[Layer]], Sequence[Layer]]] = {"folded as it should be": fold_net}
    wrong: dict[str, Any] = {mistake.name: mistake.instead["fold_net"] for mistake in MISTAKES}
    ways |= {name: wrong[name] for name in SLIPS}
    ways["mean and variance of one batch of 32"] = partial(_fold_with_one_batch, x[_some(lab, len(x))])
    rows = []
    for name, way in ways.items():
        logits = run(way(layers), x)
        rows.append([name, f"{largest_difference(logits, wanted):.2g}", F.cross_entropy(logits, Y).item()])
    rows[1:] = sorted(rows[1:], key=lambda row: row[2])
    title = "What a slip changes, on all dev contexts"
    lab.run.table(title, ["the fold", "largest difference of a logit", "dev loss (nats)"], rows)
    lab.run.text(
        "A loss that looks right proves little: a slip can hide in it, or even lower it by chance. Compare the "
        "outputs. And test with biases: these Linears have none, so that a bias that is not scaled goes unseen here. "
        "One batch's own statistics are worse than the running ones, which are an average over many batches; and "
        "they change from batch to batch, so no constant could hold them."
    )


def _some(lab: Lab, n: int) -> Tensor:
    return torch.randint(n, (32,), generator=stream(lab.seed, "batches"))


def _fold_with_one_batch(x: Tensor, layers: Sequence[Layer]) -> list[Layer]:
    """Folded with the statistics that one batch `x` has at each BatchNorm, instead of the running ones."""
    x = x.double()
    normed: list[Layer] = []
    for layer in layers:
        if layer["kind"] == "batchnorm":
            layer = {**layer, "mean": x.mean(0).float(), "var": x.var(0, correction=0).float()}
        x = run([layer], x)
        normed.append(layer)
    return fold_net(normed)


def _time(lab: Lab, model: MLPModel, folded: MLPModel) -> None:
    """Forward passes with and without, ours and torch's, by turns; medians."""
    X = parts(3).dev[0]
    nets: dict[tuple[str, str], nn.Module] = {(OURS, "with"): model, (OURS, "folded"): folded}
    nets |= {(TORCH, "with"): _of_torch(model), (TORCH, "folded"): _of_torch(folded)}
    apart = largest_difference(nets[TORCH, "with"](X), model(X))
    lab.run.figure("torch's layers and these: largest difference", apart, reference=0, tolerance=1e-5, source="torch")
    sizes, rows = (1, 32, 1024, len(X)), []
    savings: dict[str, list[float]] = {OURS: [], TORCH: []}
    for B in lab.track(sizes, "batch sizes"):
        with evaluating(model):
            ways = {f"{kind}, {state}": partial(net, X[:B]) for (kind, state), net in nets.items()}
            taken = seconds(ways, rounds=_rounds(lab, B))
        for kind, found in savings.items():
            found.append(taken[f"{kind}, with"] / taken[f"{kind}, folded"])
        rows.append([B, *(1e6 * taken[way] for way in ways), savings[OURS][-1], savings[TORCH][-1]])
        lab.run.log(batch=B, **taken)
    columns = ["contexts", *(f"{way} (µs)" for way in ways), f"{OURS}: speed-up", f"{TORCH}: speed-up"]
    lab.run.table("Time of a forward pass, median, one thread", columns, rows)
    for kind, found in savings.items():
        for B, saving in zip(sizes, found, strict=True):
            if B <= 32:
                lab.run.figure(f"speed-up for batches of {B}, {kind}", saving, unit="x", better="higher")
    _draw(lab, sizes, savings)
    lab.run.text(_told(sizes, savings))


def _rounds(lab: Lab, B: int) -> int:
    """Large batches need fewer: they take longer than whatever else the machine does in between."""
    if B > 1024:
        return 5 if lab.quick else 60
    return 100 if lab.quick else 2_000


def _told(sizes: Sequence[int], savings: dict[str, list[float]]) -> str:
    ours, theirs = savings[OURS], savings[TORCH]
    return (
        f"**Answer.** The same outputs but for rounding, and {min(ours):.1f} to {max(ours):.1f} times as fast with "
        f"layers spelled out as here, {min(theirs):.1f} to {max(theirs):.1f} times with torch's own, whose BatchNorm "
        f"is one call. A forward pass of a few contexts is mostly calls, and folding leaves many of them out; one of "
        f"{sizes[-1]:,} contexts is mostly arithmetic, above all of the Linears, which stay as large as they were."
    )


def _draw(lab: Lab, sizes: Sequence[int], savings: dict[str, list[float]]) -> None:
    figure = go.Figure()
    for kind, found in savings.items():
        figure.add_bar(name=kind, x=[f"{B:,}" for B in sizes], y=found, marker_color=COLOURS[kind])
    figure.add_hline(y=1, line_dash="dash", line_color="#888888")
    figure.update_layout(barmode="group", height=340)
    figure.update_xaxes(title="contexts in a batch", type="category")
    figure.update_yaxes(title="time with BatchNorm / time folded", rangemode="tozero")
    lab.run.plot("How much faster without BatchNorm", figure, "Above the dashed line: folding saves time.")


def _of_torch(model: MLPModel) -> nn.Sequential:
    """The same net of torch.nn's layers, which hold W on its side."""
    C = model.embedding.get_parameter("layers.0.C")
    layers: list[nn.Module] = [nn.Embedding(*C.shape), nn.Flatten()]
    layers[0].load_state_dict({"weight": C})
    layers += [_torch_layer(layer) for part in (model.hidden, model.output) for layer in part]
    return nn.Sequential(*layers).eval()


def _torch_layer(layer: nn.Module) -> nn.Module:
    if isinstance(layer, Linear):
        linear = nn.Linear(len(layer.W), layer.W.shape[1], bias=layer.b is not None)
        state = {"weight": layer.W.T} | ({} if layer.b is None else {"bias": layer.b})
        linear.load_state_dict(state)
        return linear
    if isinstance(layer, BatchNorm1d):
        norm = nn.BatchNorm1d(len(layer.gamma), eps=layer.eps, track_running_stats=True)
        state = {"weight": layer.gamma, "bias": layer.beta}
        state |= {"running_mean": layer.running_mean, "running_var": layer.running_var}
        norm.load_state_dict(state | {"num_batches_tracked": torch.tensor(0)})
        return norm
    return nn.Tanh()
