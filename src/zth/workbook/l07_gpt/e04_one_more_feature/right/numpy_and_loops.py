"""NumPy, and loops where they say it best."""

import math

import numpy as np


def rotary(x, base=10_000.0):
    x = np.asarray(x)
    turned = np.empty_like(x)
    for t in range(x.shape[2]):
        for i in range(x.shape[3] // 2):
            angle = t * base ** (-2 * i / x.shape[3])
            a, b = x[:, :, t, 2 * i], x[:, :, t, 2 * i + 1]
            turned[:, :, t, 2 * i] = a * math.cos(angle) - b * math.sin(angle)
            turned[:, :, t, 2 * i + 1] = a * math.sin(angle) + b * math.cos(angle)
    return turned


def rms_norm(x, eps=1e-5):
    x = np.asarray(x)
    return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + eps)


def squared_relu(x):
    return np.maximum(np.asarray(x), 0) ** 2


def swiglu(x):
    gate, rest = np.split(np.asarray(x), 2, axis=-1)
    return gate / (1 + np.exp(-gate)) * rest


def repeat_heads(kv, n_heads):
    kv = np.asarray(kv)
    share = n_heads // kv.shape[1]
    return np.stack([kv[:, head // share] for head in range(n_heads)], axis=1)


def window_mask(T, window):
    return [[0 <= t - s <= window - 1 for s in range(T)] for t in range(T)]


def attention(q, k, v, window):
    H, T, D = np.asarray(q).shape[1:]
    q, k, v = rotary(rms_norm(q)), repeat_heads(rotary(rms_norm(k)), H), repeat_heads(v, H)
    y = np.zeros_like(q)
    for t in range(T):
        first = max(0, t - window + 1)
        scores = np.einsum("bhd,bhsd->bhs", q[:, :, t], k[:, :, first : t + 1]) / math.sqrt(D)
        counts = np.exp(scores - scores.max(-1, keepdims=True))
        y[:, :, t] = np.einsum("bhs,bhsd->bhd", counts / counts.sum(-1, keepdims=True), v[:, :, first : t + 1])
    return y


def softcap(logits, cap):
    return (
        [cap * math.tanh(logit / cap) for logit in logits] if logits.ndim == 1 else [softcap(x, cap) for x in logits]
    )


def tied_logits(x, table):
    return np.asarray(x) @ np.asarray(table).T


def orthogonalise(G):
    a, b, c = 3.4445, -4.7750, 2.0315
    X = np.asarray(G) / np.linalg.norm(G)
    for _ in range(5):
        A = X @ X.T
        X = a * X + b * A @ X + c * A @ A @ X
    return X
