"""The two ways to do a training step: torch's autograd, which takes any net, and the engine, which is fast.

Letters: N examples, T ids in a context, B examples in a batch, V ids in the vocabulary, K steps.

Both start from the same net, learn from the same batches with the same rates, and give the same losses up to
rounding (tests/train/test_backends.py). Each keeps what its next step depends on in `state()`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Literal

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
from zth.layers.matmul import native_bfloat16, onednn
from zth.models.protocol import IGNORED, last_ids
from zth.seeds import stream_seed
from zth.train.batches import Batches, Passage
from zth.train.config import TrainConfig
from zth.train.distributed import ALONE, World
from zth.train.muon import MuonAndAdamW
from zth.train.optim import SGD, AdamW
from zth.train.pieces import Pieces

ALONE_ONLY = "Leave backend at auto; a training that the engine began goes on in one process."

FloatArray = NDArray[np.float64]
Batch = Callable[[NDArray[np.int64]], tuple[Tensor, Tensor]]
"""A row of `Batches` or `Blocks` -> the examples that it stands for."""


class Steps(ABC):
    """A net, what it learns from, and the optimizer's memory."""

    name: str
    """"engine" or "autograd"."""
    precision = "float32"
    """Of matrix products: or "bfloat16"."""

    @abstractmethod
    def run(self, rows: NDArray[np.int64], rates: FloatArray, start: int = 0) -> FloatArray:
        """(K, B) rows, (K,) rates, of the steps from `start` on -> (K,) losses, each before its step."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """The optimizer's memory by name, as tensors that share it: to be written to as well."""


class AutogradSteps(Steps):
    """Forward, loss.backward(), update: the loop that one reads. `net` may be any torch module that gives logits.

    What is left out by chance (Dropout) is a function of `seed` and the step's number, as the batches are; of several
    processes each draws its own. `pieces` cuts a batch for them, and for config.accumulate.
    """

    name = "autograd"

    def __init__(
        self, net: nn.Module, batch: Batch, config: TrainConfig, *, seed: int = 42, pieces: Pieces | None = None
    ) -> None:
        self.net, self.batch, self.seed, self.clip = net, batch, seed, config.clip
        self.pieces = pieces or Pieces(net, config)
        # a net that reads whole lines or blocks multiplies with a hundred rows or thousands: there oneDNN pays;
        # on a GPU the switch would round float32
        many_rows = getattr(net, "reads_lines", False) and _device(net).type == "cpu"
        self.products = onednn if many_rows else nullcontext
        self.precision = precision_for(net, config)
        self.optimizer = _optimizer(net, config, half=self.precision == "bfloat16")
        self.by_chance = any(isinstance(part, (Dropout, nn.Dropout)) and part.p > 0 for part in net.modules())

    def run(self, rows: NDArray[np.int64], rates: FloatArray, start: int = 0) -> FloatArray:
        losses = np.empty(len(rows))
        with training(self.net), torch.random.fork_rng(devices=[], enabled=self.by_chance), self.products():
            for k, (row, lr) in enumerate(zip(rows, rates.tolist(), strict=True)):
                if self.by_chance:
                    self.pieces.seed_chance(stream_seed(self.seed, f"dropout/{start + k}{self.pieces.whose}"))
                for p in self.net.parameters():
                    p.grad = None
                losses[k] = self._backward(row)
                if self.clip:
                    torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.clip)
                self.optimizer.step(lr)
        return self.pieces.world.total(losses)

    def _backward(self, row: NDArray[np.int64]) -> float:
        """The gradient of the whole batch's loss into every p.grad -> this process' part of that loss."""
        total = 0.0
        for piece, share in self.pieces.of(row):
            with self.cast():
                loss = share * batch_loss(self.pieces.net, *self.pieces.placed(self.batch(piece)))
            self.pieces.backward(loss)
            total += loss.item()
        return total

    def cast(self) -> AbstractContextManager[object]:
        """For one forward pass: autocast keeps the weights that it has cast, and they move with each step."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(_device(self.net).type, torch.bfloat16)

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


def begin(
    net: nn.Module,
    examples: tuple[Tensor, Tensor] | Passage,
    config: TrainConfig,
    *,
    seed: int,
    world: World = ALONE,
) -> tuple[Steps, Callable[[int, int], NDArray[np.int64]]]:
    """What does the steps, and what gives the rows of the steps start .. stop - 1. Raises as `choose` and Blocks."""
    if isinstance(examples, Passage):
        if config.backend == "engine":
            raise ConfigError("The engine cannot read one long text in blocks.", "Leave backend at auto.")
        blocks = examples.blocks(batch_size=config.batch_size, seed=seed)
        return AutogradSteps(net, blocks.at, config, seed=seed, pieces=Pieces(net, config, world)), blocks.rows
    X, Y = examples
    batches = Batches(n_examples=len(X), batch_size=config.batch_size, seed=seed)
    return choose(net, X, Y, config, seed=seed, world=world), batches.rows


def choose(
    net: nn.Module, X: Tensor, Y: Tensor, config: TrainConfig, *, seed: int = 42, world: World = ALONE
) -> Steps:
    """The engine where config.backend and the net allow it, else autograd.

    Raises ConfigError where the engine is asked for and cannot train this net, and says why.
    """

    def by_autograd() -> Steps:
        pieces = Pieces(net, config, world, targets=Y)
        return AutogradSteps(net, partial(_rows_of, X, Y), config, seed=seed, pieces=pieces)

    if config.backend == "autograd":
        return by_autograd()
    layers = _as_sequential(net)
    try:
        if config.optimizer == "muon" or config.clip:
            what = "knows no Muon" if config.optimizer == "muon" else "does not clip gradients"
            raise ConfigError(f"The engine {what}.", "Leave backend at auto.")
        if world.size > 1 or config.accumulate > 1:
            raise ConfigError("The engine takes a batch in one process and one piece.", ALONE_ONLY)
        if layers is None or Y.dim() != 1:
            reason = "is no sequence of layers" if layers is None else "would score every position"
            problem = f"The engine cannot train this {type(net).__name__}: it {reason}."
            raise ConfigError(problem, "Leave backend at auto.")
        return EngineSteps(layers, last_ids(X, getattr(net, "block_size", X.shape[1])), Y, config)
    except (ConfigError, ShapeError):
        if config.backend == "engine":
            raise
        return by_autograd()


def precision_for(
    net: nn.Module, config: TrainConfig, device: torch.device | None = None
) -> Literal["float32", "bfloat16"]:
    """config.precision; auto is bfloat16 for a net that reads whole blocks where the processor is made for it."""
    if config.precision != "auto":
        return config.precision
    reads_blocks = getattr(net, "sees_one_block", False)
    return "bfloat16" if reads_blocks and native_bfloat16(device or _device(net)) else "float32"


def _device(net: nn.Module) -> torch.device:
    return next((p.device for p in net.parameters()), torch.device("cpu"))


def _rows_of(X: Tensor, Y: Tensor, row: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    ix = torch.from_numpy(row)
    return X[ix], Y[ix]


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


def _optimizer(net: nn.Module, config: TrainConfig, *, half: bool) -> SGD | AdamW | MuonAndAdamW:
    if config.optimizer == "muon":
        return MuonAndAdamW(
            net,
            lr_rest=config.lr_rest,
            weight_decay=config.weight_decay,
            beta1=config.beta1,
            beta2=config.beta2,
            half=half,
        )
    parameters = [p for p in net.parameters() if p.requires_grad]
    if config.optimizer == "sgd":
        return SGD(parameters, weight_decay=config.weight_decay)
    return AdamW(parameters, weight_decay=config.weight_decay, beta1=config.beta1, beta2=config.beta2)


def _update(config: TrainConfig) -> partial[Descent] | partial[FlatAdamW]:
    if config.optimizer == "sgd":
        return partial(Descent, weight_decay=config.weight_decay)
    return partial(FlatAdamW, weight_decay=config.weight_decay, beta1=config.beta1, beta2=config.beta2)
