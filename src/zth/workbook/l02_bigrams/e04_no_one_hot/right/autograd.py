"""Leaves the way back to autograd, in float64."""

import torch
import torch.nn.functional as F


def logits(W, xs):
    return F.embedding(xs, W)


def backward(dlogits, xs, n_rows):
    W = torch.zeros(n_rows, dlogits.shape[1], dtype=torch.float64, requires_grad=True)
    W[xs].backward(dlogits.double())
    return W.grad


def gradient(W, xs, ys):
    W = W.double().requires_grad_()
    F.cross_entropy(logits(W, xs), ys).backward()
    return W.grad
