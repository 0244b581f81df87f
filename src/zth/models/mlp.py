"""The MLP of Bengio et al. (2003), and what lectures 3 and 4 make of it.

Letters: B contexts in a batch, T ids in a context, E the embedding's width, H hidden units, V ids in the vocabulary.

The ids of a window are looked up in one table, their vectors x (B, T*E) laid side by side, and

    logits = tanh(x @ W1 + b1) @ W2 + b2        with `direct`, the paper's y = b + W x + U tanh(d + H x):  + x @ W

The nets of the lectures are options of one class:

    lecture 3                          MLPConfig(init="unit")                                             11,897
    lecture 4, one after the other     init="quiet-output", then "quiet-tanh", then "kaiming"             11,897
    lecture 4, with BatchNorm          MLPConfig(batchnorm="hidden", momentum=0.001)                      12,097
    lecture 4, deep                    MLPConfig(hidden=100, n_hidden=5, batchnorm="everywhere",
                                                 init="fan-in")                                           47,024
    lecture 6, 3 characters            MLPConfig(batchnorm="hidden", init="fan-in")                       12,097
    lecture 6, 8 characters            MLPConfig(batchnorm="hidden", init="fan-in", block_size=8)         22,097
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from zth.errors import ConfigError, did_you_mean
from zth.layers import BatchNorm1d, Embedding, FlattenConsecutive, Linear, Sequential, Sum, Tanh
from zth.layers.folding import fold
from zth.layers.init import (
    FIRST_BIAS,
    FIRST_TANH,
    LAST_GAIN,
    LAST_LAYER,
    UNIT,
    ZERO,
    fan_in_std,
    kaiming_std,
)
from zth.models.net import NetConfig, NetModel, check_momentum
from zth.models.protocol import last_ids
from zth.models.space import Between, OneOf, Space

BATCHNORMS = ("none", "hidden", "everywhere")


@dataclass(frozen=True, kw_only=True)
class Scales:
    """The standard deviations that weights and biases are drawn with; those of weights by their fan_in."""

    hidden: Callable[[int], float]
    hidden_bias: float
    output: Callable[[int], float]
    output_bias: float = 0.0


INITS = {
    # lecture 3: N(0, 1) for all, confidently wrong at first
    "unit": Scales(hidden=lambda _: UNIT, hidden_bias=UNIT, output=lambda _: UNIT, output_bias=UNIT),
    # lecture 4's repairs, one on top of the other
    "quiet-output": Scales(hidden=lambda _: UNIT, hidden_bias=UNIT, output=lambda _: LAST_LAYER),
    "quiet-tanh": Scales(hidden=lambda _: FIRST_TANH, hidden_bias=FIRST_BIAS, output=lambda _: LAST_LAYER),
    "kaiming": Scales(hidden=kaiming_std, hidden_bias=FIRST_BIAS, output=lambda _: LAST_LAYER),
    # the deep nets of lectures 4 and 6
    "fan-in": Scales(hidden=fan_in_std, hidden_bias=0.0, output=lambda fan_in: LAST_GAIN * fan_in_std(fan_in)),
    # exercise 4.1: every Linear; the embeddings stay N(0, 1)
    "zero": Scales(hidden=lambda _: ZERO, hidden_bias=ZERO, output=lambda _: ZERO),
}
"""The initialisations by name; zth.layers.init has the reason for each scale. All make the same draws."""


@dataclass(frozen=True, kw_only=True)
class MLPConfig(NetConfig):
    """Raises ConfigError for sizes under 1, an unknown init or batchnorm, and a momentum outside 0..1.

    >>> MLPConfig(init="kaimin")
    Traceback (most recent call last):
    zth.errors.ConfigError: There is no init 'kaimin'. Did you mean kaiming?
    """

    block_size: int = 3
    embedding: int = 10
    """The width of a character's vector."""
    hidden: int = 200
    """Units in each hidden layer."""
    n_hidden: int = 1
    """How many hidden layers, each of `hidden` units."""
    batchnorm: Literal["none", "hidden", "everywhere"] = "none"
    """After the hidden layers' Linears, or after the last one too; a Linear before a BatchNorm has no bias."""
    momentum: float = 0.1
    """The BatchNorms'; where lecture 4 keeps its running mean by hand, it is 0.001."""
    init: str = "kaiming"
    """A name in `INITS`. A BatchNorm behind the last layer starts with a gamma of 0.1 whatever the init."""
    direct: bool = False
    """The paper's direct connections, drawn with the last layer's scale."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_momentum(self.momentum)
        for name, known in (("init", tuple(INITS)), ("batchnorm", BATCHNORMS)):
            value = getattr(self, name)
            if value not in known:
                raise ConfigError(f"There is no {name} {value!r}.", did_you_mean(str(value), known))


SPACE: Space = {
    "block_size": Between(low=3, high=8, log=False),
    "embedding": Between(low=8, high=64),
    "hidden": Between(low=64, high=512),
    "n_hidden": OneOf((1, 2)),
    "batchnorm": OneOf(("none", "hidden")),
    "init": OneOf(("kaiming", "fan-in")),
    "direct": OneOf((False, True)),
}


class MLPModel(NetModel[MLPConfig]):
    """(B, T) ids -> (B, V) logits of the next id.

    Its parts: `embedding` (B, T) -> (B, T*E), `hidden` -> (B, H), `output` -> (B, V), and `direct`, a Linear or None.
    The weights are drawn in this order, so with lecture 3's generator they are lecture 3's numbers.

    >>> model = MLPModel(MLPConfig(init="unit"), generator=torch.Generator().manual_seed(2147483647))
    >>> sum(p.numel() for p in model.parameters()), tuple(model(torch.zeros(32, 3, dtype=torch.int64)).shape)
    (11897, (32, 27))
    """

    family = "mlp"
    config_class = MLPConfig
    space = SPACE
    recipe: ClassVar[Mapping[str, Any]] = {"steps": 200_000, "batch_size": 64, "lr": 0.003}

    def __init__(self, options: MLPConfig, *, generator: torch.Generator) -> None:
        super().__init__(options)
        n_inputs, scales = options.block_size * options.embedding, INITS[options.init]
        self.embedding = Sequential(
            Embedding(options.vocab_size, options.embedding, generator=generator),
            FlattenConsecutive(options.block_size),
        )
        self.hidden = Sequential(*_hidden_layers(options, scales, generator))
        self.output = Sequential(*_output_layers(options, scales, generator))
        self.direct = (
            Linear(n_inputs, options.vocab_size, generator=generator, bias=False, std=scales.output(n_inputs))
            if options.direct
            else None
        )

    def forward(self, contexts: Tensor) -> Tensor:
        """(B, T) ids, of any T -> (B, V) logits."""
        x: Tensor = self.embedding(last_ids(contexts, self.block_size))
        logits: Tensor = self.output(self.hidden(x))
        return logits if self.direct is None else logits + self.direct(x)

    def as_sequential(self) -> Sequential:
        """The same layers in a row; `direct` and what it goes round are the two branches of a Sum."""
        if self.direct is None:
            return Sequential(self.embedding, self.hidden, self.output)
        return Sequential(self.embedding, Sum(Sequential(self.hidden, self.output), self.direct))

    def folded(self) -> MLPModel:
        """The same outputs as in evaluation, without BatchNorm: exercise 4.2. A new model, which can be saved.

        >>> model = MLPModel(MLPConfig(batchnorm="everywhere"), generator=torch.Generator().manual_seed(1)).eval()
        >>> ids = torch.tensor([[0, 5, 13]])
        >>> torch.allclose(model.folded()(ids), model(ids), atol=1e-5)
        True
        """
        config = asdict(replace(self.options, batchnorm="none"))
        return self.from_parts(config, fold(self).state_dict()).eval()


def _hidden_layers(options: MLPConfig, scales: Scales, generator: torch.Generator) -> list[nn.Module]:
    normalised = options.batchnorm != "none"
    layers: list[nn.Module] = []
    fan_in = options.block_size * options.embedding
    for _ in range(options.n_hidden):
        layers.append(
            Linear(
                fan_in,
                options.hidden,
                generator=generator,
                bias=not normalised,
                std=scales.hidden(fan_in),
                bias_std=scales.hidden_bias,
            )
        )
        if normalised:
            layers.append(BatchNorm1d(options.hidden, momentum=options.momentum))
        layers.append(Tanh())
        fan_in = options.hidden
    return layers


def _output_layers(options: MLPConfig, scales: Scales, generator: torch.Generator) -> list[nn.Module]:
    fan_in, fan_out = options.hidden, options.vocab_size
    if options.batchnorm != "everywhere":
        std, bias_std = scales.output(fan_in), scales.output_bias
        return [Linear(fan_in, fan_out, generator=generator, std=std, bias_std=bias_std)]
    # the norm undoes whatever scale W has, so its gamma keeps the first logits small
    norm = BatchNorm1d(fan_out, momentum=options.momentum)
    with torch.no_grad():
        norm.gamma.mul_(LAST_GAIN)
    return [Linear(fan_in, fan_out, generator=generator, bias=False, std=scales.hidden(fan_in)), norm]
