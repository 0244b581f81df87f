"""The two ways to score all positions of texts, what they are given, and what they cost.

Letters: B texts, T ids in each, N windows, V characters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from statistics import median
from time import thread_time

import torch
import torch.nn.functional as F
from torch import Tensor

from zth.models import WaveNetConfig, WaveNetModel
from zth.models.protocol import IGNORED
from zth.workbook.l02_bigrams.costs import Work, one_thread
from zth.workbook.names import parts

AT_ONCE = 1024
"""Windows that a tree is grown on at once: what lies between its levels then stays in the processor's cache."""


def lines(words: Sequence[str]) -> tuple[Tensor, Tensor]:
    """B words -> (B, T) ids, a dot in front, filled up with dots; (B, T) what follows each, IGNORED behind the end.

    >>> lines(["ab", "a"])
    (tensor([[0, 1, 2],
            [0, 1, 0]]), tensor([[ 1,  2,  0],
            [ 1,  0, -1]]))
    """
    vocabulary = parts(8).vocabulary
    T = max(map(len, words)) + 1
    ids = torch.tensor([[0, *vocabulary.encode(word), *[0] * (T - 1 - len(word))] for word in words])
    targets = torch.tensor([[*vocabulary.encode(word), 0, *[IGNORED] * (T - 1 - len(word))] for word in words])
    return ids, targets


def by_length(words: Sequence[str]) -> list[Tensor]:
    """Words -> (B, T) ids for each length that there is: nothing to fill up."""
    return [lines(list(group))[0] for _, group in groupby(sorted(words, key=len), key=len)]


def windows_of(ids: Tensor, block_size: int) -> Tensor:
    """(B, T) ids -> (B*T, block_size): the context of each position."""
    return F.pad(ids, (block_size - 1, 0)).unfold(1, block_size, 1).reshape(-1, block_size)


def grow(model: WaveNetModel, contexts: Tensor) -> Tensor:
    """(N, block_size) -> (N, V): the tree, on some windows at a time."""
    return torch.cat([model(xb) for xb in torch.split(contexts, AT_ONCE)])


def multiplications(options: WaveNetConfig) -> tuple[int, int]:
    """A position's, as a tree and as convolutions: all nodes of a level alike, the first one's from the embedding.

    >>> multiplications(WaveNetConfig())  # 4 + 2 + 1 nodes, 1 + 1 + 1; 27 outputs
    (126336, 75136)
    """
    E, H, V = options.embedding, options.hidden, options.vocab_size
    n_levels = options.block_size.bit_length() - 1
    first, later, last = 2 * E * H, 2 * H * H, H * V
    n_later = options.block_size // 2 - 1
    return options.block_size // 2 * first + n_later * later + last, first + (n_levels - 1) * later + last


def seconds(ways: Mapping[str, Work], rounds: int) -> dict[str, float]:
    """The median processor time of each way, the ways taking turns, after a round that does not count.

    Processor time, since the shorter of two ways would suffer more from whatever else the machine does.

    >>> sorted(seconds({"one": lambda: sum(range(10)), "two": lambda: None}, rounds=3))
    ['one', 'two']
    """
    taken: dict[str, list[float]] = {name: [] for name in ways}
    with one_thread():
        for _ in range(rounds + 1):
            for name, work in ways.items():
                started = thread_time()
                work()
                taken[name].append(thread_time() - started)
    return {name: median(times[1:]) for name, times in taken.items()}
