"""A graph of Values as lists, for a tape: its nodes in order, its leaves, its constants."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from struct import Struct

from zth.autograd.value import Value

_DOUBLE = Struct("d")


@contextmanager
def collector_paused() -> Iterator[None]:
    """A graph has no cycles, so looking for some among fresh nodes only costs time: up to half of a step."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def operands_first(outputs: Sequence[Value]) -> tuple[list[Value], list[Value]]:
    """The nodes that ops made, each after its operands, and the leaves that were met.

    Read from its end, the order is that of `Value.backward` from the first output. It walks its own way, since
    backward() needs no list of what it visits, and would be a third slower if it kept one.
    """
    order: list[Value] = []
    leaves: dict[Value, None] = {}
    seen: set[Value] = set()
    for root in outputs:
        walk = _hand_down_order(root, seen, leaves)
        seen.update(walk)
        order += reversed(walk)
    return order, list(leaves)[::-1]


def _hand_down_order(root: Value, seen: set[Value], leaves: dict[Value, None]) -> list[Value]:
    """The nodes below `root` that were not seen yet, each after the last of those that use it."""
    uses = {root: 0}
    stack = [] if root in seen else [root]
    if root.op is None:
        leaves[root] = None
        return []
    while stack:
        node = stack.pop()
        for operand in (node._a, node._b):
            if operand is None:
                continue
            if operand._uses < 0:
                leaves[operand] = None
            elif operand in uses:
                uses[operand] += 1
            elif operand not in seen:
                uses[operand] = 1
                stack.append(operand)
    order = []
    stack = [] if root in seen else [root]
    while stack:
        node = stack.pop()
        order.append(node)
        for operand in (node._a, node._b):
            if operand in uses:
                left = uses[operand] = uses[operand] - 1
                if not left:
                    stack.append(operand)
    return order


def number_constants(met: Sequence[Value], ids: dict[Value, int]) -> list[float]:
    """Give each constant a place in `ids`, equal numbers the same one -> the numbers, in order."""
    first = len(ids)
    places: dict[bytes, int] = {}
    numbers: list[float] = []
    for leaf in met:
        if leaf not in ids:
            bits = _DOUBLE.pack(leaf.data)  # so that 0.0 and -0.0 stay two, and nan is equal to itself
            if bits not in places:
                places[bits] = first + len(numbers)
                numbers.append(leaf.data)
            ids[leaf] = places[bits]
    return numbers
