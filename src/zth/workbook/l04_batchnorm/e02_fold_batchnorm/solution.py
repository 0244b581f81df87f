"""A BatchNorm in evaluation is one multiplication and one addition for each channel, and a Linear can hold both.

With `scale = gamma / sqrt(var + eps)`, all of it known once training is over:

    ((x @ W + b) - mean) * scale + beta  =  x @ (W * scale)  +  ((b - mean) * scale + beta)

`W * scale` multiplies column j, the weights of channel j, by `scale[j]`. (torch.nn.Linear holds the transpose, so
there it is row j.) The bias of the Linear was in vain during training, since the mean took it away again; that is why
such a Linear is often built without one. After folding it needs one: that is where beta and the mean went.

What is used are the *running* statistics, as they are. They may have been collected with Bessel's correction (torch's
are), but nobody divides by n - 1 again in evaluation. With the batch's own statistics one could not fold at all: they
change with every batch, and a constant W does not.

`zth.layers.folding` is the library's: `fold_pair` folds one BatchNorm, `fold` walks through any module and folds each
BatchNorm that runs right behind a Linear. The functions here only translate between its layers and dictionaries.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from zth.layers import BatchNorm1d, Linear, Sequential, Tanh, folding

__all__ = ["fold", "fold_net"]

Layer = Mapping[str, Any]
"""One layer as the exercise writes it: its "kind" and its tensors."""


def fold(
    W: Tensor, b: Tensor | None, gamma: Tensor, beta: Tensor, mean: Tensor, var: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """W (fan_in, fan_out), b (fan_out,) or None, four times (fan_out,) -> the same two shapes, for one Linear.

    >>> W = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> b, gamma, beta, mean, var = torch.tensor([[5.0, 6], [2, 6], [10, 20], [1, 2], [3, 8]])
    >>> [folded.tolist() for folded in fold(W, b, gamma, beta, mean, var, eps=1.0)]
    [[[1.0, 4.0], [3.0, 8.0]], [14.0, 28.0]]
    """
    norm = {"kind": "batchnorm", "gamma": gamma, "beta": beta, "mean": mean, "var": var, "eps": eps}
    folded = folding.fold_pair(_linear({"W": W, "b": b}), _norm(norm))
    assert folded.b is not None
    return folded.W.detach(), folded.b.detach()


def fold_net(layers: Sequence[Layer]) -> list[Layer]:
    """Layers from input to output -> as many as are left without the BatchNorms.

    >>> one = torch.ones(1)
    >>> linear = {"kind": "linear", "W": one[:, None], "b": None}
    >>> norm = {"kind": "batchnorm", "gamma": one, "beta": one, "mean": one, "var": one, "eps": 1e-5}
    >>> [layer["kind"] for layer in fold_net([linear, norm, {"kind": "tanh"}])]
    ['linear', 'tanh']
    """
    return [described(layer) for layer in folding.fold(module(layers))]


def module(layers: Sequence[Layer]) -> Sequential:
    """The layers as the library's own, in evaluation mode."""
    makers: dict[str, Callable[[Layer], nn.Module]] = {
        "linear": _linear,
        "batchnorm": _norm,
        "tanh": lambda _: Tanh(),
    }
    return Sequential(*[makers[layer["kind"]](layer) for layer in layers]).eval()


def described(layer: nn.Module) -> Layer:
    """One of the library's layers as the exercise writes it."""
    if isinstance(layer, Linear):
        return {"kind": "linear", "W": layer.W.detach(), "b": None if layer.b is None else layer.b.detach()}
    if isinstance(layer, BatchNorm1d):
        learnt = {"gamma": layer.gamma.detach(), "beta": layer.beta.detach()}
        return {"kind": "batchnorm", **learnt, "mean": layer.running_mean, "var": layer.running_var, "eps": layer.eps}
    assert isinstance(layer, Tanh), layer
    return {"kind": "tanh"}


def _linear(layer: Layer) -> Linear:
    W, b = layer["W"], layer["b"]
    linear = Linear(*W.shape, generator=torch.Generator(), bias=b is not None)
    linear.W = nn.Parameter(W)
    linear.b = None if b is None else nn.Parameter(b)
    return linear


def _norm(layer: Layer) -> BatchNorm1d:
    norm = BatchNorm1d(len(layer["gamma"]), eps=layer["eps"])
    norm.gamma, norm.beta = nn.Parameter(layer["gamma"]), nn.Parameter(layer["beta"])
    norm.running_mean, norm.running_var = layer["mean"], layer["var"]
    return norm.eval()
