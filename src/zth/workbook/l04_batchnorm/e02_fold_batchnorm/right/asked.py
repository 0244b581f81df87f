"""Knows no formula: asks torch's own two layers what they do to 0 and to each unit vector, in float64."""

import torch
from torch.nn import functional as F


def fold(W, b, gamma, beta, mean, var, eps):
    W, gamma, beta, mean, var = (t.double() for t in (W, gamma, beta, mean, var))
    b = None if b is None else b.double()

    def both(x):
        return F.batch_norm(F.linear(x, W.T, b), mean, var, gamma, beta, training=False, eps=eps)

    b2 = both(torch.zeros(1, len(W), dtype=torch.float64))
    return both(torch.eye(len(W), dtype=torch.float64)) - b2, b2[0]


class Folder:
    def __init__(self):
        self.layers = []

    def linear(self, layer):
        self.layers.append(dict(layer))

    def tanh(self, layer):
        self.layers.append(layer)

    def batchnorm(self, norm):
        last = self.layers[-1]
        last["W"], last["b"] = fold(last["W"], last["b"], **{k: v for k, v in norm.items() if k != "kind"})


def fold_net(layers):
    folder = Folder()
    for layer in layers:
        getattr(folder, layer["kind"])(layer)
    return folder.layers
