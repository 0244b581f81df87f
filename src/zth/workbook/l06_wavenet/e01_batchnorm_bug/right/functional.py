"""torch's own batch_norm: the positions laid out as further examples, (B*T, C)."""

import torch.nn.functional as F


def batch_norm(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean.flatten().clone(), running_var.flatten().clone()
    rows = x.reshape(-1, x.shape[-1])
    y = F.batch_norm(rows, mean, var, gamma, beta, training=training, momentum=momentum, eps=eps)
    return y.view(x.shape), mean, var


def has_bug(y):
    """With the bug each position has variance 1 for itself; without it the variance of the means is missing there."""
    return y.var(0, unbiased=False).sub(1).abs().max().item() < 2e-3 and y.mean(0).abs().max().item() < 1e-3


def numbers(B, T, C):
    return {"fixed": [B * T, C], "bug": [B, T * C]}
