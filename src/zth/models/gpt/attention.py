"""Self-attention: each position asks, the positions before it answer. Spelled out, and fused.

Letters: B texts, T positions that ask, S positions that answer, C the width, H query heads, G key-value heads,
D = C / H the size of a head.

    y[t] = sum over s of  softmax over s of (q[t] . k[s] / sqrt(D))  *  v[s],      s from max(0, t - window + 1) to t
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zth.layers import Dropout, Linear
from zth.layers.layernorm import rms_normalised
from zth.layers.matmul import onednn_for
from zth.models.gpt.cache import LayerCache
from zth.models.gpt.config import GPTConfig
from zth.models.gpt.initial import matrix_std, output_std

ROTARY_BASE = 10_000.0


class Attention(nn.Module):
    """(B, T, C) -> (B, T, C): all heads at once, as one more batch dimension (exercise 7.1).

    `qkv` makes the H queries, then the G keys, then the G values of a position, side by side; `output` mixes what the
    heads found. `fused` takes torch's scaled_dot_product_attention, which never holds the (T, S) weights in memory
    (except where they are faster: see `onednn_for`); without it they are spelled out, and with `keep_weights` kept in
    `weights` (B, H, T, S).

    >>> from zth.models.gpt.config import preset
    >>> attention = Attention(preset("nano"), generator=torch.Generator().manual_seed(1))
    >>> tuple(attention(torch.zeros(5, 16, 32)).shape)
    (5, 16, 32)
    """

    def __init__(self, options: GPTConfig, *, generator: torch.Generator) -> None:
        super().__init__()
        self.options = options
        self.fused, self.keep_weights = True, False
        self.weights: Tensor | None = None
        C, biases = options.width, options.biases
        n_qkv = C + 2 * options.n_kv_heads * options.head_size
        self.qkv = Linear(C, n_qkv, generator=generator, bias=biases == "gpt2", std=matrix_std(options, C))
        self.output = Linear(C, C, generator=generator, bias=biases != "none", std=output_std(options, C))
        self.dropout = Dropout(0.0 if options.dropout_at == "branches" else options.dropout)
        self.turns = Turns(options.head_size) if options.positions == "rotary" else None

    def forward(self, x: Tensor, cache: LayerCache | None = None) -> Tensor:
        """With a cache, x holds the positions that are not in it yet: any number when it is empty, then one."""
        q, k, v = self.heads(x, 0 if cache is None else cache.length)
        if cache is not None:
            k, v = cache.extended(k, v)
        # a single new position may see all that the cache has kept for it
        visible = None if q.shape[2] == 1 else self.options.window or k.shape[2]
        if self.fused and not self.keep_weights and not onednn_for(x):
            y = attend_fused(q, k, v, visible, dropout=self.dropout.p if self.training else 0.0)
        else:
            weights = attention_weights(q, k, visible)
            self.weights = weights.detach() if self.keep_weights else None
            y = self.dropout(weights) @ repeated(v, q.shape[1])
        y = y.transpose(1, 2).reshape(x.shape)  # (B, H, T, D) -> (B, T, C)
        mixed: Tensor = self.output(y)
        return mixed

    def heads(self, x: Tensor, start: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, C), the place of its first position -> queries (B, H, T, D), keys and values (B, G, T, D)."""
        H, G, D = self.options.heads, self.options.n_kv_heads, self.options.head_size
        qkv = self.qkv(x).view(*x.shape[:2], H + 2 * G, D)  # (B, T, C + 2GD) -> (B, T, H + 2G, D)
        qk, v = qkv.split([H + G, G], dim=2)
        if self.options.qk_norm:
            qk = rms_normalised(qk)
        if self.turns is not None:
            qk = turned(qk, self.turns.at(start, x.shape[1], x.device))
        q, k = qk.split([H, G], dim=2)
        return q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)  # (B, T, H, D) -> (B, H, T, D)


def attention_weights(q: Tensor, k: Tensor, window: int | None) -> Tensor:
    """Queries (B, H, T, D), keys (B, G, S, D) -> (B, H, T, S) weights that sum to 1 over S.

    `window`: see `visible`; None lets every position see every other.

    >>> attention_weights(torch.zeros(1, 1, 3, 4), torch.zeros(1, 1, 3, 4), window=3)[0, 0].mul(6).int().tolist()
    [[6, 0, 0], [3, 3, 0], [2, 2, 2]]
    """
    B, H, T, D = q.shape
    k = repeated(k, H)
    hidden = q.new_zeros(())  # what is added to the scores: -inf where nothing may be seen
    if window is not None:
        hidden = q.new_zeros(T, T).masked_fill_(~visible(T, window, q.device), -math.inf)
    # hidden + q @ k^T / sqrt(D) in one walk through memory; (BH, T, D) @ (BH, D, S) -> (BH, T, S)
    # lecture 7: without the division the softmax would be too sharp from the start
    scores = torch.baddbmm(hidden, q.flatten(0, 1), k.flatten(0, 1).mT, alpha=1 / math.sqrt(D))
    return scores.view(B, H, T, -1).softmax(dim=-1)


def attend_fused(q: Tensor, k: Tensor, v: Tensor, window: int | None, *, dropout: float = 0.0) -> Tensor:
    """(B, H, T, D), (B, G, S, D), (B, G, S, D) -> (B, H, T, D), in torch's one kernel. `window` as above."""
    T = q.shape[2]
    sliding = window is not None and window < T
    return F.scaled_dot_product_attention(
        q,
        k,
        v,
        attn_mask=visible(T, window, q.device) if window is not None and sliding else None,
        dropout_p=dropout,
        is_causal=window is not None and not sliding,
        enable_gqa=k.shape[1] != q.shape[1],
    )


def visible(T: int, window: int, device: torch.device | None = None) -> Tensor:
    """(T, T) bool: position t sees s where t - window < s <= t.

    >>> visible(4, 2).int().tolist()
    [[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]
    """
    return torch.ones(T, T, dtype=torch.bool, device=device).tril().triu(1 - window)


def repeated(kv: Tensor, n_heads: int) -> Tensor:
    """(B, G, S, D) -> (B, H, S, D): each key or value for the H / G heads of its group, neighbours."""
    n_groups = kv.shape[1]
    return kv if n_groups == n_heads else kv.repeat_interleave(n_heads // n_groups, dim=1)


class Turns:
    """By how much rotary positions turn each pair of numbers of a head: place * base**(-2 i / D) for pair i.

    Worked out in float64, and kept for the places seen so far.
    """

    def __init__(self, head_size: int, base: float = ROTARY_BASE) -> None:
        self.speeds = base ** (-torch.arange(0, head_size, 2, dtype=torch.float64) / head_size)
        self._kept = torch.empty(0, head_size // 2, dtype=torch.complex128)

    def at(self, start: int, n: int, device: torch.device | None = None) -> Tensor:
        """(n, D/2) complex numbers of length 1, for the places start .. start + n - 1.

        >>> Turns(2).at(0, 3).angle().round(decimals=6).tolist()
        [[0.0], [1.0], [2.0]]
        """
        if start + n > len(self._kept) or self._kept.device != (device or self._kept.device):
            n_kept = max(start + n, 2 * len(self._kept))
            with torch.inference_mode(False):  # training will use them too
                angles = torch.outer(torch.arange(n_kept, dtype=torch.float64), self.speeds)
                self._kept = torch.polar(torch.ones_like(angles), angles).to(device)
        return self._kept[start : start + n]


def turned(x: Tensor, turns: Tensor) -> Tensor:
    """(B, T, heads, D), (T, D/2) -> (B, T, heads, D): each pair of neighbours as a complex number, turned.

    Of two turned vectors the product depends on how far apart they stand, and not on where (Su et al. 2021): that is
    why keys can be kept, turned, in a cache. One complex product costs a third of sines and cosines.

    >>> turned(torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[1j]])).flatten().tolist()
    [0.0, 1.0]
    """
    single = x.dtype != torch.float64
    x_ = x.float() if single else x
    pairs = x_.view(*x.shape[:-1], x.shape[-1] // 2, 2)  # (B, T, heads, D) -> (B, T, heads, D/2, 2)
    turns = turns.to(torch.complex64 if single else torch.complex128)
    return torch.view_as_real(torch.view_as_complex(pairs) * turns[:, None]).flatten(-2).to(x.dtype)
