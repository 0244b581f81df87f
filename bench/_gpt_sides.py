"""What is trained in bench/gpt.py: on which text, from which weights.

Each is made in the process where it runs (`_race.Apart`). Ours are trained by zth.train as `zth train` does it, with
what it chooses for the text; the baselines are those of gpt_baselines.py and makemore_transformer.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

import gpt_baselines as A
import makemore_transformer as C
from _gpt_weights import SEED, Weights, lecture_options, lecture_weights, nano_options, nano_weights
from _race import Training
from zth.compare import FLOAT32, same
from zth.data.sources import load
from zth.data.vocab import Vocabulary
from zth.data.windows import padded_lines
from zth.models import evaluate
from zth.models.gpt import GPTConfig
from zth.models.protocol import build, config_class, evaluating
from zth.seeds import stream
from zth.train import TrainConfig, Trainer
from zth.train.batches import Passage
from zth.train.chosen import fitted
from zth.train.config import Precision
from zth.train.long_text import LongText, whole_loss
from zth.train.loop import steps_per_second

TEXT, NAMES = "shakespeare", "names"

# ----- ours -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a GPT of ours learns, how, and what its loss is."""

    options: Mapping[str, Any]
    config: TrainConfig
    examples: tuple[Tensor, Tensor] | Passage
    loss: Callable[[Any], float]
    weights: Weights | None = None
    """To begin with, instead of those that the seed draws."""


class Ours:
    """Trains one net after another; the clock runs while something is made or trained."""

    def __init__(self, task: Task, chosen: Callable[[float], Task] | None = None) -> None:
        self.task, self._chosen = task, chosen

    def plan(self, seconds: float) -> float:
        """Get ready for a training of about so long, which may say what is trained -> steps a second."""
        if self._chosen is not None:
            self.task = self._chosen(seconds)
        return steps_per_second(self._net(0), self.task.examples, self.task.config)

    def begin(self, seed: int, steps: int) -> float:
        """A fresh net and its trainer -> the seconds that it took."""
        started = time.perf_counter()
        self.trainer = Trainer(self._net(seed), self.task.examples, self._config(steps), seed=seed)
        return time.perf_counter() - started

    def advance(self, n_steps: int) -> float:
        started = time.perf_counter()
        self.trainer.run(n_steps)
        return time.perf_counter() - started

    def finish(self) -> float:
        started = time.perf_counter()
        self.trainer.finish()
        return time.perf_counter() - started

    def loss(self) -> float:
        return self.task.loss(self.trainer.net)

    def _net(self, seed: int) -> nn.Module:
        options = config_class("gpt")(**self.task.options)
        net = build("gpt", options, generator=stream(seed, "init"))
        if self.task.weights is not None:
            net.load_state_dict(dict(self.task.weights))
        return net

    def _config(self, steps: int) -> TrainConfig:
        config = self.task.config
        return replace(config, steps=steps, warmup_steps=min(config.warmup_steps, steps))


def ours_on_text(name: str = TEXT) -> Ours:
    """By what `zth train --minutes` chooses; the loss is that of the whole dev part."""
    corpus = load(name)
    text = LongText.of(corpus)

    def chosen(seconds: float) -> Task:
        options, recipe = fitted("gpt", corpus, minutes=seconds / 60)
        examples = text.examples("gpt", block_size=options["block_size"])
        return Task(
            options={**options, "vocab_size": len(text.vocabulary)},
            config=TrainConfig(**(recipe or {})),
            examples=examples.train,
            loss=partial(whole_loss, ids=examples.dev, block_size=options["block_size"]),
        )

    return Ours(chosen(60), chosen)


def ours_on_names(setting: C.MakemoreSetting = C.DEFAULTS, n_words: int | None = None) -> Ours:
    """By the recipe that `zth train` chooses, on makemore's own split; the loss is that of its test words."""
    corpus = load(NAMES)
    options, recipe = fitted("gpt", corpus)
    words = corpus.lines()[:n_words]
    vocabulary = Vocabulary.of_lines(words)
    train, test = (padded_lines(part, vocabulary, setting.block_size) for part in C.split_words(words))
    return Ours(
        Task(
            options={**options, "vocab_size": len(vocabulary)},
            config=TrainConfig(**(recipe or {})),
            examples=train,
            loss=lambda net: evaluate(net, *test),
        )
    )


def config_as_nano(s: A.NanoSetting) -> TrainConfig:
    """B's training, in our words."""
    return TrainConfig(
        steps=s.max_iters,
        batch_size=s.batch_size,
        optimizer="adamw",
        lr=s.learning_rate,
        schedule="cosine",
        drop_to=s.min_lr / s.learning_rate,
        warmup_steps=s.warmup_iters,
        weight_decay=s.weight_decay,
        clip=s.grad_clip,
        beta1=s.beta1,
        beta2=s.beta2,
        precision="float32",
    )


def ours_as_nano(setting: A.NanoSetting = A.LAPTOP, name: str = TEXT, precision: Precision = "float32") -> Ours:
    """B's very model, from B's very weights, trained as B is."""
    torch.manual_seed(SEED)
    theirs = A.NanoGPT(setting)
    config = replace(config_as_nano(setting), precision=precision)
    return _the_same(theirs, nano_options(setting), nano_weights(theirs), config, name)


def ours_as_lecture(setting: A.LectureSetting = A.SMALL, name: str = TEXT) -> Ours:
    """A's very model, from A's very weights, trained as A is (but that the vectors do not decay)."""
    torch.manual_seed(SEED)
    theirs = A.LectureScript(setting)
    config = TrainConfig(
        steps=setting.max_iters,
        batch_size=setting.batch_size,
        optimizer="adamw",
        lr=setting.learning_rate,
        schedule="constant",
        weight_decay=0.01,  # torch's default
        precision="float32",
    )
    return _the_same(theirs, lecture_options(setting), lecture_weights(theirs, setting), config, name)


def _the_same(theirs: nn.Module, options: GPTConfig, weights: Weights, config: TrainConfig, name: str) -> Ours:
    """Asserts that the two models say the same."""
    data = LongText.of(load(name)).data
    passage = Passage(ids=data.train, block_size=options.block_size)
    task = Task(
        options={key: getattr(options, key) for key in GPTConfig.__dataclass_fields__},
        config=config,
        examples=passage,
        loss=partial(whole_loss, ids=data.dev, block_size=options.block_size),
        weights=weights,
    )
    ours = Ours(task)
    ids = torch.from_numpy(data.train.part(0, options.block_size).array())[None]
    with evaluating(theirs), evaluating(net := ours._net(0)):
        assert same(net(ids), theirs(ids)[0], FLOAT32), "the two models differ"
    return ours


# ----- the baselines --------------------------------------------------------------------------------------------


def nano(setting: A.NanoSetting = A.LAPTOP, name: str = TEXT) -> Training:
    """B's training."""
    torch.manual_seed(SEED)
    model = A.NanoGPT(setting)
    train, dev = _parts(name)
    return Training(A.train_nano(model, train, setting), partial(_dev_loss, model, dev, setting.block_size))


def lecture(setting: A.LectureSetting = A.SMALL, name: str = TEXT) -> Training:
    """A's."""
    torch.manual_seed(SEED)
    model = A.LectureScript(setting)
    train, dev = _parts(name)
    return Training(A.train_lecture(model, train, setting), partial(_dev_loss, model, dev, setting.block_size))


def makemore(setting: C.MakemoreSetting = C.DEFAULTS, n_words: int | None = None) -> Training:
    """C's; its loss is that of the test words."""
    torch.manual_seed(C.SEED)
    model = C.MakemoreTransformer(setting)
    words = load(NAMES).lines()[:n_words]
    characters = "".join(sorted(set("".join(words))))
    train, test = (C.rows_of(part, characters, setting.block_size) for part in C.split_words(words))

    def loss() -> float:
        with evaluating(model):
            return C.mean_loss(lambda x: model(x)[0], test)

    return Training(C.train_makemore(model, train, setting), loss)


def _parts(name: str) -> tuple[Tensor, Tensor]:
    data = LongText.of(load(name)).data
    return torch.from_numpy(data.train.array()), torch.from_numpy(data.dev.array())


def _dev_loss(model: nn.Module, dev: Tensor, block_size: int) -> float:
    with evaluating(model):
        return A.whole_dev_loss(lambda x: model(x)[0], dev, block_size)
