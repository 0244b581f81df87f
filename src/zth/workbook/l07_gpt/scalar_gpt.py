"""A GPT whose every number is a Value: lecture 7's model on lecture 1's engine, after Karpathy's microgpt (2026).

One layer of width 16 with 4 heads reads a name from its start to its end, and learns to say each next character. No
vector and no matrix is hidden in here: a row is a list of Values, a product is a node. Read it from top to bottom,
and run it with examples/scalar_gpt.py; docs/scalar_gpt.md leads through it.

Letters: V ids, C the width, H heads, T characters to be said in a document, P parameters.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from random import Random

import numpy as np
from numpy.typing import NDArray

from zth.autograd import Value
from zth.autograd.functional import logsumexp, softmax
from zth.autograd.nn import Module
from zth.data.vocab import Vocabulary
from zth.errors import ConfigError
from zth.seeds import python_stream

Vector = list[Value]
Matrix = list[Vector]
Floats = NDArray[np.float64]

SPREAD = 0.08
"""Standard deviation of the first weights: microgpt's."""


class ScalarGPT(Module):
    """Token vectors in, logits out: 1 layer, RMSNorm without gains, a ReLU MLP of 4 C, no biases.

    >>> model = ScalarGPT(27)
    >>> len(model.parameters())
    4192
    """

    def __init__(self, vocab_size: int, *, width: int = 16, heads: int = 4, block: int = 16, seed: int = 42) -> None:
        if width % heads:
            raise ConfigError(f"{heads} heads cannot share a width of {width}.", "Choose a width that they divide.")
        rng = python_stream(seed, "init")

        def matrix(n_out: int, n_in: int) -> Matrix:
            return [[Value(rng.gauss(0.0, SPREAD)) for _ in range(n_in)] for _ in range(n_out)]

        self.heads, self.block = heads, block
        self.tokens = matrix(vocab_size, width)  # (V, C): what a character is
        self.places = matrix(block, width)  # (block, C): where it stands
        self.to_query, self.to_key, self.to_value, self.to_out = (matrix(width, width) for _ in range(4))
        self.up, self.down = matrix(4 * width, width), matrix(width, 4 * width)
        self.to_logits = matrix(vocab_size, width)

    def parameters(self) -> list[Value]:
        attention = (self.to_query, self.to_key, self.to_value, self.to_out)
        matrices = (self.tokens, self.places, *attention, self.up, self.down, self.to_logits)
        return list(chain.from_iterable(chain.from_iterable(matrices)))

    def __call__(self, token: Vector, past: Past) -> Vector:
        """(C,) of one character, and what was read before it -> (V,) logits of the next one; `past` grows by it."""
        x = rms_norm(add(token, self.places[len(past.keys)]))
        x = add(x, self.attend(rms_norm(x), past))
        hidden = [h.relu() for h in product(self.up, rms_norm(x))]  # (C,) -> (4 C,)
        x = add(x, product(self.down, hidden))
        return product(self.to_logits, x)

    def attend(self, x: Vector, past: Past) -> Vector:
        """(C,) -> (C,): each head mixes the values of all characters so far, by how well their keys fit its query.

        Nothing later can be seen, since it has not been read yet: no mask is needed.
        """
        query = product(self.to_query, x)
        past.keys.append(product(self.to_key, x))
        past.values.append(product(self.to_value, x))
        size = len(x) // self.heads
        mixed: Vector = []
        for mine in (slice(start, start + size) for start in range(0, len(x), size)):
            scores = [dot(query[mine], key[mine]) * size**-0.5 for key in past.keys]  # lecture 7: of spread 1
            weights = softmax(scores)
            columns = zip(*(value[mine] for value in past.values), strict=True)
            mixed += [dot(weights, column) for column in columns]
        return product(self.to_out, mixed)

    def loss(self, tokens: Sequence[Vector], hits: Sequence[Sequence[Value | float]]) -> Value:
        """(T, C) of the characters, (T, V) with a 1 at each next character and 0 elsewhere -> nats a character.

        log(sum of exp(x_j)) - x_next, as in exercise 1.2. A 1 among zeros instead of an index keeps the graph the
        same for every document of one length; what differs are numbers.
        """
        past = Past()
        losses = []
        for token, hit in zip(tokens, hits, strict=True):
            logits = self(token, past)
            losses.append(logsumexp(logits) - dot(logits, hit))
        return total(losses) * (1 / len(losses))


class Past:
    """The keys and values of the characters that have been read: (T so far, C) each."""

    def __init__(self) -> None:
        self.keys: Matrix = []
        self.values: Matrix = []


def total(terms: Sequence[Value]) -> Value:
    """Their sum; sum() alone would begin with a useless node for 0 + ..."""
    return sum(terms[1:], terms[0])


def dot(xs: Sequence[Value], ys: Sequence[Value | float]) -> Value:
    return total(list(map(operator.mul, xs, ys)))


def product(matrix: Matrix, x: Vector) -> Vector:
    """(m, n) by (n,) -> (m,)."""
    return [dot(row, x) for row in matrix]


def add(xs: Vector, ys: Vector) -> Vector:
    return list(map(operator.add, xs, ys))


def rms_norm(xs: Vector) -> Vector:
    """(C,) -> (C,) of mean square 1."""
    scale = (dot(xs, xs) * (1 / len(xs)) + 1e-5) ** -0.5
    return [x * scale for x in xs]


# ----- training --------------------------------------------------------------------------------------------------


def documents(lines: Sequence[str], vocabulary: Vocabulary, seed: int = 42) -> list[list[int]]:
    """Shuffled lines -> their ids, with the boundary at both ends.

    >>> documents(["ava"], Vocabulary.of_lines(["ava"]))
    [[0, 1, 2, 1, 0]]
    """
    shuffled = python_stream(seed, "documents").sample(lines, len(lines))
    return [vocabulary.encode(f"{vocabulary.boundary}{line}{vocabulary.boundary}") for line in shuffled]


def write(model: ScalarGPT, vocabulary: Vocabulary, rng: Random, temperature: float = 0.5) -> str:
    """A new line, character by character, until the boundary comes or the block is full."""
    past, ids = Past(), [0]
    while len(ids) <= model.block and (len(ids) == 1 or ids[-1]):
        logits = model(model.tokens[ids[-1]], past)
        chances = [p.data for p in softmax([x * (1 / temperature) for x in logits])]
        ids += rng.choices(range(len(chances)), chances)
    return vocabulary.decode([number for number in ids if number])
