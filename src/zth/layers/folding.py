"""BatchNorm folded into the Linear before it: in evaluation both are affine, so one Linear does for both (4.2).

In evaluation a BatchNorm is y -> (y - mean) * s + beta with s = gamma / sqrt(var + eps), and all of these are
constants. With y = x @ W + b in front:

    ((x @ W + b) - mean) * s + beta  =  x @ (W * s) + ((b - mean) * s + beta)
"""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import torch
from torch import nn

from zth.errors import ShapeError
from zth.layers.batchnorm import BatchNorm1d
from zth.layers.linear import Linear
from zth.layers.sequential import Sequential

M = TypeVar("M", bound=nn.Module)
Place = tuple[nn.ModuleList, int]


def fold(model: M) -> M:
    """A copy of `model`, in evaluation mode, with its BatchNorms folded away; `model` itself stays as it is.

    The rule: a BatchNorm1d goes if the layer that runs right before it is a Linear, with the Sequentials inside a
    Sequential opened up; several in a row all go. Any other stays: one behind an Embedding, an activation or a
    FlattenConsecutive (which deals one Linear's channels out to several of the BatchNorm's), and the first of a
    Sequential. Only Sequentials are looked at, be it `model` or anywhere inside it, since in another module's
    forward one cannot see what runs before what; and only these very classes, since a subclass may do something else.

    Outputs equal `model.eval()`'s but for rounding: within 1e-5 in float32, 1e-12 in float64, where they are of order
    1. Raises ShapeError where a BatchNorm does not fit its Linear.

    >>> g = torch.Generator().manual_seed(1)
    >>> fold(Sequential(Linear(3, 2, generator=g, bias=False), BatchNorm1d(2), Linear(2, 2, generator=g)))
    Sequential(
      (layers): ModuleList(
        (0): Linear(3 -> 2)
        (1): Linear(2 -> 2)
      )
    )
    """
    folded: M = _folded(copy.deepcopy(model))
    return folded.eval()


def fold_pair(linear: Linear, norm: BatchNorm1d) -> Linear:
    """A new Linear that does what both do in evaluation. Raises ShapeError where they do not fit.

    >>> linear, norm = Linear(3, 2, generator=torch.Generator().manual_seed(1)), BatchNorm1d(2).eval()
    >>> x = torch.ones(4, 3)
    >>> torch.allclose(fold_pair(linear, norm)(x), norm(linear(x)))
    True
    """
    n_features = len(norm.gamma)
    if linear.W.shape[1] != n_features:
        raise ShapeError(
            f"{norm!r} stands behind {linear!r}; it must have as many features as that has outputs.",
            f"Build BatchNorm1d({linear.W.shape[1]}).",
        )
    folded = copy.deepcopy(linear)
    with torch.no_grad():
        scale = norm.gamma / (norm.running_var + norm.eps).sqrt()
        b = 0.0 if linear.b is None else linear.b
        folded.W = nn.Parameter(linear.W * scale)
        folded.b = nn.Parameter((b - norm.running_mean) * scale + norm.beta)
    return folded


def _folded(module: Any) -> Any:
    """A Sequential -> a new one, folded; another module -> itself, with the Sequentials inside it replaced."""
    if type(module) is Sequential:
        return _fold_chain(module, None)[0]
    for name, child in module.named_children():
        setattr(module, name, _folded(child))
    return module


def _fold_chain(layers: Sequential, place: Place | None) -> tuple[Sequential, Place | None]:
    """`layers` -> a new Sequential, folded, and where the layer stands that runs last; `place`: the one before these.

    It makes new Sequentials and Linears and changes none, for one object may stand in two places of a chain.
    """
    chain = Sequential()
    for layer in layers:
        before = place[0][place[1]] if place else None
        if type(layer) is Sequential:
            inner, place = _fold_chain(layer, place)
            chain.layers.append(inner)
        elif type(layer) is BatchNorm1d and type(before) is Linear and place:
            modules, index = place
            modules[index] = fold_pair(before, layer)
        else:
            chain.layers.append(_folded(layer))
            place = chain.layers, len(chain) - 1
    return chain, place
