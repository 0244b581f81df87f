"""Gradients into updates, spelled out: SGD and AdamW for torch's parameters.

The same arithmetic on one flat array is zth.backprop.updates, which the engine runs; tests hold both to torch.optim.
Only matrices and tables decay: a bias, a gamma or a beta has few numbers and no need to be small (the paper leaves
the biases out, too).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from zth.backprop.updates import EPS


class SGD:
    """p -= lr * (dp + weight_decay * p): gradient descent with L2's gradient, as in Bengio et al. 2003.

    >>> p = torch.nn.Parameter(torch.ones(1, 1))
    >>> p.grad = torch.full((1, 1), 0.5)
    >>> SGD([p], weight_decay=0.1).step(0.2)
    >>> round(p.item(), 3)  # 1 - 0.2 * (0.5 + 0.1)
    0.88
    """

    def __init__(self, parameters: Iterable[Tensor], *, weight_decay: float = 0.0) -> None:
        self.parameters, self.weight_decay = list(parameters), weight_decay

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """Move every parameter that has a gradient."""
        for p in self.parameters:
            if p.grad is None:
                continue
            decay = self.weight_decay if p.dim() > 1 else 0.0
            p -= lr * (p.grad + decay * p) if decay else lr * p.grad

    def state(self) -> dict[str, Tensor]:
        """What the next step depends on besides parameters and gradients; to be written to as well."""
        return {}


class AdamW:
    """Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019).

        m = beta1 * m + (1 - beta1) * dp                 a mean of the gradients
        v = beta2 * v + (1 - beta2) * dp**2              and of their squares, both begun at 0, so too small at first:
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        p -= lr * weight_decay * p
        p -= lr * m_hat / (sqrt(v_hat) + eps)

    >>> p = torch.nn.Parameter(torch.ones(1, 1))
    >>> p.grad = torch.full((1, 1), 0.5)
    >>> AdamW([p]).step(0.1)
    >>> round(p.item(), 3)  # the first step is lr long, whatever the gradient's size
    0.9
    """

    def __init__(
        self, parameters: Iterable[Tensor], *, weight_decay: float = 0.0, beta1: float = 0.9, beta2: float = 0.999
    ) -> None:
        self.parameters, self.weight_decay = list(parameters), weight_decay
        self.beta1, self.beta2 = beta1, beta2
        self.m = [torch.zeros_like(p) for p in self.parameters]
        self.v = [torch.zeros_like(p) for p in self.parameters]
        self.n_steps = torch.zeros((), dtype=torch.int64)

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """Move every parameter that has a gradient."""
        self.n_steps += 1
        t = int(self.n_steps)
        for p, m, v in zip(self.parameters, self.m, self.v, strict=True):
            if p.grad is None:
                continue
            m.mul_(self.beta1).add_(p.grad, alpha=1 - self.beta1)
            v.mul_(self.beta2).addcmul_(p.grad, p.grad, value=1 - self.beta2)
            m_hat, v_hat = m / (1 - self.beta1**t), v / (1 - self.beta2**t)
            if self.weight_decay and p.dim() > 1:
                p.mul_(1 - lr * self.weight_decay)
            p -= lr * m_hat / (v_hat.sqrt() + EPS)

    def state(self) -> dict[str, Tensor]:
        """As SGD's."""
        m = {f"m.{number}": m for number, m in enumerate(self.m)}
        v = {f"v.{number}": v for number, v in enumerate(self.v)}
        return {**m, **v, "n_steps": self.n_steps}
