"""The loop: batches, rates, steps, and an average of the weights if asked for.

Letters: N examples, T ids in a context.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zth.errors import ConfigError, DataError, RunError, ShapeError
from zth.models.protocol import IGNORED, check_ids
from zth.train.average import EVERY, Average
from zth.train.backends import begin
from zth.train.batches import PIECE, Passage
from zth.train.config import TrainConfig
from zth.train.distributed import ALONE, World
from zth.train.schedule import rates

FloatArray = NDArray[np.float64]
Watch = Callable[[int], object]


def fit(
    net: nn.Module,
    examples: tuple[Tensor, Tensor] | Passage,
    config: TrainConfig,
    *,
    seed: int = 42,
    watch: Watch | None = None,
    watch_every: int = 1000,
) -> FloatArray:
    """Train `net` in place on (N, T) contexts and (N,) targets -> (steps,) losses, each batch's before its step.

    (N, T) targets train every position; where they equal IGNORED they do not count. Of a Passage, random blocks are
    read. `watch(step)` is called after each `watch_every` steps and after the last, and may look at the net, which is
    then as it would be left. Batches come from the stream "batches" of `seed`, the initial weights are the caller's.
    A net that diverges says so in its losses. Raises as `Trainer`.

    >>> from zth.models import MLPConfig, MLPModel
    >>> from zth.seeds import stream
    >>> net = MLPModel(MLPConfig(hidden=20), generator=stream(42, "init"))
    >>> X, Y = torch.tensor([[0, 0, 1], [0, 1, 2]]), torch.tensor([2, 3])
    >>> losses = fit(net, (X, Y), TrainConfig(steps=100, batch_size=8, lr=0.01))
    >>> losses.shape, bool(losses[0] > 3), bool(losses[-1] < 0.1)
    ((100,), True, True)
    """
    if watch_every < 1:
        raise ConfigError(f"watch_every must be at least 1; got {watch_every}.", "Try watch_every=1000.")
    trainer = Trainer(net, examples, config, seed=seed)
    every = watch_every if watch else config.steps
    losses = []
    while trainer.step < config.steps:
        losses.append(trainer.run(min(every - trainer.step % every, config.steps - trainer.step)))
        if watch:
            with trainer.as_left():
                watch(trainer.step)
    trainer.finish()
    return np.concatenate(losses)


class Trainer:
    """A training that can stop after any step, be saved, and go on as if it had never stopped.

    It learns from a pair of tensors as `fit` does, or from random blocks of a Passage. Raises ShapeError,
    VocabularyError or DataError for examples that are none, ConfigError as `backends.choose`.

    In a `world` of several processes each makes the same Trainer; rank 0 calls `run`, and the others `follow`.
    """

    def __init__(
        self,
        net: nn.Module,
        examples: tuple[Tensor, Tensor] | Passage,
        config: TrainConfig,
        *,
        seed: int = 42,
        world: World = ALONE,
    ) -> None:
        if not isinstance(examples, Passage):
            _check_examples(net, *examples)
        self.net, self.config = net, config
        self.step = 0
        """Steps done."""
        self._world = world
        self._steps, self._rows = begin(net.to(world.device), examples, config, seed=seed, world=world)
        self._average = Average(net, config.ema) if config.ema else None

    @property
    def backend(self) -> str:
        """ "engine" or "autograd"."""
        return self._steps.name

    @property
    def precision(self) -> str:
        """ "float32" or "bfloat16": of matrix products."""
        return self._steps.precision

    def run(self, n_steps: int) -> FloatArray:
        """The next `n_steps` steps -> their losses, of the whole batches. Of several processes, rank 0 calls it."""
        return self._run(self._world.told(n_steps))

    def follow(self) -> None:
        """Do the steps that rank 0 does, until it releases the others or has an error, which is raised here too."""
        while n_steps := self._world.told(0):
            self._run(n_steps)

    def _run(self, n_steps: int) -> FloatArray:
        losses = [np.empty(0)]
        end = self.step + n_steps
        while self.step < end:
            start, stop = self.step, min(end, self._next_stop())
            first = start // PIECE * PIECE  # rates of whole pieces: they must not depend on where we stopped
            piece = rates(self.config, first, first + PIECE)
            rows, lrs = self._rows(start, stop), piece[start - first : stop - first]
            losses.append(self._steps.run(rows, lrs, start))
            self.step = stop
            if self._average and stop % EVERY == 0:
                self._average.add(stop)
        return np.concatenate(losses)

    @contextmanager
    def as_left(self) -> Iterator[nn.Module]:
        """The net as it would be left if training ended now: the average, where one is kept.

        It is a copy on the CPU where the net is elsewhere, for the texts to measure it by are here.
        """
        with self._average.shown() if self._average else nullcontext():
            yield self.net if self._world.device.type == "cpu" else copy.deepcopy(self.net).cpu()

    def finish(self) -> None:
        """Leave the net as it should be."""
        if self._average is not None:
            self._average.settle()

    def state(self) -> dict[str, Tensor]:
        """All that the next step depends on besides config, seed, examples and `step`: net, optimizer, average."""
        parts = {"net": self.net.state_dict(), "optimizer": self._steps.state()}
        if self._average is not None:
            parts["average"] = self._average.tensors
        return {f"{part}.{name}": tensor for part, tensors in parts.items() for name, tensor in tensors.items()}

    def load_state(self, step: int, tensors: dict[str, Tensor]) -> None:
        """Go on where `state()` was taken. Raises RunError where it does not fit."""
        parts: dict[str, dict[str, Tensor]] = {"net": {}, "optimizer": {}, "average": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            parts.setdefault(part, {})[rest] = tensor
        restore(self.net.state_dict(), parts["net"], "net")
        restore(self._steps.state(), parts["optimizer"], "optimizer")
        restore(self._average.tensors if self._average else {}, parts["average"], "average")
        self.step = step

    def _next_stop(self) -> int:
        size = EVERY if self._average else PIECE
        return min(self.step // size * size + size, self.step // PIECE * PIECE + PIECE)


def restore(into: dict[str, Tensor], tensors: dict[str, Tensor], what: str) -> None:
    """Copy `tensors` into those of the same names. Raises RunError where names, shapes or dtypes differ."""
    shapes, wanted = ({name: (str(t.dtype), *t.shape) for name, t in part.items()} for part in (tensors, into))
    if shapes != wanted:
        name = next(name for name in [*wanted, *shapes] if shapes.get(name) != wanted.get(name))
        raise RunError(
            f"The saved {what} does not fit: {name} is {shapes.get(name, 'missing')}, wanted "
            f"{wanted.get(name, 'none')}.",
            "Go on with the model and the options that it was saved with.",
        )
    with torch.no_grad():
        for name, tensor in into.items():
            tensor.copy_(tensors[name])


def _check_examples(net: nn.Module, X: Tensor, Y: Tensor) -> None:
    if X.dim() != 2 or Y.shape not in (X.shape[:1], X.shape):
        raise ShapeError(
            f"Contexts {tuple(X.shape)} and targets {tuple(Y.shape)} do not belong together.",
            "Pass (N, T) with (N,), or (N, T) with (N, T) to learn from every position.",
        )
    kept = Y[Y != IGNORED]
    if len(kept) == 0:
        raise DataError("There is nothing to learn from: no target is left.", "Pass at least one example.")
    vocab_size = getattr(net, "vocab_size", int(max(X.max(), kept.max())) + 1)
    check_ids(X, vocab_size, "contexts")
    check_ids(kept, vocab_size, "targets")


def steps_per_second(
    net: nn.Module,
    examples: tuple[Tensor, Tensor] | Passage,
    config: TrainConfig,
    *,
    seed: int = 42,
    seconds: float = 1.5,
    world: World = ALONE,
) -> float:
    """How fast `net` is trained on this machine, right now: measured on a copy. Of several processes rank 0 knows."""
    endless = replace(config, steps=max(config.steps, 10**6), warmup_steps=0)  # no rate lies behind its schedule
    trainer = Trainer(copy.deepcopy(net), examples, endless, seed=seed, world=world)
    if not world.leads:
        trainer.follow()
        return 0.0
    trainer.run(4)  # the first steps make buffers
    n_steps, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        n_steps += len(trainer.run(4))
    seconds = time.perf_counter() - started
    world.told(0)  # the others have followed
    return n_steps / seconds
