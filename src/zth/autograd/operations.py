"""What a replay does: each group of nodes as a few NumPy calls on two arrays that are made once.

`values` has a row for each number of a tape, `edges` a row for each use of one: forward writes there the slope of the
use, backward makes it the gradient that flows along. The groups stand block by block in both. So an operation reads
wherever its operands are, and writes one block::

    forward    values[block] = op(values[operands])         edges[block] = slopes
    backward   gradient = sum of edges[uses of the block]   edges[block] *= gradient

Letters: B examples, each row has so many numbers; n nodes of a group, K terms of a sum, C pairs of matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zth.autograd.memory import Array, Memory, Read, add_up
from zth.autograd.ops import table
from zth.autograd.schedule import LARGEST, ONE, SUM, Group
from zth.autograd.tape import ROWS, Tape

ARRAYS = [table(np)[op.name] for op in ROWS]


def _pull(memory: Memory, group: Group, out: slice) -> Read:
    return memory.pull(out.start, out.stop) if group.live else _nothing


def _nothing() -> Array:
    raise AssertionError("no gradient is wanted of this group")


class Elementwise:
    """A row of the table over (n, B) operands."""

    def __init__(self, memory: Memory, group: Group, out: slice, edges: Sequence[slice | None]) -> None:
        self.rule = ARRAYS[group.kind].rule
        self.reads = [memory.read(nodes, i) for i, nodes in enumerate(group.operands)]
        self.out = memory.values[out]
        self.edges = [None if block is None else memory.edges[block] for block in edges]
        self.pull = _pull(memory, group, out)

    def forward(self) -> None:
        value, *slopes = self.rule(*[read() for read in self.reads])
        self.out[...] = value
        for edges, slope in zip(self.edges, slopes, strict=True):
            if edges is not None:
                edges[...] = slope

    def backward(self) -> None:
        gradient = self.pull()
        for edges in self.edges:
            if edges is not None:
                edges *= gradient


class Sum:
    """(K, n) left and right factors -> (n,) the sums of their products, in the tape's order."""

    def __init__(self, memory: Memory, group: Group, out: slice, edges: Sequence[slice | None]) -> None:
        left, right = group.operands
        self.left, self.right = memory.read(left, 0), memory.read(right, 1)
        self.plain = bool((left == ONE).all())
        self.products = memory.scratch(0, left.shape)
        self.out = memory.values[out]
        self.edges = [
            None if block is None else memory.edges[block].reshape(*left.shape, memory.batch) for block in edges
        ]
        self.pull = _pull(memory, group, out)

    def forward(self) -> None:
        products = self.right()
        if not self.plain:
            products = np.multiply(self.left(), products, out=self.products())
        add_up(products, self.out)

    def backward(self) -> None:
        gradient = self.pull()
        if self.edges[0] is not None:
            np.multiply(self.right(), gradient, out=self.edges[0])
        if self.edges[1] is not None:
            np.multiply(self.left(), gradient, out=self.edges[1])


class Matrices:
    """(C, J, K) times (C, K, N) -> (C, J, N): sums that share their factors, in whatever order BLAS adds up.

    The B examples are further columns: (K, N, B) is the same memory as (K, N*B). The left factors are the same for
    all of them, so they are read from the first, and their gradients, summed over all, are written there.
    """

    def __init__(self, memory: Memory, group: Group, out: slice, edges: Sequence[slice | None]) -> None:
        (C, J, N), (_, K, _) = group.nodes.shape, group.operands[1].shape
        self.values, self.batch = memory.values, memory.batch
        self.left = np.empty((C, J, K), self.values.dtype)
        self.right = np.empty((C, K, N * self.batch), self.values.dtype)
        self.rows = memory.place[group.operands[0]]
        self.right_rows = np.ascontiguousarray(memory.place[group.operands[1]])
        self.out = memory.values[out].reshape(C, J, N * self.batch)
        first, second = edges
        self.left_edges = None if first is None else memory.edges[first, 0].reshape(C, J, K)
        self.right_edges = None if second is None else memory.edges[second].reshape(C, K, N * self.batch)
        self.pull = _pull(memory, group, out)

    def forward(self) -> None:
        C, K, _ = self.right.shape
        if self.batch == 1:
            self.values.take(self.rows, out=self.left, mode="clip")
        else:
            self.left[...] = self.values[self.rows, 0]
        self.values.take(self.right_rows, axis=0, out=self.right.reshape(C, K, -1, self.batch), mode="clip")
        np.matmul(self.left, self.right, out=self.out)

    def backward(self) -> None:
        gradient = self.pull().reshape(self.out.shape)
        if self.left_edges is not None:
            np.matmul(gradient, self.right.swapaxes(1, 2), out=self.left_edges)
        if self.right_edges is not None:
            np.matmul(self.left.swapaxes(1, 2), gradient, out=self.right_edges)


class Largest:
    """(K, n) -> (n,) the largest of K; made where no gradient is wanted."""

    def __init__(self, memory: Memory, group: Group, out: slice, _edges: Sequence[slice | None]) -> None:
        self.read, self.out, self.pull = memory.read(group.operands[0]), memory.values[out], _nothing

    def forward(self) -> None:
        np.maximum.reduce(self.read(), axis=0, out=self.out)

    def backward(self) -> None:
        self.pull()


Operation = Elementwise | Sum | Matrices | Largest


def operations(plan: Sequence[Group], memory: Memory) -> list[Operation]:
    """The groups as operations on the memory, in the plan's order."""
    kinds: dict[int, type[Operation]] = {SUM: Sum, LARGEST: Largest}
    return [
        (Matrices if group.is_matrix else kinds.get(group.kind, Elementwise))(memory, group, out, edges)
        for group, out, edges in zip(plan, memory.blocks, memory.edge_blocks, strict=True)
    ]


class Vectorised:
    """Runs a tape for `batch` examples by vector operations; `leaves` is where its numbers come from."""

    def __init__(self, tape: Tape, live: Array, plan: Sequence[Group], batch: int, dtype: np.dtype[Any]) -> None:
        self.tape, self.memory = tape, Memory(tape, live, plan, batch, dtype)
        self.operations = operations(plan, self.memory)
        self._backward = [op for op, group in zip(self.operations, plan, strict=True) if group.live][::-1]
        self.leaves = self.memory.values[2 : 2 + tape.n_leaves]
        """(leaves, B)"""
        self._outputs = self.memory.place[list(tape.outputs)]

    def forward(self) -> Array:
        """-> (outputs, B)"""
        for operation in self.operations:
            operation.forward()
        outputs: Array = self.memory.values[self._outputs]
        return outputs

    def backward(self) -> None:
        for operation in self._backward:
            operation.backward()

    def pull(self, leaves: slice) -> Read:
        """A call for the gradients of some leaves, (n, B), after backward()."""
        return self.memory.pull(2 + leaves.start, 2 + leaves.stop)

    def values(self) -> Array:
        """(N, B) of all nodes, those too that have gone into a sum, which are worked out for whoever looks."""
        found: Array = self.memory.values[self.memory.place[:-2]]
        for node, (code, a, b) in enumerate(self.tape.steps(), self.tape.n_leaves):
            if self.memory.place[node] < 0:
                found[node] = ARRAYS[code].rule(found[a], found[b])[0]
        return found

    def gradients(self) -> Array:
        """(N, B) of all nodes; that of a term is that of its sum."""
        known = self.memory.place[:-2] >= 0
        found = np.zeros((self.tape.n_nodes, self.memory.batch), self.memory.values.dtype)
        found[known] = self.memory.pull(0, len(self.memory.values))()[self.memory.place[:-2][known]]
        for i in range(len(self.tape.a) - 1, -1, -1):
            for operand in (self.tape.a[i], self.tape.b[i]):
                if operand >= 0 and not known[operand]:
                    found[operand] = found[self.tape.n_leaves + i]
        return found
