"""Batches in pieces: whoever computes them, loss and gradient are those of the whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zth.errors import ConfigError
from zth.models import IGNORED
from zth.train import TrainConfig, Trainer
from zth.train.backends import AutogradSteps, batch_loss, choose
from zth.train.distributed import World
from zth.train.pieces import Pieces

CLOSE = 1e-6
"""Relative, on losses near 3: sums of float32 in another order, over some tens of steps."""
PLAIN = {"backend": "autograd", "steps": 30, "lr": 0.01, "batch_size": 24}
Make = Callable[..., tuple[nn.Module, tuple[Tensor, Tensor]]]


class Pretended(World):
    """One of several processes, without the others: the gradient stays its own."""

    def parallel(self, net: nn.Module) -> nn.Module:
        return net

    def total(self, numbers: Any) -> Any:
        return numbers


def gradients(net: nn.Module) -> list[Tensor]:
    return [p.grad.clone() for p in net.parameters() if p.grad is not None]


@pytest.mark.parametrize("name", ["mlp", "gru"])
@pytest.mark.parametrize("accumulate", [2, 3, 24])
def test_in_pieces_equals_in_one(name: str, accumulate: int, make: Make) -> None:
    """gru: whole lines, padded, of which pieces have different numbers of targets."""
    losses = []
    for n in (1, accumulate):
        net, examples = make(name)
        losses.append(Trainer(net, examples, TrainConfig(**PLAIN, accumulate=n)).run(30))
    np.testing.assert_allclose(losses[1], losses[0], rtol=CLOSE)
    assert losses[0][-1] < losses[0][0] - 0.1, "it learns"


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_parts_of_three_processes_add_up(accumulate: int, make: Make) -> None:
    net, (X, Y) = make("gru")
    net = net.double()
    row = np.arange(7, 31)
    loss = batch_loss(net, X[row], Y[row])
    loss.backward()
    wanted = gradients(net)
    config = TrainConfig(**PLAIN, accumulate=accumulate)
    total, seen = 0.0, []
    for p in net.parameters():
        p.grad = None
    for rank in range(3):
        pieces = Pieces(net, config, Pretended(rank=rank, size=3), targets=Y)
        seen += [index for piece, _ in pieces.of(row) for index in piece]
        total += AutogradSteps(net, lambda ix: (X[ix], Y[ix]), config, pieces=pieces)._backward(row)
    assert sorted(seen) == row.tolist()
    assert total == pytest.approx(loss.item(), rel=1e-12)
    for got, want in zip(gradients(net), wanted, strict=True):
        # DDP takes the mean over the processes of what stands here as a sum
        torch.testing.assert_close(got / 3, want, rtol=1e-9, atol=1e-12)


def test_a_plain_mean_of_means_would_be_wrong(make: Make) -> None:
    """The shares matter: pieces of padded lines have different numbers of targets."""
    net, (X, Y) = make("gru")
    row = np.arange(24)
    pieces = Pieces(net, TrainConfig(**PLAIN, accumulate=24), targets=Y)
    shares = [share for _, share in pieces.of(row)]
    assert sum(shares) == pytest.approx(1)
    assert shares[0] == int((Y[0] != IGNORED).sum()) / int((Y[:24] != IGNORED).sum())
    assert len(set(shares)) > 3
    mean_of_means = np.mean([batch_loss(net, X[i : i + 1], Y[i : i + 1]).item() for i in row])
    assert abs(mean_of_means - batch_loss(net, X[:24], Y[:24]).item()) > 1e-3


def test_what_cannot_be_cut(make: Make) -> None:
    net, (X, Y) = make("mlp")
    with pytest.raises(ConfigError, match="A batch of 24 cannot be cut into 5 equal pieces"):
        TrainConfig(batch_size=24, accumulate=5)
    with pytest.raises(ConfigError, match="24 cannot be cut into 16 equal pieces: 4 processes, 4 for each"):
        Pieces(net, TrainConfig(batch_size=24, accumulate=4), Pretended(size=4))
    with pytest.raises(ConfigError, match="24 cannot be cut into 5 equal pieces: 5 processes, 1 for each"):
        Pieces(net, TrainConfig(batch_size=24), Pretended(size=5))
    normed, examples = make("mlp with BatchNorm and direct")
    with pytest.raises(ConfigError, match="BatchNorm needs the whole batch at once; 2 pieces"):
        Trainer(normed, examples, TrainConfig(batch_size=24, accumulate=2))
    with pytest.raises(ConfigError, match="BatchNorm needs the whole batch at once; 2 processes"):
        World(size=2).parallel(normed)
    for how in ({"accumulate": 2}, {}):
        config = TrainConfig(batch_size=24, backend="engine", **how)
        with pytest.raises(ConfigError, match="The engine takes a batch in one process and one piece"):
            choose(net, X, Y, config, world=Pretended(size=1 if how else 2))
    assert choose(net, X, Y, TrainConfig(batch_size=24, accumulate=2)).name == "autograd"


def test_each_process_leaves_out_numbers_of_its_own(make: Make) -> None:
    net, _ = make("mlp")
    alone, first, second = (
        Pieces(net, TrainConfig(), Pretended(rank=rank, size=size)).whose for rank, size in ((0, 1), (0, 2), (1, 2))
    )
    assert alone == "", "one process: as it was before there could be several"
    assert first != second
