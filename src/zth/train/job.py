"""`zth train`: a text and options in, a run folder out; it may be stopped after any step, and go on.

`zth.train` says what the folder holds.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from zth.data import sources
from zth.data.vocab import Vocabulary
from zth.errors import ConfigError, RunError
from zth.models.protocol import LanguageModel, build, config_class, model_class
from zth.runs import Run, atomic_write, metrics, read, write_json
from zth.sample import sample
from zth.seeds import stream
from zth.train.batches import Passage
from zth.train.checkpoint import FILE, Checkpoint
from zth.train.config import TrainConfig
from zth.train.examples import Examples, Pair, Text
from zth.train.finder import Sweep, find_lr
from zth.train.long_text import GLIMPSE, LongExamples, LongText, read_for
from zth.train.loop import Trainer
from zth.train.owned import owned
from zth.train.plots import loss_figure
from zth.train.schedule import rates

VOCABULARY_FILE, SAMPLES_FILE = "vocabulary.json", "samples.txt"
LINES, LOOKS = 200, 20
"""Into how many lines of metrics.jsonl a training is cut, and how often the dev loss is evaluated."""
SAVE_EVERY = 30.0
"""Seconds from one checkpoint to the next, at most."""
TICK = 0.1
"""Seconds, about: so often it is asked whether to stop."""
SPARE, SPARE_LONG = 0.95, 0.9
"""The share of a time budget that training gets; the rest is for evaluation, and for samples of a long text."""
LOST = 1e6
"""A loss from which no net comes back: lecture 3's worst beginnings are near 30."""
N_SAMPLES = 20
GLIMPSE_EVERY = 15.0
"""Seconds from one sample of a long text to the next, at least."""
WAIT = "Wait for it, or stop it."


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What there is to show while a net is trained."""

    folder: Path
    """The run folder."""
    step: int
    steps: int
    loss: float
    """The mean of the latest batches."""
    dev: float
    """The lowest so far; inf before the first."""
    per_second: float
    left: float
    """Seconds, as far as one can tell."""
    glimpse: str = ""
    """Now and then, of one long text: what the net writes by now."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to train, on what, and whom to tell.

    `stop` is asked between steps: once it says True the training is saved, and raises KeyboardInterrupt.
    """

    text: Text | LongText
    family: str
    options: Mapping[str, Any]
    """Fields of the family's config class; `vocab_size` comes from the text."""
    config: TrainConfig
    """Not looked at by models that count."""
    minutes: float | None = None
    """Where given: `config.steps` are as many as fit in, by a speed that is measured first."""
    seed: int = 42
    show: Callable[[Progress], object] = lambda _: None
    stop: Callable[[], bool] = lambda: False

    def start(self, root: Path, *, command: list[str] | None = None) -> Run:
        """Train in a fresh folder under `root`. Raises ConfigError, DataError or RunError."""
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise ConfigError(f"minutes must be above 0; got {self.minutes}.", "Try --minutes 1.")
        options, examples = self._read()
        if not issubclass(model_class(self.family), nn.Module):
            return self._count(options, examples, root, command)
        net = build(self.family, options, generator=stream(self.seed, "init"))
        config = self.config
        if self.minutes is not None:
            speed = steps_per_second(net, examples.train, config, seed=self.seed)
            spare = SPARE if isinstance(self.text, Text) else SPARE_LONG
            steps = max(1, int(speed * 60 * self.minutes * spare))
            config = replace(config, steps=steps, warmup_steps=min(config.warmup_steps, steps))
        trainer = Trainer(net, examples.train, config, seed=self.seed)
        run = self._create(root, command, options, config, trainer.backend, sum(p.numel() for p in net.parameters()))
        with owned(run.folder, WAIT), run:
            _Training(self, run, trainer, examples).go()
        return run

    def sweep(self) -> Sweep:
        """The learning-rate finder's, instead of a training. Raises ConfigError for a model that counts."""
        if not issubclass(model_class(self.family), nn.Module):
            raise ConfigError(f"{self.family} learns by counting: it has no learning rate.", "Choose a net.")
        options, examples = self._read()
        net = build(self.family, options, generator=stream(self.seed, "init"))
        return find_lr(net, examples.train, self.config, seed=self.seed)

    def _read(self) -> tuple[Any, Examples | LongExamples]:
        """The model's config, checked, and what it learns from."""
        options = config_class(self.family)(**{**self.options, "vocab_size": len(self.text.vocabulary)})
        return options, self.text.examples(self.family, block_size=options.block_size)

    def _count(self, options: Any, examples: Examples | LongExamples, root: Path, command: list[str] | None) -> Run:
        assert isinstance(examples, Examples)  # models that count read lines
        started = time.perf_counter()
        model = model_class(self.family).counted(options, *examples.train)
        seconds = time.perf_counter() - started
        n_kept = sum(tensor.numel() for tensor in model.tensors().values())
        with self._create(root, command, options, None, None, n_kept) as run:
            model.save(run.folder)
            losses = _tell_losses(run, model, examples)
            run.log(step=0, loss=losses["train"], seconds=seconds, dev=losses["dev"])
            run.figure("parameters", n_kept)
            _tell_samples(run, model, self.text, self.seed)
        return run

    def _create(
        self,
        root: Path,
        command: list[str] | None,
        options: Any,
        config: TrainConfig | None,
        backend: str | None,
        n_parameters: int,
    ) -> Run:
        corpus = self.text.corpus
        own = corpus.origin == "named by its path"
        run = Run.create(
            kind="train",
            name=f"{corpus.name}-{self.family}",
            title=f"{self.family} on {corpus.name}",
            root=root,
            seed=self.seed,
            command=command,
            config={
                "data": str(corpus.path) if own else corpus.name,
                "kind": corpus.kind,
                "model": self.family,
                "options": asdict(options),
                "train": asdict(config) if config else None,
                "backend": backend,
                "n_parameters": n_parameters,
            },
        )
        run.data(corpus.edition, corpus.sha256)
        write_json(run.folder / VOCABULARY_FILE, self.text.vocabulary.to_json())
        return run


def resume(
    folder: Path, *, show: Callable[[Progress], object] = lambda _: None, stop: Callable[[], bool] = lambda: False
) -> Run:
    """Go on with the training in `folder`, as if it had never stopped: same losses, same model, bit for bit.

    Raises RunError for a folder that holds no training, one that is done or being trained, a damaged one, and where
    the text is no longer the same.
    """
    read(folder)  # says best what is no run folder
    with owned(folder, WAIT):
        record = read(folder)
        if record.kind != "train":
            raise RunError(f"{folder} is a run of zth {record.kind}, not a training.", "Name a folder of zth train.")
        if record.status == "done":
            raise RunError(f"The training in {folder} is done.", f"Draw from it: zth sample {folder}")
        checkpoint = Checkpoint.load(folder)
        try:
            settings = record.meta["config"]
            corpus = sources.load(settings["data"], kind=settings["kind"])
            family, seed = str(settings["model"]), int(record.meta["seed"])
            options = config_class(family)(**settings["options"])
            config = replace(TrainConfig(**settings["train"]), backend=settings["backend"])
            text = read_for(corpus, family)
            editions = [entry["sha256"] for entry in record.meta["data"]]
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(f"{folder / 'run.json'} is damaged: {error}.", "Train again from the start.") from error
        if text.corpus.sha256 not in editions:
            raise RunError(
                f"{text.corpus.name} is no longer the text that {folder} was trained on.",
                "Put that back, or train again from the start.",
            )
        job = Job(text=text, family=family, options={}, config=config, seed=seed, show=show, stop=stop)
        examples = text.examples(family, block_size=options.block_size)
        net = build(family, options, generator=stream(seed, "init"))
        trainer = Trainer(net, examples.train, config, seed=seed)
        training = _Training.back(job, trainer, examples, checkpoint, folder)
        with training.run as run:
            training.go()
    return run


class _Training:
    """A net that is being trained, and its run folder."""

    def __init__(self, job: Job, run: Run, trainer: Trainer, examples: Examples | LongExamples) -> None:
        self.job, self.run, self.trainer, self.examples = job, run, trainer, examples
        self.model = cast(LanguageModel, trainer.net)
        self.pending = np.empty(0)
        """Losses of the steps since the last line of metrics.jsonl."""
        self.seconds, self.best_step, self.best_dev = 0.0, 0, math.inf
        self.loss = math.nan
        self._saved = time.perf_counter()
        self._glimpsed = time.perf_counter()
        self._glimpse = ""
        self._pace = 0.0
        """Steps a second, of late."""

    @classmethod
    def back(
        cls, job: Job, trainer: Trainer, examples: Examples | LongExamples, checkpoint: Checkpoint, folder: Path
    ) -> _Training:
        """As it was when the checkpoint was saved."""
        tensors = dict(checkpoint.tensors)
        pending = tensors.pop("losses", torch.empty(0)).double().numpy()
        trainer.load_state(checkpoint.step, tensors)
        training = cls(job, Run.reopen(folder), trainer, examples)
        training.run.rewind(checkpoint.step)
        training.pending, training.seconds = pending, checkpoint.seconds
        training.best_step, training.best_dev = checkpoint.best_step, checkpoint.best_dev
        return training

    @property
    def steps(self) -> int:
        return self.trainer.config.steps

    def go(self) -> None:
        """To the end."""
        every = max(1, self.steps // LINES)
        rare = self.examples.steps_between_looks(self.trainer.config.batch_size)
        look_every = every * max(LINES // LOOKS, math.ceil(rare / every))
        if self.trainer.step == 0:
            self.save()
        while self.trainer.step < self.steps:
            self._advance(min(every - self.trainer.step % every, self.steps - self.trainer.step))
            step = self.trainer.step
            last = step == self.steps
            if step % every == 0 or last:
                self._note(look=step % look_every == 0 or last)
            self.job.show(self._progress())
            asked = self.job.stop() and not last
            if asked or time.perf_counter() - self._saved > SAVE_EVERY:
                self.save()
            if asked:
                raise KeyboardInterrupt
        self._finish()

    def save(self) -> None:
        """All that is needed to go on."""
        tensors: dict[str, Tensor] = {**self.trainer.state(), "losses": torch.from_numpy(self.pending)}
        Checkpoint(
            step=self.trainer.step,
            seconds=self.seconds,
            best_step=self.best_step,
            best_dev=self.best_dev,
            tensors=tensors,
        ).save(self.run.folder)
        self._saved = time.perf_counter()

    def _advance(self, most: int) -> None:
        """Some steps, about TICK seconds of them."""
        n_steps = min(most, max(1, int(self._pace * TICK)))
        started = time.perf_counter()
        losses = self.trainer.run(n_steps)
        seconds = time.perf_counter() - started
        self.seconds += seconds
        pace = n_steps / max(seconds, 1e-9)
        self._pace = 0.8 * self._pace + 0.2 * pace if self._pace else pace
        self.pending = np.concatenate([self.pending, losses])
        lost = ~(losses < LOST)  # nan is not below anything
        if lost.any():
            step = self.trainer.step - n_steps + int(lost.argmax())
            raise ConfigError(
                f"The training diverged: at step {step:,} the loss was {losses[lost.argmax()]:.3g}.",
                "Train again with a lower --lr, or ask for one with --find-lr.",
            )

    def _note(self, *, look: bool) -> None:
        """A line of metrics.jsonl, with the dev loss where we `look`; the best model so far is kept."""
        step = self.trainer.step
        self.loss, self.pending = float(self.pending.mean()), np.empty(0)
        lr = float(rates(self.trainer.config, step - 1, step)[0])
        row = {"step": step, "loss": self.loss, "lr": lr, "seconds": self.seconds}
        if look:
            with self.trainer.as_left():
                row["dev"] = self.examples.look(self.model)
                if row["dev"] < self.best_dev:
                    self.best_step, self.best_dev = step, row["dev"]
                    self.model.save(self.run.folder)
                self._write_a_little()
        self.run.log(**row)
        if look:
            self.save()

    def _write_a_little(self) -> None:
        """A sample of a long text, where the last one is some time ago. It draws from a stream of its own."""
        text = self.job.text
        if isinstance(text, LongText) and time.perf_counter() - self._glimpsed > GLIMPSE_EVERY:
            self._glimpse = text.drawn(self.model, seed=self.job.seed, length=GLIMPSE)
            self._glimpsed = time.perf_counter()

    def _progress(self) -> Progress:
        step = self.trainer.step
        glimpse, self._glimpse = self._glimpse, ""
        return Progress(
            folder=self.run.folder,
            step=step,
            steps=self.steps,
            loss=float(self.pending.mean()) if math.isnan(self.loss) else self.loss,
            dev=self.best_dev,
            per_second=self._pace,
            left=(self.steps - step) / self._pace,
            glimpse=glimpse,
        )

    def _finish(self) -> None:
        """What the folder says of the model that is kept."""
        run, corpus = self.run, self.job.text.corpus
        model = LanguageModel.load(run.folder)
        run.blocks.clear()  # of an earlier end, cut short
        run.figures.clear()
        run.text(
            f"`{self.job.family}` on {corpus.edition}, {self.steps:,} steps by {self.trainer.backend}. "
            f"The model kept is that of step {self.best_step:,}, where the dev loss was lowest."
        )
        _tell_losses(run, model, self.examples)
        run.figure("parameters", sum(p.numel() for p in self.trainer.net.parameters()))
        run.figure("steps", self.steps)
        run.figure("seconds", self.seconds, unit="s")
        run.plot(
            "Loss while it was trained",
            loss_figure(metrics(run.folder)),
            "Where dev turns up while the batches' loss still falls, the net has begun to learn by heart.",
        )
        _tell_samples(run, model, self.job.text, self.job.seed)
        (run.folder / FILE).unlink(missing_ok=True)


def steps_per_second(
    net: nn.Module, pair: Pair | Passage, config: TrainConfig, *, seed: int = 42, seconds: float = 1.5
) -> float:
    """How fast `net` is trained on this machine, right now: measured on a copy."""
    trainer = Trainer(copy.deepcopy(net), pair, config, seed=seed)
    trainer.run(4)  # the first steps make buffers
    n_steps, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        n_steps += len(trainer.run(4))
    return n_steps / (time.perf_counter() - started)


def load_vocabulary(folder: Path) -> Vocabulary:
    """The vocabulary of the model in a run folder. Raises RunError where there is none."""
    import json

    path = folder / VOCABULARY_FILE
    try:
        return Vocabulary.from_json(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise RunError(f"{folder} has no {path.name}.", "Name a folder of zth train.") from error
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}.", "Train again from the start.") from error


def _tell_losses(run: Run, model: LanguageModel, examples: Examples | LongExamples) -> dict[str, float]:
    losses = examples.losses(model)
    for name, loss in losses.items():
        run.figure(f"{name} loss", loss, unit="nats", better="lower")
    if isinstance(examples, LongExamples):
        run.figure("dev bits per character", losses["dev"] / math.log(2), unit="bits", better="lower")
    return losses


def _tell_samples(run: Run, model: LanguageModel, text: Text | LongText, seed: int) -> None:
    """Twenty lines drawn from the model, and whether each stands in the text that it learnt from; or a passage."""
    if isinstance(text, LongText):
        passage = text.drawn(model, seed=seed)
        atomic_write(run.folder / SAMPLES_FILE, passage + "\n")
        run.table("Drawn from the model", ["line"], [[line] for line in passage.split("\n")])
        return
    drawn = sample(model, text.vocabulary, n=N_SAMPLES, seed=seed)
    learnt = set(text.split.train)
    atomic_write(run.folder / SAMPLES_FILE, "".join(line + "\n" for line in drawn))
    rows = [[line, "learnt by heart" if line in learnt else "new"] for line in drawn]
    run.table("Drawn from the model", ["line", "in the training part"], rows)
