"""As the lectures write it: a generator, and scales multiplied on."""

import math

import torch
import torch.nn.functional as F


def uniform_loss(V):
    return -torch.tensor(1.0 / V).log()


def loss(parameters, X, Y):
    C, W1, b1, W2, b2 = parameters
    emb = C[X]
    hpreact = emb.view(emb.shape[0], -1) @ W1 + b1
    h = torch.tanh(hpreact)
    logits = h @ W2 + b2
    return F.cross_entropy(logits, Y)


def saturation(parameters, X):
    C, W1, b1, W2, b2 = parameters
    h = torch.tanh(C[X].view(X.shape[0], -1) @ W1 + b1)
    return (h.abs() > 0.97).float().mean()


def dead_units(parameters, X):
    C, W1, b1, W2, b2 = parameters
    h = torch.tanh(C[X].view(X.shape[0], -1) @ W1 + b1)
    return (h.abs() > 0.97).all(0).nonzero().flatten()


def init(V, T, E, H, seed):
    g = torch.Generator().manual_seed(seed)
    C = torch.randn((V, E), generator=g)
    W1 = torch.randn((T * E, H), generator=g) * (5 / 3) / math.sqrt(T * E)
    b1 = torch.randn(H, generator=g) * 0.01
    W2 = torch.randn((H, V), generator=g) * 0.01
    b2 = torch.zeros(V)
    return [C, W1, b1, W2, b2]
