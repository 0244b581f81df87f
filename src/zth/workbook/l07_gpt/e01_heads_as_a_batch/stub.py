"""7.1 Heads as a batch dimension. When you have written the functions: zth check 7.1

`weights` holds "Wq", "Wk", "Wv" (C, C): the heads' matrices side by side; "Wo" (C, C) and "bo" (C,): the projection.
"""

import torch


def head(x, Wq, Wk, Wv):
    """(B, T, C), three of (C, D) -> (B, T, D): the lecture's head. Given."""
    T, D = x.shape[1], Wq.shape[1]
    q, k, v = x @ Wq, x @ Wk, x @ Wv
    wei = q @ k.transpose(-2, -1) * D**-0.5  # (B, T, D) @ (B, D, T) -> (B, T, T)
    wei = wei.masked_fill(torch.ones(T, T).tril() == 0, float("-inf"))
    return wei.softmax(dim=-1) @ v


def list_of_heads(x, weights, n_heads):
    """(B, T, C) -> (B, T, C): the lecture's heads, one after the other. Given: what to be equal to."""
    heads = zip(*(weights[name].chunk(n_heads, dim=1) for name in ("Wq", "Wk", "Wv")), strict=True)
    return torch.cat([head(x, *matrices) for matrices in heads], dim=-1) @ weights["Wo"] + weights["bo"]


def split_heads(x, n_heads):
    """(B, T, C) -> (B, H, T, D): head h gets the columns h*D to (h+1)*D."""
    raise NotImplementedError("`split_heads` is not written yet: return a tensor of shape (B, H, T, D).")


def join_heads(y):
    """(B, H, T, D) -> (B, T, C): the way back."""
    raise NotImplementedError("`join_heads` is not written yet: return a tensor of shape (B, T, C).")


def attention(x, weights, n_heads, dropout=0.0, training=False):
    """(B, T, C) -> (B, T, C): all heads at once."""
    raise NotImplementedError("`attention` is not written yet: return a tensor of shape (B, T, C).")


def gradients(x, weights, n_heads, dy):
    """The gradients of (attention(x, weights, n_heads) * dy).sum(), by name: "x", "Wq", "Wk", "Wv", "Wo", "bo"."""
    raise NotImplementedError("`gradients` is not written yet: return a dictionary of six gradients.")
