"""Lecture 6's WaveNet: characters fused in pairs, the pairs in pairs, as a tree and as convolutions.

Letters: B contexts or texts, T ids in each, C channels, H hidden units, V ids in the vocabulary.

A window of 8 ids becomes 4 nodes, 2, 1; each level is FlattenConsecutive(2), Linear, BatchNorm, Tanh. To score every
position of a text that way means a window, and so a tree, for each; but the windows overlap, and so do the trees: a
node depends on the ids below it and not on whose tree it stands in. Computing each node once is a convolution: on
level l (0, 1, 2) the node at t fuses those at t - 2**l and t, which is a causal convolution of kernel 2 and dilation
2**l (van den Oord et al. 2016). A position then costs 3 nodes instead of 7, and no windows are laid out (exercise
6.2). Of the nodes that are saved, three are cheap ones at the bottom (2E inputs instead of 2H), so at the lecture's
sizes the arithmetic falls from 126,000 to 75,000 multiplications a position, by 1.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zth.errors import ConfigError
from zth.layers import BatchNorm1d, Embedding, FlattenConsecutive, Linear, Sequential, Tanh
from zth.layers.folding import fold
from zth.layers.init import LAST_GAIN, fan_in_std
from zth.models.net import NetConfig, NetModel, check_momentum
from zth.models.protocol import last_ids
from zth.models.space import Between, OneOf, Space


@dataclass(frozen=True, kw_only=True)
class WaveNetConfig(NetConfig):
    """Lecture 6's last net, of 76,579 parameters; with embedding=10, hidden=68 the one of 22,397.

    Raises ConfigError for sizes under 1, a block_size that is no power of 2, and a momentum outside 0..1.

    >>> WaveNetConfig(block_size=6)
    Traceback (most recent call last):
    zth.errors.ConfigError: block_size must be 2, 4, 8, 16, ...; got 6. Each level fuses pairs.
    """

    block_size: int = 8
    embedding: int = 24
    """The width of a character's vector."""
    hidden: int = 128
    """Units in each hidden layer."""
    batchnorm: bool = True
    """After the Linear of each level, which then has no bias."""
    momentum: float = 0.1
    """The BatchNorms'."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_momentum(self.momentum)
        if self.block_size < 2 or self.block_size.bit_count() != 1:
            raise ConfigError(
                f"block_size must be 2, 4, 8, 16, ...; got {self.block_size}.", "Each level fuses pairs."
            )


SPACE: Space = {
    "block_size": OneOf((8, 16)),
    "embedding": Between(low=8, high=64),
    "hidden": Between(low=64, high=256),
    "batchnorm": OneOf((True, False)),
}


class WaveNetModel(NetModel[WaveNetConfig]):
    """(B, T) ids -> (B, V) logits of the next id, as a tree; `logits_everywhere` the same weights as convolutions.

    Its parts: `embedding`, `levels` from the ids upwards (each Linear, BatchNorm, Tanh), `output`. The weights are
    the lecture's: 1/sqrt(fan_in), the last layer's a tenth of it.

    >>> model = WaveNetModel(WaveNetConfig(), generator=torch.Generator().manual_seed(42))
    >>> sum(p.numel() for p in model.parameters()), tuple(model(torch.zeros(32, 8, dtype=torch.int64)).shape)
    (76579, (32, 27))
    """

    family = "wavenet"
    config_class = WaveNetConfig
    space = SPACE
    recipe: ClassVar[Mapping[str, Any]] = {"steps": 40_000, "batch_size": 64, "lr": 0.001}

    def __init__(self, options: WaveNetConfig, *, generator: torch.Generator) -> None:
        super().__init__(options)
        hidden, n_levels = options.hidden, options.block_size.bit_length() - 1
        self.embedding = Embedding(options.vocab_size, options.embedding, generator=generator)
        self.pairs = FlattenConsecutive(2)
        self.levels = nn.ModuleList(
            _level(2 * (options.embedding if level == 0 else hidden), options, generator) for level in range(n_levels)
        )
        self.output = Linear(hidden, options.vocab_size, generator=generator, std=LAST_GAIN * fan_in_std(hidden))

    def forward(self, contexts: Tensor) -> Tensor:
        """(B, T) ids, of any T -> (B, V) logits."""
        x: Tensor = self.embedding(last_ids(contexts, self.block_size))
        for level in self.levels:
            x = level(self.pairs(x))  # (B, 8, C) -> (B, 4, H) -> (B, 2, H) -> (B, H)
        logits: Tensor = self.output(x)
        return logits

    def as_sequential(self) -> Sequential:
        """The tree's layers in a row."""
        levels = [part for level in self.levels for part in (self.pairs, level)]
        return Sequential(self.embedding, *levels, self.output)

    def logits_everywhere(self, ids: Tensor) -> Tensor:
        """(B, T) ids -> (B, T, V): at t the logits of the id that follows ids[:, : t + 1], in one pass.

        In evaluation they are `forward`'s for each window. In training a BatchNorm normalises with its batch, and
        here the batch is all positions of these texts, padding included.

        >>> model = WaveNetModel(WaveNetConfig(), generator=torch.Generator().manual_seed(42)).eval()
        >>> ids = torch.tensor([[0, 5, 13, 13, 1]])
        >>> torch.allclose(model.logits_everywhere(ids)[:, 2], model(ids[:, :3]), atol=1e-6)
        True
        """
        x: Tensor = self.embedding(F.pad(ids, (1, 0)))  # (B, T + 1, C)
        t = torch.arange(x.shape[1], device=ids.device)
        for number, level in enumerate(self.levels):
            # what lies before the text is boundaries only, so all nodes there are alike: node 0 stands for them
            before = (t - 2**number).clamp(min=0)
            x = level(torch.cat([x.index_select(1, before), x], dim=-1))
        logits: Tensor = self.output(x[:, 1:])
        return logits

    def log_probs_everywhere(self, ids: Tensor) -> Tensor:
        """(B, T) ids -> (B, T, V), by `logits_everywhere`."""
        return F.log_softmax(self.logits_everywhere(ids), dim=-1)

    def folded(self) -> WaveNetModel:
        """The same outputs as in evaluation, without BatchNorm: a new model, which can be saved."""
        config = asdict(replace(self.options, batchnorm=False))
        return self.from_parts(config, fold(self).state_dict()).eval()


def _level(fan_in: int, options: WaveNetConfig, generator: torch.Generator) -> Sequential:
    """(..., fan_in) -> (..., hidden): what a level does with a pair."""
    linear = Linear(fan_in, options.hidden, generator=generator, bias=not options.batchnorm)
    if not options.batchnorm:
        return Sequential(linear, Tanh())
    return Sequential(linear, BatchNorm1d(options.hidden, momentum=options.momentum), Tanh())
