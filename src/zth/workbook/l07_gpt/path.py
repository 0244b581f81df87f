"""The lecture's path to attention, step by step: each step gives the numbers of the one before, and how much sooner.

Letters: B texts, T positions, C the width, H heads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from zth.compare import largest_difference
from zth.models.gpt.lecture import (
    Head,
    HeadList,
    as_attention,
    average_by_loop,
    average_by_matrix,
    average_by_softmax,
)
from zth.seeds import stream
from zth.workbook.l02_bigrams.costs import seconds
from zth.workbook.measure import Lab

B, T, C, H = 4, 64, 32, 4
ROUNDS = 5
APART = 1e-5
"""Of float32 numbers up to about 4, summed in another order."""
Way = Callable[[Tensor], Tensor]


def tell(lab: Lab) -> None:
    """Averages against the loop, attention against the list of heads: largest differences, and times."""
    x = torch.randn(B, T, C, generator=stream(lab.seed, "path"))
    rows: list[tuple[str, float, float, float]] = []
    for what, ways in (("average of the past", averages()), ("attention", attentions(lab.seed))):
        found = _compared(ways, x)
        first = next(iter(found))
        rows += [(f"{what}: {name}", *numbers) for name, numbers in found.items()]
        apart = max(numbers[0] for numbers in found.values())
        source = f"by {first}" if what.startswith("average") else f"as {first}"
        lab.run.figure(f"{what}: largest difference", apart, reference=0, source=source, tolerance=APART)
    columns = ["", "largest difference", "ms", "times as fast"]
    told = [[n, f"{apart:.0e}" if apart else "0", round(ms, 3), round(times, 1)] for n, apart, ms, times in rows]
    lab.run.table(f"The lecture's path, B = {B}, T = {T}, C = {C}", columns, told)
    lab.run.text(
        "Differences and speed are against the first of each kind. An average is a product with a triangular matrix; "
        "the matrix is a softmax of zeros where the future is hidden; a head puts scores in place of the zeros. So a "
        "head whose queries are 0 is an average again."
    )


def averages() -> dict[str, Way]:
    """The mean of each position and all before it, four ways: (B, T, C) -> (B, T, C)."""
    return {
        "loop": average_by_loop,
        "triangular matrix": average_by_matrix,
        "softmax of zeros": average_by_softmax,
        "a head without queries": head_that_averages(),
    }


def head_that_averages() -> Head:
    """A head whose scores are all 0, and whose values are x itself.

    >>> head_that_averages()(torch.tensor([[[2.0] * C, [4.0] * C]]))[0, :, 0].tolist()
    [2.0, 3.0]
    """
    head = Head(C, C, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        head.query.W.zero_()
        head.value.W.copy_(torch.eye(C))
    return head


def attentions(seed: int) -> dict[str, Way]:
    """The same heads asked one after the other, and at once: (B, T, C) -> (B, T, C)."""
    heads = HeadList(C, H, generator=stream(seed, "heads"))
    with torch.no_grad():
        for parameter in heads.parameters():
            parameter.mul_(10)  # at first all scores are nearly 0
    spelled_out, fused = as_attention(heads), as_attention(heads)
    spelled_out.fused = False
    return {"a list of heads": heads, "heads as a batch dimension": spelled_out, "torch's fused kernel": fused}


def _compared(ways: dict[str, Way], x: Tensor) -> dict[str, tuple[float, float, float]]:
    """Way -> how far from the first, milliseconds, how many times as fast as the first."""
    with torch.no_grad():
        results = {name: way(x) for name, way in ways.items()}
        taken = seconds({name: partial(way, x) for name, way in ways.items()}, ROUNDS)
    first = next(iter(ways))
    return {
        name: (largest_difference(results[name], results[first]), 1e3 * taken[name], taken[first] / taken[name])
        for name in ways
    }
