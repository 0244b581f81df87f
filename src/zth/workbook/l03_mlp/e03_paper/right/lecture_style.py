"""As the lectures write it: tensors, and autograd for the gradients."""

import torch
import torch.nn.functional as F


def logits(parameters, X):
    C, W1, b1, W2, b2, D = parameters
    x = C[X].view(X.shape[0], -1)
    h = torch.tanh(x @ W1 + b1)
    return h @ W2 + b2 + x @ D


def gradients(parameters, X, Y):
    for p in parameters:
        p.requires_grad = True
        p.grad = None
    loss = F.cross_entropy(logits(parameters, X), Y)
    loss.backward()
    return [p.grad for p in parameters]


def n_parameters(V, T, E, H):
    return V * E + T * E * H + H + H * V + V + T * E * V


def mixture_loss(net, trigram, Y, alpha):
    p = (1 - alpha) * net + alpha * trigram
    return -p[torch.arange(len(Y)), Y].log().mean()


def best_alpha(alphas, dev, test):
    losses = {alpha: mixture_loss(*dev, alpha).item() for alpha in alphas}
    best = min(losses, key=losses.get)
    return best, losses[best], mixture_loss(*test, best)


def rate(t, start, r):
    return start / (1 + r * t)


def penalty(parameters, decay):
    C, W1, b1, W2, b2, D = parameters
    return decay / 2 * sum((p**2).sum() for p in (C, W1, W2, D))
