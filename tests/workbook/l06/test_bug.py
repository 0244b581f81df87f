"""workbook/l06_wavenet/bug.py: the layer against torch's on (B, T*C), the fast training against autograd's."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from zth.compare import FLOAT64, same
from zth.layers import BatchNorm1d
from zth.models import WaveNetConfig, WaveNetModel
from zth.seeds import stream
from zth.train import TrainConfig
from zth.train import fit as fit_by_autograd
from zth.workbook.l06_wavenet.bug import LectureBatchNorm, fit, with_bug

OPTIONS = WaveNetConfig(embedding=5, hidden=9)
T, C = 4, 3


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=stream(sum(shape), "x"), dtype=torch.float64)


def layer_and_torchs() -> tuple[LectureBatchNorm, nn.BatchNorm1d]:
    """Ours on (B, T, C) and torch's on (B, T*C), with the same gammas and betas at every position."""
    ours, theirs = LectureBatchNorm(C).double(), nn.BatchNorm1d(T * C).double()
    with torch.no_grad():
        ours.gamma.copy_(normal(C))
        ours.beta.copy_(normal(C + 1)[:C])
        theirs.weight.copy_(ours.gamma.repeat(T))
        theirs.bias.copy_(ours.beta.repeat(T))
    return ours, theirs


def test_the_bug_is_a_batchnorm_of_positions_times_channels() -> None:
    ours, theirs = layer_and_torchs()
    x, dy = normal(7, T, C).requires_grad_(), normal(8, T, C)[:7]
    y, wanted = ours(x), theirs(x.flatten(1)).view(7, T, C)
    assert same(y, wanted, FLOAT64)
    dx, dgamma, dbeta = torch.autograd.grad(y, [x, ours.gamma, ours.beta], dy)
    theirs_dx, dweight, dbias = torch.autograd.grad(wanted, [x, theirs.weight, theirs.bias], dy)
    assert same(dx, theirs_dx, FLOAT64)
    assert same(dgamma, dweight.view(T, C).sum(0), FLOAT64)
    assert same(dbeta, dbias.view(T, C).sum(0), FLOAT64)
    assert ours.running_mean.shape == (1, T, C)
    assert theirs.running_mean is not None
    assert theirs.running_var is not None
    assert same(ours.running_mean[0], theirs.running_mean.view(T, C), FLOAT64)
    assert same(ours.running_var[0], theirs.running_var.view(T, C), FLOAT64)
    assert same(ours.eval()(x), theirs.eval()(x.flatten(1)).view(7, T, C), FLOAT64)


def test_on_two_axes_there_is_no_bug() -> None:
    ours, right = LectureBatchNorm(C).double(), BatchNorm1d(C).double()
    x = normal(7, C)
    assert same(ours(x), right(x), FLOAT64)
    assert same(ours.running_var[0], right.running_var, FLOAT64)
    assert same(ours.eval()(x), right.eval()(x), FLOAT64)


def test_once_trained_it_takes_no_other_length() -> None:
    layer = LectureBatchNorm(C)
    layer(normal(7, T, C).float())
    with pytest.raises(RuntimeError, match="must match the size"):
        layer.eval()(torch.zeros(1, 2, C))


def test_the_weights_are_those_of_the_net_without_it() -> None:
    ours, right = (make(OPTIONS, generator=stream(1, "init")) for make in (with_bug, WaveNetModel))
    assert [type(part) for part in ours.modules() if isinstance(part, BatchNorm1d)] == [LectureBatchNorm] * 3
    pairs = zip(ours.named_parameters(), right.named_parameters(), strict=True)
    assert all(name == other and torch.equal(p, q) for (name, p), (other, q) in pairs)


def test_the_fast_training_takes_autograds_steps() -> None:
    """Losses, parameters and running statistics, over a drop of the rate; the batches are fit's own."""
    X = torch.randint(27, (200, 8), generator=stream(1, "X"))
    Y = torch.randint(27, (200,), generator=stream(1, "Y"))
    config = TrainConfig(steps=40, batch_size=16, optimizer="sgd", lr=0.1, schedule="step", drop_at=0.75)
    fast, slow = (with_bug(OPTIONS, generator=stream(1, "init")).double() for _ in range(2))
    losses = fit(fast, (X, Y), config, seed=3)
    assert same(losses, fit_by_autograd(slow, (X, Y), config, seed=3), FLOAT64)
    assert losses[-1] < losses[0]
    ours, theirs = fast.state_dict(), slow.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(same(ours[name], theirs[name], FLOAT64) for name in ours)
    assert ours["levels.0.layers.1.running_mean"].shape == (1, 4, 9)
