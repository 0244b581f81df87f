"""A batch of real names, and the nets of lectures 3 to 6 at their own sizes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from zth.backprop.atoms import Parameters
from zth.backprop.step import as_layers
from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.layers import BatchNorm1d, Embedding, FlattenConsecutive, Linear, Sequential, Tanh
from zth.seeds import stream

Examples = tuple[Tensor, Tensor]


@pytest.fixture(scope="session")
def examples() -> Callable[[int], Examples]:
    """Block size -> (N, T) contexts, (N,) targets of the first thousand names."""
    words = names()
    vocabulary = Vocabulary.of_lines(words)
    return lambda block_size: windows(words[:1000], vocabulary, block_size)


@pytest.fixture
def batch(examples: Callable[[int], Examples]) -> Examples:
    """32 contexts of 3, with their targets."""
    X, Y = examples(3)
    ix = torch.randint(len(X), (32,), generator=stream(1, "batches"))
    return X[ix], Y[ix]


@pytest.fixture
def build() -> Callable[[str], Sequential]:
    return lambda name: NETS[name]()


def lecture_3() -> Sequential:
    g = stream(42, "init")
    first = Linear(30, 200, generator=g, std=0.2, bias_std=0.01)
    return Sequential(
        Embedding(27, 10, generator=g), FlattenConsecutive(3), first, Tanh(), Linear(200, 27, generator=g, std=0.01)
    )


def lecture_4() -> Sequential:
    g = stream(42, "init")
    net: list[nn.Module] = [Embedding(27, 10, generator=g), FlattenConsecutive(3)]
    for fan_in in (30, 100, 100, 100, 100):
        net += [Linear(fan_in, 100, generator=g, bias=False), BatchNorm1d(100), Tanh()]
    return Sequential(*net, Linear(100, 27, generator=g, bias=False), BatchNorm1d(27))


def lecture_5() -> Sequential:
    return as_layers(Parameters.draw(stream(42, "init"), hidden=200))


def lecture_6() -> Sequential:
    g = stream(42, "init")
    net: list[nn.Module] = [Embedding(27, 24, generator=g)]
    for width in (24, 128, 128):
        net += [FlattenConsecutive(2), Linear(2 * width, 128, generator=g, bias=False), BatchNorm1d(128), Tanh()]
    return Sequential(*net, Linear(128, 27, generator=g))


NETS = {"lecture 3": lecture_3, "lecture 4": lecture_4, "lecture 5": lecture_5, "lecture 6": lecture_6}
