"""A block: positions talk to each other (attention), then each thinks by itself (MLP); both add to the stream.

Letters: B texts, T positions, C the width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zth.layers import GELU, Dropout, LayerNorm, Linear, ReLU, RMSNorm, SquaredReLU
from zth.models.gpt.attention import Attention
from zth.models.gpt.cache import LayerCache
from zth.models.gpt.config import GPTConfig
from zth.models.gpt.initial import matrix_std, output_std


class Block(nn.Module):
    """(B, T, C) -> (B, T, C): x + attention(norm(x)), and then x + mlp(norm(x))."""

    def __init__(self, options: GPTConfig, *, generator: torch.Generator) -> None:
        super().__init__()
        self.norm1 = norm(options)
        self.attention = Attention(options, generator=generator)
        self.norm2 = norm(options)
        self.mlp = MLP(options, generator=generator)
        self.dropout = Dropout(options.dropout)

    def forward(self, x: Tensor, cache: LayerCache | None = None) -> Tensor:
        x = x + self.dropout(self.attention(self.norm1(x), cache))
        y: Tensor = x + self.dropout(self.mlp(self.norm2(x)))
        return y


class MLP(nn.Module):
    """(B, T, C) -> (B, T, C): wide, a nonlinearity, and back."""

    def __init__(self, options: GPTConfig, *, generator: torch.Generator) -> None:
        super().__init__()
        C, n_hidden, bias = options.width, options.n_hidden, options.biases != "none"
        self.nonlinearity = nonlinearity(options)
        n_up = 2 * n_hidden if options.mlp == "swiglu" else n_hidden
        self.up = Linear(C, n_up, generator=generator, bias=bias, std=matrix_std(options, C))
        self.down = Linear(n_hidden, C, generator=generator, bias=bias, std=output_std(options, n_hidden))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.down(self.nonlinearity(self.up(x)))
        return y


class SwiGLU(nn.Module):
    """(..., 2n) -> (..., n): silu(gate) * the rest (Shazeer 2020), with silu(x) = x * sigmoid(x).

    >>> SwiGLU()(torch.tensor([0.0, 100.0, 3.0, 5.0])).tolist()
    [0.0, 500.0]
    """

    def forward(self, x: Tensor) -> Tensor:
        gate, rest = x.chunk(2, dim=-1)
        return nn.functional.silu(gate) * rest


def norm(options: GPTConfig) -> nn.Module:
    """A fresh norm of the kind that the options name."""
    if options.norm == "rmsnorm":
        return RMSNorm(options.width, weight=options.norm_weights)
    bias = options.norm_weights and options.biases != "none"
    return LayerNorm(options.width, weight=options.norm_weights, bias=bias)


def nonlinearity(options: GPTConfig) -> nn.Module:
    """What stands between the MLP's two Linears."""
    if options.mlp == "relu":
        return ReLU()
    if options.mlp == "relu2":
        return SquaredReLU()
    if options.mlp == "swiglu":
        return SwiGLU()
    return GELU(tanh=options.mlp == "gelu-tanh")
