"""7.4's functions with the places where they go wrong as options; slips.py names what people do there.

Letters: B texts, T positions, H query heads, D the size of a head.

Whose `rotary` is wrong has a wrong `attention` too, since it calls it; so the parts that a slip reaches go with it.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zth.train.muon import NEWTON_SCHULZ
from zth.workbook.l07_gpt.e04_one_more_feature.solution import repeat_heads, rms_norm, rotary, window_mask

Turn = Callable[..., Tensor]


def same(x: Tensor) -> Tensor:
    return x


def attention_by(
    *,
    turn: Turn = rotary,
    norm: Callable[[Tensor], Tensor] = rms_norm,
    norm_keys: Callable[[Tensor], Tensor] | None = None,
    turn_keys: Turn | None = None,
    on_values: Callable[[Tensor], Tensor] = same,
    repeat: Callable[[Tensor, int], Tensor] = repeat_heads,
    repeat_values: Callable[[Tensor, int], Tensor] | None = None,
    mask: Callable[[int, int], Tensor] = window_mask,
    scale: Callable[[int], float] = lambda D: D**-0.5,
    weigh: Callable[[Tensor, Tensor], Tensor] = lambda scores, seen: scores.masked_fill(~seen, -math.inf).softmax(-1),
) -> Callable[..., Tensor]:
    """The solution's attention; the options are the places to go wrong."""

    def attention(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
        H, T, D = q.shape[1:]
        q, k = turn(norm(q)), (turn_keys or turn)((norm_keys or norm)(k))
        k, v = repeat(k, H), (repeat_values or repeat)(on_values(v), H)
        return weigh(q @ k.mT * scale(D), mask(T, window).bool()) @ v

    return attention


def turning(
    speeds: Callable[[int, float], Tensor] = lambda D, base: base ** (-torch.arange(0, D, 2) / D).double(),
    halves: bool = False,
    signs: tuple[int, int] = (-1, 1),
) -> Turn:
    """The solution's rotary; the options are the places to go wrong."""

    def turn(x: Tensor, base: float = 10_000.0) -> Tensor:
        angles = torch.outer(torch.arange(x.shape[2]).double(), speeds(x.shape[-1], base))
        cos, sin = angles.cos(), angles.sin()
        a, b = x.chunk(2, dim=-1) if halves else (x[..., 0::2], x[..., 1::2])
        both = a * cos + signs[0] * b * sin, signs[1] * a * sin + b * cos
        return torch.cat(both, dim=-1) if halves else torch.stack(both, dim=-1).flatten(-2)

    return turn


def with_rotary(turn: Turn) -> Mapping[str, object]:
    return {"rotary": turn, "attention": attention_by(turn=turn)}


def with_norm(norm: Callable[..., Tensor]) -> Mapping[str, object]:
    return {"rms_norm": norm, "attention": attention_by(norm=norm)}


def with_repeat(repeat: Callable[[Tensor, int], Tensor]) -> Mapping[str, object]:
    return {"repeat_heads": repeat, "attention": attention_by(repeat=repeat)}


def with_mask(mask: Callable[[int, int], Tensor]) -> Mapping[str, object]:
    return {"window_mask": mask, "attention": attention_by(mask=mask)}


def mean_square(x: Tensor) -> Tensor:
    return x.square().mean(-1, keepdim=True)


def centred(x: Tensor, eps: float = 1e-5) -> Tensor:
    x = x - x.mean(-1, keepdim=True)
    return x / (mean_square(x) + eps).sqrt()


def apart(T: int) -> Tensor:
    """(T, T): t - s."""
    return torch.arange(T)[:, None] - torch.arange(T)


def silu_gate(gate: Tensor, rest: Tensor) -> Tensor:
    return F.silu(gate) * rest


def iterated(
    rounds: int = 5,
    begin: Callable[[Tensor], Tensor] = lambda G: G / G.square().sum().sqrt(),
    factors: tuple[float, float, float] = NEWTON_SCHULZ,
) -> Callable[[Tensor], Tensor]:
    """The solution's orthogonalise; the options are the places to go wrong."""

    def orthogonalise(G: Tensor) -> Tensor:
        (a, b, c), X = factors, begin(G)
        for _ in range(rounds):
            A = X @ X.mT
            X = a * X + b * (A @ X) + c * (A @ A @ X)
        return X

    return orthogonalise


def by_svd(G: Tensor) -> Tensor:
    U, _, Vh = torch.linalg.svd(G, full_matrices=False)
    product: Tensor = U @ Vh
    return product


def only(name: str, wrong: Callable[..., Any]) -> Mapping[str, object]:
    return {name: wrong}


def tiled(kv: Tensor, n_heads: int) -> Tensor:
    return kv.repeat(1, n_heads // kv.shape[1], 1, 1)
