"""Fixed contexts and the character that follows each, from lines; no loop over characters.

Letters: N examples, T the block size, L a line's length, S all characters of all lines with their boundaries.
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
