"""A few lines of torch, float32."""

import torch


def continuation_counts(N):
    return (N > 0).sum(0)


def kneser_ney(N, d):
    total = N.sum(1, keepdim=True)
    seen = (N > 0).float()
    p_continuation = seen.sum(0) / seen.sum()
    lam = d * seen.sum(1, keepdim=True) / total.clamp(min=1)
    P = (N - d).clamp(min=0.0) / total.clamp(min=1) + lam * p_continuation
    P[total[:, 0] == 0] = p_continuation
    return P
