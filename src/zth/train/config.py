"""How a net is trained: one config, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from zth.errors import ConfigError, did_you_mean

Optimizer = Literal["sgd", "adamw", "muon"]
Schedule = Literal["constant", "step", "cosine", "linear", "inverse", "trapezoid"]
Backend = Literal["auto", "autograd", "engine"]
Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Raises ConfigError for values that make no sense.

    Lecture 3's recipe is TrainConfig(steps=200_000, optimizer="sgd", lr=0.1, schedule="step").

    >>> TrainConfig(steps=0)
    Traceback (most recent call last):
    zth.errors.ConfigError: steps must be a whole number from 1 up; got 0. Leave it out for the default.
    """

    steps: int = 20_000
    """How often the weights are updated."""
    batch_size: int = 32
    """Examples that a step learns from, of all processes together."""
    accumulate: int = 1
    """Cut each batch into so many pieces, computed one after another: the same step with less memory."""
    optimizer: Optimizer = "adamw"
    """What turns gradients into updates; see zth.train.optim. muon: for matrices, and adamw for the rest."""
    lr: float = 0.003
    """The learning rate; for sgd rather 0.1, for muon 0.02."""
    lr_rest: float = 0.25
    """With muon: the rate of what adamw moves (tables, the last layer, vectors), as a factor of lr."""
    schedule: Schedule = "cosine"
    """How the rate falls; see zth.train.schedule."""
    drop_at: float = 0.5
    """With the step schedule: after which share of the steps the rate drops."""
    drop_to: float = 0.1
    """What the rate falls to, as a factor of lr: at once (step) or by the end (the others)."""
    cooldown: float = 0.6
    """With the trapezoid schedule: the share of the steps, the last ones, over which the rate falls."""
    warmup_steps: int = 0
    """Over so many steps the rate first rises from near 0 to lr."""
    weight_decay: float = 0.0
    """Of matrices and tables, not of biases: L2 with sgd, decoupled with adamw and muon."""
    clip: float = 0.0
    """Where the norm of all gradients together is above this, they are scaled down to it; 0: they are not."""
    beta1: float = 0.9
    """Of adamw (for the rest with muon, too): how much of the mean gradient is kept in a step."""
    beta2: float = 0.999
    """Of adamw: how much of the mean square gradient is kept in a step."""
    ema: float = 0.0
    """Keep an average of the weights, of which a step keeps this share (0.999, say), and end with it; 0: none."""
    backend: Backend = "auto"
    """engine: NumPy calls on fixed buffers; autograd: torch; auto: the engine wherever it can."""
    precision: Precision = "auto"
    """Of matrix products while training; weights and sums stay float32. auto: bfloat16 for a gpt where the processor
    has instructions for it, else float32."""

    def __post_init__(self) -> None:
        for name, low in (("steps", 1), ("batch_size", 1), ("accumulate", 1), ("warmup_steps", 0)):
            value = getattr(self, name)
            if type(value) is not int or value < low:
                _refuse(name, value, f"a whole number from {low} up")
        names = {"optimizer": Optimizer, "schedule": Schedule, "backend": Backend, "precision": Precision}
        for name, kinds in names.items():
            value = getattr(self, name)
            if value not in get_args(kinds):
                raise ConfigError(f"There is no {name} {value!r}.", did_you_mean(str(value), get_args(kinds)))
        for name in ("lr", "lr_rest"):
            if not 0 < getattr(self, name) < math.inf:
                _refuse(name, getattr(self, name), "a number above 0")
        for name in ("weight_decay", "clip"):
            if not 0 <= getattr(self, name) < math.inf:
                _refuse(name, getattr(self, name), "a number from 0 up")
        if not 0 < self.cooldown <= 1:
            _refuse("cooldown", self.cooldown, "above 0, up to 1")
        for name in ("beta1", "beta2", "ema"):
            if not 0 <= getattr(self, name) < 1:
                _refuse(name, getattr(self, name), "from 0 up to below 1")
        for name in ("drop_at", "drop_to"):
            if not 0 <= getattr(self, name) <= 1:
                _refuse(name, getattr(self, name), "from 0 to 1")
        if self.schedule == "inverse" and self.drop_to == 0:
            raise ConfigError("The inverse schedule never falls to 0.", "Give a drop_to above 0, as 0.1.")
        if self.batch_size % self.accumulate:
            raise ConfigError(
                f"A batch of {self.batch_size} cannot be cut into {self.accumulate} equal pieces.",
                f"Take a batch_size that is a multiple of {self.accumulate}.",
            )
        if self.warmup_steps > self.steps:
            raise ConfigError(
                f"{self.warmup_steps} warmup_steps are more than all {self.steps} steps.",
                "Give fewer of them, or more steps.",
            )


def _refuse(name: str, value: Any, wanted: str) -> None:
    raise ConfigError(f"{name} must be {wanted}; got {value!r}.", "Leave it out for the default.")
