"""An initialisation, looked at: what `init` returns is random, so what is seen of it is said in words.

The solution's words are the wanted ones; a mistake is known by its own, whoever draws the numbers.

Letters: V ids in the vocabulary, T in a context, E the embedding's width, H hidden units.
"""

from __future__ import annotations

import math
from functools import cache
from string import ascii_lowercase
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zth.compare import as_array
from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.data.windows import windows

Five = list[Tensor]
Sizes = tuple[int, int, int, int]
NAMES = ("C", "W1", "b1", "W2", "b2")
LECTURE, WIDE, NARROW = (27, 3, 10, 200), (40, 8, 24, 64), (30, 2, 4, 400)
"""V, T, E, H. A scale that was found for the lecture's 30 inputs is too large for WIDE's 192, and one that follows
the number of hidden units is too small in NARROW."""
CLOSE = 0.03
MOST_SATURATED, LEAST_SPREAD = 0.3, 0.3


def _generator(seed: int = 32) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _shapes(V: int, T: int, E: int, H: int) -> list[tuple[int, ...]]:
    return [(V, E), (T * E, H), (H,), (H, V), (V,)]


def drawn(sizes: Sizes, scale: float, seed: int = 32) -> Five:
    """All five from N(0, scale**2)."""
    generator = _generator(seed)
    return [torch.randn(shape, generator=generator) * scale for shape in _shapes(*sizes)]


@cache
def examples(sizes: Sizes) -> tuple[Tensor, Tensor]:
    """Names for the lecture's sizes, else random ids."""
    V, T, _, _ = sizes
    if sizes == LECTURE:
        return windows(names()[200:260], Vocabulary.of_lines([ascii_lowercase]), T)
    generator = _generator()
    return torch.randint(V, (400, T), generator=generator), torch.randint(V, (400,), generator=generator)


def forward(parameters: Five, X: Tensor) -> tuple[Tensor, Tensor]:
    C, W1, b1, W2, b2 = parameters
    h = torch.tanh(C[X].flatten(1) @ W1 + b1)
    return h, h @ W2 + b2


def _parameters(answer: Any, sizes: Sizes, seed: int = 1) -> Five:
    """What `init` gave, as float32 tensors, or an error that says what is wrong with its form."""
    given = answer.init(*sizes, seed)
    tensors = [torch.as_tensor(as_array(tensor)).float() for tensor in given]
    shapes = [tuple(tensor.shape) for tensor in tensors]
    if shapes != _shapes(*sizes):
        raise ValueError(f"init{(*sizes, seed)} must return five tensors of {_shapes(*sizes)}; got {shapes}")
    return tensors


def shapes(answer: Any, *sizes: int) -> list[list[int]]:
    return [list(as_array(tensor).shape) for tensor in answer.init(*sizes, 1)]


def first_loss(answer: Any, *sizes: int) -> str:
    V, T, E, H = sizes
    X, Y = examples((V, T, E, H))
    value = float(F.cross_entropy(forward(_parameters(answer, (V, T, E, H)), X)[1], Y))
    apart = value - math.log(V)
    if not math.isfinite(value):
        return "not a finite number"
    if apart > 10:
        return "more than 10 above ln V"
    if abs(apart) > CLOSE:
        return f"more than {CLOSE} {'above' if apart > 0 else 'below'} ln V"
    return f"within {CLOSE} of ln V"


def hidden_layer(answer: Any, *sizes: int) -> str:
    V, T, E, H = sizes
    h, _ = forward(_parameters(answer, (V, T, E, H)), examples((V, T, E, H))[0])
    flat, spread = float((h.abs() > 0.97).float().mean()), float(h.std())
    if flat > 0.5:
        return "more than half of h saturated"
    if flat > MOST_SATURATED:
        return f"more than {MOST_SATURATED:.0%} of h saturated"
    if not h.any():
        return "h all zero"
    if spread < LEAST_SPREAD / 10:
        return "h next to zero"
    if spread < LEAST_SPREAD:
        return f"a standard deviation of h under {LEAST_SPREAD}"
    return f"at most {MOST_SATURATED:.0%} of h saturated, and a standard deviation of {LEAST_SPREAD} or more"


def first_step(answer: Any, *sizes: int) -> dict[str, object]:
    V, T, E, H = sizes
    parameters = [tensor.requires_grad_() for tensor in _parameters(answer, (V, T, E, H))]
    X, Y = examples((V, T, E, H))
    F.cross_entropy(forward(parameters, X)[1], Y).backward()  # type: ignore[no-untyped-call]
    moved = [name for name, p in zip(NAMES, parameters, strict=True) if p.grad is not None and bool(p.grad.any())]
    columns = torch.cat([parameters[1], parameters[2][None], parameters[3].T]).detach()  # all that makes a unit
    alike = len(torch.unique(columns, dim=1).T) < H
    return {"has a gradient": moved, "hidden units alike": alike}


def seeds(answer: Any, *sizes: int) -> dict[str, bool]:
    first, again, other = (_flat(_parameters(answer, sizes, seed)) for seed in (1, 1, 2))  # type: ignore[arg-type]
    return {
        "seed 1, twice: the same": torch.equal(first, again),
        "seeds 1 and 2: the same": torch.equal(first, other),
    }


def _flat(parameters: Five) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in parameters])
