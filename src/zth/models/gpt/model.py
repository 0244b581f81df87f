"""The GPT of lecture 7, and what the papers since have made of it (config.py has the options).

Letters: B texts, T ids in each, C the width, V ids in the vocabulary.

    x = embedding[ids] (+ positions)              each block adds to x what it has found
    x = x + attention(norm(x));  x = x + mlp(norm(x))                                 for every block
    logits = norm(x) @ head

**How far it looks.** A text is its last `block_size` ids; before them there is nothing, and nothing is put there: a
short context is a short context, not a padded one. A text without any id is read as one id 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zth.errors import ShapeError
from zth.layers import Dropout, Embedding, Linear
from zth.models.gpt.block import Block, norm
from zth.models.gpt.cache import Cache
from zth.models.gpt.config import SPACE, GPTConfig
from zth.models.gpt.initial import last_std, table_std
from zth.models.gpt.sizes import TEXT_SIZES
from zth.models.net import NetModel
from zth.models.protocol import Continuation

CACHE_NUMBERS = 2**27
"""So many may the caches of the strings that grow side by side hold: half a gigabyte in float32."""
PIECE = 16_384
"""Positions that are computed at one time where each needs a window of its own."""


_MUON: Mapping[str, Any] = {
    "optimizer": "muon",
    "lr": 0.02,
    "beta2": 0.95,
    "clip": 1.0,
    "schedule": "trapezoid",
    "cooldown": 0.6,
    "drop_to": 0.0,
}


class GPTModel(NetModel[GPTConfig]):
    """(B, T) ids -> (B, T, V) logits at every position, in one pass.

    >>> from zth.models.gpt.config import preset
    >>> model = GPTModel(preset("nano", vocab_size=65), generator=torch.Generator().manual_seed(42))
    >>> sum(p.numel() for p in model.parameters()), tuple(model(torch.zeros(5, 16, dtype=torch.int64)).shape)
    (28736, (5, 16, 65))
    """

    family = "gpt"
    config_class = GPTConfig
    space = SPACE
    recipe: ClassVar[Mapping[str, Any]] = {**_MUON, "steps": 3000, "batch_size": 64}
    text_recipe: ClassVar[Mapping[str, Any]] = {
        **_MUON,
        "beta2": 0.99,
        "cooldown": 0.8,
        "steps": 3000,
        "batch_size": 16,
        "weight_decay": 0.1,
    }
    text_sizes = TEXT_SIZES
    reads_lines = True
    sees_one_block = True

    def __init__(self, options: GPTConfig, *, generator: torch.Generator) -> None:
        super().__init__(options)
        self.side_by_side = max(1, CACHE_NUMBERS // _cache_numbers(options))
        C, V, std = options.width, options.vocab_size, table_std(options)
        self.embedding = Embedding(V, C, generator=generator, std=std)
        self.positions = (
            Embedding(options.block_size, C, generator=generator, std=std) if options.positions == "learned" else None
        )
        self.dropout = Dropout(options.dropout if options.dropout_at == "gpt2" else 0.0)
        self.norm_embedding = norm(options) if options.norm_embedding else None
        self.blocks = nn.ModuleList(Block(options, generator=generator) for _ in range(options.layers))
        self.norm = norm(options)
        self.head = (
            None
            if options.tie_weights
            else Linear(C, V, generator=generator, bias=options.biases == "lecture", std=last_std(options))
        )

    def forward(self, ids: Tensor) -> Tensor:
        """(B, T) ids -> (B, T, V): at t the logits of the id that follows ids[:, : t + 1].

        Raises ShapeError where T is more than block_size, unless the model is endless (see GPTConfig.endless).
        """
        return self.logits(self.hidden(ids))

    def hidden(self, ids: Tensor, cache: Cache | None = None) -> Tensor:
        """(B, T) ids -> (B, T, C), what the last layer reads. With a cache, `ids` are those that it does not hold."""
        start = 0 if cache is None else cache.length
        T = ids.shape[1]
        if start + T > self.block_size and not self.options.endless:
            raise ShapeError(
                f"This GPT looks back {self.block_size} ids; got {start + T}.",
                f"Pass the last ones: ids[:, -{self.block_size}:].",
            )
        x: Tensor = self.embedding(ids)
        if self.positions is not None:
            x = x + self.positions.C[start : start + T]
        if self.norm_embedding is not None:
            x = self.norm_embedding(x)
        x = self.dropout(x)
        for i, block in enumerate(self.blocks):
            x = block(x, None if cache is None else cache.layers[i])
        normed: Tensor = self.norm(x)
        return normed

    def logits(self, hidden: Tensor) -> Tensor:
        """(..., C) -> (..., V)."""
        logits: Tensor = hidden @ self.embedding.C.T if self.head is None else self.head(hidden)
        cap = self.options.softcap
        return logits if cap is None else cap * (logits / cap).tanh()

    def log_probs(self, contexts: Tensor) -> Tensor:
        """(B, T) ids, of any T -> (B, V)."""
        return F.log_softmax(self.logits(self.hidden(self.last(contexts))[:, -1]), dim=-1)

    def log_probs_everywhere(self, ids: Tensor) -> Tensor:
        """(B, T) ids -> (B, T, V). Past the block each position gets the block of its own that `log_probs` gives it.

        One pass up to block_size ids (of an endless model: of any number), block_size times the work beyond.
        """
        if self.options.endless or ids.shape[1] <= self.block_size:
            return F.log_softmax(self(ids), dim=-1)
        first = F.log_softmax(self(ids[:, : self.block_size]), dim=-1)
        blocks = ids.unfold(1, self.block_size, 1)[:, 1:]  # (B, T) -> (B, T - block_size, block_size)
        pieces = torch.split(blocks.reshape(-1, self.block_size), max(1, PIECE // self.block_size))
        beyond = torch.cat([self.log_probs(piece) for piece in pieces])
        return torch.cat([first, beyond.view(*blocks.shape[:2], self.vocab_size)], dim=1)

    def last(self, contexts: Tensor) -> Tensor:
        """(B, T) -> (B, at most block_size): the ids that count, one 0 where there are none."""
        if contexts.shape[1] == 0:
            return contexts.new_zeros(len(contexts), 1)
        return contexts[:, -self.block_size :]

    def continuation(self, contexts: Tensor) -> GPTContinuation:
        return GPTContinuation(self, contexts)

    @property
    def column_splits(self) -> dict[str, list[int]]:
        """The parameters that are several matrices side by side -> how many columns each of them has."""
        options = self.options
        n_kv = options.n_kv_heads * options.head_size
        sizes = [options.width, n_kv, n_kv]
        return {f"blocks.{i}.attention.qkv.W": sizes for i in range(options.layers)}

    def new_cache(self) -> Cache:
        """An empty one, as large as the model can look back."""
        return Cache(self.options.layers, _cache_size(self.options))


class GPTContinuation(Continuation):
    """Keeps keys and values: a new id costs one position, while the text fits into the block.

    When the block is full, the last `keep` ids are read again, and it goes on from there. By default that is the
    whole block at every id, as the lecture's `generate` does it: exact, and slow. With keep = block_size // 2 one
    reading serves half a block of new ids; each is drawn from the logits of the block_size // 2 .. block_size ids
    before it. An endless model reads nothing twice.
    """

    model: GPTModel

    def __init__(self, model: GPTModel, contexts: Tensor) -> None:
        super().__init__(model, contexts[:, -model.block_size :])
        self._read()

    def log_probs(self) -> Tensor:
        return F.log_softmax(self.model.logits(self.last_hidden), dim=-1)

    def append(self, ids: Tensor) -> None:
        longer = torch.cat([self.contexts, ids[:, None]], dim=1)
        block_size = self.model.block_size
        fits = longer.shape[1] <= block_size or self.model.options.endless
        if fits and self.contexts.shape[1]:  # else what the cache holds stands in for an empty context
            self.contexts = longer[:, -block_size:]
            self._feed(ids[:, None])
        else:
            self.contexts = longer[:, -min(self.keep or block_size, block_size) :]
            self._read()

    def _read(self) -> None:
        self.cache = self.model.new_cache()
        self._feed(self.model.last(self.contexts))

    def _feed(self, ids: Tensor) -> None:
        # without gradients a position costs about 100 small operations: inference mode takes a fifth off each
        with torch.inference_mode(not torch.is_grad_enabled()):
            self.last_hidden = self.model.hidden(ids, self.cache)[:, -1]


def _cache_size(options: GPTConfig) -> int:
    return min(options.window or options.block_size, options.block_size)


def _cache_numbers(options: GPTConfig) -> int:
    """For one string."""
    return 2 * options.layers * options.n_kv_heads * options.head_size * _cache_size(options)
