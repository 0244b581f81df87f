"""A complete train step of lecture 5.4's net, without autograd: forward, backward, update.

Letters: n examples, N examples to learn from, T ids in a context, V ids in the vocabulary, H hidden units.

This is the one to read. The same step as a program of NumPy calls is the one to run 200,000 times:

    net = as_layers(parameters)
    engine = Engine(net, batch_size=32, block_size=3, bessel=True)
    losses = engine.steps(X, Y, ix, lr=0.1)
    parameters = of_layers(net)
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from zth.backprop import atoms, fused
from zth.backprop.atoms import EPS, Parameters, check_batch
from zth.errors import ConfigError
from zth.layers import BatchNorm1d, Embedding, FlattenConsecutive, Linear, Sequential, Tanh


class Statistics(NamedTuple):
    """What BatchNorm normalises with once the net is trained."""

    bnmean: Tensor
    """(1, H)"""
    bnvar: Tensor
    """(1, H), over N - 1"""


@torch.no_grad()
def gradients(parameters: Parameters, xb: Tensor, yb: Tensor) -> tuple[Tensor, Parameters]:
    """(n, T) contexts, (n,) targets -> the loss () and the gradient of each parameter, in its shape.

    Lecture 5.4's backward pass: cross-entropy and BatchNorm in one expression, the rest as in `atoms`. Raises as
    `atoms.forward`.

    >>> from zth.seeds import stream
    >>> xb, yb = torch.tensor([[0, 0, 5], [0, 5, 13], [5, 13, 13]]), torch.tensor([13, 13, 1])
    >>> loss, d = gradients(Parameters.draw(stream(42, "init")), xb, yb)
    >>> tuple(loss.shape), tuple(d.W1.shape)
    ((), (30, 64))
    """
    C, W1, b1, W2, b2, bngain, bnbias = parameters
    check_batch(parameters, xb, yb)
    emb = C[xb]  # (n, T) -> (n, T, D)
    embcat = emb.view(len(xb), -1)  # (n, T, D) -> (n, T*D)
    hprebn = embcat @ W1 + b1
    bnmean = hprebn.mean(0, keepdim=True)
    bnvar_inv = (hprebn.var(0, keepdim=True) + EPS) ** -0.5
    bnraw = (hprebn - bnmean) * bnvar_inv
    h = torch.tanh(bngain * bnraw + bnbias)
    logits = h @ W2 + b2
    loss = F.cross_entropy(logits, yb)

    dlogits = fused.dlogits(logits, yb)
    dh = atoms.dh(dlogits, W2)
    dhpreact = atoms.dhpreact(dh, h)
    dhprebn = fused.dhprebn(dhpreact, bngain, bnraw, bnvar_inv)
    demb = atoms.demb(atoms.dembcat(dhprebn, W1), emb)
    return loss, Parameters(
        C=atoms.dC(demb, xb, C),
        W1=atoms.dW1(embcat, dhprebn),
        b1=atoms.db1(dhprebn),
        W2=atoms.dW2(h, dlogits),
        b2=atoms.db2(dlogits),
        bngain=atoms.dbngain(dhpreact, bnraw),
        bnbias=atoms.dbnbias(dhpreact),
    )


@torch.no_grad()
def train_step(parameters: Parameters, xb: Tensor, yb: Tensor, lr: float) -> Tensor:
    """One step of gradient descent in place: p -= lr * dp. Returns the loss () before it."""
    loss, d = gradients(parameters, xb, yb)
    for p, dp in zip(parameters, d, strict=True):
        p -= lr * dp
    return loss


@torch.no_grad()
def calibrate(parameters: Parameters, contexts: Tensor) -> Statistics:
    """(N, T) contexts -> mean and variance of the hidden layer over all of them (lecture 4's and 5's way)."""
    hprebn = parameters.C[contexts].flatten(1) @ parameters.W1 + parameters.b1
    return Statistics(hprebn.mean(0, keepdim=True), hprebn.var(0, keepdim=True))


@torch.no_grad()
def predict(parameters: Parameters, statistics: Statistics, contexts: Tensor) -> Tensor:
    """(n, T) contexts -> (n, V) logits of the trained net, each row on its own."""
    C, W1, b1, W2, b2, bngain, bnbias = parameters
    hprebn = C[contexts].flatten(1) @ W1 + b1
    bnraw = (hprebn - statistics.bnmean) * (statistics.bnvar + EPS) ** -0.5
    return torch.tanh(bngain * bnraw + bnbias) @ W2 + b2


def as_layers(parameters: Parameters) -> Sequential:
    """The same net of layers, with copies of the parameters.

    >>> from zth.seeds import stream
    >>> as_layers(Parameters.draw(stream(42, "init"), hidden=200))
    Sequential(
      (layers): ModuleList(
        (0): Embedding(27 -> 10)
        (1): FlattenConsecutive(3)
        (2): Linear(30 -> 200)
        (3): BatchNorm1d(200)
        (4): Tanh()
        (5): Linear(200 -> 27)
      )
    )
    """
    C, W1, b1, W2, b2, bngain, bnbias = parameters
    block_size = len(W1) // C.shape[1]
    unused = torch.Generator()
    net = Sequential(
        Embedding(*C.shape, generator=unused),
        FlattenConsecutive(block_size),
        Linear(*W1.shape, generator=unused),
        BatchNorm1d(len(b1), eps=EPS),
        Tanh(),
        Linear(*W2.shape, generator=unused),
    ).to(C.dtype)
    values = (C, W1, b1, bngain.flatten(), bnbias.flatten(), W2, b2)
    for p, value in zip(net.parameters(), values, strict=True):
        p.data = value.detach().clone()
    return net


def of_layers(net: Sequential) -> Parameters:
    """What `as_layers` was given, as it is now: copies of the net's parameters. Raises ConfigError for another net.

    >>> from zth.seeds import stream
    >>> parameters = Parameters.draw(stream(42, "init"))
    >>> all(map(torch.equal, of_layers(as_layers(parameters)), parameters))
    True
    """
    kinds = [type(layer) for layer in net]
    if kinds != [Embedding, FlattenConsecutive, Linear, BatchNorm1d, Tanh, Linear]:
        raise ConfigError(
            f"of_layers takes lecture 5's net; got {[kind.__name__ for kind in kinds]}.", "Build it with as_layers."
        )
    C, W1, b1, bngain, bnbias, W2, b2 = (p.detach().clone() for p in net.parameters())
    return Parameters(C=C, W1=W1, b1=b1, W2=W2, b2=b2, bngain=bngain[None], bnbias=bnbias[None])
