"""A small GPT that learns to calculate, for 7.2's measurement.

Letters: N problems, T ids in a line.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zth.data.arithmetic import (
    VOCABULARY,
    ArithmeticConfig,
    Problems,
    answer,
    answered,
    as_ids,
    as_lines,
    draw_problems,
    question,
    share_exact,
)
from zth.models.gpt import GPTModel
from zth.models.gpt.config import GPTConfig
from zth.models.protocol import evaluating
from zth.seeds import stream
from zth.train import TrainConfig, Trainer

N_WATCHED = 1000
"""Unseen problems that a curve is made of; what is claimed at the end is measured on more."""
PROBLEMS_AT_A_TIME = 2000


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One training: how problems look, the net, its steps."""

    problems: ArithmeticConfig
    steps: int
    batch_size: int = 64
    layers: int = 2
    width: int = 64
    lr: float = 0.05
    n_train: int = 60_000
    """Problems drawn to learn from, the same one perhaps several times."""
    n_dev: int = 10_000
    """Unseen problems drawn for the end; those that come twice count once."""
    watch_every: int = 50

    @property
    def net(self) -> GPTConfig:
        """Learned positions: with zeros in front each digit has a place of its own, and what counts is the place."""
        return GPTConfig(
            vocab_size=len(VOCABULARY),
            block_size=self.problems.width,
            layers=self.layers,
            width=self.width,
            positions="learned",
        )

    @property
    def training(self) -> TrainConfig:
        """The library's recipe for a gpt, with the higher rates that so small a net bears."""
        recipe: dict[str, Any] = {**GPTModel.recipe, "lr": self.lr, "lr_rest": 0.5}
        return TrainConfig(**recipe | {"steps": self.steps, "batch_size": self.batch_size})


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What a training leaves, in plain values that travel between processes."""

    seed: int
    n_parameters: int
    steps: list[int]
    """Where it was looked at."""
    seconds: list[float]
    """By then: problems drawn, net built and trained, without the looking."""
    exact: list[float]
    """The share of unseen problems answered exactly, by then."""
    final: float
    """At the end, on `n_dev` different unseen problems, each answer written character by character."""
    by_operator: dict[str, float]
    """`final`, operator by operator."""
    n_dev: int
    n_seen: int
    """How many of these problems stand among those that were learned from, in either order."""
    written: list[tuple[str, str, str]]
    """Some questions, what was written, and what is right; some of the wrong ones first."""

    def step_of(self, share: float) -> int | None:
        """The first look at which it had so many right; None where it never had."""
        return next((step for step, exact in zip(self.steps, self.exact, strict=True) if exact >= share), None)


def learn(setting: Setting, seed: int) -> Learned:
    """Train one net, look at it now and then, and let it write answers at the end."""
    config, started = setting.problems, perf_counter()
    train = draw_problems(setting.n_train, "train", config, seed=seed, name="train")
    net = GPTModel(setting.net, generator=stream(seed, "init"))
    trainer = Trainer(net, as_ids(train, config), setting.training, seed=seed)
    taken = perf_counter() - started
    dev = _different(draw_problems(setting.n_dev, "dev", config, seed=seed, name="dev"))
    watched = as_ids(dev.where(slice(0, N_WATCHED)), replace(config, mask=True))
    steps, seconds, exact = [], [], []
    while trainer.step < setting.steps:
        started = perf_counter()
        trainer.run(min(setting.watch_every, setting.steps - trainer.step))
        taken += perf_counter() - started
        steps.append(trainer.step)
        seconds.append(taken)
        exact.append(share(net, *watched))
    answers = write(net, dev, config)
    known = set(as_lines(train, config))
    return Learned(
        seed=seed,
        n_parameters=sum(p.numel() for p in net.parameters()),
        steps=steps,
        seconds=seconds,
        exact=exact,
        final=share_exact(answers, dev, config),
        by_operator=_by_operator(answers, dev, config),
        n_dev=len(dev),
        n_seen=sum(line in known for each in (dev, _turned(dev)) for line in as_lines(each, config)),
        written=_some(answers, dev, config),
    )


def share(net: GPTModel, x: Tensor, y: Tensor) -> float:
    """(N, T) ids, (N, T) masked targets -> the share of answers that the net would write exactly."""
    with evaluating(net):
        return answered(net(x), y).double().mean().item()


def write(net: GPTModel, problems: Problems, config: ArithmeticConfig) -> list[str]:
    """What the net writes behind each question, always the likeliest character (padded questions have one length)."""
    answers: list[str] = []
    for start in range(0, len(problems), PROBLEMS_AT_A_TIME):
        some = problems.where(slice(start, start + PROBLEMS_AT_A_TIME))
        asked = [VOCABULARY.encode("." + question(*problem, config)) for problem in some]
        answers += [VOCABULARY.decode(ids).split(".")[0] for ids in _greedy(net, torch.tensor(asked))]
    return answers


def _greedy(net: GPTModel, contexts: Tensor) -> list[list[int]]:
    """(N, T) ids -> what follows, up to the net's block."""
    ids, n_asked = contexts, contexts.shape[1]
    with evaluating(net):
        growing = net.continuation(contexts)
        while ids.shape[1] <= net.block_size:
            chosen = growing.log_probs().argmax(dim=1)
            ids = torch.cat([ids, chosen[:, None]], dim=1)
            if ids.shape[1] <= net.block_size:
                growing.append(chosen)
    rows: list[list[int]] = ids[:, n_asked:].tolist()
    return rows


def _different(problems: Problems) -> Problems:
    """Each of them once, in the order of their first coming."""
    first = {problem: place for place, problem in reversed(list(enumerate(problems)))}
    return problems.where(np.isin(np.arange(len(problems)), list(first.values())))


def _turned(problems: Problems) -> Problems:
    """b + a for each a + b, and b * a; the others do not commute and are left out."""
    commute = (problems.operator == "+") | (problems.operator == "*")
    some = problems.where(commute & (problems.a != problems.b))
    return Problems(a=some.b, operator=some.operator, b=some.a)


def _by_operator(answers: list[str], problems: Problems, config: ArithmeticConfig) -> dict[str, float]:
    found = {}
    for operator in config.operators:
        chosen = problems.operator == operator
        some = [text for text, of_this in zip(answers, chosen.tolist(), strict=True) if of_this]
        found[operator] = share_exact(some, problems.where(chosen), config)
    return found


def _some(answers: list[str], problems: Problems, config: ArithmeticConfig, n: int = 3) -> list[tuple[str, str, str]]:
    """Up to `n` right and `n` wrong ones of each operator."""
    found = []
    for operator in config.operators:
        rows = [
            (question(*problem, config), text, answer(*problem, config))
            for text, problem in zip(answers, problems, strict=True)
            if problem[1] == operator
        ]
        wrong = [row for row in rows if row[1] != row[2]][:n]
        found += wrong + [row for row in rows if row[1] == row[2]][:n]
    return found
