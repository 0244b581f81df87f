"""NumPy: moments over all axes but the last."""

import numpy as np


def batch_norm(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    x, gamma, beta, running_mean, running_var = map(np.asarray, (x, gamma, beta, running_mean, running_var))
    mean, var = running_mean, running_var
    if training:
        axes = tuple(range(x.ndim - 1))
        n = x.size // x.shape[-1]
        mean, var = x.mean(axes), x.var(axes)
        running_mean = running_mean + momentum * (mean - running_mean)
        running_var = running_var + momentum * (x.var(axes, ddof=1) if n > 1 else var) - momentum * running_var
    return gamma * (x - mean) / np.sqrt(var + eps) + beta, running_mean, running_var


def has_bug(y):
    return np.abs(np.asarray(y).mean(0)).max() < 1e-3


def numbers(B, T, C):
    return {"bug": np.array([B, T * C]), "fixed": np.array([B * T, C])}
