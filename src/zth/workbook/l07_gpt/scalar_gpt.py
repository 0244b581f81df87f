"""A GPT whose every number is a Value: lecture 7's model on lecture 1's engine, after Karpathy's microgpt (2026).

One layer of width 16 with 4 heads reads a name from its start to its end, and learns to say each next character. No
vector and no matrix is hidden in here: a row is a list of Values, each product is a node. Read it from top to bottom,
and run it with examples/scalar_gpt.py; docs/scalar_gpt.md leads through it.

Letters: V ids, C the width, T characters to be said in a document, P parameters.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from random import Random

import numpy as np

from zth.autograd import Value
from zth.autograd.functional import logsumexp, softmax
from zth.autograd.nn import Module
from zth.autograd.optim import Adam
from zth.autograd.walk import collector_paused
from zth.data.vocab import Vocabulary
from zth.seeds import python_stream

WIDTH, HEADS, BLOCK = 16, 4, 16
SPREAD, RATE, BETA1, BETA2 = 0.08, 0.01, 0.85, 0.99
"""Of the first weights; of Adam."""

Vector = list[Value]
Matrix = list[Vector]
Which = int | Sequence[Value]
"""One of V: its index, or V numbers with a 1 at its place among zeros."""


class ScalarGPT(Module):
    """The model: RMSNorm without gains, a ReLU MLP of 4 C, no biases.

    >>> len(ScalarGPT(27).parameters())
    4192
    """

    def __init__(self, vocab_size: int, seed: int = 42) -> None:
        rng = python_stream(seed, "init")

        def matrix(n_out: int, n_in: int) -> Matrix:
            return [[Value(rng.gauss(0.0, SPREAD)) for _ in range(n_in)] for _ in range(n_out)]

        self.tokens = matrix(vocab_size, WIDTH)  # a row for what a character is
        self.places = matrix(BLOCK, WIDTH)  # and one for where it stands
        self.to_query, self.to_key, self.to_value, self.to_out = (matrix(WIDTH, WIDTH) for _ in range(4))
        self.up, self.down = matrix(4 * WIDTH, WIDTH), matrix(WIDTH, 4 * WIDTH)
        self.to_logits = matrix(vocab_size, WIDTH)

    def parameters(self) -> Vector:
        attention = (self.to_query, self.to_key, self.to_value, self.to_out)
        matrices = (self.tokens, self.places, *attention, self.up, self.down, self.to_logits)
        return [p for matrix in matrices for row in matrix for p in row]

    def __call__(self, token: Which, keys: Matrix, values: Matrix) -> Vector:
        """A character, and keys and values of those before it, which grow by its own -> (V,) logits of the next."""
        x = [pick(column, token) for column in zip(*self.tokens, strict=True)]  # (C,)
        x = rms_norm(add(x, self.places[len(keys)]))
        x = add(x, self.attend(rms_norm(x), keys, values))
        hidden = [h.relu() for h in product(self.up, rms_norm(x))]  # (C,) -> (4 C,)
        x = add(x, product(self.down, hidden))
        return product(self.to_logits, x)

    def attend(self, x: Vector, keys: Matrix, values: Matrix) -> Vector:
        """(C,) -> (C,): each head mixes the values of all so far, by how well their keys fit its query; no later ones
        are there yet, so there is no mask."""
        query = product(self.to_query, x)
        keys.append(product(self.to_key, x))
        values.append(product(self.to_value, x))
        size = WIDTH // HEADS
        mixed = Vector()
        for mine in (slice(start, start + size) for start in range(0, WIDTH, size)):
            shares = softmax([dot(query[mine], key[mine]) * size**-0.5 for key in keys])  # lecture 7: of spread 1
            mixed += [dot(shares, column) for column in zip(*(value[mine] for value in values), strict=True)]
        return product(self.to_out, mixed)

    def loss(self, tokens: Sequence[Which], following: Sequence[Which]) -> Value:
        """T characters, and what comes after each -> nats a character: log(sum of exp(x_j)) - x_next, as in 1.2."""
        keys, values, losses = Matrix(), Matrix(), Vector()
        for token, wanted in zip(tokens, following, strict=True):
            logits = self(token, keys, values)
            losses.append(logsumexp(logits) - pick(logits, wanted))
        return total(losses) * (1 / len(losses))


def pick(xs: Sequence[Value], which: Which) -> Value:
    """xs[which]. By a 1 among zeros it is the same number, and the graph is that of every other choice, too."""
    return xs[which] if isinstance(which, int) else dot(xs, which)


def total(terms: Sequence[Value]) -> Value:
    """Their sum; sum() alone would begin with a useless node for 0 + ..."""
    return sum(terms[1:], terms[0])


def dot(xs: Sequence[Value], ys: Sequence[Value]) -> Value:
    return total(list(map(operator.mul, xs, ys)))


def product(matrix: Matrix, x: Vector) -> Vector:
    return [dot(row, x) for row in matrix]


def add(xs: Vector, ys: Vector) -> Vector:
    return list(map(operator.add, xs, ys))


def rms_norm(xs: Vector) -> Vector:
    """(C,) -> (C,) of mean square 1."""
    scale = (dot(xs, xs) * (1 / len(xs)) + 1e-5) ** -0.5
    return [x * scale for x in xs]


def documents(lines: Sequence[str], vocabulary: Vocabulary, seed: int = 42) -> list[list[int]]:
    """Shuffled lines -> their ids, with the boundary at both ends.

    >>> documents(["ava"], Vocabulary.of_lines(["ava"]))
    [[0, 1, 2, 1, 0]]
    """
    shuffled = python_stream(seed, "documents").sample(lines, len(lines))
    return [vocabulary.encode(f"{vocabulary.boundary}{line}{vocabulary.boundary}") for line in shuffled]


class Training:
    """A document a step, by Adam with a rate that falls in a line to 0: by replay, or `eager`, with the same losses.

    `compiled` has the weights; its store() writes them into the model's Values.
    """

    def __init__(self, model: ScalarGPT, *, eager: bool = False, steps: int = 1000) -> None:
        self.model, self.eager, self.steps = model, eager, steps
        self.compiled = model.compiled(ScalarGPT.loss)
        self.adam = Adam(BETA1, BETA2)
        self.one_hot = np.eye(len(model.tokens))
        self.losses: list[float] = []

    def step(self, ids: Sequence[int]) -> None:
        """One document, cut at the block; `losses` keeps its loss before the step."""
        rate = RATE * (1 - len(self.losses) / self.steps)
        ids = ids[: BLOCK + 1]
        self.losses.append(self.eagerly(ids) if self.eager else self.by_replay(ids))
        self.adam.step(self.compiled.parameters, self.compiled.gradients, rate)

    def by_replay(self, ids: Sequence[int]) -> float:
        """The first document of each length is recorded; from then on only the numbers change."""
        rows = self.one_hot[ids]  # (T + 1, V)
        return float(self.compiled(rows[:-1], rows[1:])[0])

    def eagerly(self, ids: Sequence[int]) -> float:
        """The document's graph is made, walked back through, and let go."""
        self.compiled.store()
        self.model.zero_grad()
        with collector_paused():
            loss = self.model.loss(ids[:-1], ids[1:])
            loss.backward()
        self.compiled.gradients[:] = [p.grad for p in self.model.parameters()]
        return loss.data


def write(model: ScalarGPT, vocabulary: Vocabulary, rng: Random, temperature: float = 0.5) -> str:
    """A new line, character by character, until the boundary (id 0) comes or the block is full."""
    ids, keys, values = [0], Matrix(), Matrix()
    while len(ids) <= BLOCK and (len(ids) == 1 or ids[-1]):
        chances = softmax([x * (1 / temperature) for x in model(ids[-1], keys, values)])
        ids += rng.choices(range(len(chances)), [p.data for p in chances])
    return vocabulary.decode(filter(None, ids))
