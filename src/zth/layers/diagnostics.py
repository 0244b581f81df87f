"""What activations, gradients and updates look like inside any torch.nn.Module (lectures 4 and 6).

::

    with Watch(model) as watch:            # hooks on; they are gone behind the block
        loss = F.cross_entropy(model(xb), yb)
        loss.backward()
    watch.activations()                    # by layer: mean, std, histogram, saturation, dead units
    watch.gradients()                      # the same of the loss's gradient at each layer's output
    weight_gradients(model)                # by parameter: its gradient, and how large beside the weights

    updates = UpdateRatios(model)
    with updates.step():                   # around whatever changes the weights
        optimizer.step()
    updates.ratios                         # by weight: log10 of update over weight, step after step

All results are plain numbers; zth.layers.diagnostic_plots draws them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from zth.layers.activation import ReLU, Tanh

SATURATED = 0.97
"""A tanh beyond this counts as saturated (lecture 4): its slope, 1 - 0.97**2, is under 0.06."""
BINS = 100


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How many finite numbers lie in each of n bins of one width; empty where there was none."""

    edges: tuple[float, ...]
    """(n + 1,), ascending."""
    counts: tuple[int, ...]
    """(n,)"""

    @property
    def centres(self) -> tuple[float, ...]:
        """(n,)"""
        return tuple((low + high) / 2 for low, high in pairwise(self.edges))

    @property
    def densities(self) -> tuple[float, ...]:
        """(n,): counts over total and width, so that the area is 1 and histograms of any size compare.

        >>> Histogram(edges=(0.0, 0.5, 1.0), counts=(3, 1)).densities
        (1.5, 0.5)
        """
        total = sum(self.counts)
        return tuple(n / total / (b - a) for n, (a, b) in zip(self.counts, pairwise(self.edges), strict=True))


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How numbers that belong to one layer are spread."""

    name: str
    """The module's path in the model, as in "layers.2"; "" for the model itself."""
    kind: str
    """The module's class, as in "Tanh"."""
    mean: float
    std: float
    """The root of the mean squared deviation (no Bessel: there may be one number only)."""
    histogram: Histogram


@dataclass(frozen=True, kw_only=True)
class Activation(Spread):
    """What one layer gave out."""

    flat: tuple[float, ...]
    """(units,) the share of places in which the unit lets no gradient through: a tanh beyond 0.97, a relu at 0.
    Empty for other layers. Units lie along the last axis."""

    @property
    def saturation(self) -> float | None:
        """The share of flat places over all units; None for a layer that is neither tanh nor relu."""
        return sum(self.flat) / len(self.flat) if self.flat else None

    @property
    def dead(self) -> tuple[int, ...]:
        """The units that were flat in every place: what was watched teaches the weights before them nothing."""
        return tuple(unit for unit, share in enumerate(self.flat) if share == 1.0)


@dataclass(frozen=True, kw_only=True)
class Gradient(Spread):
    """The gradient of the loss at what one layer gave out."""


@dataclass(frozen=True, kw_only=True)
class WeightGradient:
    """The gradient of one parameter."""

    name: str
    """The parameter's path in the model, as in "layers.0.W"."""
    shape: tuple[int, ...]
    mean: float
    std: float
    ratio: float
    """std of the gradient over std of the parameter, "grad:data ratio" in the lecture; inf where all numbers of the
    parameter are the same (biases at 0, gains at 1), nan where all of its gradient are, too."""
    histogram: Histogram


class Watch:
    """Sees what the layers of a model give out and what gradient comes back to them, while it is open.

    It hooks every module without children (the leaves), or those of the classes in `only`. Outputs that are not
    floating point are passed over; of a tuple the first counts. A layer that runs several times, in one pass or in
    several, is one row of all its calls together, or one for each width of its output. Values are copied, and kept
    until the Watch goes.

    >>> from zth.layers import Linear, Sequential, Tanh
    >>> model = Sequential(Linear(2, 3, std=100.0, generator=torch.Generator().manual_seed(1)), Tanh())
    >>> with Watch(model, only=(Tanh,)) as watch:
    ...     model(torch.ones(5, 2)).sum().backward()
    >>> [(row.name, row.kind, row.saturation, row.dead) for row in watch.activations()]
    [('layers.1', 'Tanh', 1.0, (0, 1, 2))]
    >>> [row.mean for row in watch.gradients()]
    [1.0]
    """

    def __init__(self, model: nn.Module, *, only: tuple[type[nn.Module], ...] = ()) -> None:
        self.model = model
        self.only = only
        # one entry for each layer and width, in the order of the first run
        self._outputs: dict[tuple[str, int], list[Tensor]] = {}
        self._gradients: dict[tuple[str, int], list[Tensor]] = {}
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> Self:
        for name, module in self.model.named_modules():
            wanted = isinstance(module, self.only) if self.only else not any(module.children())
            if wanted:
                self._handles.append(module.register_forward_hook(partial(self._saw_output, name)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._handles:
            self._handles.pop().remove()

    def activations(self) -> list[Activation]:
        """One row for each layer that ran, in the order in which they first did."""
        return [
            Activation(**self._spread(name, outputs), flat=_flat_shares(self.model.get_submodule(name), outputs))
            for (name, _), outputs in self._outputs.items()
        ]

    def gradients(self) -> list[Gradient]:
        """One row for each layer that a gradient came back to while the Watch was open, in the order of the run."""
        return [
            Gradient(**self._spread(name, self._gradients[name, width]))
            for name, width in self._outputs
            if self._gradients[name, width]
        ]

    def _saw_output(self, name: str, _module: nn.Module, _inputs: object, output: Any) -> None:
        tensor = output[0] if isinstance(output, tuple) and output else output
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point() or tensor.numel() == 0:
            return
        key = name, tensor.shape[-1] if tensor.dim() else 1
        # a copy: what comes next may write into the same memory, as torch.nn.ReLU(inplace=True) does
        self._outputs.setdefault(key, []).append(tensor.detach().clone())
        gradients = self._gradients.setdefault(key, [])
        if tensor.requires_grad:
            self._handles.append(_on_gradient(tensor, gradients))

    def _spread(self, name: str, tensors: list[Tensor]) -> dict[str, Any]:
        values = torch.cat([tensor.flatten() for tensor in tensors])
        kind = type(self.model.get_submodule(name)).__name__
        return {"name": name, "kind": kind, **_moments(values), "histogram": histogram(values)}


def weight_gradients(model: nn.Module) -> list[WeightGradient]:
    """One row for each parameter that has a gradient, in the model's order; call it after backward().

    >>> layer = nn.Linear(2, 1)
    >>> layer(torch.ones(1, 2)).sum().backward()
    >>> [(row.name, row.shape, row.mean) for row in weight_gradients(layer)]
    [('weight', (1, 2), 1.0), ('bias', (1,), 1.0)]
    """
    return [
        WeightGradient(
            name=name,
            shape=tuple(parameter.shape),
            **_moments(parameter.grad),
            ratio=_ratio(_std(parameter.grad), _std(parameter)),
            histogram=histogram(parameter.grad),
        )
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    ]


class UpdateRatios:
    """How far each step moves the weights: log10(std of the update / std of the weights), step after step.

    About -3 is healthy (lecture 4): a thousandth of the weights a step. Far above, the rate is too high; far below,
    too low, or something in front is saturated. Followed are the parameters with two axes or more, as in the lecture:
    biases and gains begin at one constant, and have no spread to compare with.

    >>> layer = nn.Linear(2, 2, bias=False)
    >>> updates = UpdateRatios(layer)
    >>> with updates.step(), torch.no_grad():
    ...     layer.weight *= 0.99
    >>> updates.steps, [round(value, 3) for value in updates.ratios["weight"]]
    ([0], [-1.996])
    """

    def __init__(self, model: nn.Module) -> None:
        self._weights = {name: weight for name, weight in model.named_parameters() if weight.dim() >= 2}
        self.steps: list[int] = []
        self.ratios: dict[str, list[float]] = {name: [] for name in self._weights}
        """Weight -> a number for each of `steps`; -inf where it did not move."""

    @contextmanager
    def step(self, number: int | None = None) -> Iterator[None]:
        """Compare the weights before and behind the block. It is step `number`, or the one after the last."""
        before = {name: weight.detach().clone() for name, weight in self._weights.items()}
        yield
        self.steps.append(number if number is not None else self.steps[-1] + 1 if self.steps else 0)
        for name, weight in self._weights.items():
            self.ratios[name].append(_log10(_ratio(_std(weight.detach() - before[name]), _std(weight))))


def histogram(values: Tensor, bins: int = BINS) -> Histogram:
    """(...) numbers -> their histogram from the least finite one to the largest.

    >>> histogram(torch.tensor([0.0, 0.25, 1.0, torch.inf]), bins=2)
    Histogram(edges=(0.0, 0.5, 1.0), counts=(2, 1))
    """
    array = values.detach().double().cpu().numpy()
    array = array[np.isfinite(array)]
    if not array.size:
        return Histogram(edges=(), counts=())
    low, high = float(array.min()), float(array.max())
    largest = max(abs(low), abs(high), 1e-9)
    if high - low < 1e-9 * largest:  # as good as constant: too narrow to be cut into bins
        low, high = low - largest / 2, high + largest / 2
    counts, edges = np.histogram(array, bins=bins, range=(low, high))
    return Histogram(edges=tuple(edges.tolist()), counts=tuple(counts.tolist()))


def _on_gradient(tensor: Any, gradients: list[Tensor]) -> RemovableHandle:
    handle: RemovableHandle = tensor.register_hook(lambda grad: gradients.append(grad.detach().clone()))
    return handle


def _flat_shares(module: nn.Module, outputs: list[Tensor]) -> tuple[float, ...]:
    values = torch.cat([output.reshape(-1, output.shape[-1] if output.dim() else 1) for output in outputs])
    if isinstance(module, (Tanh, nn.Tanh)):
        flat = values.abs() > SATURATED
    elif isinstance(module, (ReLU, nn.ReLU)):
        flat = values <= 0
    else:
        return ()
    return tuple(flat.double().mean(0).tolist())


def _moments(values: Tensor) -> dict[str, float]:
    return {"mean": float(values.detach().double().mean()), "std": _std(values)}


def _std(values: Tensor) -> float:
    return float(values.detach().double().std(correction=0))


def _ratio(over: float, under: float) -> float:
    if under == 0:
        return math.inf if over > 0 else math.nan
    return over / under


def _log10(ratio: float) -> float:
    return math.log10(ratio) if ratio > 0 else ratio - math.inf
