"""A table of vectors, one row for each id (lectures 3 to 6)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zth.errors import ConfigError, VocabularyError
from zth.layers.init import UNIT, normal


class Embedding(nn.Module):
    """(...) int64 ids -> (..., width): the rows of C (n_ids, width), drawn from N(0, std**2) in float32.

    The lectures' C[ids], and equal to torch.nn.Embedding. A row that is asked for several times gets the sum of the
    gradients of all its places. Raises ConfigError for sizes under 1.

    >>> layer = Embedding(27, 10, generator=torch.Generator().manual_seed(1))
    >>> layer, tuple(layer(torch.zeros(32, 3, dtype=torch.int64)).shape)
    (Embedding(27 -> 10), (32, 3, 10))
    """

    def __init__(self, n_ids: int, width: int, *, generator: torch.Generator, std: float = UNIT) -> None:
        super().__init__()
        if n_ids < 1 or width < 1:
            raise ConfigError(f"Embedding needs at least 1 id and width 1; got {n_ids} -> {width}.", "Try (27, 10).")
        self.C = nn.Parameter(normal(n_ids, width, std=std, generator=generator))

    def forward(self, ids: Tensor) -> Tensor:
        """(...) ids -> (..., width). Raises VocabularyError for ids outside 0..n_ids - 1, or of another dtype."""
        if ids.dtype not in (torch.int64, torch.int32):
            kind = str(ids.dtype).removeprefix("torch.")
            raise VocabularyError(f"{self!r} got {kind}; it picks rows by int64 ids.", "Pass ids.long().")
        try:
            # not C[ids]: that would take -1, the mark of padding, for the last row
            rows = self.C.index_select(0, ids.flatten())
        except IndexError as error:
            raise self._outside(ids) from error
        return rows.view(*ids.shape, self.C.shape[1])

    def extra_repr(self) -> str:
        n_ids, width = self.C.shape
        return f"{n_ids} -> {width}"

    def _outside(self, ids: Tensor) -> VocabularyError:
        n_ids = len(self.C)
        first = ids[(ids < 0) | (ids >= n_ids)][0].item()
        return VocabularyError(
            f"{self!r} got id {first}; ids go from 0 to {n_ids - 1}.", "Encode with one vocabulary."
        )
