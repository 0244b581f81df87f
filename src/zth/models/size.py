"""Which net suits which budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Size:
    """A net for a budget of at least `minutes`, on two cores of a laptop, and a text that is long enough for it."""

    minutes: float
    characters: int = 0
    """Of the training part, at least: a larger net learns a shorter text by heart."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the model's config that are not the usual ones."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Fields of zth.train's TrainConfig that are not those of the model's `text_recipe`."""
