"""Layers as lists of NumPy calls on buffers that are made once.

Letters: N rows (examples, or examples times positions), C channels in, M channels out, V ids in the vocabulary.

At the sizes of lectures 3 to 6 an operation of PyTorch costs more to start than to do: the lecture's step of 32
examples spends some 500 µs on 50 µs of arithmetic. So nothing is decided in a step. Each function below is told its
input, makes its buffers, and writes down which calls with which arrays its forward and its backward pass are; a step
runs the list. The formulas are those of zth.backprop.fused, and of zth.backprop.atoms for the rest.

All is two-dimensional: a layer that works on (B, T, C) sees (B*T, C), for to Linear, BatchNorm over (0, 1) and Tanh
all rows are alike; FlattenConsecutive only reads the same memory as (B*T/n, C*n).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zth.backprop.openblas import has_small_kernels

Array = NDArray[Any]
Call = Callable[[], object]

SMALL = 1_000_000
"""Multiplications up to which OpenBLAS's kernels for AVX-512 do a product as it lies."""


@dataclass(frozen=True)
class Pair:
    """Numbers and the gradient of the loss by them, of one shape."""

    value: Array
    grad: Array
    kept: bool = False
    """Whoever made it needs `value` once more in the backward pass, so nobody may write over it."""

    def room(self) -> Array:
        """Where a layer may put something of this shape instead of `value`."""
        return np.zeros_like(self.value) if self.kept else self.value


class Program:
    """The calls of a net, layer by layer; all arrays are of one floating `dtype`."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)
        self._forward: list[Call] = []
        self._backward: list[list[Call]] = []
        self._scratch: dict[tuple[int, ...], Array] = {}

    def add(self, forward: list[Call], backward: list[Call]) -> None:
        """The next layer's: its forward calls follow all others', its backward calls go before them."""
        self._forward += forward
        self._backward.insert(0, backward)

    def calls(self) -> list[Call]:
        """Forward, then backward."""
        return [*self._forward, *(call for calls in self._backward for call in calls)]

    def array(self, *shape: int) -> Array:
        return np.zeros(shape, self.dtype)

    def pair(self, *shape: int) -> Pair:
        return Pair(self.array(*shape), self.array(*shape))

    def number(self, value: float) -> Array:
        """() array: NumPy adds it to an array in two thirds of the time that it takes for a Python float."""
        return np.array(value, self.dtype)

    def scratch(self, x: Array) -> Array:
        """An array like x for use within one layer's forward or backward pass: others write to it, too."""
        return self._scratch.setdefault(x.shape, self.array(*x.shape))


def embedding(program: Program, ids: Array, C: Pair) -> Pair:
    """(N,) ids, the table (V, D) -> (N, D)."""
    n_ids, width = C.value.shape
    y = program.pair(len(ids), width)
    one_hot, eye = program.array(len(ids), n_ids), np.eye(n_ids, dtype=program.dtype)
    program.add(
        [partial(C.value.take, ids, 0, y.value, "clip")],
        # the rows of dy summed by id; as a product with zeros and ones it takes a sixth of np.add.at's time, or less
        [partial(eye.take, ids, 0, one_hot, "clip"), product(one_hot.T, y.grad, C.grad)],
    )
    return y


def flatten(x: Pair, n: int) -> Pair:
    """(N, C) -> (N/n, C*n): the same memory."""
    rows, channels = x.value.shape
    shape = (rows // n, channels * n)
    return Pair(x.value.reshape(shape), x.grad.reshape(shape), x.kept)


def linear(program: Program, x: Pair, W: Pair, b: Pair | None) -> Pair:
    """(N, C), W (C, M), b (M,) -> (N, M): x @ W + b."""
    y = program.pair(len(x.value), W.value.shape[1])
    forward: list[Call] = [product(x.value, W.value, y.value)]
    backward: list[Call] = [product(x.value.T, y.grad, W.grad), product(y.grad, W.value.T, x.grad)]
    _add_bias(program, y, b, forward, backward)
    program.add(forward, backward)
    return y


def embedded_linear(program: Program, ids: Array, C: Pair, W: Pair, b: Pair | None, n: int) -> Pair:
    """(N*n,) ids -> (N, M): `linear` of `flatten` of `embedding`, C (V, D), W (n*D, M).

    Position p of n adds C[id] @ W[p*D : (p+1)*D], and there are only V different ids: so C is multiplied with each
    part of W once, a table (n, V, M), and the rows of that are looked up. Backwards the same: dy is summed by id into
    the table's gradient, and dW and dC follow from that.
    """
    (V, D), M = C.value.shape, W.value.shape[1]
    N = len(ids) // n
    y, work, parts = program.pair(N, M), program.array(N, M), program.array(n, V, D)
    table = program.pair(n, V, M)
    W_parts, dW_parts = W.value.reshape(n, D, M), W.grad.reshape(n, D, M)
    one_hot, eye = program.array(N * n, V), np.eye(V, dtype=program.dtype)
    forward: list[Call] = [partial(np.matmul, C.value, W_parts, table.value)]
    for p, column in enumerate(ids.reshape(N, n).T):
        forward.append(partial(table.value[p].take, column, 0, work if p else y.value, "clip"))
        if p:
            forward.append(partial(np.add, y.value, work, y.value))
    backward: list[Call] = [
        partial(eye.take, ids, 0, one_hot, "clip"),
        product(one_hot.reshape(N, n * V).T, y.grad, table.grad.reshape(n * V, M)),
        partial(np.matmul, C.value.T, table.grad, dW_parts),
        partial(np.matmul, table.grad, W_parts.transpose(0, 2, 1), parts),
        partial(np.add.reduce, parts, 0, None, C.grad),
    ]
    _add_bias(program, y, b, forward, backward)
    program.add(forward, backward)
    return y


def table_pays(N: int, n: int, C_shape: Sequence[int], M: int) -> bool:
    """Does `embedded_linear` multiply less often than `linear` of `embedding`? In lecture 6: 1.4 million against 2.5.

    >>> table_pays(128, 2, (27, 24), 128), table_pays(32, 3, (27, 10), 200)
    (True, False)
    """
    V, D = C_shape
    return 3 * n * V * D * M + N * n * V * M < 3 * N * n * D * M + N * n * V * D


def _add_bias(program: Program, y: Pair, b: Pair | None, forward: list[Call], backward: list[Call]) -> None:
    if b is not None:
        forward.append(partial(np.add, y.value, b.value, y.value))
        backward.append(column_sums(program, y.grad, b.grad))


def tanh(program: Program, x: Pair) -> Pair:
    """(N, C) -> (N, C): dx = (1 - y**2) * dy."""
    y, slope = x.room(), program.scratch(x.value)
    program.add(
        [partial(np.tanh, x.value, y)],
        [
            partial(np.multiply, y, y, slope),
            partial(np.subtract, program.number(1), slope, slope),
            partial(np.multiply, x.grad, slope, x.grad),
        ],
    )
    return Pair(y, x.grad, kept=True)


def relu(program: Program, x: Pair) -> Pair:
    """(N, C) -> (N, C): dx = dy where y is above 0."""
    y, slope = x.room(), program.scratch(x.value)
    program.add(
        [partial(np.maximum, x.value, program.number(0), out=y)],
        [partial(np.sign, y, slope), partial(np.multiply, x.grad, slope, x.grad)],
    )
    return Pair(y, x.grad, kept=True)


def batch_norm(
    program: Program, x: Pair, gamma: Pair, beta: Pair, statistics: Array, *, eps: float, bessel: bool
) -> Pair:
    """(N, C), gamma, beta (C,) -> (N, C); `statistics` (2, C) gets the batch's mean and variance.

    What is kept of x is its deviation from the mean. With scale = gamma / std:

        y = deviation * scale + beta,  dgamma = sum(dy * deviation) / std,  dbeta = sum(dy)
        dx = scale * (dy - dbeta / N - deviation * dgamma / std / m),  m = N - 1 with Bessel's correction, else N
    """
    N, channels = x.value.shape
    m = N - 1 if bessel else N
    deviation, work = x.room(), program.scratch(x.value)
    mean, var = statistics
    std, scale, factor, shift = (program.array(channels) for _ in range(4))
    y, dy = program.array(N, channels), x.grad  # dx takes the place of dy
    program.add(
        [
            column_sums(program, x.value, mean, over=N),
            partial(np.subtract, x.value, mean, deviation),
            partial(np.multiply, deviation, deviation, work),
            column_sums(program, work, var, over=m),
            partial(np.add, var, program.number(eps), std),
            partial(np.sqrt, std, std),
            partial(np.divide, gamma.value, std, scale),
            partial(np.multiply, deviation, scale, y),
            partial(np.add, y, beta.value, y),
        ],
        [
            partial(np.multiply, dy, deviation, work),
            column_sums(program, work, gamma.grad),
            partial(np.divide, gamma.grad, std, gamma.grad),
            column_sums(program, dy, beta.grad),
            partial(np.divide, gamma.grad, std, factor),
            partial(np.multiply, factor, program.number(1 / m), factor),
            partial(np.multiply, beta.grad, program.number(1 / N), shift),
            partial(np.multiply, deviation, factor, work),
            partial(np.subtract, dy, work, dy),
            partial(np.subtract, dy, shift, dy),
            partial(np.multiply, dy, scale, dy),
        ],
    )
    return Pair(y, dy)


def branch(program: Program, x: Pair, n: int) -> list[Pair]:
    """x -> n times x, each with a gradient of its own, which are summed: what is used n times."""
    grads = [program.array(*x.grad.shape) for _ in range(n)]
    program.add([], _summed(grads, x.grad))
    return [Pair(x.value, grad, kept=True) for grad in grads]


def add(program: Program, xs: Sequence[Pair]) -> Pair:
    """n times (N, C) -> (N, C), their sum; each gets a copy of dy, for the layers write over theirs."""
    y = program.pair(*xs[0].value.shape)
    program.add(_summed([x.value for x in xs], y.value), [partial(np.copyto, x.grad, y.grad) for x in xs])
    return y


def _summed(xs: Sequence[Array], out: Array) -> list[Call]:
    first, *others = xs
    if not others:
        return [partial(np.copyto, out, first)]
    second, *rest = others
    return [partial(np.add, first, second, out), *(partial(np.add, out, x, out) for x in rest)]


class Loss:
    """The last layer's arrays that a step is told by, and that it leaves behind."""

    def __init__(self, program: Program, batch_size: int, n_ids: int) -> None:
        self.record = program.array(2, batch_size)
        """of_target and sums: the loss is mean(log(sums) - of_target)."""
        self.rate = program.array()
        """The factor of all gradients, over N. All that comes behind dlogits is linear in it: a learning rate that is
        put in there costs nothing."""
        self.targets = program.array(n_ids, n_ids)
        """The identity matrix times `rate`."""
        self._eye = np.eye(n_ids, dtype=program.dtype)
        self.set_rate(1.0)

    def set_rate(self, rate: float) -> None:
        self.rate[...] = rate / self.record.shape[1]
        np.multiply(self._eye, self.rate, self.targets)


def cross_entropy(program: Program, logits: Pair, yb: Array, places: Array) -> Loss:
    """(N, V) logits, (N,) targets -> their mean loss; `places` (N,) are those of the targets in logits.ravel()."""
    N, n_ids = logits.value.shape
    scores, x = logits.value, logits.room()
    loss = Loss(program, N, n_ids)
    of_target, sums = loss.record
    largest, factor, one_hot = program.array(N, 1), program.array(N, 1), program.array(N, n_ids)
    where, first = np.zeros(N, np.intp), np.arange(0, N * n_ids, n_ids)
    program.add(
        [
            # scores.max(1), in half the time along rows as short as these
            partial(scores.argmax, 1, where),
            partial(np.add, where, first, where),
            partial(scores.reshape(-1).take, where, 0, largest[:, 0], "clip"),
            partial(np.subtract, scores, largest, x),
            partial(x.reshape(-1).take, places, 0, of_target, "clip"),
            partial(np.exp, x, x),
            partial(np.dot, x, np.ones(n_ids, program.dtype), sums),
        ],
        [
            # dlogits = (softmax - one_hot) * rate / N
            partial(np.divide, loss.rate, sums, factor[:, 0]),
            partial(np.multiply, x, factor, logits.grad),
            partial(loss.targets.take, yb, 0, one_hot, "clip"),
            partial(np.subtract, logits.grad, one_hot, logits.grad),
        ],
    )
    return loss


def column_sums(program: Program, x: Array, out: Array, *, over: int = 1) -> Call:
    """(N, C) -> (C,): the sum of the rows, over `over`; by a row of ones, in two fifths of x.sum(0)'s time."""
    return partial(np.dot, np.full(len(x), 1 / over, program.dtype), x, out)


def product(a: Array, b: Array, out: Array) -> Call:
    """(N, K) @ (K, M) -> (N, M); a or b may be transposed, out is not.

    On AVX-512 a larger product is cut into blocks of rows that are `SMALL` enough, one call of BLAS for each. With b
    transposed its kernels do four rows at a time best. At lecture 6's sizes that saves a tenth of the step.
    """
    N, K = a.shape
    M = b.shape[1]
    n_rows = N
    if has_small_kernels() and N * K * M > SMALL:
        fitting = max(16, SMALL // 2 // (K * M))
        n_rows = 2 ** (fitting.bit_length() - 1) if b.flags.c_contiguous else 4
    if n_rows == N or N % n_rows:
        return partial(np.dot, a, b, out)
    if a.flags.c_contiguous:
        rows = a.reshape(N // n_rows, n_rows, K)
    else:
        rows = a.T.reshape(K, N // n_rows, n_rows).transpose(1, 2, 0)
    return partial(np.matmul, rows, b, out.reshape(N // n_rows, n_rows, M))
