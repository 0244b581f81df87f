"""NumPy and einsum, with the backward pass by hand."""

import numpy as np


def split_heads(x, n_heads):
    x = np.asarray(x)
    B, T, C = x.shape
    return x.reshape(B, T, n_heads, C // n_heads).swapaxes(1, 2)


def join_heads(y):
    y = np.moveaxis(np.asarray(y), 1, 2)
    return y.reshape(*y.shape[:2], -1)


def weights_of(q, k):
    T = q.shape[2]
    scores = np.einsum("bhtd,bhsd->bhts", q, k) / np.sqrt(q.shape[-1])
    scores = np.where(np.tri(T, dtype=bool), scores, -np.inf)
    counts = np.exp(scores - scores.max(-1, keepdims=True))
    return counts / counts.sum(-1, keepdims=True)


def forward(x, weights, n_heads):
    q, k, v = (split_heads(x @ weights[name], n_heads) for name in ("Wq", "Wk", "Wv"))
    return q, k, v, weights_of(q, k)


def attention(x, weights, n_heads, dropout=0.0, training=False):
    x, weights = np.asarray(x), {name: np.asarray(w) for name, w in weights.items()}
    _, _, v, wei = forward(x, weights, n_heads)
    if training:
        wei = wei * (np.random.rand(*wei.shape) >= dropout) / (1 - dropout)
    return join_heads(wei @ v) @ weights["Wo"] + weights["bo"]


def gradients(x, weights, n_heads, dy):
    x, dy = np.asarray(x, dtype=np.float64), np.asarray(dy, dtype=np.float64)
    weights = {name: np.asarray(w, dtype=np.float64) for name, w in weights.items()}
    q, k, v, wei = forward(x, weights, n_heads)
    joined = join_heads(wei @ v)
    found = {"Wo": np.einsum("btc,bte->ce", joined, dy), "bo": dy.sum((0, 1))}
    d = split_heads(dy @ weights["Wo"].T, n_heads)
    dwei = np.einsum("bhtd,bhsd->bhts", d, v)
    dscores = wei * (dwei - (dwei * wei).sum(-1, keepdims=True)) / np.sqrt(q.shape[-1])
    back = {"Wq": dscores @ k, "Wk": dscores.swapaxes(2, 3) @ q, "Wv": wei.swapaxes(2, 3) @ d}
    dx = 0
    for name, part in back.items():
        part = join_heads(part)
        found[name] = np.einsum("btc,bte->ce", x, part)
        dx = dx + part @ weights[name].T
    return {"x": dx, **found}
