"""The two arrays that a replay works on, what stands where in them, and how to read them.

`values` has a row for each number of a tape, `edges` a row for each use of one; the groups of nodes (schedule.py) lie
block by block in both. Gradients are gathered, never scattered, and added up in the order of `Value.backward`.

Letters: B examples, each row has so many numbers; N nodes of the tape, n of a group, K terms of a sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zth.autograd.schedule import SUM, Group
from zth.autograd.tape import ROWS, Tape

Array = NDArray[Any]
Read = Callable[[], Array]
NO_EDGE, SEED = 0, 1
"""The first two rows of `edges`: 0.0 where there is none, and 1.0, the gradient of the first output by itself."""


class Memory:
    """`values` and `edges`, and where what stands in them."""

    def __init__(self, tape: Tape, live: Array, plan: Sequence[Group], batch: int, dtype: np.dtype[Any]) -> None:
        self.batch = batch
        # rows 0 and 1 are the constants ZERO and ONE; then the leaves, then group after group
        self.place = np.full(tape.n_nodes + 2, -1)
        """(N + 2,) the row of each node in `values`; -1 for what has gone into a sum."""
        self.place[[-2, -1]] = 0, 1
        self.place[: tape.n_leaves] = np.arange(2, 2 + tape.n_leaves)
        self.blocks: list[slice] = []
        n_rows = 2 + tape.n_leaves
        for group in plan:
            self.blocks.append(slice(n_rows, n_rows + group.nodes.size))
            self.place[group.nodes.ravel()] = np.arange(n_rows, n_rows + group.nodes.size)
            n_rows += group.nodes.size
        self.values = np.zeros((n_rows, batch), dtype)
        self.values[1] = 1
        self.values[2 : 2 + tape.n_leaves] = tape.numbers[:, None]
        self.edge_blocks = _edge_blocks(live, plan)
        n_edges = max((block.stop for blocks in self.edge_blocks for block in blocks if block), default=2)
        self.edges = np.zeros((n_edges, batch), dtype)
        self.edges[SEED] = 1
        root = int(self.place[tape.outputs[0]])
        self._uses, self._starts = _uses(self.place, live, plan, self.edge_blocks, root, n_rows)
        self._most = [0, 0, 0, 0]
        self._scratch: dict[int, Array] = {}

    def read(self, nodes: Array, scratch: int = 0) -> Read:
        """(...) nodes -> a call for their numbers, (..., B): a view where they stand side by side, else a copy.

        Copies of one number of `scratch` share their memory: use one before the next is made.
        """
        return self._rows(self.values, self.place[nodes], scratch)

    def pull(self, start: int, stop: int) -> Read:
        """A call for the gradients of the rows from `start` to `stop` of `values`: (n, B)."""
        starts, n = self._starts[start : stop + 1], stop - start
        count = np.diff(starts)
        if n == 0 or count.max() <= 1:
            return self._rows(self.edges, _padded(self._uses, starts[:-1], count)[0] if n else starts[:0], 2)
        # rows with a like number of uses are added up side by side; filling up adds zeros, which changes nothing
        size = np.frexp(np.maximum(count, 1) - 1)[1] if count.max() * n > 2 * count.sum() + 64 else np.zeros(n, int)
        parts = []
        for each in np.unique(size):
            columns = np.flatnonzero(size == each)
            rows = self._rows(self.edges, _padded(self._uses, starts[:-1][columns], count[columns]), 2)
            parts.append((columns, rows))
        total = self.scratch(3, (n,))
        if len(parts) == 1:
            return lambda: add_up(parts[0][1](), total())

        def gather() -> Array:
            gradient = total()
            for columns, rows in parts:
                gradient[columns] = add_up(rows(), np.empty((len(columns), self.batch), gradient.dtype))
            return gradient

        return gather

    def scratch(self, number: int, shape: tuple[int, ...]) -> Read:
        """A call for (*shape, B) of memory that others use, too, for a moment."""
        size = prod(shape) * self.batch
        self._most[number] = max(self._most[number], size)  # it is made when all have said what they need

        @cache
        def view() -> Array:
            if number not in self._scratch or self._scratch[number].size < size:
                self._scratch[number] = np.empty(self._most[number], self.values.dtype)
            return self._scratch[number][:size].reshape(*shape, self.batch)

        return view

    def _rows(self, source: Array, rows: Array, scratch: int) -> Read:
        flat = rows.ravel()
        if flat.size and np.array_equal(flat, np.arange(flat[0], flat[0] + flat.size)):
            view = source[flat[0] : flat[0] + flat.size].reshape(*rows.shape, self.batch)
            return lambda: view
        rows = np.ascontiguousarray(rows)
        copy = self.scratch(scratch, rows.shape)
        # mode="clip", since with "raise" NumPy writes to a copy of its own first; no row is out of bounds
        return lambda: source.take(rows, axis=0, out=copy(), mode="clip")


def add_up(rows: Array, out: Array) -> Array:
    """(K, n, B) -> (n, B), one row after the other: ((first + second) + third) + ..."""
    if out.size > 1:
        return np.add.reduce(rows, axis=0, out=out)
    out[...] = np.add.accumulate(rows, axis=0)[-1]  # reduce would add a single column in pairs
    return out


def _edge_blocks(live: Array, plan: Sequence[Group]) -> list[list[slice | None]]:
    """For each operand of each group the rows of `edges` that are its own; None where no gradient is wanted."""
    blocks: list[list[slice | None]] = []
    n_edges = 2
    for group in plan:
        mine: list[slice | None] = []
        blocked = ROWS[group.kind].blocked if group.kind < SUM else ()
        for i, nodes in enumerate(group.operands):
            wanted = group.live and i not in blocked and live[nodes].any()
            mine.append(slice(n_edges, n_edges + nodes.size) if wanted else None)
            n_edges += nodes.size if wanted else 0
        blocks.append(mine)
    return blocks


def _uses(
    place: Array, live: Array, plan: Sequence[Group], blocks: Sequence[Sequence[slice | None]], root: int, n_rows: int
) -> tuple[Array, Array]:
    """The edges by the row that they lead to, in the order of `Value.backward`; where each begins."""
    target, edge, order = [np.array([root])], [np.array([SEED])], [np.array([-1])]
    for group, mine in zip(plan, blocks, strict=True):
        for i, (nodes, users, block) in enumerate(zip(group.operands, group.users, mine, strict=True)):
            if block is not None:
                at = live[nodes.ravel()]
                target.append(place[nodes.ravel()[at]])
                edge.append(np.arange(block.start, block.stop)[at])
                order.append(2 * (len(place) - users.ravel()[at].astype(np.int64)) + i)  # the last user comes first
    to, by = np.concatenate(target), np.lexsort((np.concatenate(order), np.concatenate(target)))
    return np.concatenate(edge)[by], np.searchsorted(to[by], np.arange(n_rows + 1))


def _padded(uses: Array, starts: Array, count: Array) -> Array:
    """(n,) where the uses of n rows begin and how many there are -> (most, n), filled up with NO_EDGE."""
    k = np.arange(max(1, int(count.max())))[:, None]
    inside = k < count
    return np.where(inside, uses[np.where(inside, starts + k, 0)], NO_EDGE)
