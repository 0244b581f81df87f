"""Check of 4.2: one layer with square weights, one with others, then whole nets by what they give out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from zth.compare import Tolerance, as_array
from zth.workbook.check import Mistake, Part
from zth.workbook.l04_batchnorm.e02_fold_batchnorm.solution import fold

# Folding rounds each weight once more; after three layers of float32, outputs of order 1 differ by about 1e-6.
OUTPUTS = Tolerance(relative=1e-5, absolute=1e-5)
BATCH = 32
"""What the statement says the nets were trained with: who corrects the variance once more divides by 31."""

Layer = dict[str, Any]
Pair = tuple[Tensor, Tensor | None, Tensor, Tensor, Tensor, Tensor, float]
Fold = Callable[..., tuple[Tensor, Tensor | None]]


def _pair(generator: torch.Generator, fan_in: int, fan_out: int, *, eps: float, var: float = 1.0) -> Pair:
    """A Linear and a BatchNorm as training leaves them: no gamma near 1, no mean near 0, variances about `var`."""

    def numbers(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    W, b, beta, mean = numbers(fan_in, fan_out), numbers(fan_out), numbers(fan_out), var**0.5 * numbers(fan_out)
    gamma = 1.0 + 0.5 * numbers(fan_out)
    return W, b, gamma, beta, mean, var * (0.25 + torch.rand(fan_out, generator=generator)), eps


def _without_bias(pair: Pair) -> Pair:
    W, _, *norm = pair
    return (W, None, *norm)  # type: ignore[return-value]


@cache
def _square() -> list[Pair]:
    """By hand; then with and without a bias; an eps that is not the usual one; variances as small as eps."""
    g = torch.Generator().manual_seed(42)
    rows = [[5, 6], [2, 6], [10, 20], [1, 2], [3, 8]]
    b, gamma, beta, mean, var = (torch.tensor(row, dtype=torch.float32) for row in rows)
    return [
        (torch.tensor([[1.0, 2.0], [3.0, 4.0]]), b, gamma, beta, mean, var, 1.0),
        _pair(g, 3, 3, eps=1e-5),
        _without_bias(_pair(g, 3, 3, eps=1e-5)),
        _pair(g, 4, 4, eps=0.1),
        _pair(g, 4, 4, eps=1e-5, var=1e-5),
    ]


@cache
def _oblong() -> list[Pair]:
    g = torch.Generator().manual_seed(4)
    return [_pair(g, 3, 5, eps=1e-5), _pair(g, 5, 2, eps=1e-3), _without_bias(_pair(g, 4, 1, eps=1e-5))]


def _net(generator: torch.Generator, kinds: str, width: int = 4, *, eps: float = 1e-5) -> list[Layer]:
    """A letter a layer: L a Linear without and B one with a bias, N a BatchNorm, T a tanh."""
    layers: list[Layer] = []
    for kind in kinds:
        W, b, gamma, beta, mean, var, _ = _pair(generator, width, width, eps=eps, var=0.5)
        if kind in "LB":
            layers.append({"kind": "linear", "W": W, "b": b if kind == "B" else None})
        elif kind == "N":
            norm = {"gamma": gamma, "beta": beta, "mean": mean, "var": var, "eps": eps}
            layers.append({"kind": "batchnorm", **norm})
        else:
            layers.append({"kind": "tanh"})
    return layers


@cache
def _nets() -> list[tuple[list[Layer], Tensor, str]]:
    """Layers, inputs, and what the net is, for the verdict."""
    g = torch.Generator().manual_seed(43)
    x = torch.randn(8, 4, generator=g)
    return [
        (_net(g, "LN"), x, "a Linear, a BatchNorm"),
        (_net(g, "BNTBNTB"), x, "two hidden layers with biases, a last Linear without BatchNorm"),
        (_net(g, "LNTLNTLN"), x, "a trained net of three layers, no biases"),
        (_net(g, "LNTBTLNTB", eps=0.01), x, "a hidden layer without BatchNorm in the middle"),
        (_net(g, "LTLNTL"), x, "a hidden layer with neither bias nor BatchNorm, no biases"),
    ]


def run(layers: Iterable[Mapping[str, Any]], x: Tensor) -> Tensor:
    """The outputs (B, fan_out) of a described net in evaluation, in float64, a line for each kind of layer."""

    def tensor(value: object) -> Tensor:
        return torch.as_tensor(as_array(value), dtype=torch.float64)

    x = x.double()
    for layer in layers:
        kind = layer["kind"]
        if kind == "linear":
            x = x @ tensor(layer["W"]) + (0.0 if layer["b"] is None else tensor(layer["b"]))
        elif kind == "batchnorm":
            gamma, beta, mean, var = (tensor(layer[name]) for name in ("gamma", "beta", "mean", "var"))
            x = gamma * (x - mean) / (var + layer["eps"]).sqrt() + beta
        elif kind == "tanh":
            x = x.tanh()
        else:
            raise ValueError(f"a layer of kind {kind!r}; the kinds are linear, batchnorm and tanh")
    return x


def _told(layers: Any, x: Tensor) -> dict[str, object] | None:
    """What a folded net is judged by: which layers there are, and what they give out."""
    if layers is None:
        return None
    layers = list(layers)
    return {"kinds": [layer["kind"] for layer in layers], "outputs": run(layers, x)}


PARTS = [
    Part(name="fold", ask=lambda answer, *pair: answer.fold(*pair), cases=_square),
    Part(
        name="fold where W is not square",
        shown="fold({}, {}, {}, {}, {}, {}, {})",
        ask=lambda answer, *pair: answer.fold(*pair),
        cases=_oblong,
    ),
    Part(
        name="fold_net",
        shown="fold_net(layers), layers: {2}",
        ask=lambda answer, layers, x, _what: _told(answer.fold_net(layers), x),
        cases=_nets,
        tolerance=OUTPUTS,
    ),
]


def _fold(
    *,
    scale: Callable[[Tensor, Tensor, float], Tensor] = lambda gamma, var, eps: gamma / (var + eps).sqrt(),
    weights: Callable[[Tensor, Tensor], Tensor] = lambda W, scale: W * scale,
    bias: Callable[..., Tensor] = lambda b, mean, scale, beta: (b - mean) * scale + beta,
    keeps_none: bool = False,
) -> Fold:
    """A fold; the options are the places to go wrong."""

    def fold(
        W: Tensor, b: Tensor | None, gamma: Tensor, beta: Tensor, mean: Tensor, var: Tensor, eps: float
    ) -> tuple[Tensor, Tensor | None]:
        factor = scale(gamma, var, eps)
        if b is None and keeps_none:
            return weights(W, factor), None
        return weights(W, factor), bias(torch.zeros_like(mean) if b is None else b, mean, factor, beta)

    return fold


def _fold_net(fold: Fold = fold) -> Callable[[Sequence[Layer]], list[Layer]]:
    """The walk through a net that uses this `fold`."""

    def fold_net(layers: Sequence[Layer]) -> list[Layer]:
        folded: list[Layer] = []
        for layer in layers:
            if layer["kind"] == "batchnorm":
                folded[-1] = _folded(fold, folded[-1], layer)
            else:
                folded.append(layer)
        return folded

    return fold_net


def _folded(fold: Fold, linear: Layer, norm: Layer) -> Layer:
    W, b = fold(linear["W"], linear["b"], *(norm[name] for name in ("gamma", "beta", "mean", "var", "eps")))
    return {"kind": "linear", "W": W, "b": b}


def _norm_left_behind(layers: Sequence[Layer]) -> list[Layer]:
    folded = _fold_net()(layers)
    linears = iter([layer for layer in folded if layer["kind"] == "linear"])
    return [next(linears) if layer["kind"] == "linear" else layer for layer in layers]


def _norm_thrown_away(layers: Sequence[Layer]) -> list[Layer]:
    return [layer for layer in layers if layer["kind"] != "batchnorm"]


def _into_the_next(layers: Sequence[Layer]) -> list[Layer]:
    """Each BatchNorm into the Linear behind it, as if there were no tanh between; the last one nowhere."""
    folded: list[Layer] = []
    norm: Layer | None = None
    for layer in layers:
        if layer["kind"] == "batchnorm":
            norm = layer
        elif layer["kind"] == "linear" and norm is not None:
            scale = norm["gamma"] / (norm["var"] + norm["eps"]).sqrt()
            shift = norm["beta"] - norm["mean"] * scale
            b = 0.0 if layer["b"] is None else layer["b"]
            folded.append({"kind": "linear", "W": scale[:, None] * layer["W"], "b": shift @ layer["W"] + b})
            norm = None
        else:
            folded.append(layer)
    return folded


def _only_pairs(layers: Sequence[Layer]) -> list[Layer]:
    """Linears are kept where a BatchNorm follows; the others are lost."""
    wanted = [
        i
        for i, layer in enumerate(layers)
        if layer["kind"] != "linear" or (i + 1 < len(layers) and layers[i + 1]["kind"] == "batchnorm")
    ]
    return _fold_net()([layers[i] for i in wanted])


def _everywhere(fold: Fold) -> dict[str, object]:
    """Who folds one layer in a wrong way folds a net in a wrong way too."""
    return {"fold": fold, "fold_net": _fold_net(fold)}


MISTAKES = [
    Mistake(
        name="eps forgotten",
        says="You divided by sqrt(var): eps is missing. It counts where a variance is small, and in a unit that "
        "hardly moves it is all there is. sqrt(var + eps).",
        instead=_everywhere(_fold(scale=lambda gamma, var, _: gamma / var.sqrt())),
    ),
    Mistake(
        name="eps outside the square root",
        says="You added eps to the square root. It is added to the variance, inside: sqrt(var + eps).",
        instead=_everywhere(_fold(scale=lambda gamma, var, eps: gamma / (var.sqrt() + eps))),
    ),
    Mistake(
        name="eps is always 1e-5",
        says="You took 1e-5 for eps. That is the usual one, but this BatchNorm may have another: use the argument.",
        instead=_everywhere(_fold(scale=lambda gamma, var, _: gamma / (var + 1e-5).sqrt())),
    ),
    Mistake(
        name="variance instead of standard deviation",
        says="You divided by var + eps. BatchNorm divides by the standard deviation, its square root.",
        instead=_everywhere(_fold(scale=lambda gamma, var, eps: gamma / (var + eps))),
    ),
    Mistake(
        name="times the standard deviation",
        says="You multiplied by sqrt(var + eps). BatchNorm divides by it, so that the spread becomes 1.",
        instead=_everywhere(_fold(scale=lambda gamma, var, eps: gamma * (var + eps).sqrt())),
    ),
    Mistake(
        name="gamma forgotten",
        says="gamma is missing: after the division by the standard deviation each channel is multiplied by it.",
        instead=_everywhere(_fold(scale=lambda _, var, eps: 1 / (var + eps).sqrt())),
    ),
    Mistake(
        name="Bessel's correction undone",
        says="You multiplied the variance by 31/32, to take Bessel's correction out again. In evaluation the "
        "running variance is used as it is: whatever was put in during training belongs to it.",
        instead=_everywhere(_fold(scale=lambda gamma, var, eps: gamma / (var * ((BATCH - 1) / BATCH) + eps).sqrt())),
    ),
    Mistake(
        name="Bessel's correction once more",
        says="You multiplied the variance by 32/31, Bessel's correction. It is in the running variance already, if "
        "anywhere; in evaluation that is used as it is.",
        instead=_everywhere(_fold(scale=lambda gamma, var, eps: gamma / (var * (BATCH / (BATCH - 1)) + eps).sqrt())),
    ),
    Mistake(
        name="rows instead of columns",
        says="You scaled the rows of W. Here W is (fan_in, fan_out): the weights of channel j are column j, so it "
        "is W * scale. (torch.nn.Linear holds the transpose, and there it is the rows.)",
        instead=_everywhere(_fold(weights=lambda W, scale: W * scale[:, None])),
    ),
    Mistake(
        name="W on its side",
        says="That W has rows and columns exchanged, as torch.nn.Linear would hold it. Here it stays (fan_in, "
        "fan_out), for x @ W.",
        instead=_everywhere(_fold(weights=lambda W, scale: (W * scale).T)),
    ),
    Mistake(
        name="W left as it was",
        says="W is unchanged. The BatchNorm multiplies what comes from x as well, so the scale belongs into W too.",
        instead=_everywhere(_fold(weights=lambda W, _: W.clone())),
    ),
    Mistake(
        name="the Linear's own bias forgotten",
        says="The bias b that the Linear had is gone. It stands inside the bracket: (b - mean) * scale + beta.",
        instead=_everywhere(_fold(bias=lambda _, mean, scale, beta: beta - mean * scale)),
    ),
    Mistake(
        name="bias not scaled",
        says="The old bias was not scaled. BatchNorm normalises x @ W + b as a whole: (b - mean) * scale + beta.",
        instead=_everywhere(_fold(bias=lambda b, mean, scale, beta: b - mean * scale + beta)),
    ),
    Mistake(
        name="mean not scaled",
        says="The mean was not scaled. It is taken away before the scaling: (b - mean) * scale + beta.",
        instead=_everywhere(_fold(bias=lambda b, mean, scale, beta: b * scale - mean + beta)),
    ),
    Mistake(
        name="neither bias nor mean scaled",
        says="The bias is b - mean + beta, with no scale in it. b and the mean come before the scaling, only beta "
        "after it: (b - mean) * scale + beta.",
        instead=_everywhere(_fold(bias=lambda b, mean, _, beta: b - mean + beta)),
    ),
    Mistake(
        name="mean forgotten",
        says="The mean is missing in the bias. BatchNorm takes it away first: (b - mean) * scale + beta.",
        instead=_everywhere(_fold(bias=lambda b, _, scale, beta: b * scale + beta)),
    ),
    Mistake(
        name="mean added",
        says="The mean was added. BatchNorm takes it away: (b - mean) * scale + beta.",
        instead=_everywhere(_fold(bias=lambda b, mean, scale, beta: (b + mean) * scale + beta)),
    ),
    Mistake(
        name="beta forgotten",
        says="beta is missing: it is added at the end, after the scaling.",
        instead=_everywhere(_fold(bias=lambda b, mean, scale, _: (b - mean) * scale)),
    ),
    Mistake(
        name="beta scaled",
        says="beta was scaled too. It is added after the scaling: (b - mean) * scale + beta.",
        instead=_everywhere(_fold(bias=lambda b, mean, scale, beta: (b - mean + beta) * scale)),
    ),
    Mistake(
        name="no bias where there was none",
        says="A Linear without a bias came out without one. The folded one needs it: it holds the mean and beta. "
        "Take b as 0.",
        instead=_everywhere(_fold(keeps_none=True)),
    ),
    Mistake(
        name="the BatchNorm is still there",
        says="The Linears are folded, but the BatchNorms are still in the list, so that each normalises a second "
        "time. Leave them out.",
        instead={"fold_net": _norm_left_behind},
    ),
    Mistake(
        name="the BatchNorm thrown away",
        says="The BatchNorms are gone, and the Linears are as they were. What a BatchNorm does has to go somewhere: "
        "put the folded Linear in the place of the old one.",
        instead={"fold_net": _norm_thrown_away},
    ),
    Mistake(
        name="into the Linear behind",
        says="Each BatchNorm went into the Linear that comes after it. Between the two stands a tanh, which is not "
        "linear; fold into the Linear before.",
        instead={"fold_net": _into_the_next},
    ),
    Mistake(
        name="Linears without a BatchNorm lost",
        says="A Linear that has no BatchNorm behind it is missing in your list. It stays as it is.",
        instead={"fold_net": _only_pairs},
    ),
]
