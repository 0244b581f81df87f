"""The lecture's BatchNorm before it was mended, on (B, T, C): statistics over the batch axis alone.

Letters: B examples, T positions, C channels.

`LectureBatchNorm` is the layer to read. A net that holds it trains by autograd, as any torch module does, at some
1 ms a step; `fit` here does the same steps as a program of NumPy calls in less than a quarter of the time, for the
table of the lecture has 200,000 of them. The trick is that (B, T, C) with statistics over B is (B, T*C) with
statistics over B, an ordinary BatchNorm of T*C channels on the same memory. Only gamma and beta are shared by the T
positions: they are dealt out before it, and their gradients are added up behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zth.backprop.openblas import one_thread
from zth.backprop.program import (
    Array,
    Call,
    Loss,
    Pair,
    Program,
    batch_norm,
    cross_entropy,
    embedding,
    flatten,
    linear,
    tanh,
)
from zth.layers import BatchNorm1d, Linear, Sequential
from zth.models import WaveNetConfig, WaveNetModel
from zth.train import TrainConfig, rates
from zth.train.batches import Batches


class LectureBatchNorm(BatchNorm1d):
    """(B, C) or (B, T, C) -> the same shape. On (B, T, C) each position has statistics of its own: the bug.

    All else is `BatchNorm1d`'s. As in the lecture, the running statistics begin as (C,) and become (1, T, C) with the
    first batch, by broadcasting, without anybody having asked for it.

    >>> layer = LectureBatchNorm(3)
    >>> _ = layer(torch.randn(32, 4, 3, generator=torch.Generator().manual_seed(1)))
    >>> tuple(layer.running_mean.shape)
    (1, 4, 3)
    """

    def _batch_statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x -> x minus its mean, and its biased variance (1, T, C); moves the running ones."""
        n = len(x)
        mean = x.mean(0, keepdim=True)
        diff = x - mean
        var = (diff * diff).mean(0, keepdim=True)
        with torch.no_grad():
            kept, taken = 1 - self.momentum, self.momentum
            self.running_mean = kept * self.running_mean + taken * mean
            self.running_var = kept * self.running_var + taken * var * (n / (n - 1))
        return diff, var


def with_bug(options: WaveNetConfig, *, generator: torch.Generator) -> WaveNetModel:
    """A WaveNetModel whose BatchNorms have the bug; its weights are drawn as those of one without."""
    model = WaveNetModel(options, generator=generator)
    for level in model.levels:
        cast(Sequential, level).layers[1] = LectureBatchNorm(options.hidden, momentum=options.momentum)
    return model


def fit(
    model: WaveNetModel, examples: tuple[Tensor, Tensor], config: TrainConfig, *, seed: int
) -> NDArray[np.float64]:
    """Train a model `with_bug` by SGD, in place -> (steps,) losses: zth.train.fit's own, but faster.

    >>> from zth.seeds import stream
    >>> model = with_bug(WaveNetConfig(block_size=4, hidden=8), generator=stream(1, "init"))
    >>> X, Y = torch.zeros(50, 4, dtype=torch.int64), torch.arange(50) % 27
    >>> fit(model, (X, Y), TrainConfig(steps=3, optimizer="sgd", lr=0.1), seed=1).round(1).tolist()
    [3.3, 3.3, 3.3]
    """
    assert (config.optimizer, config.weight_decay, config.ema) == ("sgd", 0, 0), config
    X, Y = (each.numpy() for each in examples)
    program = _Net(model, config.batch_size)
    rows = Batches(n_examples=len(Y), batch_size=config.batch_size, seed=seed)
    losses = np.empty(config.steps)
    with one_thread():
        for step, rate in enumerate(rates(config, 0, config.steps).tolist()):
            ix = rows.rows(step, step + 1)[0]
            losses[step] = program.step(X[ix], Y[ix], rate)
    program.hand_over()
    return losses


class _Net:
    """The calls of one step. The arrays of the parameters are the model's own."""

    def __init__(self, model: WaveNetModel, batch_size: int) -> None:
        self._program = program = Program(model.output.W.detach().numpy().dtype)
        self._pairs = {p: Pair(p.detach().numpy(), np.zeros_like(p.detach().numpy())) for p in model.parameters()}
        self._ids, self._yb, self._places = (
            np.zeros(n, np.intp) for n in (batch_size * model.block_size, batch_size, batch_size)
        )
        self._running: list[tuple[LectureBatchNorm, Array]] = []
        self._moves: list[Call] = []
        x = embedding(program, self._ids, self._pairs[model.embedding.C])
        for level in model.levels:
            layer, norm, _ = cast("tuple[Linear, LectureBatchNorm, nn.Module]", tuple(cast(Sequential, level)))
            x = linear(program, flatten(x, 2), self._pairs[layer.W], None)
            x = tanh(program, self._norm(x, norm, len(x.value) // batch_size))
        logits = linear(program, x, self._pairs[model.output.W], self._pairs[cast(nn.Parameter, model.output.b)])
        self._first = np.arange(batch_size) * logits.value.shape[1]
        self._loss: Loss = cross_entropy(program, logits, self._yb, self._places)
        updates = [partial(np.subtract, pair.value, pair.grad, pair.value) for pair in self._pairs.values()]
        self._calls: Sequence[Call] = [*program.calls(), *self._moves, *updates]

    def step(self, xb: NDArray[np.int64], yb: NDArray[np.int64], rate: float) -> float:
        """The loss before it."""
        self._ids[:], self._yb[:] = xb.ravel(), yb
        np.add(self._first, yb, self._places)
        self._loss.set_rate(rate)
        for call in self._calls:
            call()
        of_target, sums = self._loss.record.astype(np.float64)
        return float((np.log(sums) - of_target).mean())

    def hand_over(self) -> None:
        """The running statistics to the model, in the lecture's shapes."""
        for norm, running in self._running:
            norm.running_mean, norm.running_var = (torch.from_numpy(each.copy()) for each in running)

    def _norm(self, x: Pair, norm: LectureBatchNorm, T: int) -> Pair:
        """(B*T, C) -> the same, by an ordinary BatchNorm on (B, T*C)."""
        rows, C = x.value.shape
        B, statistics = rows // T, self._program.array(2, T * C)
        y = batch_norm(
            self._program,
            Pair(x.value.reshape(B, T * C), x.grad.reshape(B, T * C), x.kept),
            self._dealt_out(self._pairs[norm.gamma], T),
            self._dealt_out(self._pairs[norm.beta], T),
            statistics,
            eps=norm.eps,
            bessel=False,
        )
        self._remember(norm, statistics, B, (1, T, C) if T > 1 else (1, C))
        return Pair(y.value.reshape(rows, C), y.grad.reshape(rows, C))

    def _dealt_out(self, p: Pair, T: int) -> Pair:
        """(C,) -> (T*C,): one for all positions, so their gradients add up."""
        C = len(p.value)
        wide = self._program.pair(T * C)
        self._program.add(
            [partial(np.copyto, wide.value.reshape(T, C), p.value)],
            [partial(np.add.reduce, wide.grad.reshape(T, C), 0, None, p.grad)],
        )
        return wide

    def _remember(self, norm: LectureBatchNorm, statistics: Array, n: int, shape: tuple[int, ...]) -> None:
        """running = kept * running + taken * statistics, the variance's over n - 1."""
        running = np.zeros((2, *shape), self._program.dtype)
        running[0], running[1] = norm.running_mean.numpy(), norm.running_var.numpy()
        taken = np.full((2, 1), norm.momentum, self._program.dtype)
        taken[1] *= n / (n - 1)
        flat = running.reshape(2, -1)
        self._running.append((norm, running))
        self._moves += [
            partial(np.multiply, flat, self._program.number(1 - norm.momentum), flat),
            partial(np.multiply, statistics, taken, statistics),
            partial(np.add, flat, statistics, flat),
        ]
