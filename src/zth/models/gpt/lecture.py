"""Lecture 7's path to self-attention, one small step at a time. All of it gives the same numbers as attention.py.

Letters: B texts, T positions, C the width, H heads, D = C / H the size of a head.

1. `average_by_loop`      each position gets the mean of itself and of all before it
2. `average_by_matrix`    the same as a product with a triangular matrix whose rows sum to 1
3. `average_by_softmax`   that matrix as the softmax of zeros, with -inf where the future is
4. `Head`                 the zeros become scores: what a position asks times what the others offer
5. `HeadList`             several heads, one after the other, side by side in the output
6. `as_attention`         the heads as one more batch dimension: zth.models.gpt.attention, exercise 7.1
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zth.errors import ConfigError
from zth.layers import Dropout, Linear
from zth.models.gpt.attention import Attention
from zth.models.gpt.config import preset
from zth.models.gpt.initial import GPT2_STD


def average_by_loop(x: Tensor) -> Tensor:
    """(B, T, C) -> (B, T, C): at t the mean of x[:, 0 .. t].

    >>> average_by_loop(torch.tensor([[[2.0], [4.0], [9.0]]])).flatten().tolist()
    [2.0, 3.0, 5.0]
    """
    B, T, _ = x.shape
    xbow = torch.zeros_like(x)  # bow: a bag of words, since an average forgets the order
    for b in range(B):
        for t in range(T):
            xprev = x[b, : t + 1]  # (t + 1, C)
            xbow[b, t] = xprev.mean(0)
    return xbow


def average_by_matrix(x: Tensor) -> Tensor:
    """(B, T, C) -> (B, T, C), the same: row t of `wei` is 1/(t + 1) up to t, and 0 behind it.

    >>> average_by_matrix(torch.tensor([[[2.0], [4.0], [9.0]]])).flatten().tolist()
    [2.0, 3.0, 5.0]
    """
    T = x.shape[1]
    wei = torch.ones(T, T, dtype=x.dtype).tril()
    wei = wei / wei.sum(1, keepdim=True)
    return wei @ x  # (T, T) @ (B, T, C) -> (B, T, C)


def average_by_softmax(x: Tensor) -> Tensor:
    """(B, T, C) -> (B, T, C), the same: exp(0) = 1 for the past, exp(-inf) = 0 for the future, over their sum.

    >>> average_by_softmax(torch.tensor([[[2.0], [4.0], [9.0]]])).round(decimals=4).flatten().tolist()
    [2.0, 3.0, 5.0]
    """
    T = x.shape[1]
    tril = torch.ones(T, T).tril()
    wei = torch.zeros(T, T, dtype=x.dtype)
    wei = wei.masked_fill(tril == 0, float("-inf"))
    return wei.softmax(dim=-1) @ x


class Head(nn.Module):
    """(B, T, C) -> (B, T, D): one head of self-attention."""

    def __init__(self, width: int, head_size: int, *, generator: torch.Generator, dropout: float = 0.0) -> None:
        super().__init__()
        self.key, self.query, self.value = (
            Linear(width, head_size, generator=generator, bias=False, std=GPT2_STD) for _ in range(3)
        )
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        T = x.shape[1]
        k, q, v = self.key(x), self.query(x), self.value(x)  # (B, T, D) each
        wei = q @ k.transpose(-2, -1)  # (B, T, D) @ (B, D, T) -> (B, T, T)
        # q and k of variance 1 make scores of variance D, and the softmax of large scores is a choice of one
        wei = wei * k.shape[-1] ** -0.5
        wei = wei.masked_fill(torch.ones(T, T, device=x.device).tril() == 0, float("-inf"))
        wei = self.dropout(wei.softmax(dim=-1))
        out: Tensor = wei @ v  # (B, T, T) @ (B, T, D) -> (B, T, D)
        return out


class HeadList(nn.Module):
    """(B, T, C) -> (B, T, C): the lecture's MultiHeadAttention, a list of heads and a projection.

    Raises ConfigError where the width does not divide into the heads.

    >>> heads = HeadList(12, 3, generator=torch.Generator().manual_seed(1))
    >>> x = torch.randn(2, 5, 12)
    >>> torch.allclose(as_attention(heads)(x), heads(x), atol=1e-6)
    True
    """

    def __init__(self, width: int, n_heads: int, *, generator: torch.Generator, dropout: float = 0.0) -> None:
        super().__init__()
        if n_heads < 1 or width % n_heads:
            raise ConfigError(f"width {width} does not divide into {n_heads} heads.", "Try width=384 and 6 heads.")
        size = width // n_heads
        self.heads = nn.ModuleList(Head(width, size, generator=generator, dropout=dropout) for _ in range(n_heads))
        self.proj = Linear(width, width, generator=generator, std=GPT2_STD)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        out = torch.cat([head(x) for head in self.heads], dim=-1)  # H of (B, T, D) -> (B, T, C)
        dropped: Tensor = self.dropout(self.proj(out))
        return dropped


def as_attention(heads: HeadList) -> Attention:
    """The same weights with the heads as a batch dimension; its dropout behind the projection belongs to the block.

    The columns of `qkv` are the queries of all heads, then their keys, then their values.
    """
    width, n_heads, p = len(heads.proj.W), len(heads.heads), heads.dropout.p
    # block_size and layers are not attention's business
    options = preset("lecture", width=width, heads=n_heads, dropout=p)
    attention = Attention(options, generator=torch.Generator())
    parts = [part for name in ("query", "key", "value") for part in (getattr(h, name) for h in heads.heads)]
    with torch.no_grad():
        state = {"qkv.W": torch.cat([part.W for part in parts], dim=1)}
        state |= {f"output.{name}": tensor.clone() for name, tensor in heads.proj.state_dict().items()}
    attention.load_state_dict(state, assign=True)  # assign: float64 stays float64
    return attention.train(heads.training)
