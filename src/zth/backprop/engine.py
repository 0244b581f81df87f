"""Trains a Sequential of zth.layers by a program of NumPy calls: the nets of lectures 3 to 6, several steps a call.

Letters: B examples in a batch, T ids in a context, K steps, N examples to learn from, P parameters, V ids.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from zth.backprop.openblas import one_thread
from zth.backprop.program import (
    Array,
    Call,
    Pair,
    Program,
    add,
    batch_norm,
    branch,
    cross_entropy,
    embedded_linear,
    embedding,
    flatten,
    linear,
    relu,
    table_pays,
    tanh,
)
from zth.backprop.updates import Descent, Update
from zth.errors import ConfigError, ShapeError, VocabularyError
from zth.layers import BatchNorm1d, Embedding, FlattenConsecutive, Linear, ReLU, Sequential, Sum, Tanh

KNOWN = (Embedding, FlattenConsecutive, Linear, BatchNorm1d, Tanh, ReLU, Sum)
CHUNK = 512
"""Steps whose batches are looked up at once."""


class Engine:
    """Mean cross-entropy of a net, its gradients and gradient descent, for batches of (B, T) contexts.

    It does the arithmetic of net.train() under autograd, in the net's dtype, several times as fast
    (bench/small_nets.py). `bessel` is for nets whose BatchNorm normalises with the variance over n - 1, as the
    lectures' own class does; the layers', and torch's, has n there. What is remembered for evaluation is over n - 1
    both ways. `update` makes what moves the parameters: plain descent, or what zth.backprop.updates has, as in
    `update=partial(AdamW, weight_decay=0.01)`; only matrices decay, not biases, gammas and betas.

    The engine keeps all parameters in one array, and the net's tensors are made to look into it: after any call the
    net has the new values, and whatever is copied into the net before a call is what the engine works on. Two engines
    of one net may take turns.

    Raises ConfigError for a layer without a program here, one that stands in two places, a parameter that is not to
    be trained, mixed or other dtypes; ShapeError (of the layers themselves) where they do not fit each other, and
    where the net does not give one row of logits for each example.

    >>> from zth.layers import Sequential
    >>> from zth.seeds import stream
    >>> g = stream(42, "init")
    >>> net = Sequential(Embedding(27, 10, generator=g), FlattenConsecutive(3), Linear(30, 200, generator=g), Tanh(),
    ...                  Linear(200, 27, generator=g, std=0.01))
    >>> engine = Engine(net, batch_size=32, block_size=3)
    >>> engine.weights.shape
    (11897,)
    >>> X, Y = torch.randint(27, (1000, 3), generator=g), torch.randint(27, (1000,), generator=g)
    >>> ix = torch.randint(1000, (50, 32), generator=g)
    >>> losses = engine.steps(X, Y, ix, lr=0.1)  # of each of 50 steps
    >>> losses.shape, round(float(losses[0]), 1)  # ln 27
    ((50,), 3.3)
    """

    def __init__(
        self,
        net: Sequential,
        *,
        batch_size: int,
        block_size: int,
        bessel: bool = False,
        update: Callable[[Array, Array, Sequence[Array]], Update] = Descent,
    ) -> None:
        layers = list(_opened(net))
        _check(net, layers, batch_size, block_size)
        self._net, self._batch_size, self._block_size = net, batch_size, block_size
        self._lay_out()
        self._write(layers, bessel)
        self.update = update(self.weights, self.gradients, self._matrices())

    def __repr__(self) -> str:
        return (
            f"Engine({self.weights.size:,} parameters, batches of ({self._batch_size}, {self._block_size}), "
            f"{len(self._calls)} calls a step and {len(self.update.calls)} an update)"
        )

    def steps(self, X: ArrayLike | Tensor, Y: ArrayLike | Tensor, ix: ArrayLike | Tensor, lr: ArrayLike) -> Array:
        """(N, T) contexts, (N,) targets, (K, B) rows of them -> (K,) float64, each step's loss before it.

        The parameters are updated after each; `lr` is a number, or (K,) of them. Raises ShapeError for other shapes,
        ConfigError for rows that X has not and other rates, VocabularyError for ids that the net has not.
        """
        contexts, targets, rows = (np.asarray(a) for a in (X, Y, ix))
        self._check_data(contexts, targets, rows)
        rates = np.asarray(lr, np.float64)
        if rates.shape not in ((), (len(rows),)):
            raise ConfigError(
                f"lr must be a number, or {len(rows)} for as many steps; got {rates.shape}.", "Try lr=0.1."
            )
        rates = np.broadcast_to(rates, len(rows))
        self._adopt()
        losses, calls = np.empty(len(rows)), [*self._calls, *self.update.calls]
        for k in range(0, len(rows), CHUNK):
            here = slice(k, k + CHUNK)
            batches = self._batches(contexts[rows[here]], targets[rows[here]])
            losses[here] = self._run(batches, rates[here].tolist(), calls, self.update.prepare)
        return losses

    def backward(self, xb: ArrayLike | Tensor, yb: ArrayLike | Tensor) -> float:
        """(B, T) contexts, (B,) targets -> the loss; each parameter's gradient is left in its `.grad`.

        For any optimizer of torch's: what was in `.grad` is replaced, not added to, so zero_grad is not needed. All
        gradients also lie in `gradients` (P,), in the order of net.parameters(). They are valid until the next call.
        Raises as `steps`.
        """
        contexts, targets = np.asarray(xb), np.asarray(yb)
        self._check_data(contexts, targets, np.arange(len(contexts))[None])
        tensors = self._adopt()
        losses = self._run(self._batches(contexts[None], targets[None]), [1.0], self._calls)
        for p, gradient in zip(tensors, self._grads, strict=False):
            if p.grad is not gradient:
                p.grad = gradient
        return float(losses[0])

    # ----- building ---------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        """One array for all parameters, one for their gradients, one for the running statistics; views of each."""
        parameters = list(self._net.parameters())
        dtype = parameters[0].detach().numpy().dtype
        self.weights, self.gradients = np.zeros((2, sum(p.numel() for p in parameters)), dtype)
        """Each (P,), in the order of net.parameters()."""
        self._running = np.zeros(sum(b.numel() for b in self._net.buffers()), dtype)
        values, grads, running = map(_Slices, (self.weights, self.gradients, self._running))
        self._pairs = {p: Pair(values.take(p.shape), grads.take(p.shape)) for p in parameters}
        self._grads = [torch.from_numpy(pair.grad) for pair in self._pairs.values()]
        self._views: list[tuple[nn.Module, str, Tensor]] = []
        """Whose tensor looks where: the parameters', then the buffers'."""
        for module in self._net.modules():
            for name, p in module.named_parameters(recurse=False):
                self._views.append((module, name, torch.from_numpy(self._pairs[p].value)))
        for module in self._net.modules():
            for name, b in module.named_buffers(recurse=False):
                self._views.append((module, name, torch.from_numpy(running.take(b.shape))))

    def _write(self, layers: list[nn.Module], bessel: bool) -> None:
        """The program of the net, and what follows it in a step."""
        B, T = self._batch_size, self._block_size
        program = Program(self.weights.dtype)
        self._batch = np.zeros(B * T + 2 * B, np.intp)
        ids, yb, places = np.split(self._batch, [B * T, B * T + B])
        statistics, keep, take = np.zeros((3, len(self._running)), program.dtype)
        self._slices, self._bessel = [_Slices(a) for a in (statistics, keep, take)], bessel
        x = self._chain(program, *self._look_up(program, ids, layers))
        self._n_ids, self._n_logits = len(next(iter(self._pairs))), x.value.shape[1]
        self._loss = cross_entropy(program, x, yb, places)
        self._calls = program.calls()
        if len(self._running):
            self._calls += [
                partial(np.multiply, self._running, keep, self._running),
                partial(np.multiply, statistics, take, statistics),
                partial(np.add, self._running, statistics, self._running),
            ]

    def _chain(self, program: Program, x: Pair, layers: Sequence[nn.Module]) -> Pair:
        """x through `layers`, one after the other."""
        pairs = self._pairs
        for layer in layers:
            match layer:
                case FlattenConsecutive():
                    x = flatten(x, layer.n)
                case Linear():
                    x = linear(program, x, pairs[layer.W], self._bias(layer))
                case BatchNorm1d():
                    x = self._norm(program, x, layer)
                case Tanh():
                    x = tanh(program, x)
                case ReLU():
                    x = relu(program, x)
                case Sum():
                    into = branch(program, x, len(layer.branches))
                    ends = [
                        self._chain(program, start, list(_opened([part])))
                        for start, part in zip(into, layer.branches, strict=True)
                    ]
                    x = add(program, ends)
        return x

    def _norm(self, program: Program, x: Pair, layer: BatchNorm1d) -> Pair:
        """A BatchNorm, and by how much its running statistics keep and take."""
        n = len(x.value)
        batch, kept, taken = (s.take((2, len(layer.gamma))) for s in self._slices)
        kept[...], taken[...] = 1 - layer.momentum, layer.momentum
        taken[1] *= 1 if self._bessel else n / (n - 1)
        gamma, beta = self._pairs[layer.gamma], self._pairs[layer.beta]
        return batch_norm(program, x, gamma, beta, batch, eps=layer.eps, bessel=self._bessel)

    def _matrices(self) -> list[Array]:
        """The parts of `weights` that are tables and matrices, neighbours as one."""
        found: list[slice] = []
        start = 0
        for p in self._pairs:
            stop = start + p.numel()
            if p.dim() > 1:
                start = found.pop().start if found and found[-1].stop == start else start
                found.append(slice(start, stop))
            start = stop
        return [self.weights[piece] for piece in found]

    def _look_up(self, program: Program, ids: Array, layers: Sequence[nn.Module]) -> tuple[Pair, list[nn.Module]]:
        """What the first layers give, the Linear behind the Embedding with it where that is less work; the rest."""
        match layers:
            case [Embedding() as first, FlattenConsecutive() as pairs, Linear() as then, *rest] if table_pays(
                len(ids) // pairs.n, pairs.n, first.C.shape, then.W.shape[1]
            ):
                C, W = self._pairs[first.C], self._pairs[then.W]
                return embedded_linear(program, ids, C, W, self._bias(then), pairs.n), rest
            case [Embedding() as first, *rest]:
                return embedding(program, ids, self._pairs[first.C]), rest
        raise AssertionError(layers)

    def _bias(self, layer: Linear) -> Pair | None:
        return None if layer.b is None else self._pairs[layer.b]

    # ----- running ----------------------------------------------------------------------------------------------

    def _adopt(self) -> list[Tensor]:
        """The net's tensors; makes those look into our arrays that do not: at first all, later what was replaced."""
        tensors = [getattr(module, name) for module, name, _ in self._views]
        for tensor, (module, name, ours) in zip(tensors, self._views, strict=True):
            if tensor.data_ptr() == ours.data_ptr():
                continue
            if tensor.dtype != ours.dtype or tensor.shape != ours.shape:
                raise ConfigError(
                    f"{module!r} has a {name} of {tensor.dtype} {tuple(tensor.shape)} now; the engine was made for "
                    f"{ours.dtype} {tuple(ours.shape)}.",
                    "Make a new Engine of the net.",
                )
            ours.copy_(tensor.detach())
            tensor.data = ours
        return tensors

    def _batches(self, contexts: Array, targets: Array) -> Array:
        """(K, B, T) ids, (K, B) ids -> (K, B*T + 2*B): what `cross_entropy` and `embedding` are told in each step."""
        for ids, n_ids in ((contexts, self._n_ids), (targets, self._n_logits)):
            if ids.min() < 0 or ids.max() >= n_ids:
                raise VocabularyError(
                    f"Got ids from {ids.min()} to {ids.max()}; the net's go from 0 to {n_ids - 1}.",
                    "Encode with one vocabulary.",
                )
        places = targets + self._n_logits * np.arange(self._batch_size)
        return np.concatenate([contexts.reshape(len(contexts), -1), targets, places], axis=1)

    def _run(
        self,
        batches: Array,
        rates: Sequence[float],
        calls: Sequence[Call],
        prepare: Callable[[float], float] = float,
    ) -> Array:
        """(K, B*T + 2*B) batches, K rates -> (K,) float64 losses; `prepare` gives a step's factor of gradients."""
        records = np.empty((len(batches), *self._loss.record.shape), self.weights.dtype)
        factor = math.nan
        with (
            one_thread(),
            np.errstate(all="ignore"),
        ):  # a net that diverges does so in its losses, as it would under torch
            for batch, rate, record in zip(batches, rates, records, strict=True):
                wanted = prepare(rate)
                if wanted != factor:
                    factor = wanted
                    self._loss.set_rate(factor)
                self._batch[:] = batch
                for call in calls:
                    call()
                record[:] = self._loss.record
            of_target, sums = records.astype(np.float64).swapaxes(0, 1)
            return np.asarray((np.log(sums) - of_target).mean(1))

    def _check_data(self, contexts: Array, targets: Array, rows: Array) -> None:
        B, T = self._batch_size, self._block_size
        wanted = f"wanted contexts (N, {T}), targets (N,) and rows (K, {B})"
        got = f"Got contexts {contexts.shape}, targets {targets.shape} and rows {rows.shape}; {wanted}."
        if contexts.shape != (*targets.shape, T) or targets.ndim != 1 or rows.shape[1:] != (B,):
            raise ShapeError(got, "An Engine has one batch_size and one block_size: make another for others.")
        if rows.size and (rows.min() < 0 or rows.max() >= len(targets)):
            raise ConfigError(
                f"Rows go from {rows.min()} to {rows.max()}; there are {len(targets)} examples.",
                "Draw them with torch.randint(len(X), (K, B), generator=...).",
            )


class _Slices:
    """Hands out one array piece by piece."""

    def __init__(self, array: Array) -> None:
        self._rest = array

    def take(self, shape: Sequence[int]) -> Array:
        size = math.prod(shape)
        piece, self._rest = self._rest[:size].reshape(shape), self._rest[size:]
        return piece


def _opened(net: Iterable[nn.Module]) -> Iterator[nn.Module]:
    """The layers of a Sequential, and of the Sequentials in it, in order."""
    for layer in net:
        yield from _opened(layer) if type(layer) is Sequential else [layer]


def _leaves(layers: Iterable[nn.Module]) -> Iterator[nn.Module]:
    """The layers, those in the branches of a Sum behind it."""
    for layer in layers:
        yield layer
        if type(layer) is Sum:
            yield from _leaves(_opened(layer.branches))


def _check(net: Sequential, layers: Sequence[nn.Module], batch_size: int, block_size: int) -> None:
    """Raises as `Engine`."""
    strangers = [type(layer).__name__ for layer in _leaves(layers) if type(layer) not in KNOWN]
    if strangers:
        known = ", ".join(kind.__name__ for kind in KNOWN)
        raise ConfigError(f"Engine has no program for {strangers[0]}, only for {known}.", "Train it by autograd.")
    if [type(layer) for layer in _leaves(layers)].count(Embedding) != 1 or type(layers[0]) is not Embedding:
        raise ConfigError("A net for Engine begins with its one Embedding.", "Put Embedding(27, 10, ...) first.")
    own = [p for layer in _leaves(layers) for p in layer.parameters(recurse=False)]
    if len({id(p) for p in net.parameters()}) != len(own):
        raise ConfigError("A layer or parameter stands in two places of the net.", "Make one for each place.")
    kinds = {(p.dtype, p.requires_grad, p.device.type) for p in net.parameters()}
    if kinds not in ({(torch.float32, True, "cpu")}, {(torch.float64, True, "cpu")}):
        raise ConfigError(
            "Engine trains all parameters, on the CPU, all float32 or all float64; got "
            + ", ".join(sorted(f"{dtype}{'' if moves else ' frozen'} on {device}" for dtype, moves, device in kinds))
            + ".",
            "Try net.float(), or train by autograd.",
        )
    with torch.no_grad():  # the layers themselves say best what does not fit
        logits = copy.deepcopy(net).train()(torch.zeros(batch_size, block_size, dtype=torch.int64))
    if logits.shape[:-1] != (batch_size,):
        raise ShapeError(
            f"The net gives {tuple(logits.shape)} for {batch_size} contexts of {block_size}; Engine wants one row of "
            "logits for each.",
            f"Add FlattenConsecutive({logits.shape[1]}) before the last Linear." if logits.dim() == 3 else "",
        )
