"""The operations of a head work on the last two dimensions, (T, D); what stands in front of them is a batch.

So all it takes is to bring the heads in front, and to bring them back. (B, T, C) is viewed as (B, T, H, D), since the
columns of head h lie next to each other; then T and H change places. No number moves in memory until a product needs
it. Each of the lecture's H small products with (C, D) is a part of one large product with (C, C), and H calls of each
operation become one: with many small heads the calls are most of the time.

`zth.models.gpt.attention` is the library's: `attention_weights` for scores, mask and softmax; the class around it
also makes queries, keys and values in one product, and can leave all of it to torch's fused kernel. `of_heads` turns
the lecture's list into the weights of this exercise.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from zth.models.gpt.attention import attention_weights
from zth.models.gpt.lecture import HeadList

__all__ = ["attention", "gradients", "join_heads", "split_heads"]

Weights = dict[str, Tensor]


def split_heads(x: Tensor, n_heads: int) -> Tensor:
    """(B, T, C) -> (B, H, T, D).

    >>> split_heads(torch.tensor([[[1, 2, 3, 4], [5, 6, 7, 8]]]), 2).tolist()
    [[[[1, 2], [5, 6]], [[3, 4], [7, 8]]]]
    """
    return x.view(*x.shape[:2], n_heads, -1).transpose(1, 2)


def join_heads(y: Tensor) -> Tensor:
    """(B, H, T, D) -> (B, T, C).

    >>> join_heads(torch.tensor([[[[1, 2], [5, 6]], [[3, 4], [7, 8]]]])).tolist()
    [[[1, 2, 3, 4], [5, 6, 7, 8]]]
    """
    return y.transpose(1, 2).flatten(2)


def attention(x: Tensor, weights: Weights, n_heads: int, dropout: float = 0.0, training: bool = False) -> Tensor:
    """(B, T, C) -> (B, T, C); `weights` as `of_heads` gives them."""
    q, k, v = (split_heads(x @ weights[name], n_heads) for name in ("Wq", "Wk", "Wv"))
    wei = attention_weights(q, k, window=x.shape[1])  # (B, H, T, T)
    return join_heads(F.dropout(wei, dropout, training) @ v) @ weights["Wo"] + weights["bo"]


def gradients(x: Tensor, weights: Weights, n_heads: int, dy: Tensor) -> Weights:
    """The gradients of (attention(x, ...) * dy).sum(), by name."""
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in {"x": x, **weights}.items()}
    loss = (attention(leaves["x"], leaves, n_heads) * dy).sum()
    return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))


def of_heads(heads: HeadList) -> Weights:
    """The lecture's list of heads -> the weights that the exercise is asked with.

    >>> heads = HeadList(12, 3, generator=torch.Generator().manual_seed(1))
    >>> x = torch.randn(2, 5, 12)
    >>> torch.allclose(attention(x, of_heads(heads), 3), heads(x), atol=1e-6)
    True
    """
    state = heads.state_dict()
    n_heads = len(heads.heads)
    names = {"Wq": "query", "Wk": "key", "Wv": "value"}
    side_by_side = {
        short: torch.cat([state[f"heads.{h}.{name}.W"] for h in range(n_heads)], dim=1)
        for short, name in names.items()
    }
    return {**side_by_side, "Wo": state["proj.W"], "bo": state["proj.b"]}
