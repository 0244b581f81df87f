"""optim.py and zth.backprop.updates, both judged by torch.optim."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from zth.backprop import updates
from zth.compare import FLOAT64, Tolerance, difference
from zth.seeds import stream
from zth.train.optim import SGD, AdamW

SHAPES = [(7, 3), (5,), (3, 4)]
LRS = [0.1, 0.2, 0.05, 0.05, 1e-4] * 8
# 40 steps in float32: each rounds a weight of order 1 by 6e-8, in another order of operations
AFTER_40_STEPS = Tolerance(relative=1e-5, absolute=2e-6)

KINDS: dict[str, tuple[Any, dict[str, float]]] = {
    "sgd": (torch.optim.SGD, {}),
    "sgd, decay": (torch.optim.SGD, {"weight_decay": 0.3}),
    "adamw": (torch.optim.AdamW, {}),
    "adamw, decay": (torch.optim.AdamW, {"weight_decay": 0.3, "beta1": 0.8, "beta2": 0.95}),
    "adamw, no memory": (torch.optim.AdamW, {"beta1": 0.0, "beta2": 0.0}),
}


def parameters(dtype: torch.dtype) -> list[nn.Parameter]:
    g = stream(1, "init")
    return [nn.Parameter(torch.randn(*shape, generator=g).to(dtype)) for shape in SHAPES]


def gradients(dtype: torch.dtype) -> Iterator[list[torch.Tensor]]:
    g = stream(2, "gradients")
    for n in range(len(LRS)):
        yield [torch.randn(*shape, generator=g).to(dtype) * 10.0 ** (n % 3 - 2) for shape in SHAPES]


def by_torch(kind: str, dtype: torch.dtype) -> list[nn.Parameter]:
    """torch.optim, told that only matrices decay."""
    maker, options = KINDS[kind]
    ps = parameters(dtype)
    options = dict(options)
    decay = options.pop("weight_decay", 0.0)
    if maker is torch.optim.AdamW:
        options = {"betas": (options.get("beta1", 0.9), options.get("beta2", 0.999))}  # type: ignore[dict-item]
    groups = [
        {"params": [p for p in ps if p.dim() > 1], "weight_decay": decay},
        {"params": [p for p in ps if p.dim() <= 1], "weight_decay": 0.0},
    ]
    optimizer = maker(groups, lr=1.0, **options)
    for lr, grads in zip(LRS, gradients(dtype), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = lr
        for p, grad in zip(ps, grads, strict=True):
            p.grad = grad
        optimizer.step()
    return ps


def spelled_out(kind: str, dtype: torch.dtype) -> list[nn.Parameter]:
    maker, options = KINDS[kind]
    ours: Callable[..., Any] = SGD if maker is torch.optim.SGD else AdamW
    ps = parameters(dtype)
    optimizer = ours(ps, **options)
    for lr, grads in zip(LRS, gradients(dtype), strict=True):
        for p, grad in zip(ps, grads, strict=True):
            p.grad = grad
        optimizer.step(lr)
    return ps


def flat(kind: str, dtype: torch.dtype) -> list[np.ndarray]:
    maker, options = KINDS[kind]
    weights = torch.cat([p.detach().flatten() for p in parameters(dtype)]).numpy()
    grads = np.zeros_like(weights)
    make = partial(updates.Descent if maker is torch.optim.SGD else updates.AdamW, **options)
    update = make(weights, grads, [weights[:21], weights[26:]])  # the two matrices
    for lr, each in zip(LRS, gradients(dtype), strict=True):
        factor = update.prepare(lr)
        grads[:] = torch.cat([grad.flatten() for grad in each]).numpy() * factor
        for call in update.calls:
            call()
    pieces = np.split(weights, [21, 26])
    return [piece.reshape(shape) for piece, shape in zip(pieces, SHAPES, strict=True)]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, FLOAT64), (torch.float32, AFTER_40_STEPS)])
@pytest.mark.parametrize("way", [spelled_out, flat])
@pytest.mark.parametrize("kind", KINDS)
def test_torch_does_the_same(kind: str, way: Any, dtype: torch.dtype, tolerance: Tolerance) -> None:
    wanted = by_torch(kind, dtype)
    assert difference(wanted[0], parameters(dtype)[0], Tolerance(absolute=1e-2)) is not None, "it has moved"
    for ours, theirs in zip(way(kind, dtype), wanted, strict=True):
        assert difference(ours, theirs, tolerance) is None


def test_a_parameter_without_gradient_stays() -> None:
    for maker in (SGD, AdamW):
        p = nn.Parameter(torch.ones(2, 2))
        maker([p], weight_decay=0.5).step(0.1)
        assert torch.equal(p, torch.ones(2, 2))


def test_its_memory_can_be_put_back() -> None:
    ps = parameters(torch.float32)
    first, second = AdamW(ps), AdamW(ps)
    for p, grad in zip(ps, next(gradients(torch.float32)), strict=True):
        p.grad = grad
    first.step(0.1)
    assert int(first.n_steps) == 1
    for name, tensor in second.state().items():
        tensor.copy_(first.state()[name])
    before = [p.detach().clone() for p in ps]
    first.step(0.1)
    once = [p.detach().clone() for p in ps]
    with torch.no_grad():
        for p, value in zip(ps, before, strict=True):
            p.copy_(value)
    second.step(0.1)
    assert all(map(torch.equal, ps, once))
