"""One trial: a net trained with some options, looked at ten times, and given up where it promises nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zth.models.protocol import build, evaluate, model_class
from zth.seeds import stream
from zth.train.config import TrainConfig
from zth.train.tune_ledger import LOOKS
from zth.train.tune_space import make_configs

if TYPE_CHECKING:
    from torch import Tensor

Ids = NDArray[np.integer[Any]]
Examples = tuple[Ids, Ids]
"""(N, T) contexts with (N,) targets, or with (N, T) targets to learn from every position, as zth.train.fit has it."""

TICKS = 5
"""How often between two looks a trial asks whether to stop."""


class Stop(Exception):
    """The trial ends before its time."""


class Pruned(Stop):
    """... because it promises nothing."""


class Stopped(Stop):
    """... because the study stops."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What all trials of a study share. `train` and `dev` are as wide as the longest context that is tried."""

    family: str
    base: TrainConfig
    fixed: Mapping[str, Any]
    vocab_size: int
    train: Examples
    dev: Examples
    seed: int

    @property
    def width(self) -> int:
        return int(self.train[0].shape[1])


def train_once(
    setting: Setting,
    options: Mapping[str, Any],
    look: Callable[[int, float], None],
    tick: Callable[[], None],
) -> float:
    """Train with `options` -> the dev loss, that of `zth train` with the same options and seed.

    `look(tenth, dev)` is told the dev loss after each tenth of the steps but the last, and `tick()` is called more
    often; either may raise `Stop`.
    """
    import torch

    from zth.train import fit

    model_config, config = make_configs(
        setting.family, setting.base, {**setting.fixed, **options}, vocab_size=setting.vocab_size
    )
    train, dev = _tensors(setting.train), _tensors(setting.dev)
    kind = model_class(setting.family)
    if not issubclass(kind, torch.nn.Module):
        X, Y = train
        return evaluate(kind.counted(model_config, X[:, X.shape[1] - model_config.block_size :], Y), *dev)
    model: Any = build(setting.family, model_config, generator=stream(setting.seed, "init"))
    looks = {round(config.steps * tenth / LOOKS): tenth for tenth in range(1, LOOKS)}
    every = max(1, config.steps // (LOOKS * TICKS))
    looked = 0

    def watch(step: int) -> None:
        nonlocal looked
        tick()
        due = max((tenth for at, tenth in looks.items() if at <= step), default=0)
        if due > looked:
            looked = due
            look(due, evaluate(model, *dev))

    fit(model, train, config, seed=setting.seed, watch=watch, watch_every=every)
    return evaluate(model, *dev)


def _tensors(examples: Examples) -> tuple[Tensor, Tensor]:
    import torch

    X, Y = examples
    return torch.from_numpy(X.astype(np.int64)), torch.from_numpy(Y.astype(np.int64))
