"""7.4 One more feature from the papers. When you have written the functions: zth check 7.4

B texts, T positions, H query heads, G key-value heads, D the size of a head, C the width, V ids in the vocabulary.
"""

import torch
import torch.nn.functional as F


def rotary(x, base=10_000.0):
    """(B, H, T, D) -> (B, H, T, D): the pair (2i, 2i + 1) at place t turned by t * base**(-2i / D)."""
    raise NotImplementedError("`rotary` is not written yet: return x, each pair of neighbours turned by its place.")


def rms_norm(x, eps=1e-5):
    """(..., C) -> (..., C): over its root mean square."""
    raise NotImplementedError("`rms_norm` is not written yet: return x / sqrt(mean(x**2) + eps).")


def squared_relu(x):
    """(...) -> (...)"""
    raise NotImplementedError("`squared_relu` is not written yet: return relu(x)**2.")


def swiglu(x):
    """(..., 2n) -> (..., n): silu of the first half, times the second."""
    raise NotImplementedError("`swiglu` is not written yet: return silu(gate) * rest, half as wide as x.")


def repeat_heads(kv, n_heads):
    """(B, G, T, D) -> (B, H, T, D): a key or value for each of the H = n_heads heads; groups are neighbours."""
    raise NotImplementedError("`repeat_heads` is not written yet: return a tensor of shape (B, n_heads, T, D).")


def window_mask(T, window):
    """(T, T): True where position t (row) may see s (column): itself and the window - 1 before it."""
    raise NotImplementedError("`window_mask` is not written yet: return a (T, T) tensor of True and False.")


def attention(q, k, v, window):
    """(B, H, T, D), (B, G, T, D), (B, G, T, D) -> (B, H, T, D): with all of the above but the MLP's."""
    raise NotImplementedError("`attention` is not written yet: return what each head found, (B, H, T, D).")


def softcap(logits, cap):
    """(...) -> (...): cap * tanh(logits / cap)."""
    raise NotImplementedError("`softcap` is not written yet: return cap * tanh(logits / cap).")


def tied_logits(x, table):
    """(B, T, C), (V, C) -> (B, T, V): the embedding table as the last layer."""
    raise NotImplementedError("`tied_logits` is not written yet: return the product of x with each row of the table.")


def orthogonalise(G):
    """(n, m) -> (n, m): five rounds of Muon's iteration."""
    a, b, c = 3.4445, -4.7750, 2.0315
    raise NotImplementedError("`orthogonalise` is not written yet: return X after five rounds.")
