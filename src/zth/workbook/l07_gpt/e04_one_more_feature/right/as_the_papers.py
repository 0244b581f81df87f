"""PyTorch, by the papers' formulas: turns as a cosine table with the neighbours exchanged, places from 1."""

import torch
from torch import nn


def rotary(x, base=10_000.0):
    T, D = x.shape[-2:]
    i = torch.arange(D // 2, dtype=torch.float32)
    theta = 1.0 / base ** (2 * i / D)
    # only differences of places are seen, so it does not matter where counting begins
    angles = torch.arange(1, T + 1).float()[:, None] * theta
    cos, sin = angles.cos().repeat_interleave(2, -1), angles.sin().repeat_interleave(2, -1)
    exchanged = torch.empty_like(x)
    exchanged[..., 0::2], exchanged[..., 1::2] = -x[..., 1::2], x[..., 0::2]
    return x * cos + exchanged * sin


def rms_norm(x, eps=1e-5):
    return nn.RMSNorm(x.shape[-1], eps=eps, elementwise_affine=False)(x)


def squared_relu(x):
    return torch.where(x > 0, x**2, 0.0)


def swiglu(x):
    n = x.shape[-1] // 2
    return x[..., :n] * torch.sigmoid(x[..., :n]) * x[..., n:]


def repeat_heads(kv, n_heads):
    B, G, T, D = kv.shape
    return kv[:, :, None].expand(B, G, n_heads // G, T, D).reshape(B, n_heads, T, D)


def window_mask(T, window):
    t = torch.arange(T)
    apart = t[:, None] - t[None, :]
    return (apart >= 0) & (apart < window)


def attention(q, k, v, window):
    H, T, D = q.shape[1:]
    q, k = rms_norm(rotary(q)), rms_norm(rotary(k))  # a turn changes no length
    scores = torch.einsum("bhtd,bhsd->bhts", q, repeat_heads(k, H)) / D**0.5
    scores = scores + torch.zeros(T, T).masked_fill(window_mask(T, window).logical_not(), float("-inf"))
    return torch.softmax(scores, dim=-1) @ repeat_heads(v, H)


def softcap(logits, cap):
    logits = logits / cap
    logits = torch.tanh(logits)
    return logits * cap


def tied_logits(x, table):
    return nn.functional.linear(x, table)


def orthogonalise(G):
    a, b, c = 3.4445, -4.7750, 2.0315
    X = G / (G.norm() + 1e-7)
    if G.shape[0] > G.shape[1]:
        X = X.T
    for _ in range(5):
        A = X @ X.T
        X = a * X + (b * A + c * A @ A) @ X
    return X.T if G.shape[0] > G.shape[1] else X
