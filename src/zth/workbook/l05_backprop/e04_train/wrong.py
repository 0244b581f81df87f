"""Train steps, calibrations and trainings as people get them wrong: the right ones, with places to go wrong.

Letters: n examples, T ids in a context, V ids in the vocabulary, H hidden units.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zth.backprop import atoms, fused
from zth.backprop.atoms import EPS, Parameters
from zth.backprop.engine import Engine
from zth.backprop.step import Statistics, as_layers, calibrate, of_layers, predict

Step = Callable[[Sequence[Tensor], Tensor, Tensor, float], tuple[Tensor, list[Tensor]]]
Calibrate = Callable[[Sequence[Tensor], Tensor], tuple[Tensor, Tensor]]
Predict = Callable[[Parameters, Statistics, Tensor], Tensor]
Train = Callable[[Sequence[Tensor], Tensor, Tensor, int], Callable[[Tensor], Tensor]]
Weights = Callable[[Tensor, Tensor, float], Tensor]
"""What the way back is walked with, from a weight, its gradient and lr."""


def _as_they_were(W: Tensor, dW: Tensor, lr: float) -> Tensor:  # noqa: ARG001
    return W


def updated(W: Tensor, dW: Tensor, lr: float) -> Tensor:
    """The weight after its step, too early."""
    return W - lr * dW


def step(
    *,
    correction: int = 1,
    eps: float = EPS,
    dlogits: Callable[[Tensor, Tensor], Tensor] = fused.dlogits,
    through_tanh: Callable[[Tensor, Tensor], Tensor] = lambda h, _hpreact: 1 - h**2,
    dhprebn: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor] = fused.dhprebn,
    dC: Callable[[Tensor, Tensor, Tensor], Tensor] = atoms.dC,
    over_rows: Callable[[Tensor], Tensor] = lambda table: table.sum(0, keepdim=True),
    W1_behind: Weights = _as_they_were,
    W2_behind: Weights = _as_they_were,
    rate: Callable[[float], float] = lambda lr: lr,
    moved: Collection[str] = Parameters._fields,
    loss_after: bool = False,
) -> Step:
    """One step in a single piece; without arguments it is right."""

    def gradients(parameters: Parameters, xb: Tensor, yb: Tensor, lr: float) -> tuple[Tensor, Parameters]:
        C, W1, b1, W2, b2, bngain, bnbias = parameters
        emb = C[xb]
        embcat = emb.flatten(1)
        hprebn = embcat @ W1 + b1
        bnvar_inv = (hprebn.var(0, keepdim=True, correction=correction) + eps) ** -0.5
        bnraw = (hprebn - hprebn.mean(0)) * bnvar_inv
        hpreact = bngain * bnraw + bnbias
        h = torch.tanh(hpreact)
        logits = h @ W2 + b2

        dz = dlogits(logits, yb)
        dW2 = h.T @ dz
        dy = (dz @ W2_behind(W2, dW2, lr).T) * through_tanh(h, hpreact)
        dx = dhprebn(dy, bngain, bnraw, bnvar_inv)
        dW1 = embcat.T @ dx
        demb = (dx @ W1_behind(W1, dW1, lr).T).view(emb.shape)
        d = Parameters(
            dC(demb, xb, C), dW1, dx.sum(0), dW2, dz.sum(0), bngain=over_rows(dy * bnraw), bnbias=over_rows(dy)
        )
        return F.cross_entropy(logits, yb), d

    def wrong(parameters: Sequence[Tensor], xb: Tensor, yb: Tensor, lr: float) -> tuple[Tensor, list[Tensor]]:
        before = Parameters(*parameters)
        loss, d = gradients(before, xb, yb, lr)
        steps = zip(Parameters._fields, before, d, strict=True)
        after = [p - rate(lr) * dp if name in moved else p for name, p, dp in steps]
        return gradients(Parameters(*after), xb, yb, lr)[0] if loss_after else loss, after

    return wrong


def last_use_alone(demb: Tensor, xb: Tensor, C: Tensor) -> Tensor:
    """What `dC[xb] = demb` leaves; `dC[xb] += demb` is the same."""
    dC = np.zeros_like(C.numpy())
    dC[xb.numpy()] = demb.numpy()  # NumPy writes in order; torch on two threads would not
    return torch.from_numpy(dC)


def by_autograd(parameters: Sequence[Tensor], xb: Tensor, yb: Tensor, lr: float) -> tuple[Tensor, list[Tensor]]:
    leaves = Parameters(*(p.detach().clone().requires_grad_() for p in parameters))
    loss = atoms.forward(leaves, xb, yb).loss
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach(), [p.detach() - lr * p.grad for p in leaves if p.grad is not None]


def gradients_returned(
    parameters: Sequence[Tensor],
    xb: Tensor,
    yb: Tensor,
    lr: float,  # noqa: ARG001
) -> tuple[Tensor, list[Tensor]]:
    loss, after = step()(parameters, xb, yb, 1.0)
    return loss, [p - new for p, new in zip(parameters, after, strict=True)]


def mean_and_var(hprebn: Tensor, correction: int = 1) -> tuple[Tensor, Tensor]:
    return hprebn.mean(0, keepdim=True), hprebn.var(0, keepdim=True, correction=correction)


def statistics(
    *,
    of: Callable[[Tensor], tuple[Tensor, Tensor]] = mean_and_var,
    seen: Callable[[Tensor], Tensor] = lambda X: X,
    with_bias: bool = True,
) -> Calibrate:
    """Mean and variance of hprebn; the options are the places to go wrong."""

    def wrong(parameters: Sequence[Tensor], X: Tensor) -> tuple[Tensor, Tensor]:
        C, W1, b1, *_ = parameters
        return of(C[seen(X)].flatten(1) @ W1 + with_bias * b1)

    return wrong


def means_over_batches(hprebn: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of the means and of the variances of batches of 32."""
    means, variances = zip(*map(mean_and_var, torch.split(hprebn, 32)), strict=True)
    return torch.stack(means).mean(0), torch.stack(variances).mean(0)


def training(
    *,
    trained: bool = True,
    one_batch: bool = False,
    lr: float = 0.1,
    always: int = 0,
    answer: Predict = predict,
) -> Train:
    """`train` by the library's engine; the options are the places to go wrong."""

    def wrong(parameters: Sequence[Tensor], X: Tensor, Y: Tensor, n_steps: int) -> Callable[[Tensor], Tensor]:
        now = Parameters(*parameters)
        if trained:
            net = as_layers(now)
            rows = torch.randint(len(X), (always or n_steps, 32), generator=torch.Generator().manual_seed(1))
            rows = rows[:1].expand_as(rows) if one_batch else rows
            Engine(net, batch_size=32, block_size=X.shape[1], bessel=True).steps(X, Y, rows, lr)
            now = of_layers(net)
        kept = calibrate(now, X)
        return lambda contexts: answer(now, kept, contexts)

    return wrong


def table(
    parameters: Sequence[Tensor],  # noqa: ARG001
    X: Tensor,
    Y: Tensor,
    n_steps: int,  # noqa: ARG001
) -> Callable[[Tensor], Tensor]:
    """Counts of what came after two characters, and no net."""
    counts = torch.full((27, 27, 27), 0.1)
    counts.index_put_((X[:, -2], X[:, -1], Y), torch.tensor(1.0), accumulate=True)
    logits = (counts / counts.sum(-1, keepdim=True)).log()
    return lambda contexts: logits[contexts[:, -2], contexts[:, -1]]


def probabilities(parameters: Parameters, kept: Statistics, contexts: Tensor) -> Tensor:
    return F.softmax(predict(parameters, kept, contexts), dim=1)


def with_the_batchs_own(parameters: Parameters, kept: Statistics, contexts: Tensor) -> Tensor:  # noqa: ARG001
    hprebn = parameters.C[contexts].flatten(1) @ parameters.W1 + parameters.b1
    own = (hprebn - hprebn.mean(0)) * (hprebn.var(0, correction=int(len(hprebn) > 1)) + EPS) ** -0.5
    return torch.tanh(parameters.bngain * own + parameters.bnbias) @ parameters.W2 + parameters.b2
