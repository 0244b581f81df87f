"""One long text as ids: in memory or mapped from disk, split in order, read in random blocks or from end to end.

Letters: N ids in a text, B blocks in a batch, T ids in a block, V ids in the vocabulary.

The ids of a text take one byte each (two, where V is above 256), and a text of more than `IN_MEMORY` characters is
written piece by piece into a file of the cache and mapped from there. So memory does not grow with the text.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zth.data import fetch
from zth.data.own import Progress
from zth.data.sources import Corpus
from zth.data.vocab import Vocabulary, common
from zth.errors import ConfigError, DataError
from zth.seeds import stream

if TYPE_CHECKING:
    from torch import Tensor

IGNORED = -1
"""A target that is not scored (`zth.models.IGNORED`; the data know no models)."""
IN_MEMORY = 2**24
"""Texts of up to so many characters are not written to the cache."""
CHUNK = 256
"""Steps whose blocks are drawn at one time."""
COUNTED = 2**22
UNKNOWN = 255
"""In the table of a vocabulary with fewer characters: the id of none."""

IntArray = NDArray[np.int64]
Shard = NDArray[Any]


class Ids:
    """N ids, in one array or in several that follow each other (shards); a part of them shares their memory.

    Sent to another process, what is mapped from a file is mapped again there: only its place is sent.

    >>> ids = Ids([np.array([0, 1, 2], np.uint8), np.array([3, 4], np.uint8)])
    >>> len(ids), ids.rows(np.array([0, 2]), 3).tolist(), ids.part(1, 4).array().tolist()
    (5, [[0, 1, 2], [2, 3, 4]], [1, 2, 3])
    """

    def __init__(self, shards: Sequence[Shard]) -> None:
        self.shards = [shard for shard in shards if len(shard)]
        self._ends = np.cumsum([len(shard) for shard in self.shards], dtype=np.int64)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __reduce__(self) -> tuple[Any, ...]:
        return _ids_at, ([_place(shard) for shard in self.shards],)

    def rows(self, starts: IntArray, width: int) -> IntArray:
        """(n,) places -> (n, width) the ids from there on."""
        places = starts[:, None] + np.arange(width)
        if len(self.shards) == 1:
            rows: IntArray = self.shards[0][places].astype(np.int64)
            return rows
        found = np.empty(places.shape, np.int64)
        owner = np.searchsorted(self._ends, places, side="right")
        for number, shard in enumerate(self.shards):
            mine = owner == number
            found[mine] = shard[places[mine] - (int(self._ends[number]) - len(shard))]
        return found

    def part(self, start: int, stop: int) -> Ids:
        """The ids from `start` to before `stop`."""
        begins = self._ends - [len(shard) for shard in self.shards]
        return Ids(
            [
                shard[max(0, start - begin) : max(0, stop - begin)]
                for shard, begin in zip(self.shards, begins.tolist(), strict=True)
            ]
        )

    def array(self) -> IntArray:
        """(N,) int64, all in memory."""
        return np.concatenate([np.empty(0, np.int64), *(shard.astype(np.int64) for shard in self.shards)])

    def counts(self, vocab_size: int) -> IntArray:
        """(V,): how often each id occurs; some megabytes in memory at a time."""
        total = np.zeros(vocab_size, np.int64)
        for shard in self.shards:
            for start in range(0, len(shard), COUNTED):
                total += np.bincount(shard[start : start + COUNTED], minlength=vocab_size)
        return total


def _place(shard: Shard) -> Shard | tuple[str, str, int, int]:
    """An array as it is, or (file, dtype, where it begins in bytes, length) of one that is mapped."""
    base = shard
    while isinstance(base.base, np.ndarray):
        base = base.base
    if not isinstance(base, np.memmap) or base.filename is None or not shard.flags.c_contiguous:
        return shard
    begins = shard.__array_interface__["data"][0] - base.__array_interface__["data"][0] + base.offset
    return str(base.filename), shard.dtype.str, int(begins), len(shard)


def _ids_at(places: Sequence[Shard | tuple[str, str, int, int]]) -> Ids:
    """The inverse of `_place`, for many."""
    return Ids(
        [
            np.asarray(np.memmap(place[0], place[1], mode="r", offset=place[2], shape=(place[3],)))
            if isinstance(place, tuple)
            else place
            for place in places
        ]
    )


@dataclass(frozen=True, kw_only=True)
class TextData:
    """One long text, ready to train on: the first part of it, and the rest to measure by (lecture 7)."""

    vocabulary: Vocabulary
    """Of the whole text, as in the lecture: what occurs in dev alone has an id too."""
    train: Ids
    dev: Ids
    only_in_dev: Mapping[str, int]
    """The characters that training never sees -> how often they occur in dev."""

    @property
    def about_only_in_dev(self) -> str:
        """A sentence for people, or "".

        >>> split_ids(Ids([np.array([0] * 90 + [1] * 10)]), Vocabulary.of_text("!a")).about_only_in_dev
        "1 character occurs in dev alone ('a'): 10 of 10 dev characters that training cannot teach."
        """
        if not self.only_in_dev:
            return ""
        n, shown = len(self.only_in_dev), ", ".join(map(repr, list(self.only_in_dev)[:5]))
        more = ", ..." if n > 5 else ""
        return (
            f"{n} character{'s occur' if n > 1 else ' occurs'} in dev alone ({shown}{more}): "
            f"{sum(self.only_in_dev.values()):,} of {len(self.dev):,} dev characters that training cannot teach."
        )


def text_data(
    corpus: Corpus, *, dev_fraction: float = 0.1, known: Vocabulary | None = None, progress: Progress | None = None
) -> TextData:
    """A corpus -> its ids, split in order: the last `dev_fraction` is dev.

    With `known`, the vocabulary has those characters too. `progress` is told of the characters encoded. Raises
    ConfigError for a fraction outside (0, 1), DataError for a text that is too short to be split or a cache that
    cannot be written.
    """
    tally = corpus.tally()
    vocabulary = Vocabulary(characters=tuple(sorted(tally.characters)))
    vocabulary = common(known, vocabulary) if known else vocabulary
    if tally.n_characters <= IN_MEMORY:
        ids = Ids([_encoded(piece, vocabulary) for piece in corpus.pieces()])
        ids = Ids([np.concatenate(ids.shards)] if ids.shards else [])
    else:
        ids = _from_cache(corpus, vocabulary, tally.n_characters, progress)
    total = np.array([tally.characters[character] for character in vocabulary.characters], np.int64)
    return split_ids(ids, vocabulary, dev_fraction=dev_fraction, total=total)


def split_ids(
    ids: Ids, vocabulary: Vocabulary, *, dev_fraction: float = 0.1, total: IntArray | None = None
) -> TextData:
    """The first 1 - dev_fraction of the ids, and the rest; `split_text` of a text cuts at the same place.

    `total`, (V,) how often each id occurs in all of it, spares counting the larger part where it is known.

    >>> data = split_ids(Ids([np.arange(30) % 3]), Vocabulary.of_text("abc"))
    >>> len(data.train), len(data.dev), data.only_in_dev
    (27, 3, {})
    """
    if not 0 < dev_fraction < 1:
        raise ConfigError(f"dev_fraction must lie between 0 and 1; got {dev_fraction}.", "Pass dev_fraction=0.1.")
    cut = int((1 - dev_fraction) * len(ids))
    if cut < 2 or len(ids) - cut < 2:
        raise DataError(
            f"{len(ids)} characters cannot be split into train and dev: each part needs two.",
            f"Use a text of {max(20, round(2 / min(dev_fraction, 1 - dev_fraction)))} characters or more.",
        )
    train, dev = ids.part(0, cut), ids.part(cut, len(ids))
    n_dev = dev.counts(len(vocabulary))
    n_train = train.counts(len(vocabulary)) if total is None else total - n_dev
    only = {vocabulary.characters[i]: int(n_dev[i]) for i in np.flatnonzero((n_train == 0) & (n_dev > 0))}
    return TextData(vocabulary=vocabulary, train=train, dev=dev, only_in_dev=only)


class Blocks:
    """Random blocks of a text, each with the same ids one place later as its targets.

    The batch of a step depends on the seed and the step alone: a resumed run gets what one that never stopped would
    get. Raises ConfigError for sizes that make no sense, DataError where the text is too short for one block.

    >>> blocks = Blocks(Ids([np.arange(100)]), block_size=4, batch_size=2, seed=42)
    >>> x, y = blocks.batch(7)
    >>> tuple(x.shape), bool((y == x + 1).all()), bool((blocks.batch(7)[0] == x).all())
    ((2, 4), True, True)
    """

    def __init__(self, ids: Ids, *, block_size: int, batch_size: int, seed: int) -> None:
        if block_size < 1 or batch_size < 1:
            raise ConfigError(
                f"Blocks got block_size={block_size}, batch_size={batch_size}.", "Sizes begin at 1: try 128 and 16."
            )
        if len(ids) < block_size + 1:
            raise DataError(
                f"The text to train on has {len(ids)} characters; a block of {block_size} needs {block_size + 1}.",
                f"Use a longer text, or block_size={max(1, (len(ids) - 1) // 2)}.",
            )
        self.ids, self.block_size, self.batch_size, self.seed = ids, block_size, batch_size, seed
        self._chunk, self._starts = -1, np.empty((0, 0), np.int64)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """(B, T) ids and (B, T) targets, int64."""
        return self.at(self.rows(step, step + 1)[0])

    def rows(self, start: int, stop: int) -> IntArray:
        """Where the blocks of the steps start .. stop - 1 begin -> (stop - start, B)."""
        return np.stack([self._begins(step) for step in range(start, stop)])

    def at(self, begins: IntArray) -> tuple[Tensor, Tensor]:
        """(B,) places -> (B, T) ids from there on, and (B, T) targets, int64."""
        import torch

        both = torch.from_numpy(self.ids.rows(begins, self.block_size + 1))
        return both[:, :-1], both[:, 1:]

    def _begins(self, step: int) -> IntArray:
        import torch

        chunk, number = divmod(step, CHUNK)
        if chunk != self._chunk:
            n_places = len(self.ids) - self.block_size
            generator = stream(self.seed, f"batches/{chunk}")
            drawn = torch.randint(n_places, (CHUNK, self.batch_size), generator=generator)
            self._chunk, self._starts = chunk, drawn.numpy()
        begins: IntArray = self._starts[number]
        return begins


def windows_in_order(ids: Ids, block_size: int, *, n_rows: int = 256) -> Iterator[tuple[Tensor, Tensor]]:
    """A text -> all of it in blocks that do not overlap, `n_rows` at a time: (B, T) ids, (B, T) targets.

    Each id but the first is a target once. What the last block lacks is id 0, its targets `IGNORED`. Raises DataError
    for a text with nothing to predict.

    >>> [(x.tolist(), y.tolist()) for x, y in windows_in_order(Ids([np.arange(6)]), 3)]
    [([[0, 1, 2], [3, 4, 0]], [[1, 2, 3], [4, 5, -1]])]
    """
    import torch

    if block_size < 1 or n_rows < 1:
        raise ConfigError(f"block_size and n_rows begin at 1; got {block_size} and {n_rows}.", "Try 128 and 256.")
    n = len(ids) - 1
    if n < 1:
        raise DataError(f"A text of {len(ids)} characters leaves nothing to predict.", "Use a longer text.")
    for first in range(0, n, n_rows * block_size):
        some = ids.part(first, min(first + n_rows * block_size, n) + 1).array()
        shape = (-(-(len(some) - 1) // block_size), block_size)
        x, y = np.zeros(shape, np.int64), np.full(shape, IGNORED, np.int64)
        x.ravel()[: len(some) - 1], y.ravel()[: len(some) - 1] = some[:-1], some[1:]
        yield torch.from_numpy(x), torch.from_numpy(y)


def all_windows(ids: Ids, block_size: int) -> tuple[Tensor, Tensor]:
    """`windows_in_order` all at once: what `zth.models.evaluate` takes. 16 bytes in memory for each id."""
    return next(windows_in_order(ids, block_size, n_rows=max(1, len(ids))))


def dtype_of(vocab_size: int) -> type[np.unsignedinteger[Any]]:
    """The smallest that holds all ids.

    >>> dtype_of(256).__name__, dtype_of(257).__name__, dtype_of(70_000).__name__
    ('uint8', 'uint16', 'uint32')
    """
    return np.uint8 if vocab_size <= 2**8 else np.uint16 if vocab_size <= 2**16 else np.uint32


def open_shards(paths: Sequence[Path], dtype: type[np.unsignedinteger[Any]] = np.uint16) -> Ids:
    """Files of ids, as they lie in memory, one after the other: mapped, not read. Raises DataError for others."""
    shards = []
    for path in paths:
        try:
            n_bytes = path.stat().st_size
        except OSError as error:
            raise DataError(f"The shard {path} cannot be read: {error.strerror}.", "Check the path.") from error
        if n_bytes % np.dtype(dtype).itemsize:
            raise DataError(
                f"{path} has {n_bytes:,} bytes: not a whole number of {dtype.__name__} ids.", "Is it cut short?"
            )
        if n_bytes:
            shards.append(np.asarray(np.memmap(path, dtype, mode="r")))
    return Ids(shards)


def write_ids(pieces: Iterable[str], vocabulary: Vocabulary, path: Path, progress: Progress | None = None) -> None:
    """Encode a text piece by piece into a file for `open_shards` (dtype `dtype_of` the vocabulary's size).

    It is written beside its place and renamed when it is whole. `progress` gets (characters done, 0). Raises OSError,
    and VocabularyError for an unknown character; then nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        done = 0
        with os.fdopen(handle, "wb") as file:
            for piece in pieces:
                file.write(_encoded(piece, vocabulary).tobytes())
                done += len(piece)
                if progress:
                    progress(done, 0)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _from_cache(corpus: Corpus, vocabulary: Vocabulary, n: int, progress: Progress | None) -> Ids:
    """The ids of a corpus from a file that is named after text and vocabulary; it is written if it is not there."""
    dtype = dtype_of(len(vocabulary))
    of_vocabulary = hashlib.sha256("".join(vocabulary.characters).encode("utf-8", "surrogatepass")).hexdigest()
    name = f"{corpus.sha256[:16]}-{of_vocabulary[:8]}.{dtype.__name__}"
    path = fetch.cache_folder() / "ids" / name
    n_bytes = n * np.dtype(dtype).itemsize
    if not (path.is_file() and path.stat().st_size == n_bytes):
        told = (lambda done, _: progress(done, n)) if progress else None
        try:
            write_ids(corpus.pieces(), vocabulary, path, told)
        except OSError as error:
            raise DataError(
                f"The ids of {corpus.name} ({n_bytes:,} bytes) cannot be written to {path.parent}: {error.strerror}.",
                "Set ZTH_CACHE to a folder with room for them.",
            ) from error
    ids = open_shards([path], dtype)
    if len(ids) != n:
        raise DataError(f"{corpus.name} changed while it was read.", "Try again.")
    return ids


def _encoded(piece: str, vocabulary: Vocabulary) -> Shard:
    """The ids of a piece, as `Vocabulary.encode_array` has them, in the smallest dtype."""
    if len(vocabulary) < UNKNOWN and piece.isascii():
        ids = np.frombuffer(piece.encode("ascii").translate(_byte_table(vocabulary)), np.uint8)
        if not (ids == UNKNOWN).any():
            return ids
    return vocabulary.encode_array(piece).astype(dtype_of(len(vocabulary)))


@lru_cache(maxsize=8)
def _byte_table(vocabulary: Vocabulary) -> bytes:
    """Byte -> id, or UNKNOWN: what `bytes.translate` takes; five times as fast as NumPy's take, which makes int64."""
    table = np.full(256, UNKNOWN, np.uint8)
    for number, character in enumerate(vocabulary.characters):
        if character.isascii():
            table[ord(character)] = number
    return table.tobytes()
