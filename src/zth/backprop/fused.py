"""Whole layers backwards, in one expression each (exercises 5.2 and 5.3).

Letters: n examples, V ids in the vocabulary, T positions, C channels, N numbers that share one mean: n, or n*T.

The atoms' long way for each element, put together on paper: what cancels is never computed, so these are both faster
and more exact. `bn...` are the lecture's names (atoms.py).
"""

from __future__ import annotations

import torch
from torch import Tensor

from zth.errors import ShapeError


def dlogits(logits: Tensor, yb: Tensor) -> Tensor:
    """(n, V) logits, (n,) targets -> (n, V), of the mean cross-entropy: (softmax(logits) - one_hot(yb)) / n.

    loss = mean_i (log sum_k exp(l[i, k]) - l[i, y]), and d log sum exp / dl[j] = exp(l[j]) / sum_k exp(l[k]): the
    softmax. Each row sums to 0: what pulls the target up is what pushes the others down. Raises ShapeError for
    targets of another length.

    >>> dlogits(torch.zeros(1, 4), torch.tensor([2]))
    tensor([[ 0.2500,  0.2500, -0.7500,  0.2500]])
    """
    if logits.dim() != 2 or yb.shape != logits.shape[:1]:
        raise ShapeError(
            f"Got logits {tuple(logits.shape)} and targets {tuple(yb.shape)}; wanted (n, V) and (n,).",
            "Pass one target for each row.",
        )
    n = len(yb)
    gradient = torch.softmax(logits, 1)
    gradient[torch.arange(n), yb] -= 1
    return gradient / n


def dhprebn(dhpreact: Tensor, bngain: Tensor, bnraw: Tensor, bnvar_inv: Tensor, *, bessel: bool = True) -> Tensor:
    """(n, C) or (n, T, C) -> the same: the gradient before BatchNorm from `dhpreact`, that behind it.

    hpreact = bngain * bnraw + bnbias, with bnraw = (x - mean) * bnvar_inv, and a mean and variance over all axes but
    the last. In each channel, with sums over its N numbers,

        dx = bngain * bnvar_inv * (dhpreact - sum(dhpreact) / N - bnraw * sum(dhpreact * bnraw) / m)

    The first term is what x does itself, the second what it does by moving the mean, the third by moving the
    variance: both directions are taken out, since BatchNorm takes them out of x. m is N - 1 with Bessel's correction
    in the variance (the lecture's), N without (torch's). bngain, bnvar_inv: (C,) or (1, C).

    >>> x, ones = torch.tensor([[-1.0], [0.0], [1.0]]), torch.ones(1, 1)  # mean 0, variance 1
    >>> dhprebn(torch.tensor([[3.0], [0.0], [0.0]]), ones, x, ones).flatten().tolist()
    [0.5, -1.0, 0.5]
    """
    axes = tuple(range(dhpreact.dim() - 1))
    N = dhpreact.shape[:-1].numel()
    m = N - 1 if bessel else N
    through_mean = dhpreact.sum(axes) / N
    through_variance = bnraw * ((dhpreact * bnraw).sum(axes) / m)
    return bngain * bnvar_inv * (dhpreact - through_mean - through_variance)
