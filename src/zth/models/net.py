"""What the nets here share: made from a config and a generator, taken apart into that config and a state.

A net's `forward` gives logits, (B, V) where it looks at a window and (B, T, V) where it scores all positions at once;
either way a training step is `cross_entropy(net(x).flatten(0, -2), y.flatten(), ignore_index=IGNORED)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Generic, Self, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zth.errors import ConfigError
from zth.layers import Sequential
from zth.models.protocol import LanguageModel
from zth.models.size import Size


@dataclass(frozen=True, kw_only=True)
class NetConfig:
    """What a net is built from. Every int among its fields is a size: raises ConfigError for one under 1.

    >>> NetConfig(block_size=0)
    Traceback (most recent call last):
    zth.errors.ConfigError: block_size must be a whole number from 1 up; got 0. Leave it out for the default.
    """

    vocab_size: int = 27
    block_size: int = 8
    """How many characters back it looks."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "int" and (type(value) is not int or value < 1):
                raise ConfigError(
                    f"{field.name} must be a whole number from 1 up; got {value!r}.",
                    "Leave it out for the default.",
                )


def check_momentum(momentum: float) -> None:
    """Raises ConfigError for a BatchNorm momentum outside 0..1."""
    if not 0 <= momentum <= 1:
        raise ConfigError(f"momentum must be from 0 to 1; got {momentum}.", "Try momentum=0.1.")


C = TypeVar("C", bound=NetConfig)


class NetModel(nn.Module, LanguageModel, Generic[C]):
    """A language model that is a torch module. A new one says `family`, `config_class`, `__init__` and `forward`.

    `__init__` takes `options`, of the config class, and a `generator` for the initial weights.
    """

    config_class: ClassVar[type[Any]]
    recipe: ClassVar[Mapping[str, Any]] = {}
    """Fields of zth.train's TrainConfig, as plain values, that make a good model of the names within a minute."""
    text_recipe: ClassVar[Mapping[str, Any]] = {}
    """The same for one long text, where it learns from such a one in blocks."""
    text_sizes: ClassVar[Sequence[Size]] = ()
    """What suits budgets for one long text, the smallest first."""
    reads_lines: ClassVar[bool] = False
    """It scores all positions in one pass, so it learns from whole lines instead of windows."""
    sees_one_block: ClassVar[bool] = False
    """It reads lines, but at most `block_size` ids of one at a time."""
    options: C

    def __init__(self, options: C) -> None:
        super().__init__()
        self.options = options
        self.vocab_size = options.vocab_size
        self.block_size = options.block_size

    def as_sequential(self) -> Sequential | None:
        """(B, block_size) ids -> (B, V) logits as one Sequential of the very same layers, or None where it is none.

        What trains the one trains the other: parameters and running statistics are shared.
        """
        return None

    def log_probs(self, contexts: Tensor) -> Tensor:
        """(B, T) ids -> (B, V), in the weights' dtype."""
        return F.log_softmax(self(contexts), dim=-1)

    def config(self) -> dict[str, Any]:
        return asdict(self.options)

    def tensors(self) -> dict[str, Tensor]:
        return self.state_dict()

    @classmethod
    def from_parts(cls, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        build: Any = cls  # whose __init__ takes the generator too
        model: Self = build(cls.config_class(**config), generator=torch.Generator())
        model.load_state_dict(dict(tensors), assign=True)  # assign: so that float64 stays float64
        return model
