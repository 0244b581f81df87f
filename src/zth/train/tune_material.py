"""What the trials of a study learn from and are judged by: windows or lines, or one long text in blocks.

Letters: N examples, T ids in each.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from zth.data.stream import Ids
from zth.models.protocol import LanguageModel, evaluate

if TYPE_CHECKING:
    from torch import Tensor

    from zth.data.vocab import Vocabulary
    from zth.train.batches import Passage
    from zth.train.long_text import LongExamples

Array = NDArray[np.integer[Any]]
Pair = tuple[Array, Array]
"""(N, T) contexts with (N,) targets, or with (N, T) targets to learn from every position, as zth.train.fit has it."""


class Parts(Protocol):
    """Examples of a text of lines; zth.workbook.names.parts(8) is one."""

    @property
    def vocabulary(self) -> Vocabulary: ...
    @property
    def train(self) -> tuple[Tensor, Tensor]: ...
    @property
    def dev(self) -> tuple[Tensor, Tensor]: ...


@dataclass(frozen=True, kw_only=True)
class LongParts:
    """One long text, of which models read blocks."""

    vocabulary: Vocabulary
    train: Ids
    dev: Ids
    width: int
    """The longest block that is tried."""
    counted_block: int
    """A study's steps count blocks of this length: with longer ones a trial makes fewer steps."""
    sha256: str
    """Of the text."""


class Material(Protocol):
    """What a trial asks for. All processes of a study get a copy, so it pickles small."""

    @property
    def width(self) -> int:
        """The longest context that can be tried."""

    @property
    def counted_block(self) -> int | None:
        """See `LongParts`; None where a step learns from as many predictions whatever the model's block is."""

    @property
    def digest(self) -> str:
        """Tells one material from another."""

    def train(self, block_size: int) -> tuple[Tensor, Tensor] | Passage:
        """What `fit` takes."""

    def look(self, model: LanguageModel, block_size: int) -> float:
        """The dev loss on the way: of a bounded part."""

    def loss(self, model: LanguageModel, block_size: int) -> float:
        """The dev loss that a trial is judged by."""


def material(parts: Parts | LongParts) -> Material:
    """
    >>> from zth.workbook.names import parts
    >>> material(parts(3)).width
    3
    """
    if isinstance(parts, LongParts):
        return _Blocks(
            ids=(parts.train, parts.dev),
            width=parts.width,
            counted_block=parts.counted_block,
            digest=parts.sha256,
        )
    return _Examples(learnt=_small(parts.train), judged=_small(parts.dev))


@dataclass(frozen=True, kw_only=True)
class _Examples:
    """Windows or lines, as wide as the longest context that is tried."""

    learnt: Pair
    judged: Pair

    @property
    def width(self) -> int:
        return int(self.learnt[0].shape[1])

    @property
    def counted_block(self) -> int | None:
        return None

    @property
    def digest(self) -> str:
        digest = hashlib.sha256()
        for array in (*self.learnt, *self.judged):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def train(self, block_size: int) -> tuple[Tensor, Tensor] | Passage:  # noqa: ARG002 (models take the last ids)
        return _tensors(self.learnt)

    def look(self, model: LanguageModel, block_size: int) -> float:
        return self.loss(model, block_size)

    def loss(self, model: LanguageModel, block_size: int) -> float:  # noqa: ARG002
        return evaluate(model, *_tensors(self.judged))


@dataclass(frozen=True, kw_only=True)
class _Blocks:
    """One long text: any block, up to the longest."""

    ids: tuple[Ids, Ids]
    width: int
    counted_block: int | None
    digest: str

    def train(self, block_size: int) -> tuple[Tensor, Tensor] | Passage:
        return self._examples(block_size).train

    def look(self, model: LanguageModel, block_size: int) -> float:
        return self._examples(block_size).look(model)

    def loss(self, model: LanguageModel, block_size: int) -> float:
        return self._examples(block_size).dev_loss(model)

    def _examples(self, block_size: int) -> LongExamples:
        from zth.train.batches import Passage
        from zth.train.long_text import LongExamples

        train, dev = self.ids
        return LongExamples(train=Passage(ids=train, block_size=block_size), dev=dev)


def _small(examples: tuple[Tensor, Tensor]) -> Pair:
    """Two bytes an id. Vocabularies of characters have fewer than 2**15."""
    contexts, targets = (np.ascontiguousarray(part.numpy()) for part in examples)
    kind = np.int16 if max(contexts.max(initial=0), targets.max(initial=0)) < 2**15 else np.int64
    return contexts.astype(kind), targets.astype(kind)


def _tensors(examples: Pair) -> tuple[Tensor, Tensor]:
    import torch

    X, Y = examples
    return torch.from_numpy(X.astype(np.int64)), torch.from_numpy(Y.astype(np.int64))
