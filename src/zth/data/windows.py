"""Fixed contexts, or whole lines, and the character that follows each; no loop over characters.

Letters: N examples, T the block size or a row's length, L a line's length, S all characters of all lines with their
boundaries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zth.data.vocab import Vocabulary
from zth.errors import ConfigError, VocabularyError

if TYPE_CHECKING:
    from torch import Tensor

IntArray = NDArray[np.int64]

IGNORED = -1
"""A target that does not count; the models' word for it is the same number (zth.models.protocol)."""
LONGEST_ROW = 256
"""Of padded_lines: beyond it a line is cut, for one long line would make all rows as long."""


def windows(
    lines: Sequence[str], vocabulary: Vocabulary, block_size: int, *, leading: int | None = None
) -> tuple[Tensor, Tensor]:
    """Lines -> ((N, T) contexts, (N,) targets), int64, in the order of lecture 3's loop.

    Each line is read as `leading` boundaries, its characters, one boundary; every T characters in a row with the one
    after them are an example. `leading` is T unless told: then each of the L + 1 characters is predicted. With fewer,
    the first T - leading are not: `block_size=2, leading=1` gives lecture 2's true trigrams.

    Raises ConfigError for a block size below 1, a `leading` outside 0 .. T and a vocabulary without boundary,
    VocabularyError for an unknown character or a boundary inside a line.

    >>> vocabulary = Vocabulary.of_lines(["ab"])
    >>> contexts, targets = windows(["ab"], vocabulary, 3)
    >>> [(vocabulary.decode(c), vocabulary.decode([t])) for c, t in zip(contexts, targets.tolist())]
    [('...', 'a'), ('..a', 'b'), ('.ab', '.')]
    """
    import torch

    leading = block_size if leading is None else leading
    _check(vocabulary, block_size, leading)
    ids, starts, lengths = _sequence(lines, vocabulary, leading)
    # a line of L characters has `leading` + L + 1 ids, and so many places for T + 1 of them in a row
    n_examples = np.maximum(leading + lengths + 1 - block_size, 0)
    before = np.cumsum(n_examples) - n_examples
    places = np.repeat(starts - before, n_examples)
    places += np.arange(len(places))
    contexts = np.empty((len(places), block_size), np.int64)
    for t in range(block_size):
        contexts[:, t] = ids[t:].take(places)  # take: half the time of ids[places + t]
    return torch.from_numpy(contexts), torch.from_numpy(ids[block_size:].take(places))


def padded_lines(lines: Sequence[str], vocabulary: Vocabulary, longest: int = LONGEST_ROW) -> tuple[Tensor, Tensor]:
    """Lines -> ((N, T) ids, (N, T) targets), int64: a line a row, for nets that read from left to right.

    A row is one boundary and the line's characters; its targets are the characters and one boundary. What is behind
    them is 0 in the ids and `IGNORED`, -1, in the targets; T is the longest line's length + 1, but at most `longest`.
    A line that does not fit goes on in rows of its own: each begins with the last half of the row before it, whose
    targets do not count again, so that every character is a target once, with longest / 2 or more before it.

    Raises ConfigError for a `longest` below 2 and a vocabulary without boundary, VocabularyError for an unknown
    character or a boundary inside a line.

    >>> ids, targets = padded_lines(["ab", "c"], Vocabulary.of_lines(["abc"]))
    >>> ids.tolist(), targets.tolist()
    ([[0, 1, 2], [0, 3, 0]], [[1, 2, 0], [3, 0, -1]])
    """
    import torch

    if longest < 2:
        raise ConfigError(f"longest must be 2 or more; got {longest}.", "Leave it out for the default.")
    _check(vocabulary, 1, 1)
    ids, starts, lengths = _sequence(lines, vocabulary, 1)
    size = lengths + 1  # ids of a line, and targets of it
    width = min(int(size.max(initial=1)), longest)
    stride = max(width // 2, 1)
    n_rows = 1 + -(-np.maximum(size - width, 0) // stride)
    row = np.arange(n_rows.sum()) - np.repeat(np.cumsum(n_rows) - n_rows, n_rows)  # 0 for a line's first, 1, ...
    begin = row * stride
    t = np.arange(width)
    inside = begin[:, None] + t < np.repeat(size, n_rows)[:, None]
    places = np.where(inside, (np.repeat(starts, n_rows) + begin)[:, None] + t, 0)
    counted = inside & ((row == 0)[:, None] | (t >= width - stride))
    contexts = np.where(inside, ids[places], 0)
    return torch.from_numpy(contexts), torch.from_numpy(np.where(counted, ids[places + 1], IGNORED))


def _sequence(lines: Sequence[str], vocabulary: Vocabulary, leading: int) -> tuple[IntArray, IntArray, IntArray]:
    """Lines -> (S,) ids of all of them; where in it each line begins (its leading boundaries included); lengths L.

    A line's closing boundary is also the first of the next line's leading ones.
    """
    between = max(leading, 1)
    boundary = vocabulary.boundary
    try:
        ids = vocabulary.encode_array(boundary * leading + (boundary * between).join(lines) + boundary)
    except VocabularyError:
        raise _wrong_line(lines, vocabulary) from None
    boundaries = np.flatnonzero(ids == 0)
    if len(boundaries) != leading + between * max(len(lines) - 1, 0) + 1:
        raise _wrong_line(lines, vocabulary)
    closing = boundaries[leading::between][: len(lines)]
    lengths = np.diff(closing, prepend=leading - between) - between
    return ids, closing - lengths - leading, lengths


def _check(vocabulary: Vocabulary, block_size: int, leading: int) -> None:
    if block_size < 1:
        raise ConfigError(f"block_size must be 1 or more; got {block_size}.", "Pass block_size=3, as lecture 3 does.")
    if not 0 <= leading <= block_size:
        raise ConfigError(f"leading must lie in 0 .. block_size ({block_size}); got {leading}.", "Leave it out.")
    if not vocabulary.boundary:
        raise ConfigError(
            "windows() needs a vocabulary with a boundary; got one of a long text.", "Use Vocabulary.of_lines(lines)."
        )


def _wrong_line(lines: Sequence[str], vocabulary: Vocabulary) -> VocabularyError:
    for number, line in enumerate(lines, 1):
        try:
            ids = vocabulary.encode(line)
        except VocabularyError as error:
            return VocabularyError(f"Line {number} ({line!r:.60}): {error.problem}", error.next_move)
        if 0 in ids:
            return VocabularyError(
                f"Line {number} ({line!r:.60}) holds {vocabulary.boundary!r}, the boundary, at {ids.index(0)}.",
                "Make the vocabulary from these lines: Vocabulary.of_lines(lines).",
            )
    raise AssertionError("every line is fine")
