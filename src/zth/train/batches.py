"""Which examples each step learns from: a function of the seed and the step's number alone.

Letters: B examples in a batch, K steps.

Rows are drawn with replacement, as in the lectures. `PIECE` steps draw from a random stream of their own,
"batches/0", "batches/1", ..., so training may stop after any step and go on with the same batches, and no generator
has to be kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from zth.data.stream import Blocks, Ids
from zth.seeds import stream

PIECE = 512
"""Steps of one stream."""


@dataclass(frozen=True, kw_only=True)
class Passage:
    """One long text to learn from, in blocks of `block_size` ids that begin anywhere."""

    ids: Ids
    block_size: int

    def blocks(self, *, batch_size: int, seed: int) -> Blocks:
        """Its random blocks. Raises DataError where it is too short for one."""
        return Blocks(self.ids, block_size=self.block_size, batch_size=batch_size, seed=seed)


class Batches:
    """Rows of 0 .. n_examples - 1 for every step.

    >>> batches = Batches(n_examples=1000, batch_size=4, seed=42)
    >>> batches.rows(510, 514).shape
    (4, 4)
    >>> bool((batches.rows(510, 514)[2:] == batches.rows(512, 514)).all())
    True
    """

    def __init__(self, *, n_examples: int, batch_size: int, seed: int) -> None:
        self._n_examples, self._batch_size, self._seed = n_examples, batch_size, seed
        self._piece, self._rows = -1, np.empty((0, batch_size), np.int64)

    def rows(self, start: int, stop: int) -> NDArray[np.int64]:
        """Those of the steps start .. stop - 1 -> (stop - start, B) int64."""
        pieces = range(start // PIECE, -(-stop // PIECE))
        rows = [self._of(piece)[max(start - piece * PIECE, 0) : stop - piece * PIECE] for piece in pieces]
        return rows[0] if len(rows) == 1 else np.concatenate([self._rows[:0], *rows])

    def _of(self, piece: int) -> NDArray[np.int64]:
        if piece != self._piece:
            generator = stream(self._seed, f"batches/{piece}")
            rows = torch.randint(self._n_examples, (PIECE, self._batch_size), generator=generator)
            self._piece, self._rows = piece, rows.numpy()
        return self._rows
