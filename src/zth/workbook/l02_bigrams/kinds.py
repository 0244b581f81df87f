"""The three n-grams that exercises 2.1 to 2.3 compare: how far each looks back, and which characters it predicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from zth.data.vocab import Vocabulary
from zth.data.windows import windows


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A way to cut words into (context, next character)."""

    name: str
    block_size: int
    """Characters of context."""
    leading: int
    """Dots in front of each word; with fewer than `block_size` the first letters are not predicted."""
    colour: str
    """For plots with several lines of one kind; readable on light and on dark."""

    def examples(self, words: Sequence[str], vocabulary: Vocabulary) -> tuple[Tensor, Tensor]:
        """Words -> (N, T) contexts, (N,) targets."""
        return windows(words, vocabulary, self.block_size, leading=self.leading)


BIGRAM = Kind(name="bigram", block_size=1, leading=1, colour="#6574dc")
TRUE_TRIGRAM = Kind(name="trigram, one dot", block_size=2, leading=1, colour="#2aa18f")
TRIGRAM = Kind(name="trigram, two dots", block_size=2, leading=2, colour="#e0812f")
KINDS = (BIGRAM, TRUE_TRIGRAM, TRIGRAM)
