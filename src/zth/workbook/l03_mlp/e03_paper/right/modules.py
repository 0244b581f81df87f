"""A torch module with named parameters, functional autograd, and log-sum-exp for the mixture."""

import torch
from torch import nn
from torch.func import functional_call, grad


class Net(nn.Module):
    def __init__(self, V, T, E, H):
        super().__init__()
        self.embed = nn.Embedding(V, E)
        self.first = nn.Linear(T * E, H)
        self.last = nn.Linear(H, V)
        self.direct = nn.Linear(T * E, V, bias=False)

    def forward(self, X):
        x = self.embed(X).flatten(1)
        return self.last(self.first(x).tanh()) + self.direct(x)


NAMES = ["embed.weight", "first.weight", "first.bias", "last.weight", "last.bias", "direct.weight"]
TURNED = {"first.weight", "last.weight", "direct.weight"}


def turned(name, tensor):
    return tensor.T if name in TURNED else tensor


def state(parameters):
    return {name: turned(name, p) for name, p in zip(NAMES, parameters)}


def net_for(parameters, X):
    V, E = parameters[0].shape
    return Net(V, X.shape[1], E, parameters[2].shape[0])


def logits(parameters, X):
    return functional_call(net_for(parameters, X), state(parameters), (X,)).detach()


def gradients(parameters, X, Y):
    net = net_for(parameters, X)

    def loss(weights):
        return nn.functional.cross_entropy(functional_call(net, weights, (X,)), Y)

    found = grad(loss)(state(parameters))
    return [turned(name, found[name]) for name in NAMES]


def n_parameters(V, T, E, H):
    return sum(p.numel() for p in Net(V, T, E, H).parameters())


def mixture_loss(net, trigram, Y, alpha):
    shares = torch.tensor([1 - alpha, alpha], dtype=torch.float64).log()
    logs = torch.stack([net, trigram]).double().log() + shares[:, None, None]
    return nn.functional.nll_loss(logs.logsumexp(0), Y).item()


def best_alpha(alphas, dev, test):
    best = sorted(alphas, key=lambda alpha: mixture_loss(*dev, alpha))[0]
    return tuple(torch.tensor([best, mixture_loss(*dev, best), mixture_loss(*test, best)]))


def rate(t, start, r):
    return torch.tensor(start) / (1 + r * t)


def penalty(parameters, decay):
    return sum(decay / 2 * p.norm() ** 2 for name, p in zip(NAMES, parameters) if name.endswith("weight"))
