"""Where all weights and biases are zero, one bias learns, and nothing else ever can.

Forward: x @ W1 + b1 = 0, so h = tanh(0) = 0, so the logits are b2, whatever the context. Backward:

    db2 = dlogits.sum(0)     the only one with no zero in it: (softmax(b2) - how often each character came)
    dW2 = h.T @ dlogits      h = 0
    dh = dlogits @ W2.T      W2 = 0
    db1, dW1, dC             all come through dh = 0

In the next step b2 is another, and all of that is still true: h is 0 as long as W1 and b1 are, W2 stays 0 because h
is, and W1 and b1 stay 0 because W2 is. The two zeros guard each other. It is not the tanh's fault, whose slope at 0
is 1, the best it has. (That units with *equal* weights stay equal is another story, and a milder one.)

With b2 alone the net has one distribution for all contexts. The best single one is the unigram, and its loss the
entropy of the characters: -sum p log p, 2.82 nats for the names. In the limit b2 = log p + a constant; and since each
gradient of b2 adds up to 0, so does b2 if it began at 0: b2 = log p - mean(log p).

One zero fewer, and the net escapes: with W2 random, b1 and W1 move at once; with b1 random, W2 does, and then the
rest. With relu instead of tanh a zero W1 and b1 are enough for ever: relu has no slope at 0. A random C does not
help, a C of zeros makes it worse. BatchNorm helps if W2 is random: what it gives out is 0, but its slope is
bngain / sqrt(eps), 316 for the usual eps, so W1 gets a push.

The truth here is not reasoned: it is autograd's, on nets of the library's own layers.
"""

from collections.abc import Mapping, Sequence
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zth.layers import BatchNorm1d, Embedding, FlattenConsecutive, Linear, ReLU, Sequential, Tanh
from zth.models import MLPConfig, MLPModel

__all__ = ["gradients", "limit", "moves", "train"]

V, T, E, H, B = 7, 3, 4, 6, 24
"""Sizes of the net that shows which parameters move: large enough that nothing is 0 by accident."""
RATE = 0.1
HIGH_RATE = 8.0
"""Where only b2 moves, nothing can run away: the curvature of the loss in it is at most 1/2, mostly far less."""


def moves(names: Sequence[str], zero: Sequence[str], activation: str, steps: int) -> list[str]:
    """Those of `names` that have a gradient other than 0 in at least one of the first `steps` steps.

    >>> moves(["C", "W1", "b1", "W2", "b2"], ["W1", "b1", "W2", "b2"], "tanh", 10)
    ['b2']
    >>> moves(["C", "W1", "b1", "W2", "b2"], ["W1", "b1"], "tanh", 1)
    ['W1', 'b1', 'b2']
    """
    first = first_moves(tuple(names), tuple(zero), activation, steps)
    return [name for name in names if name in first]


@cache  # a check asks the same again for each mistake
def first_moves(names: tuple[str, ...], zero: tuple[str, ...], activation: str, steps: int) -> dict[str, int]:
    """{name: the first step, from 1, in which its gradient is not 0}, of those that have one."""
    g = torch.Generator().manual_seed(4)
    model, parameters = small_net(names, activation, g)
    X, Y = torch.randint(V, (B, T), generator=g), torch.randint(V, (B,), generator=g)
    with torch.no_grad():
        for name in zero:
            parameters[name].zero_()
    first: dict[str, int] = {}
    for step in range(1, steps + 1):
        if len(first) == len(names):
            break
        grads = torch.autograd.grad(F.cross_entropy(model(X), Y), list(parameters.values()))
        with torch.no_grad():
            for (name, parameter), grad in zip(parameters.items(), grads, strict=True):
                if grad.any():
                    first.setdefault(name, step)
                parameter -= RATE * grad
    return first


def small_net(
    names: Sequence[str], activation: str, generator: torch.Generator
) -> tuple[Sequential, dict[str, Tensor]]:
    """The net that has these parameters, in float64, and its parameters by these names, all of them random."""
    kind = {"tanh": Tanh, "relu": ReLU}[activation]
    n_linears = sum(name.startswith("W") for name in names)
    widths = [T * E, *[H] * (n_linears - 1), V]
    layers: list[nn.Module] = [Embedding(V, E, generator=generator), FlattenConsecutive(T)]
    for i in range(1, n_linears + 1):
        bias = f"b{i}" in names
        layers.append(Linear(widths[i - 1], widths[i], generator=generator, bias=bias, bias_std=0.5))
        if i < n_linears:
            layers += ([] if bias else [_random_norm(generator)]) + [kind()]
    model = Sequential(*layers).double()
    found = list(model.parameters())
    assert len(found) == len(names), (names, len(found))
    return model, dict(zip(names, found, strict=True))


def _random_norm(generator: torch.Generator) -> BatchNorm1d:
    norm = BatchNorm1d(H)
    with torch.no_grad():
        norm.beta.normal_(std=0.5, generator=generator)
    return norm


def limit(counts: Tensor) -> float:
    """counts (V,) -> the entropy of the characters, in nats.

    >>> round(limit(torch.tensor([3, 1, 0])), 4)
    0.5623
    """
    p = counts.double() / counts.sum()
    return float(-torch.special.xlogy(p, p).sum())


def gradients(parameters: Mapping[str, Tensor], X: Tensor, Y: Tensor) -> dict[str, Tensor]:
    """The five gradients of the zero net, by autograd on the library's MLP: X (B, T), Y (B,).

    >>> zeros = {"C": torch.ones(3, 2), "W1": torch.zeros(2, 4), "b1": torch.zeros(4), "W2": torch.zeros(4, 3)}
    >>> grads = gradients({**zeros, "b2": torch.zeros(3)}, torch.tensor([[1], [2]]), torch.tensor([2, 2]))
    >>> {name: grad.any().item() for name, grad in grads.items()}
    {'C': False, 'W1': False, 'b1': False, 'W2': False, 'b2': True}
    """
    model, named = net(parameters["C"], len(parameters["b1"]), X.shape[1])
    with torch.no_grad():
        for name, parameter in named.items():
            parameter.copy_(parameters[name])
    F.cross_entropy(model(X), Y).backward()  # type: ignore[no-untyped-call]
    return {name: parameter.grad for name, parameter in named.items() if parameter.grad is not None}


def train(C: Tensor, n_hidden: int, X: Tensor, Y: Tensor) -> dict[str, Tensor]:
    """C (V, E), X (B, T), Y (B,) -> the parameters of the zero net after 100 steps with all examples at once."""
    model, named = net(C, n_hidden, X.shape[1])
    for _ in range(100):
        grads = torch.autograd.grad(F.cross_entropy(model(X), Y), list(named.values()))
        with torch.no_grad():
            for parameter, grad in zip(named.values(), grads, strict=True):
                parameter -= HIGH_RATE * grad
    return {name: parameter.detach() for name, parameter in named.items()}


def net(C: Tensor, n_hidden: int, block_size: int) -> tuple[MLPModel, dict[str, Tensor]]:
    """The library's MLP with `init="zero"` and this C, and its parameters by the lecture's names."""
    V, E = C.shape
    config = MLPConfig(init="zero", vocab_size=V, embedding=E, hidden=n_hidden, block_size=block_size)
    model = MLPModel(config, generator=torch.Generator())
    named: dict[str, Tensor] = dict(zip(("C", "W1", "b1", "W2", "b2"), model.parameters(), strict=True))
    with torch.no_grad():
        named["C"].copy_(C)
    return model, named
