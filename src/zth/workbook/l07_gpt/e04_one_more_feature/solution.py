"""Ten features, most of them a line, each of them in the library.

**Rotary.** Turning q by an angle and k by another makes their product depend on the difference of the two angles, so
on how far apart the positions stand. It does not matter where counting begins. Pairs of neighbours are one complex
number each, and turning is one complex product. (Others turn the other way, or pair number i with i + D/2: the same
idea with the columns in another order, but weights that were trained the one way are useless the other way.)

**Norms.** RMSNorm leaves out what LayerNorm subtracts. With a root mean square of 1, queries and keys of D numbers
have a product of at most D, so no score is beyond sqrt(D). A turn changes no length: norm first or turn first.

**Muon.** The iteration is an odd polynomial in X, so it works on the singular values alone, which become
a s + b s**3 + c s**5, and leaves U and V as they are. Hence (X X^T) X and X (X^T X) are the same, and one takes the
smaller of the two.

`zth.models.gpt` has `turned`, `repeated`, `visible` and `attention_weights` in attention.py, `SwiGLU` in block.py,
the soft cap and the tied table in model.py; `zth.layers` has `rms_normalised` and `SquaredReLU`, and `zth.train.muon`
has `orthogonalised`, for several matrices at once.
"""

from torch import Tensor

from zth.layers import SquaredReLU
from zth.layers.layernorm import rms_normalised
from zth.models.gpt.attention import ROTARY_BASE, Turns, attention_weights, repeated, turned, visible
from zth.models.gpt.block import SwiGLU
from zth.train.muon import orthogonalised

__all__ = [
    "attention",
    "orthogonalise",
    "repeat_heads",
    "rms_norm",
    "rotary",
    "softcap",
    "squared_relu",
    "swiglu",
    "tied_logits",
    "window_mask",
]


def rotary(x: Tensor, base: float = ROTARY_BASE) -> Tensor:
    """(B, H, T, D) -> (B, H, T, D).

    >>> import torch
    >>> pairs = torch.tensor([1.0, 0.0, 1.0, 0.0]).expand(1, 1, 3, 4)
    >>> [round(number, 3) for number in rotary(pairs)[0, 0, 2].tolist()]
    [-0.416, 0.909, 1.0, 0.02]
    """
    turns = Turns(x.shape[-1], base).at(0, x.shape[2])
    return turned(x.transpose(1, 2).contiguous(), turns).transpose(1, 2)  # the library has the heads behind


def rms_norm(x: Tensor, eps: float = 1e-5) -> Tensor:
    """(..., C) -> (..., C)."""
    return rms_normalised(x, eps)


def squared_relu(x: Tensor) -> Tensor:
    """(...) -> (...)."""
    squared: Tensor = SquaredReLU()(x)
    return squared


def swiglu(x: Tensor) -> Tensor:
    """(..., 2n) -> (..., n)."""
    gated: Tensor = SwiGLU()(x)
    return gated


def repeat_heads(kv: Tensor, n_heads: int) -> Tensor:
    """(B, G, T, D) -> (B, H, T, D)."""
    return repeated(kv, n_heads)


def window_mask(T: int, window: int) -> Tensor:
    """(T, T) bool.

    >>> window_mask(3, 2).int().tolist()
    [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
    """
    return visible(T, window)


def attention(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    """(B, H, T, D), (B, G, T, D), (B, G, T, D) -> (B, H, T, D)."""
    q, k = rotary(rms_norm(q)), rotary(rms_norm(k))
    return attention_weights(q, k, window) @ repeat_heads(v, q.shape[1])


def softcap(logits: Tensor, cap: float) -> Tensor:
    """(...) -> (...).

    >>> import torch
    >>> [round(logit, 4) for logit in softcap(torch.tensor([0.1, 1000.0]), 15.0).tolist()]
    [0.1, 15.0]
    """
    return cap * (logits / cap).tanh()


def tied_logits(x: Tensor, table: Tensor) -> Tensor:
    """(B, T, C), (V, C) -> (B, T, V)."""
    return x @ table.T


def orthogonalise(G: Tensor) -> Tensor:
    """(n, m) -> (n, m): singular values near 1, the directions as they were.

    >>> import torch
    >>> torch.linalg.svdvals(orthogonalise(torch.diag(torch.tensor([9.0, 1.0])))).round(decimals=2)
    tensor([0.7500, 0.7000])
    """
    return orthogonalised(G[None])[0]
