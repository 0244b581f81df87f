from typing import Any

import numpy as np
import pytest
import torch

from zth.autograd.optim import SGD, Adam, Momentum
from zth.compare import same

PAIRS: list[tuple[Any, Any]] = [
    (SGD, lambda ps: torch.optim.SGD(ps, lr=0.1)),
    (lambda: Momentum(0.8), lambda ps: torch.optim.SGD(ps, lr=0.1, momentum=0.8)),
    (lambda: Adam(0.85, 0.99), lambda ps: torch.optim.Adam(ps, lr=0.1, betas=(0.85, 0.99))),
]


@pytest.mark.parametrize(("ours", "judge"), PAIRS, ids=["sgd", "momentum", "adam"])
def test_the_updates_are_torchs(ours: Any, judge: Any) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=20)
    theirs = torch.tensor(x, requires_grad=True)
    optimizer, other = ours(), judge([theirs])
    for step in range(6):
        dx = draw.normal(size=20)
        rate = other.param_groups[0]["lr"] = 0.1 / (1 + step)
        theirs.grad = torch.tensor(dx)
        other.step()
        optimizer.step(x, dx, rate)
        assert same(x, theirs)
