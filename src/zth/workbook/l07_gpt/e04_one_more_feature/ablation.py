"""What exercise 7.4 trains: the lecture's GPT in a small size, with features of the papers since.

Letters: K seeds.

A `Variant` is the base with some features; a `Place` is a text with the sizes that suit it. All variants of a place
see the same batches, so two of them are compared seed by seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from statistics import median
from time import process_time
from typing import Any

from zth.data.sources import load
from zth.models import evaluate
from zth.models.gpt import GPTModel, preset
from zth.seeds import stream
from zth.train import TrainConfig
from zth.train.examples import Examples
from zth.train.long_text import LongExamples, read_for, whole_loss
from zth.train.loop import Trainer
from zth.workbook.l02_bigrams.costs import one_thread

BASE, ALL = "the base", "all together"
SQUARED, GATED = "squared ReLU", "SwiGLU"
"""The two that exclude each other: an MLP has one nonlinearity. All together takes the first."""

FEATURES: Mapping[str, Mapping[str, Any]] = {
    "rotary positions": {"positions": "rotary"},
    "RMSNorm": {"norm": "rmsnorm"},
    SQUARED: {"mlp": "relu2"},
    GATED: {"mlp": "swiglu"},
    "grouped queries": {"kv_heads": 2},
    "query-key norm": {"qk_norm": True},
    "weight tying": {"tie_weights": True},
    "sliding window": {"window": "a quarter"},
    "soft cap": {"softcap": 15.0},
    "zero outputs": {"output_init": "zero"},
    "Muon": {"optimizer": "muon"},
}
"""Each as what it changes in the base's GPTConfig; "optimizer" is TrainConfig's, a window is a part of the block."""

RATES = {"adamw": 0.003, "muon": 0.02}
"""Where they are not chosen by the base's loss (`RATES_TRIED`)."""
TIMED = 8
"""Steps that are timed together."""
RATES_TRIED = {"adamw": (0.0005, 0.001, 0.002, 0.004, 0.008), "muon": (0.005, 0.01, 0.02, 0.04)}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A text, and how it is read and trained on."""

    corpus: str
    vocab_size: int
    block_size: int
    batch_size: int
    """Blocks of a long text, or names."""
    steps: int
    dev_rows: int | None = None
    """So many names of dev measure the loss; None: all of them."""
    rates: Mapping[str, float] = field(default_factory=lambda: RATES)
    """By the optimizer's name."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The base with some features.

    >>> variant_of("Muon", "soft cap").changes
    {'softcap': 15.0, 'optimizer': 'muon'}
    """

    name: str
    changes: Mapping[str, Any]

    @property
    def optimizer(self) -> str:
        return str(self.changes.get("optimizer", "adamw"))

    def model(self, place: Place, seed: int) -> GPTModel:
        """The lecture's script in small, with the changes."""
        changes = {name: value for name, value in self.changes.items() if name != "optimizer"}
        if "window" in changes:
            changes["window"] = place.block_size // 4
        sizes = {"layers": 2, "heads": 4, "width": 64, "block_size": place.block_size, "dropout": 0.0}
        options = preset("lecture", **{**sizes, "vocab_size": place.vocab_size, **changes})
        return GPTModel(options, generator=stream(seed, "init"))

    def trainer(self, place: Place, *, steps: int, seed: int) -> Trainer:
        """All variants are trained alike but for their optimizer and its rate."""
        config = TrainConfig(
            steps=steps,
            batch_size=place.batch_size,
            optimizer=self.optimizer,  # type: ignore[arg-type]
            lr=place.rates[self.optimizer],
            schedule="trapezoid",
            drop_to=0.0,
            warmup_steps=steps // 20,
            clip=1.0,
        )
        return Trainer(self.model(place, seed), examples(place).train, config, seed=seed)


def variant_of(*names: str, called: str = "") -> Variant:
    """The base with the features of these names, in the order of FEATURES."""
    chosen = {key: value for name in FEATURES if name in names for key, value in FEATURES[name].items()}
    return Variant(name=called or " and ".join(names) or BASE, changes=chosen)


def alone(names: Iterable[str] = tuple(FEATURES)) -> list[Variant]:
    """The base, each feature by itself, and all together.

    >>> [variant.name for variant in alone(["RMSNorm", "Muon"])]
    ['the base', 'RMSNorm', 'Muon', 'all together']
    """
    names = list(names)
    return [variant_of(), *(variant_of(name) for name in names), everything(names)]


def everything(names: Iterable[str], called: str = ALL) -> Variant:
    """All of these, with the squared ReLU where SwiGLU is there too."""
    names = list(names)
    kept = [name for name in names if name != GATED or SQUARED not in names]
    return variant_of(*kept, called=called)


def all_but_one() -> list[Variant]:
    """Each without one feature, by that feature's name; SwiGLU's has it in the place of the squared ReLU.

    >>> {variant.name: variant.changes.get("mlp") for variant in all_but_one()}["SwiGLU"]
    'swiglu'
    """
    usual = [name for name in FEATURES if name != GATED]
    without = {name: [other for other in usual if other != name] for name in usual}
    without[GATED] = [GATED, *without[SQUARED]]
    return [everything(without[name], called=name) for name in FEATURES]


@cache
def _examples(corpus: str, block_size: int) -> Examples | LongExamples:
    return read_for(load(corpus), "gpt").examples("gpt", block_size=block_size)


def examples(place: Place) -> Examples | LongExamples:
    """What a GPT learns from there, and its dev part."""
    return _examples(place.corpus, place.block_size)


def dev_loss(place: Place, variant: Variant, steps: int, seed: int) -> float:
    """Train the variant and measure it: nats a character."""
    trainer = variant.trainer(place, steps=steps, seed=seed)
    trainer.run(steps)
    model, parts = trainer.net, examples(place)
    assert isinstance(model, GPTModel)
    if isinstance(parts, LongExamples):
        return whole_loss(model, parts.dev, place.block_size)
    X, Y = parts.dev
    return evaluate(model, X[: place.dev_rows], Y[: place.dev_rows])


def step_seconds(place: Place, variants: Iterable[Variant], *, seed: int, rounds: int = 9) -> dict[str, float]:
    """The median time of a step of each, on one thread, in seconds of the processor: waiting for it does not count.

    The variants take turns, after a round that does not count, so that the machine is alike for all.
    """
    trainers = {variant.name: variant.trainer(place, steps=10_000, seed=seed) for variant in variants}
    taken: dict[str, list[float]] = {name: [] for name in trainers}
    with one_thread():
        for _ in range(rounds + 1):
            for name, trainer in trainers.items():
                started = process_time()
                trainer.run(TIMED)
                taken[name].append((process_time() - started) / TIMED)
    return {name: median(times[1:]) for name, times in taken.items()}
