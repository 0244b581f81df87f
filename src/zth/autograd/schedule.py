"""From a tape to vector operations: which nodes become one, and which run side by side.

1. `fuse`. A neuron is a chain of additions of products, ((b + w0*x0) + w1*x1) + ... Where nobody else uses the steps
   between, the chain is one node: the sum over k of left[k] * right[k]. A plain term is a product with 1.
2. `rounds`. Nodes of one kind whose operands are all there run as one round. It is the turn of the kind that has the
   longest way still to go; the others wait, and are joined by more of their like.
3. `groups`. The sums of a round that share their factors, as the neurons of a layer share its inputs, are products of
   two matrices. What is left is gathered: K rows of n products, added up row by row in the tape's order.

Letters: N nodes of the tape, K terms of a sum, n nodes of a group, C pairs of matrices that make J by N sums each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zth.autograd.tape import CODES, ROWS, Tape

Array = NDArray[Any]

ZERO, ONE = -2, -1
"""Two nodes beside the tape's: 0 fills up what is shorter, 1 is the partner of a plain term."""
ADD, MUL, MAX = CODES["add"], CODES["mul"], CODES["max"]
LEAF, SUM, LARGEST = -1, len(ROWS), len(ROWS) + 1
"""Kinds of nodes besides the codes of the ops."""
WORTH = 1000
"""Multiplications from which on a pair of matrices is worth a call of its own."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Nodes that one vector operation makes, out of operands that are all there."""

    kind: int
    """The code of an op, SUM or LARGEST."""
    live: bool
    """Whether a gradient is wanted of what they are made of."""
    nodes: Array
    """(n,), or (C, J, N) for products of matrices."""
    operands: tuple[Array, ...]
    """Nodes: (n,) for each operand of an op, (K, n) for sums, (C, J, K) and (C, K, N) for matrices."""
    users: tuple[Array, ...]
    """For each operand the node that hands the gradient down to it: it settles the order of adding up."""

    @property
    def is_matrix(self) -> bool:
        return self.nodes.ndim == 3


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Those of all chains of one op, chain after chain, each in the tape's order."""

    count: Array
    """(N,) how many terms the chain has that ends in a node; 0 where none does."""
    start: Array
    """(N,) where they begin."""
    left: Array
    right: Array
    user: Array

    def rows(self, heads: Array, n_terms: int) -> tuple[Array, Array, Array]:
        """(n,) heads -> left, right and user (n, n_terms), the shorter chains filled up with ZERO."""
        k = np.arange(n_terms)
        inside = k < self.count[heads, None]
        at = np.where(inside, self.start[heads, None] + k, 0)

        def filled(part: Array) -> Array:
            return np.where(inside, part[at], ZERO)

        return filled(self.left), filled(self.right), filled(self.user)


class Graph:
    """A tape's nodes as arrays, with what is known of each."""

    def __init__(self, tape: Tape) -> None:
        n_leaves, self.n_leaves, self.n_nodes = tape.n_leaves, tape.n_leaves, tape.n_nodes
        nobody = np.full(n_leaves, -1, np.int32)
        self.kind = np.concatenate([nobody, tape.codes.astype(np.int32)])
        self.a, self.b = np.concatenate([nobody, tape.a]), np.concatenate([nobody, tape.b])
        uses = np.bincount(tape.a, minlength=self.n_nodes) + np.bincount(tape.b[tape.b >= 0], minlength=self.n_nodes)
        uses[list(tape.outputs)] += 1  # whoever looks at a result is a user, too
        self.once = uses == 1
        self.parameters = slice(tape.n_inputs, tape.n_inputs + tape.n_parameters)
        is_input, is_wanted = np.zeros(n_leaves, np.uint8), np.zeros(n_leaves, np.uint8)
        is_input[: tape.n_inputs] = 1
        is_wanted[: tape.n_inputs] = tape.wanted
        is_wanted[self.parameters] = 1
        origin = _origins(tape, (is_input + 2 * is_wanted).tolist())
        self.from_input = np.append(origin & 1 > 0, [False, False])
        self.live = np.append((origin & 2 > 0) & _receives(tape), [False, False])
        """(N + 2,) whether a gradient that is wanted flows through a node; the last two are ZERO and ONE."""
        self.terms: dict[int, Terms] = {}


def _origins(tape: Tape, bits: list[int]) -> Array:
    """(leaves,) bits -> (N,): each node has the bits of all leaves that it comes from."""
    add = bits.append
    for a, b in zip(tape.a.tolist(), np.where(tape.b < 0, tape.a, tape.b).tolist(), strict=True):
        add(bits[a] | bits[b])
    return np.array(bits, np.uint8)


def _receives(tape: Tape) -> Array:
    """(N,) whether the first output hands its gradient down to a node."""
    nobody = tape.n_nodes  # where what flows nowhere goes
    a, b = tape.a.copy(), np.where(tape.b < 0, nobody, tape.b)
    for code, op in enumerate(ROWS):
        for operand in op.blocked:
            (a, b)[operand][tape.codes == code] = nobody
    receives = bytearray(nobody + 1)
    receives[tape.outputs[0]] = 1
    for node, x, y in zip(range(nobody - 1, tape.n_leaves - 1, -1), a[::-1].tolist(), b[::-1].tolist(), strict=True):
        if receives[node]:
            receives[x] = receives[y] = 1
    return np.frombuffer(receives, bool)[:-1].copy()


def fuse(graph: Graph) -> None:
    """Make each chain of additions one node, of kind SUM, and each chain of max without gradient one of LARGEST."""
    _fuse(graph, SUM, graph.kind == ADD, at_least=3)
    _fuse(graph, LARGEST, (graph.kind == MAX) & ~graph.live[:-2], at_least=2)


def _fuse(graph: Graph, kind: int, inside: Array, at_least: int) -> None:
    """`inside` are the nodes of the op. A chain that is shorter than `at_least`, without products, stays as it is."""
    links = inside & graph.once
    by_a = inside & links[graph.a]
    by_b = inside & ~by_a & links[graph.b]
    begins = np.flatnonzero(inside & ~by_a & ~by_b)
    every = np.flatnonzero(inside)
    head = _ends(np.where(by_a, graph.a, graph.b), by_a | by_b)
    # the first addition of a chain has two terms, every further one the operand that is not the chain itself
    user = np.concatenate([begins, every])
    term = np.concatenate([graph.a[begins], np.where(by_b, graph.a, graph.b)[every]])
    order = np.argsort(head[user] * (2 * graph.n_nodes) + 2 * user + (np.arange(len(user)) >= len(begins)))
    user, term = user[order], term[order]
    product = (graph.kind[term] == MUL) & graph.once[term] & (kind == SUM)
    count = np.bincount(head[user], minlength=graph.n_nodes)
    worth = (count >= at_least) | (np.bincount(head[user], weights=product, minlength=graph.n_nodes) > 0)
    keep = worth[head[user]]
    user, term, product = user[keep], term[keep], product[keep]
    count[~worth] = 0
    graph.kind[user] = graph.kind[term[product]] = LEAF  # they have gone into a sum, which stands where it ended
    graph.kind[head[user]] = kind
    left, right = _factors(graph, term, product)
    user = np.where(product, term, user)
    graph.terms[kind] = Terms(count=count, start=np.cumsum(count) - count, left=left, right=right, user=user)


def _ends(onward: Array, is_linked: Array) -> Array:
    """(N,) the node before in a chain, where `is_linked` -> (N,) the node that each one's chain ends in."""
    head = np.arange(len(onward))
    head[onward[is_linked]] = np.flatnonzero(is_linked)
    while not np.array_equal(further := head[head], head):  # each time twice as far: a million steps take twenty
        head = further
    return head


def _factors(graph: Graph, term: Array, product: Array) -> tuple[Array, Array]:
    """(n,) terms -> left and right factors; left is the one that depends on no input, such as a weight."""
    left, right = np.where(product, graph.a[term], term), np.where(product, graph.b[term], ONE)
    # parameters, constants, what is computed of these, and last what an input has a part in
    rank = 3 * graph.from_input + (np.arange(graph.n_nodes + 2) >= graph.n_leaves)
    rank[graph.parameters] = -1
    swap = rank[left] > rank[right]
    return np.where(swap, right, left), np.where(swap, left, right)


def rounds(graph: Graph) -> Iterator[tuple[int, bool, Array]]:
    """The kind, whether it is live, and the nodes, round after round; operands are in rounds before their users."""
    operand, user = _edges(graph)
    height = _heights(graph.n_nodes, operand, user)
    by_operand = np.argsort(operand, kind="stable")
    users = user[by_operand].tolist()
    starts = np.searchsorted(operand[by_operand], np.arange(graph.n_nodes + 1)).tolist()
    waits_for = np.bincount(user, minlength=graph.n_nodes).tolist()
    kinds = (2 * graph.kind + graph.live[:-2]).tolist()
    ready: defaultdict[int, list[int]] = defaultdict(list)
    tallest: defaultdict[int, int] = defaultdict(int)

    def begin(node: int) -> None:
        kind = kinds[node]
        ready[kind].append(node)
        if height[node] > tallest[kind]:
            tallest[kind] = height[node]

    for node in np.flatnonzero((graph.kind != LEAF) & (np.array(waits_for) == 0)).tolist():
        begin(node)
    while ready:
        turn = max(ready, key=tallest.__getitem__)
        nodes = ready.pop(turn)
        tallest.pop(turn, None)
        yield turn // 2, bool(turn % 2), np.array(nodes)
        for node in nodes:
            for user_ in users[starts[node] : starts[node + 1]]:
                waits_for[user_] -= 1
                if not waits_for[user_]:
                    begin(user_)


def _edges(graph: Graph) -> tuple[Array, Array]:
    """(operand, user) of nodes that are no leaves, after fusing; a sum is the user of its factors."""
    ops = np.flatnonzero((graph.kind >= 0) & (graph.kind < SUM))
    pairs = [(graph.a[ops], ops), (graph.b[ops], ops)]
    for terms in graph.terms.values():
        heads = np.repeat(np.arange(graph.n_nodes), terms.count)
        pairs += [(terms.left, heads), (terms.right, heads)]
    operand, user = (np.concatenate(side) for side in zip(*pairs, strict=True))
    inner = operand >= graph.n_leaves
    return operand[inner], user[inner]


def _heights(n_nodes: int, operand: Array, user: Array) -> list[int]:
    """(N,) how many nodes stand between each and the end of its longest way, itself counted."""
    height = [1] * n_nodes
    last_first = np.argsort(-user)
    for x, y in zip(operand[last_first].tolist(), user[last_first].tolist(), strict=True):
        if height[x] <= height[y]:
            height[x] = height[y] + 1
    return height


def groups(graph: Graph, *, batch: int = 1, matrices: bool = True) -> Iterator[Group]:
    """The vector operations of a tape, in an order in which they can run, for `batch` examples at once.

    Without `matrices` every sum is added up in the tape's own order.
    """
    fuse(graph)
    for kind, live, nodes in rounds(graph):
        if kind < SUM:
            operands = (graph.a[nodes], graph.b[nodes])[: ROWS[kind].arity]
            yield Group(kind=kind, live=live, nodes=nodes, operands=operands, users=(nodes, nodes)[: len(operands)])
        elif kind == SUM:
            yield from _sums(graph, live, nodes, batch if matrices else 0)
        else:
            for heads in _of_like_length(graph.terms[LARGEST].count, nodes):
                yield _largest(graph.terms[LARGEST], heads)


def _sums(graph: Graph, live: bool, heads: Array, batch: int) -> Iterator[Group]:
    """Those that share their factors as pairs of matrices, the others gathered; 0 is no batch and no matrix."""
    terms = graph.terms[SUM]
    gathered = []
    for n_terms in np.unique(terms.count[heads]).tolist():
        mine = heads[terms.count[heads] == n_terms]
        left, right, _ = terms.rows(mine, n_terms)
        # several examples at once: a matrix serves them all only where it is the same for each
        fit = np.full(len(mine), batch == 1) if batch < 2 else ~graph.from_input[left].any(axis=1)
        gathered.append(mine[~fit])
        for places in _blocks(left[fit], right[fit]):
            C, J, N = places.shape
            if J * N * batch > 1 and C * J * N * batch * n_terms >= WORTH:
                yield _matrices(terms, live, mine[fit][places], n_terms)
            else:
                gathered.append(mine[fit][places.ravel()])
    for mine in _of_like_length(terms.count, np.concatenate(gathered)):
        left, right, user = (part.T for part in terms.rows(mine, int(terms.count[mine].max())))
        yield Group(kind=SUM, live=live, nodes=mine, operands=(left, right), users=(user, user))


def _blocks(left: Array, right: Array) -> list[Array]:
    """(n, K) factors of n sums -> the sums' places in (C, J, N) blocks, of which each comes to one product.

    The sums in a row of a block share their left factors, those in a column their right ones.
    """
    row, column = _number_alike(left), _number_alike(right)
    by_column = np.lexsort((row, column))
    same_rows: defaultdict[bytes, list[Array]] = defaultdict(list)
    for places in np.split(by_column, np.flatnonzero(np.diff(column[by_column])) + 1):
        same_rows[row[places].tobytes()].append(places)
    by_shape: defaultdict[tuple[int, ...], list[Array]] = defaultdict(list)
    for columns in same_rows.values():
        block = np.stack(columns, axis=1)
        by_shape[block.shape].append(block)
    return [np.stack(blocks) for blocks in by_shape.values()] if len(left) else []


def _number_alike(rows: Array) -> Array:
    """(n, K) -> (n,) numbers from 0 in order of appearance, the same for equal rows."""
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in np.ascontiguousarray(rows)])


def _matrices(terms: Terms, live: bool, heads: Array, n_terms: int) -> Group:
    """(C, J, N) sums as C pairs of matrices (J, K) and (K, N)."""
    left, _, left_user = terms.rows(heads[:, :, 0].ravel(), n_terms)
    _, right, right_user = terms.rows(heads[:, 0, :].ravel(), n_terms)
    C, J, N = heads.shape
    left, left_user = (part.reshape(C, J, n_terms) for part in (left, left_user))
    right, right_user = (part.reshape(C, N, n_terms).swapaxes(1, 2) for part in (right, right_user))
    return Group(kind=SUM, live=live, nodes=heads, operands=(left, right), users=(left_user, right_user))


def _largest(terms: Terms, heads: Array) -> Group:
    left, right, user = terms.rows(heads, int(terms.count[heads].max()))
    found = np.where(left == ONE, right, left)
    found = np.where(found == ZERO, found[:, :1], found)  # filled up with a term that is there: 0 might be larger
    return Group(kind=LARGEST, live=False, nodes=heads, operands=(found.T,), users=(user.T,))


def _of_like_length(count: Array, heads: Array) -> Iterator[Array]:
    """Heads in parts that are filled up to their longest chain: all in one while that is cheap, else by length.

    Then the longest of a part has at most twice the terms of the shortest.
    """
    n_terms = count[heads]
    few = len(heads) == 0 or n_terms.max() * len(heads) <= 4 * WORTH
    size = np.zeros(len(heads), int) if few else np.frexp(n_terms - 1)[1]
    for each in np.unique(size).tolist():
        yield heads[size == each]
