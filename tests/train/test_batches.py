from __future__ import annotations

import numpy as np
import torch

from zth.seeds import stream
from zth.train.batches import PIECE, Batches


def fresh(seed: int = 42) -> Batches:
    return Batches(n_examples=100, batch_size=8, seed=seed)


def test_a_step_has_the_same_rows_however_one_gets_there() -> None:
    whole = fresh().rows(0, 3 * PIECE)
    assert whole.shape == (3 * PIECE, 8)
    batches = fresh()
    for start, stop in ((5, 6), (PIECE - 1, PIECE + 1), (2 * PIECE, 3 * PIECE), (0, 0), (10, 2 * PIECE + 3)):
        assert np.array_equal(batches.rows(start, stop), whole[start:stop]), (start, stop)


def test_the_streams_are_named() -> None:
    rows = torch.randint(100, (PIECE, 8), generator=stream(42, "batches/1"))
    assert np.array_equal(fresh().rows(PIECE, 2 * PIECE), rows.numpy())


def test_seeds_differ_and_rows_are_uniform() -> None:
    rows = fresh().rows(0, PIECE)
    assert not np.array_equal(rows, fresh(43).rows(0, PIECE))
    counts = np.bincount(rows.ravel(), minlength=100)  # 41 expected, standard deviation 6.4
    assert counts.min() > 41 - 5 * 6.4
    assert counts.max() < 41 + 5 * 6.4
