"""The lecture's own way out: ask how many axes there are; and keep them, (1, 1, C)."""

import torch


def batch_norm(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    if training:
        dim = 0 if x.ndim == 2 else (0, 1)
        n = x.shape[0] if x.ndim == 2 else x.shape[0] * x.shape[1]
        mean = x.mean(dim, keepdim=True)
        var = x.var(dim, keepdim=True, unbiased=False)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        mean, var = running_mean, running_var
    y = (x - mean) / torch.sqrt(var + eps) * gamma + beta
    return y, running_mean, running_var


def has_bug(y):
    return torch.allclose(y.mean(0), torch.zeros(y.shape[1:]), atol=1e-3)


def numbers(B, T, C):
    return {"bug": (B, T * C), "fixed": (B * T, C)}
