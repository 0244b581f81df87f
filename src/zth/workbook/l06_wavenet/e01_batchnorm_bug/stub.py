"""6.1 The BatchNorm bug. When you have written the functions: zth check 6.1"""

import torch


def lecture_batch_norm(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """What the lecture had at first, for (B, C), and still ran on (B, T, C). Given; the bug is in here.

    x (B, C) or (B, T, C), the other four (C,) -> y like x, and the new running_mean and running_var.
    """
    if training:
        n = len(x)
        mean = x.mean(0, keepdim=True)
        var = x.var(0, keepdim=True, unbiased=False)  # over n: it describes this batch
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)  # an estimate for all data
    else:
        mean, var = running_mean, running_var
    y = (x - mean) / (var + eps).sqrt() * gamma + beta
    return y, running_mean, running_var


def batch_norm(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """The same without the bug: x (B, C) or (B, T, C) -> y like x, running_mean (C,), running_var (C,)."""
    raise NotImplementedError("`batch_norm` is not written yet: return y, running_mean, running_var.")


def has_bug(y):
    """y (B, T, C): what a BatchNorm made of some x, in training, with gamma 1 and beta 0. Does it have the bug?"""
    raise NotImplementedError("`has_bug` is not written yet: return True or False.")


def numbers(B, T, C):
    """How many numbers each mean is taken over, and how many means are remembered: with the bug, and without."""
    raise NotImplementedError('`numbers` is not written yet: return {"bug": (over, means), "fixed": (over, means)}.')
