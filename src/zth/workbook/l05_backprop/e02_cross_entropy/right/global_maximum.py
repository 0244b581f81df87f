"""One maximum for all rows, a one-hot by comparison, in place where it may be."""

import torch


def loss_and_dlogits(logits, yb):
    n, V = logits.shape
    x = logits.double()
    x -= x.max()
    counts = x.exp()
    totals = counts.sum(1)
    came = torch.arange(V) == yb[:, None]
    loss = (totals.log() - x[came]).sum() / n
    counts /= totals[:, None]
    counts -= came.double()
    return [loss, counts.div_(n)]


def dlogits(logits, yb):
    return loss_and_dlogits(logits, yb)[1]
