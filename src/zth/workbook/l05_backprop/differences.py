"""How far apart several ways to one gradient are, over many batches: exercises 5.2 and 5.3 ask the same of theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

import torch
from torch import Tensor

from zth.backprop import atoms
from zth.backprop.atoms import Intermediates, Parameters
from zth.compare import largest_difference
from zth.seeds import stream
from zth.workbook.measure import Lab
from zth.workbook.names import parts

BATCH = 32
Ways = Callable[[Intermediates], tuple[Mapping[str, Tensor], Tensor]]
"""A forward pass -> the gradient by the name of each way, autograd's first; and the truth, in float64."""


@dataclass(frozen=True, kw_only=True)
class Apart:
    """Each batch's largest difference, by the name of the way."""

    float32: Mapping[str, Sequence[float]]
    """From autograd's."""
    float64: Mapping[str, Sequence[float]]
    truth: Mapping[str, Sequence[float]]
    """In float32, from the truth."""


def batch(parameters: Parameters, batches: torch.Generator) -> Intermediates:
    """A batch of names through the net, with autograd's graph."""
    X, Y = parts(3).train
    rows = torch.randint(len(X), (BATCH,), generator=batches)
    return atoms.forward(Parameters(*(p.clone().requires_grad_() for p in parameters)), X[rows], Y[rows])


def compare(lab: Lab, name: str, ways: Ways, *, ours: str, reference: float, tolerance: float) -> Apart:
    """The ways over 50 or 500 batches, told as a table, and `ours` as figures beside the lecture's `reference`."""
    n_batches = 50 if lab.quick else 500
    start = Parameters.draw(stream(lab.seed, "init"))
    apart: dict[torch.dtype, dict[str, list[float]]] = {torch.float32: {}, torch.float64: {}}
    errors: dict[str, list[float]] = {}
    for dtype, from_autograd in apart.items():
        batches, parameters = stream(lab.seed, "batches"), Parameters(*(p.to(dtype) for p in start))
        for _ in lab.track(range(n_batches), f"batches in {str(dtype).removeprefix('torch.')}"):
            found, truth = ways(batch(parameters, batches))
            autograd = next(iter(found.values()))
            for way, gradient in found.items():
                from_autograd.setdefault(way, []).append(largest_difference(gradient, autograd))
                if dtype == torch.float32:
                    errors.setdefault(way, []).append(largest_difference(gradient, truth))
    measured = Apart(float32=apart[torch.float32], float64=apart[torch.float64], truth=errors)
    lab.run.table(
        f"{name}, the largest difference in a batch; mean (and worst) of {n_batches} batches",
        ["way", "from autograd's, float32", "from the truth, float32", "from autograd's, float64"],
        [
            [way, *map(_mean_and_worst, (measured.float32[way], measured.truth[way], measured.float64[way]))]
            for way in measured.truth
        ],
    )
    lab.run.figure(
        f"{name} apart from autograd's, float32, mean over batches",
        mean(measured.float32[ours]),
        reference=reference,
        source="lecture 5, one batch",
        better="lower",
        tolerance=tolerance,
    )
    lab.run.figure(f"{name} apart from autograd's, float32, worst batch", max(measured.float32[ours]))
    worst = f"{name} apart from autograd's, float64, worst batch"
    lab.run.figure(worst, max(measured.float64[ours]), reference=0, source="autograd", tolerance=1e-15)
    return measured


def _mean_and_worst(values: Sequence[float]) -> str:
    return f"{mean(values):.1e} ({max(values):.1e})" if max(values) else "0"
