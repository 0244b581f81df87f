"""A loop over the examples, with F.one_hot and the softmax written out as exp of log-softmax."""

import torch
import torch.nn.functional as F


def dlogits(logits, yb):
    rows = []
    for l, y in zip(logits, yb):
        rows.append((F.log_softmax(l, 0).exp() - F.one_hot(y, len(l))) / len(yb))
    return torch.stack(rows)


def loss_and_dlogits(logits, yb):
    return F.cross_entropy(logits, yb), dlogits(logits, yb)
