"""NumPy in float64."""

import numpy as np


def logits(W, xs):
    return np.take(W.numpy().astype(np.float64), xs.numpy(), axis=0)


def backward(dlogits, xs, n_rows):
    d = np.asarray(dlogits, dtype=np.float64)
    out = np.zeros((n_rows, d.shape[-1]))
    np.add.at(out, xs.numpy(), d)
    return out


def gradient(W, xs, ys):
    z = logits(W, xs)
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    n = len(p)
    p[np.arange(n), ys.numpy()] -= 1
    return backward(p / n, xs, W.shape[0])
