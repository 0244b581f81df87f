"""The two ways to do a training step: torch's autograd, which takes any net, and the engine, which is fast.

Letters: N examples, T ids in a context, B examples in a batch, V ids in the vocabulary, K steps.

Both start from the same net, learn from the same batches with the same rates, and give the same losses up to
rounding (tests/train/test_backends.py). Each keeps what its next step depends on in `state()`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from zth.backprop.engine import Engine
from zth.backprop.updates import AdamW as FlatAdamW
from zth.backprop.updates import Descent
from zth.errors import ConfigError, ShapeError
from zth.layers import Dropout, Sequential
from zth.models.protocol import IGNORED, last_ids
from zth.seeds import stream_seed
from zth.train.config import TrainConfig
from zth.train.optim import SGD, AdamW

FloatArray = NDArray[np.float64]


class Steps(ABC):
    """A net, what it learns from, and the optimizer's memory."""

    name: str
    """"engine" or "autograd"."""

    @abstractmethod
    def run(self, rows: NDArray[np.int64], rates: FloatArray, start: int = 0) -> FloatArray:
        """(K, B) rows, (K,) rates, of the steps from `start` on -> (K,) losses, each before its step."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """The optimizer's memory by name, as tensors that share it: to be written to as well."""


class AutogradSteps(Steps):
    """Forward, loss.backward(), update: the loop that one reads. `net` may be any torch module that gives logits.

    What is left out by chance (Dropout) is a function of `seed` and the step's number, as the batches are.
    """

    name = "autograd"

    def __init__(self, net: nn.Module, X: Tensor, Y: Tensor, config: TrainConfig, *, seed: int = 42) -> None:
        self.net, self.X, self.Y, self.seed = net, X, Y, seed
        self.optimizer = _optimizer(net, config)
        self.by_chance = any(isinstance(part, (Dropout, nn.Dropout)) and part.p > 0 for part in net.modules())

    def run(self, rows: NDArray[np.int64], rates: FloatArray, start: int = 0) -> FloatArray:
        losses = np.empty(len(rows))
        with training(self.net), torch.random.fork_rng(devices=[], enabled=self.by_chance):
            for k, (ix, lr) in enumerate(zip(torch.from_numpy(rows), rates.tolist(), strict=True)):
                if self.by_chance:
                    torch.default_generator.manual_seed(stream_seed(self.seed, f"dropout/{start + k}"))
                loss = batch_loss(self.net, self.X[ix], self.Y[ix])
                for p in self.net.parameters():
                    p.grad = None
                loss.backward()  # type: ignore[no-untyped-call]
                self.optimizer.step(lr)
                losses[k] = loss.item()
        return losses

    def state(self) -> dict[str, Tensor]:
        return self.optimizer.state()


class EngineSteps(Steps):
    """The same in NumPy calls on fixed buffers. Raises as Engine does for what that cannot train."""

    name = "engine"

    def __init__(self, net: Sequential, X: Tensor, Y: Tensor, config: TrainConfig) -> None:
        self.X, self.Y = X.numpy(), Y.numpy()
        self.engine = Engine(net, batch_size=config.batch_size, block_size=X.shape[1], update=_update(config))

    def run(self, rows: NDArray[np.int64], rates: FloatArray, start: int = 0) -> FloatArray:  # noqa: ARG002 (no dropout)
        return np.asarray(self.engine.steps(self.X, self.Y, rows, rates))

    def state(self) -> dict[str, Tensor]:
        return {name: torch.from_numpy(array) for name, array in self.engine.update.state().items()}


def choose(net: nn.Module, X: Tensor, Y: Tensor, config: TrainConfig, *, seed: int = 42) -> Steps:
    """The engine where config.backend and the net allow it, else autograd.

    Raises ConfigError where the engine is asked for and cannot train this net, and says why.
    """
    if config.backend == "autograd":
        return AutogradSteps(net, X, Y, config, seed=seed)
    layers = _as_sequential(net)
    try:
        if layers is None or Y.dim() != 1:
            reason = "is no sequence of layers" if layers is None else "would score every position"
            problem = f"The engine cannot train this {type(net).__name__}: it {reason}."
            raise ConfigError(problem, "Leave backend at auto.")
        return EngineSteps(layers, last_ids(X, getattr(net, "block_size", X.shape[1])), Y, config)
    except (ConfigError, ShapeError):
        if config.backend == "engine":
            raise
        return AutogradSteps(net, X, Y, config, seed=seed)


def batch_loss(net: nn.Module, xb: Tensor, yb: Tensor) -> Tensor:
    """(B, T) ids with (B,) or (B, T) targets -> () the mean cross-entropy; targets equal to IGNORED do not count.

    Columns at the right in which no target counts are left out of the net's work. Where a net scores all positions
    and (B,) targets are given, they are those of the last ones. Raises ShapeError where the net gives one row of
    logits and there are (B, T) targets.
    """
    if yb.dim() == 2:
        n_used = int((yb != IGNORED).any(0).nonzero().max()) + 1
        xb, yb = xb[:, :n_used], yb[:, :n_used]
    logits: Tensor = net(xb)
    if logits.dim() == 3 and yb.dim() == 1:
        logits = logits[:, -1]
    if logits.shape[:-1] != yb.shape:
        raise ShapeError(
            f"The net gives logits {tuple(logits.shape)} for targets {tuple(yb.shape)}.",
            "A net that looks at windows learns from windows(lines, vocabulary, block_size).",
        )
    return F.cross_entropy(logits.flatten(0, -2), yb.flatten(), ignore_index=IGNORED)


@contextmanager
def training(net: nn.Module) -> Iterator[None]:
    """The net in training mode; on leaving, each part is as it was."""
    resting = [part for part in net.modules() if not part.training]
    try:
        for part in resting:
            part.training = True
        yield
    finally:
        for part in resting:
            part.training = False


def _as_sequential(net: nn.Module) -> Sequential | None:
    """The net as layers in a row that hold all its parameters, or None."""
    if isinstance(net, Sequential):
        return net
    make = getattr(net, "as_sequential", None)
    layers: Sequential | None = make() if make else None
    if layers is None or set(layers.parameters()) != set(net.parameters()):
        return None
    return layers


def _optimizer(net: nn.Module, config: TrainConfig) -> SGD | AdamW:
    parameters = [p for p in net.parameters() if p.requires_grad]
    if config.optimizer == "sgd":
        return SGD(parameters, weight_decay=config.weight_decay)
    return AdamW(parameters, weight_decay=config.weight_decay, beta1=config.beta1, beta2=config.beta2)


def _update(config: TrainConfig) -> partial[Descent] | partial[FlatAdamW]:
    if config.optimizer == "sgd":
        return partial(Descent, weight_decay=config.weight_decay)
    return partial(FlatAdamW, weight_decay=config.weight_decay, beta1=config.beta1, beta2=config.beta2)
