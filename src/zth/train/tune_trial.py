"""One trial: a net trained with some options, looked at ten times, and given up where it promises nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zth.models.protocol import build, model_class
from zth.seeds import stream
from zth.train.config import TrainConfig
from zth.train.tune_ledger import LOOKS
from zth.train.tune_space import make_configs

if TYPE_CHECKING:
    from zth.train.tune_material import Material

Row = dict[str, float]
"""A line of metrics.jsonl."""
Keep = Callable[[float, Any, TrainConfig, list[Row]], object]
"""keep(dev loss, model, how it was trained, rows): what is done with what a trial has trained."""

TICKS, MOST_STEPS = 5, 200
"""How often between two looks a trial asks whether to stop; steps from one time to the next, at most."""


class Stop(Exception):
    """The trial ends before its time."""


class Pruned(Stop):
    """... because it promises nothing."""


class Stopped(Stop):
    """... because the study stops."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What all trials of a study share."""

    family: str
    base: TrainConfig
    fixed: Mapping[str, Any]
    vocab_size: int
    material: Material
    seed: int

    def configs(self, options: Mapping[str, Any]) -> tuple[Any, TrainConfig]:
        """The model's and the training's, of a trial with `options`."""
        whole = {**self.fixed, **options}
        return make_configs(
            self.family, self.base, whole, vocab_size=self.vocab_size, block_size=self.material.counted_block
        )


def train_once(
    setting: Setting,
    options: Mapping[str, Any],
    look: Callable[[int, float], None],
    tick: Callable[[], None],
    keep: Keep = lambda *_: None,
) -> float:
    """Train with `options` -> the dev loss, that of `zth train` with the same options and seed.

    `look(tenth, dev)` is told the dev loss after each tenth of the steps but the last, and `tick()` is called more
    often; either may raise `Stop`.
    """
    import torch

    model_config, config = setting.configs(options)
    material = setting.material
    kind = model_class(setting.family)
    examples = material.train(model_config.block_size)
    if not issubclass(kind, torch.nn.Module):
        assert isinstance(examples, tuple), setting.family  # models that count read lines
        X, Y = examples
        counted = kind.counted(model_config, X[:, X.shape[1] - model_config.block_size :], Y)
        dev = material.loss(counted, model_config.block_size)
        keep(dev, counted, config, [])
        return dev
    model: Any = build(setting.family, model_config, generator=stream(setting.seed, "init"))
    trial = _Looks(config, lambda: material.look(model, model_config.block_size), look, tick)
    losses = _fit(model, examples, config, setting.seed, trial)
    dev = material.loss(model, model_config.block_size)
    keep(dev, model, config, trial.rows(losses, dev))
    return dev


def _fit(model: Any, examples: Any, config: TrainConfig, seed: int, trial: _Looks) -> Any:
    from zth.train import fit

    every = min(MOST_STEPS, max(1, config.steps // (LOOKS * TICKS)))
    return fit(model, examples, config, seed=seed, watch=trial.watch, watch_every=every)


class _Looks:
    """When a trial is looked at, and what was seen."""

    def __init__(
        self,
        config: TrainConfig,
        measure: Callable[[], float],
        look: Callable[[int, float], None],
        tick: Callable[[], None],
    ) -> None:
        self._config, self._measure, self._look, self._tick = config, measure, look, tick
        self._due = {round(config.steps * tenth / LOOKS): tenth for tenth in range(1, LOOKS)}
        self._looked = 0
        self._seen: list[tuple[int, float, float]] = []  # step, seconds of training, dev
        self._started, self._spent_looking = time.perf_counter(), 0.0

    def watch(self, step: int) -> None:
        """After some steps: asks whether to stop, and at each tenth how good the net is by now."""
        self._tick()
        due = max((tenth for at, tenth in self._due.items() if at <= step), default=0)
        if due > self._looked and step < self._config.steps:
            self._looked = due
            begun = time.perf_counter()
            dev = self._measure()
            self._seen.append((step, begun - self._started - self._spent_looking, dev))
            self._spent_looking += time.perf_counter() - begun
            self._look(due, dev)
        elif step == self._config.steps:
            self._seen.append((step, time.perf_counter() - self._started - self._spent_looking, np.nan))

    def rows(self, losses: Any, dev: float) -> list[Row]:
        """What was seen, with the mean loss of the batches since the look before; `dev` is that of the end."""
        from zth.train.schedule import rates

        made, before = [], 0
        for step, seconds, seen in self._seen:
            lr = float(rates(self._config, step - 1, step)[0])
            loss = float(np.mean(losses[before:step]))
            made.append(
                {"step": step, "loss": loss, "lr": lr, "seconds": seconds, "dev": dev if seen != seen else seen}
            )
            before = step
        return made
