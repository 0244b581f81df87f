"""Check of 5.3: the gradient before BatchNorm from batches of 2, 3 and more, then the whole layer from its input.

Letters: n examples, H units.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from zth.backprop.atoms import EPS
from zth.seeds import stream
from zth.workbook.check import Mistake, Part
from zth.workbook.l05_backprop.e03_batchnorm.solution import batchnorm_backward, dhprebn

Layer = tuple[Tensor, Tensor, Tensor]
"""dhpreact (n, H), hprebn (n, H), bngain (1, H)."""
Kept = tuple[Tensor, Tensor]
"""bnraw (n, H), bnvar_inv (1, H)."""


@cache
def _layers() -> list[Layer]:
    """Small batches, where n and n - 1 are far apart; one that is square; the lecture's size."""
    g = stream(5, "layers")
    sizes = ((3, 2), (2, 3), (5, 5), (32, 64))
    return [_layer(n, H, g) for n, H in sizes]


def _layer(n: int, H: int, g: torch.Generator) -> Layer:
    """Gains, means, spreads and gradients that nobody can take for 1 or 0."""
    spread, mean = 0.5 + 2 * torch.rand(H, generator=g), torch.randn(H, generator=g)
    hprebn = mean + spread * torch.randn(n, H, generator=g)
    bngain = 1 + 0.5 * torch.rand(1, H, generator=g)
    return 0.5 + torch.randn(n, H, generator=g), hprebn, bngain


def _layers_with_small_spread() -> list[Layer]:
    """Last, a layer whose variance is no larger than eps."""
    dhpreact, hprebn, bngain = _layer(6, 3, stream(5, "small spread"))
    return [*_layers(), (0.01 * dhpreact, 0.002 * hprebn, bngain)]


def _kept() -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """The arguments of dhprebn."""
    by_hand = torch.tensor([[3.0], [0.0], [0.0]]), torch.ones(1, 1), torch.tensor([[-1.0], [0.0], [1.0]])
    cases = [(dhpreact, bngain, *_forward(hprebn)) for dhpreact, hprebn, bngain in _layers()]
    return [(*by_hand, torch.ones(1, 1)), *cases]


def _forward(x: Tensor, *, correction: int = 1, mean: float = 1, eps: float = EPS, to_std: float = 0) -> Kept:
    """(n, H) -> what the forward pass keeps; the options are the places to go wrong."""
    std = (x.var(0, keepdim=True, correction=correction) + eps).sqrt() + to_std
    return (x - mean * x.mean(0)) / std, 1 / std


PARTS = [
    Part(
        name="dhprebn",
        ask=lambda answer, dhpreact, bngain, bnraw, bnvar_inv: answer.dhprebn(dhpreact, bngain, bnraw, bnvar_inv),
        cases=_kept,
    ),
    Part(
        name="batchnorm_backward",
        ask=lambda answer, dhpreact, hprebn, bngain: answer.batchnorm_backward(dhpreact, hprebn, bngain),
        cases=_layers_with_small_spread,
    ),
]

Backward = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
Reduce = Callable[[Tensor], Tensor]


def _sum(x: Tensor) -> Tensor:
    return x.sum(0)


def _dhprebn(
    *,
    mean: float = 1,
    variance: float = 1,
    mean_over: Callable[[int], int] = lambda n: n,
    variance_over: Callable[[int], int] = lambda n: n - 1,
    reduce: Reduce = _sum,
    rest_times: Callable[[Tensor], Tensor] = lambda bnraw: bnraw,
    factor: Callable[[Tensor, Tensor], Tensor] = lambda bngain, bnvar_inv: bngain * bnvar_inv,
    times: Callable[[int], int] = lambda _: 1,
) -> Backward:
    """The expression with its terms weighted by `mean` and `variance`; the options are the places to go wrong."""

    def wrong(dhpreact: Tensor, bngain: Tensor, bnraw: Tensor, bnvar_inv: Tensor) -> Tensor:
        n = len(dhpreact)
        through_mean = mean * reduce(dhpreact) / mean_over(n)
        through_variance = variance * rest_times(bnraw) * reduce(dhpreact * bnraw) / variance_over(n)
        return factor(bngain, bnvar_inv) * times(n) * (dhpreact - through_mean - through_variance)

    return wrong


def _gain_of_the_direct_road_alone(dhpreact: Tensor, bngain: Tensor, bnraw: Tensor, bnvar_inv: Tensor) -> Tensor:
    ones = torch.ones_like(bngain)
    rest = dhprebn(dhpreact, ones, bnraw, bnvar_inv) - bnvar_inv * dhpreact
    return bngain * bnvar_inv * dhpreact + rest


def _gain_twice(dhpreact: Tensor, bngain: Tensor, bnraw: Tensor, bnvar_inv: Tensor) -> Tensor:
    return dhprebn(bngain * dhpreact, bngain, bnraw, bnvar_inv)


def _with_hpreact(dhpreact: Tensor, bngain: Tensor, bnraw: Tensor, bnvar_inv: Tensor) -> Tensor:
    """bngain * bnraw in the variance's term, in place of bnraw."""
    through_mean, hpreact = dhpreact.mean(0), bngain * bnraw
    through_variance = hpreact * (dhpreact * hpreact).sum(0) / (len(dhpreact) - 1)
    return bngain * bnvar_inv * (dhpreact - through_mean - through_variance)


def _backward(
    back: Backward = dhprebn,
    *,
    kept: Callable[[Tensor], Kept] = _forward,
    dbngain_from: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda _x, bnraw, _inv: bnraw,
    reduce: Reduce = lambda table: table.sum(0, keepdim=True),
) -> Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]:
    """The whole layer; the options are the places to go wrong."""

    def wrong(dhpreact: Tensor, hprebn: Tensor, bngain: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        bnraw, bnvar_inv = kept(hprebn)
        dbngain = reduce(dhpreact * dbngain_from(hprebn, bnraw, bnvar_inv))
        return back(dhpreact, bngain, bnraw, bnvar_inv), dbngain, reduce(dhpreact)

    return wrong


def _in_both(wrong: Backward) -> dict[str, object]:
    """Whose expression is wrong has a wrong layer, too."""
    return {"dhprebn": wrong, "batchnorm_backward": _backward(wrong)}


def _gain_and_bias_exchanged(dhpreact: Tensor, hprebn: Tensor, bngain: Tensor) -> Layer:
    dx, dbngain, dbnbias = batchnorm_backward(dhpreact, hprebn, bngain)
    return dx, dbnbias, dbngain


MISTAKES = [
    Mistake(
        name="Bessel forgotten",
        says="The variance's term is divided by n. The variance was divided by n - 1 in the forward pass, and that "
        "factor comes back: n / (n - 1) * bnraw * (dhpreact * bnraw).sum(0) inside the brackets of n.",
        instead=_in_both(_dhprebn(variance_over=lambda n: n)),
    ),
    Mistake(
        name="Bessel in the mean's term, too",
        says="Both terms are divided by n - 1. Bessel's correction is in the variance alone; the mean is over n.",
        instead=_in_both(_dhprebn(mean_over=lambda n: n - 1)),
    ),
    Mistake(
        name="n and n - 1 exchanged",
        says="The mean's term got the n - 1, and the variance's the n. It is the other way round.",
        instead=_in_both(_dhprebn(mean_over=lambda n: n - 1, variance_over=lambda n: n)),
    ),
    Mistake(
        name="the direct road alone",
        says="That is bngain * bnvar_inv * dhpreact: right if mean and variance were constants. But each x moves "
        "both of them, and so all n examples: two terms are missing.",
        instead=_in_both(_dhprebn(mean=0, variance=0)),
    ),
    Mistake(
        name="the road through the mean forgotten",
        says="The mean is made of all x, and stands in every bnraw: dhpreact.sum(0) / n must be subtracted.",
        instead=_in_both(_dhprebn(mean=0)),
    ),
    Mistake(
        name="the road through the variance forgotten",
        says="The variance is made of all x, and stands in every bnraw: bnraw * (dhpreact * bnraw).sum(0) / (n - "
        "1) must be subtracted.",
        instead=_in_both(_dhprebn(variance=0)),
    ),
    Mistake(
        name="the mean's term added",
        says="The mean's term has the wrong sign: the mean is subtracted in the forward pass.",
        instead=_in_both(_dhprebn(mean=-1)),
    ),
    Mistake(
        name="the variance's term added",
        says="The variance's term has the wrong sign: a larger variance makes every bnraw smaller (-0.5).",
        instead=_in_both(_dhprebn(variance=-1)),
    ),
    Mistake(
        name="both terms added",
        says="Both terms have the wrong sign: what goes through the mean and the variance is subtracted.",
        instead=_in_both(_dhprebn(mean=-1, variance=-1)),
    ),
    Mistake(
        name="half of the variance's term",
        says="The variance's term is half of what it should be. The -0.5 of x**-0.5 is there, but the 2 of the "
        "square is not: d (x - mean)**2 is 2 * (x - mean).",
        instead=_in_both(_dhprebn(variance=0.5)),
    ),
    Mistake(
        name="twice the variance's term",
        says="The variance's term is twice what it should be. The 2 of the square is there, but the -0.5 of x**-0.5 "
        "is not; together they are -1.",
        instead=_in_both(_dhprebn(variance=2)),
    ),
    Mistake(
        name="bnraw missing before the sum",
        says="The variance's term is the same number for every example. The variance feels an x in proportion to its "
        "distance from the mean: bnraw * (dhpreact * bnraw).sum(0).",
        instead=_in_both(_dhprebn(rest_times=torch.ones_like)),
    ),
    Mistake(
        name="hpreact instead of bnraw",
        says="In the variance's term you used what the gain has stretched already. It is bnraw, both times; the gain "
        "stands once, outside.",
        instead=_in_both(_with_hpreact),
    ),
    Mistake(
        name="gain forgotten",
        says="The factor bngain is missing: hpreact is bngain * bnraw, so all that comes back is multiplied by it.",
        instead=_in_both(_dhprebn(factor=lambda _, bnvar_inv: bnvar_inv)),
    ),
    Mistake(
        name="gain on the direct road alone",
        says="Only the first term has the factor bngain. All three come through it: put it outside the brackets.",
        instead=_in_both(_gain_of_the_direct_road_alone),
    ),
    Mistake(
        name="gain twice",
        says="bngain is there twice: outside, and in dbnraw = bngain * dhpreact inside. Once is enough.",
        instead=_in_both(_gain_twice),
    ),
    Mistake(
        name="standard deviation instead of its inverse",
        says="You divided by bnvar_inv. It is the inverse already, (var + eps)**-0.5: multiply.",
        instead=_in_both(_dhprebn(factor=lambda bngain, bnvar_inv: bngain / bnvar_inv)),
    ),
    Mistake(
        name="bnvar_inv forgotten",
        says="The factor bnvar_inv is missing: bnraw is bndiff * bnvar_inv, so a wide unit has a small gradient.",
        instead=_in_both(_dhprebn(factor=lambda bngain, _: bngain)),
    ),
    Mistake(
        name="division by n forgotten",
        says="That is n times the gradient. With n * dhpreact inside the brackets there is a / n outside.",
        instead=_in_both(_dhprebn(times=lambda n: n)),
    ),
    Mistake(
        name="sums over the units",
        says="The sums go over dim 1, the units. Each unit has a mean and a variance of its own, over n: dim 0.",
        instead=_in_both(_dhprebn(reduce=lambda x: x.sum(1, keepdim=True))),
    ),
    Mistake(
        name="sums over everything",
        says="The sums go over the whole table. Each unit has its own mean and variance: .sum(0).",
        instead=_in_both(_dhprebn(reduce=torch.sum)),
    ),
    Mistake(
        name="variance over n everywhere",
        says="That is the gradient of torch's own BatchNorm: variance over n, forward and backward. It is correct "
        "in itself, but the lecture has Bessel's correction, n - 1, in both.",
        instead={
            "batchnorm_backward": _backward(
                _dhprebn(variance_over=lambda n: n), kept=lambda x: _forward(x, correction=0)
            ),
        },
    ),
    Mistake(
        name="variance over n in the forward pass",
        says="dhprebn is right, but the forward pass took the variance over n. It is over n - 1: torch's var does so "
        "by itself, NumPy's needs ddof=1.",
        instead={"batchnorm_backward": _backward(kept=lambda x: _forward(x, correction=0))},
    ),
    Mistake(
        name="eps forgotten",
        says="Where the variance is small, the 1e-5 shows: bnvar_inv = (var + 1e-5)**-0.5.",
        instead={"batchnorm_backward": _backward(kept=lambda x: _forward(x, eps=0))},
    ),
    Mistake(
        name="eps added to the standard deviation",
        says="The 1e-5 is added to the variance, under the root: (var + 1e-5)**-0.5.",
        instead={"batchnorm_backward": _backward(kept=lambda x: _forward(x, eps=0, to_std=EPS))},
    ),
    Mistake(
        name="mean not subtracted",
        says="bnraw has to have mean 0: subtract hprebn's mean over the examples before you divide.",
        instead={"batchnorm_backward": _backward(kept=lambda x: _forward(x, mean=0))},
    ),
    Mistake(
        name="dbngain from hprebn",
        says="dbngain is the sum of dhpreact times what the gain was multiplied by: bnraw, not hprebn.",
        instead={"batchnorm_backward": _backward(dbngain_from=lambda x, _raw, _inv: x)},
    ),
    Mistake(
        name="dbngain from bndiff",
        says="dbngain is the sum of dhpreact times what the gain was multiplied by: bnraw, not hprebn - mean.",
        instead={"batchnorm_backward": _backward(dbngain_from=lambda _x, bnraw, inv: bnraw / inv)},
    ),
    Mistake(
        name="dbngain and dbnbias: means",
        says="dhprebn is right. Gain and bias were broadcast to n rows, so their gradients are sums over the rows, "
        "not means; the loss's 1/n is in dhpreact already.",
        instead={"batchnorm_backward": _backward(reduce=lambda table: table.mean(0, keepdim=True))},
    ),
    Mistake(
        name="dbngain and dbnbias: not summed",
        says="dhprebn is right. Gain and bias have shape (1, H), and were broadcast to n rows: sum over the rows.",
        instead={"batchnorm_backward": _backward(reduce=lambda table: table)},
    ),
    Mistake(
        name="dbngain and dbnbias: an axis lost",
        says="The numbers are right, but a gradient has the shape of its parameter, (1, H): sum(0, keepdim=True).",
        instead={"batchnorm_backward": _backward(reduce=_sum)},
    ),
    Mistake(
        name="dbngain and dbnbias exchanged",
        says="The order is dhprebn, dbngain, dbnbias: the gain's is the sum with bnraw.",
        instead={"batchnorm_backward": _gain_and_bias_exchanged},
    ),
]
