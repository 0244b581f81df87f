"""What lecture 3's experiments share."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from zth.models import MLPConfig, evaluate
from zth.train import TrainConfig
from zth.workbook.l03_mlp.trainings import smoothed, standard_error, trained, with_error
from zth.workbook.names import parts


def test_a_trained_net_comes_back_whole() -> None:
    options = MLPConfig(embedding=3, hidden=8, direct=True)
    config = TrainConfig(steps=30, optimizer="sgd", lr=0.1)
    first, again, other = (trained(options, config, seed) for seed in (1, 1, 2))
    assert first.losses.shape == (30,)
    assert (first.losses == again.losses).all()
    assert (first.losses != other.losses).any()
    model = first.model(options)
    assert not model.training
    assert evaluate(model, *parts(3).dev) == first.dev == again.dev != other.dev
    # plain tensors of its own: nothing of the engine's arrays travels along
    assert all(t.untyped_storage().nbytes() == t.numel() * 4 for t in first.state.values())


@pytest.mark.parametrize("width", [1, 3, 7])
def test_smoothed_is_the_running_mean(width: int) -> None:
    losses = np.random.default_rng(1).normal(size=7) + 3
    wanted = np.convolve(losses, np.ones(width) / width, mode="valid")
    assert smoothed(losses, width) == pytest.approx(wanted)


def test_the_standard_error_of_a_mean() -> None:
    values = torch.tensor([2.1, 2.3, 2.2, 2.6], dtype=torch.float64)
    assert standard_error(values.tolist()) == pytest.approx(float(values.std()) / math.sqrt(4))
    assert standard_error([2.1]) == 0
    assert with_error([2.1], 2) == "2.10"
