"""Check of 7.4: ten features on small tensors of float64; the wrong answers are in slips.py.

Letters: B texts, T positions, H query heads, G key-value heads, D the size of a head, C the width, V ids.

Results are held to float32's tolerance: angles worked out in float32, a norm that works in it inside, or a small
number added to Muon's size are as right as what the library does.
"""

import math
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zth.compare import as_array
from zth.workbook.check import Part
from zth.workbook.l07_gpt.e04_one_more_feature.slips import MISTAKES

__all__ = ["MISTAKES", "PARTS"]


def _normal(g: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=g, dtype=torch.float64)


@cache
def _queries_and_keys() -> list[tuple[Tensor, Tensor, float]]:
    """q, k, base: a pair at a time to see by eye, several pairs, H unlike T and alike, another base."""
    g = torch.Generator().manual_seed(74)
    ones = torch.tensor([1.0, 0.0], dtype=torch.float64).expand(1, 1, 4, 2).contiguous()
    shapes = ((2, 3, 5, 8, 10_000.0), (1, 4, 4, 4, 10_000.0), (1, 2, 7, 6, 100.0))
    return [(ones, ones, 10_000.0), *((_normal(g, *s), _normal(g, *s), base) for *s, base in shapes)]


@cache
def _long() -> list[tuple[Tensor, Tensor]]:
    """q, k of so many places that the slow pair, turned by another base, is noticed."""
    g = torch.Generator().manual_seed(75)
    return [(_normal(g, 1, 1, 400, 4), _normal(g, 1, 1, 400, 4))]


def _scores(answer: Any, q: Tensor, k: Tensor, *base: float) -> object:
    """What the model sees of turned queries and keys: their products, (B, H, T, T)."""
    turned = answer.rotary(q, *base), answer.rotary(k, *base)
    if any(x is None for x in turned):
        return None
    turned_q, turned_k = map(as_array, turned)
    if turned_q.shape != q.shape:
        return {"shape of what rotary gives": list(turned_q.shape)}
    return np.asarray(turned_q @ np.swapaxes(turned_k, -2, -1))


@cache
def _rows() -> list[tuple[Tensor]]:
    """By hand; several axes; so small that eps counts; only zeros; all alike."""
    g = torch.Generator().manual_seed(3)
    by_hand = torch.tensor([[3.0, 3.0, 3.0, 3.0], [0.0, 8.0, 0.0, 0.0]], dtype=torch.float64)
    small, zeros = 1e-3 * _normal(g, 3, 4), torch.zeros(2, 4, dtype=torch.float64)
    return [(by_hand,), (_normal(g, 2, 3, 6) + 1,), (small,), (zeros,), (_normal(g, 8),)]


@cache
def _numbers() -> list[tuple[Tensor]]:
    g = torch.Generator().manual_seed(5)
    by_hand = torch.tensor([-2.0, -0.5, 0.0, 0.5, 3.0, 5.0], dtype=torch.float64)
    return [(by_hand,), (2 * _normal(g, 2, 3, 8),), (_normal(g, 4, 2),)]


@cache
def _shared() -> list[tuple[Tensor, int]]:
    """kv, n_heads: two groups of two, three of two, one for all, each its own."""
    g = torch.Generator().manual_seed(9)
    by_hand = torch.tensor([1.0, 2.0], dtype=torch.float64).view(1, 2, 1, 1)
    sizes = ((2, 3, 4, 2, 6), (1, 1, 3, 4, 4), (2, 4, 2, 2, 4))
    return [(by_hand, 4), *((_normal(g, *shape), H) for *shape, H in sizes)]


@cache
def _attended() -> list[tuple[Tensor, Tensor, Tensor, int]]:
    """q, k, v, window: groups and a window; a window as long as the text; one key for all; each head its own."""
    g = torch.Generator().manual_seed(71)
    sizes = ((2, 4, 2, 6, 8, 3), (1, 4, 2, 5, 4, 5), (1, 3, 1, 4, 2, 2), (2, 2, 2, 4, 6, 8))
    cases = []
    for B, H, G, T, D, window in sizes:
        q, k, v = (_normal(g, B, heads, T, D) for heads in (H, G, G))
        cases.append((3 * q, k + 0.5, v, window))
    return cases


@cache
def _capped() -> list[tuple[Tensor, float]]:
    g = torch.Generator().manual_seed(15)
    by_hand = torch.tensor([-1000.0, -15.0, 0.0, 0.1, 15.0, 1000.0], dtype=torch.float64)
    return [(by_hand, 15.0), (20 * _normal(g, 2, 3, 5), 15.0), (20 * _normal(g, 4), 30.0)]


@cache
def _tables() -> list[tuple[Tensor, Tensor]]:
    """x, table: V above C, V equal to C, V below C."""
    g = torch.Generator().manual_seed(65)
    return [(_normal(g, B, T, C), _normal(g, V, C)) for B, T, C, V in ((2, 3, 4, 7), (1, 2, 5, 5), (2, 1, 6, 3))]


@cache
def _matrices() -> list[tuple[Tensor]]:
    """A diagonal, to see what happens to singular values; wide, tall, square."""
    g = torch.Generator().manual_seed(20)
    diagonal = torch.diag(torch.tensor([4.0, 2.0, 0.5], dtype=torch.float64))
    return [(diagonal,), *((_normal(g, n, m) * math.sqrt(n),) for n, m in ((3, 5), (6, 2), (4, 4)))]


PARTS = [
    Part(
        name="rotary",
        shown="rotary(q, {2}) @ rotary(k, {2}).mT with q and k {0}",
        ask=_scores,
        cases=_queries_and_keys,
    ),
    Part(
        name="rotary with its usual base", shown="rotary(q) @ rotary(k).mT with q and k {0}", ask=_scores, cases=_long
    ),
    Part(name="rms_norm", ask=lambda answer, x: answer.rms_norm(x), cases=_rows),
    Part(
        name="rms_norm with another eps",
        shown="rms_norm({}, {})",
        ask=lambda answer, x, eps: answer.rms_norm(x, eps),
        cases=lambda: [(x, 0.5) for (x,) in _rows()[:2]],
    ),
    Part(name="squared_relu", ask=lambda answer, x: answer.squared_relu(x), cases=_numbers),
    Part(name="swiglu", ask=lambda answer, x: answer.swiglu(x), cases=_numbers),
    Part(name="repeat_heads", ask=lambda answer, kv, n_heads: answer.repeat_heads(kv, n_heads), cases=_shared),
    Part(
        name="window_mask",
        ask=lambda answer, T, window: answer.window_mask(T, window),
        cases=[(4, 2), (6, 3), (5, 1), (3, 8), (7, 7), (1, 1)],
    ),
    Part(name="attention", ask=lambda answer, q, k, v, window: answer.attention(q, k, v, window), cases=_attended),
    Part(name="softcap", ask=lambda answer, logits, cap: answer.softcap(logits, cap), cases=_capped),
    Part(name="tied_logits", ask=lambda answer, x, table: answer.tied_logits(x, table), cases=_tables),
    Part(name="orthogonalise", ask=lambda answer, G: answer.orthogonalise(G), cases=_matrices),
]
