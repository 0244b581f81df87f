from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from zth.train import TrainConfig, rates
from zth.train.schedule import FACTORS


def test_lecture_3_step() -> None:
    config = TrainConfig(steps=200_000, lr=0.1, schedule="step")
    lecture = [0.1 if i < 100_000 else 0.01 for i in range(200_000)]
    assert np.allclose(rates(config, 0, 200_000), lecture, rtol=1e-15)


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_torchs_schedulers(schedule: str) -> None:
    steps, f = 50, 0.1
    p = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([p], lr=0.3)
    scheduler = {
        "constant": lambda: torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0),
        "linear": lambda: torch.optim.lr_scheduler.LinearLR(
            optimizer, start_factor=1.0, end_factor=f, total_iters=steps
        ),
        "cosine": lambda: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps, eta_min=0.3 * f),
    }[schedule]()
    wanted = []
    for _ in range(steps):
        wanted.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    config = TrainConfig(steps=steps, lr=0.3, schedule=schedule, drop_to=f)  # type: ignore[arg-type]
    assert np.allclose(rates(config, 0, steps), wanted, rtol=1e-12)


def test_the_papers() -> None:
    """lr / (1 + r * step): with r = 1e-3 and 9,000 steps the rate falls to a tenth."""
    config = TrainConfig(steps=9000, lr=0.02, schedule="inverse", drop_to=0.1)
    wanted = [0.02 / (1 + 1e-3 * step) for step in range(9000)]
    assert np.allclose(rates(config, 0, 9000), wanted, rtol=1e-12)


@pytest.mark.parametrize("schedule", sorted(FACTORS))
def test_warm_up_rises_to_lr_and_the_schedule_begins_there(schedule: str) -> None:
    config = TrainConfig(steps=30, lr=0.2, schedule=schedule, warmup_steps=10)  # type: ignore[arg-type]
    found = rates(config, 0, 30)
    assert np.allclose(found[:10], 0.2 * np.arange(1, 11) / 10)
    assert math.isclose(found[10], 0.2)
    without = rates(TrainConfig(steps=20, lr=0.2, schedule=schedule), 0, 20)  # type: ignore[arg-type]
    assert np.allclose(found[10:], without)


def test_a_trapezoid() -> None:
    config = TrainConfig(steps=10, lr=2.0, schedule="trapezoid", cooldown=0.4, drop_to=0.5)
    assert np.allclose(rates(config, 0, 10), [2.0] * 7 + [1.75, 1.5, 1.25])
    whole = TrainConfig(steps=10, schedule="trapezoid", cooldown=1.0)
    assert np.allclose(rates(whole, 0, 10), rates(TrainConfig(steps=10, schedule="linear"), 0, 10))


def test_only_warm_up() -> None:
    assert np.allclose(rates(TrainConfig(steps=4, lr=1.0, warmup_steps=4), 0, 4), [0.25, 0.5, 0.75, 1.0])
