"""`zth train`: a text and options in, a run folder out; it may be stopped after any step, and go on.

`zth.train` says what the folder holds.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from zth.data import sources
from zth.data.vocab import Vocabulary
from zth.errors import ConfigError, DataError, RunError
from zth.models.protocol import LanguageModel, build, config_class, model_class
from zth.runs import Run, dumps, metrics, read
from zth.sample import sample
from zth.seeds import stream
from zth.train.backends import precision_for
from zth.train.batches import Passage
from zth.train.checkpoint import FILE, Checkpoint
from zth.train.config import TrainConfig
from zth.train.distributed import ALONE, World
from zth.train.examples import Examples, Pair, Text
from zth.train.finder import Sweep, find_lr
from zth.train.long_text import GLIMPSE, LongExamples, LongText, read_for
from zth.train.loop import Trainer
from zth.train.origin import VOCABULARY_FILE, Origin, load_vocabulary
from zth.train.owned import owned
from zth.train.plots import loss_figure
from zth.train.schedule import rates

SAMPLES_FILE = "samples.txt"
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

    `stop` is asked between steps: once it says True the training is saved, and raises KeyboardInterrupt. In a `world`
    of several processes rank 0 calls `start`, and the others `follow`; they need neither `show` nor `stop`.
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
    origin: Origin | None = None
    """Where given: what the net begins as. `options` are then changes to its own, and `text` was read for it."""
    show: Callable[[Progress], object] = lambda _: None
    stop: Callable[[], bool] = lambda: False
    world: World = ALONE

    def __post_init__(self) -> None:
        if self.origin is not None:
            self.origin.checked(self.family, self.options)

    def start(self, root: Path, *, command: list[str] | None = None) -> Run:
        """Train in a fresh folder under `root`. Raises ConfigError, DataError or RunError."""
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise ConfigError(f"minutes must be above 0; got {self.minutes}.", "Try --minutes 1.")
        options, examples = self._read()
        if not issubclass(model_class(self.family), nn.Module):
            return self._count(options, examples, root, command)
        trainer = self._trainer(options, examples)
        n_parameters = sum(p.numel() for p in trainer.net.parameters())
        run = self._create(root, command, options, trainer.config, trainer.backend, n_parameters)
        with owned(run.folder, WAIT), run:
            _Training(self, run, trainer, examples).go()
        return run

    def follow(self) -> None:
        """Do the steps that rank 0 does in `start`. Raises what that raises."""
        options, examples = self._read()
        self._trainer(options, examples).follow()

    def _trainer(self, options: Any, examples: Examples | LongExamples) -> Trainer:
        net = self._net(options)
        # told, since the processors of two machines may differ; and kept, since a training may go on elsewhere
        precision = self.world.told(precision_for(net, self.config, self.world.device))
        config = replace(self.config, precision=precision)
        if self.minutes is not None:
            speed = steps_per_second(net, examples.train, config, seed=self.seed, world=self.world)
            spare = SPARE if isinstance(self.text, Text) else SPARE_LONG
            steps = self.world.told(max(1, int(speed * 60 * self.minutes * spare)))
            config = replace(config, steps=steps, warmup_steps=min(config.warmup_steps, steps))
        return Trainer(net, examples.train, config, seed=self.seed, world=self.world)

    def kept(
        self, model: LanguageModel, rows: Sequence[Mapping[str, float]], root: Path, *, command: list[str]
    ) -> Run:
        """A model that `zth tune` has trained with these options, in a run folder as `start` leaves it."""
        options, examples = self._read()
        net = model if isinstance(model, nn.Module) else None
        config, backend = None, None
        if net is not None:
            trainer = Trainer(net, examples.train, self.config, seed=self.seed)
            config, backend = replace(self.config, precision=precision_for(net, self.config)), trainer.backend
        n = sum(tensor.numel() for tensor in (model.tensors().values() if net is None else net.parameters()))
        with self._create(root, command, options, config, backend, n) as run:
            model.save(run.folder)
            losses = tell_losses(run, model, examples)
            for row in rows or [{"step": 0, "loss": losses["train"], "seconds": 0.0, "dev": losses["dev"]}]:
                run.log(**row)
            run.figure("parameters", n)
            if net is not None:
                run.figure("steps", self.config.steps)
                run.figure("seconds", rows[-1]["seconds"], unit="s")
                run.plot("Loss while it was trained", loss_figure(metrics(run.folder)), "Looked at ten times.")
            tell_samples(run, model, self.text, self.seed)
        return run

    def sweep(self) -> Sweep:
        """The learning-rate finder's, instead of a training. Raises ConfigError for a model that counts."""
        if not issubclass(model_class(self.family), nn.Module):
            raise ConfigError(f"{self.family} learns by counting: it has no learning rate.", "Choose a net.")
        options, examples = self._read()
        net = self._net(options)
        return find_lr(net, examples.train, self.config, seed=self.seed)

    def _read(self) -> tuple[Any, Examples | LongExamples]:
        """The model's config, checked, and what it learns from."""
        given = self.origin.checked(self.family, self.options) if self.origin else self.options
        options = config_class(self.family)(**{**given, "vocab_size": len(self.text.vocabulary)})
        try:
            return options, self.text.examples(self.family, block_size=options.block_size)
        except DataError as error:
            if self.origin is None or self.origin.may_change("block_size", max(1, options.block_size // 2)):
                raise
            move = f"Use a longer text: the block is that of {self.origin.folder}."
            raise DataError(error.problem, move) from error

    def _net(self, options: Any) -> nn.Module:
        """Fresh, or with the weights that it begins with."""
        net = build(self.family, options, generator=stream(self.seed, "init"))
        if self.origin is not None:
            self.origin.into(net, self.text.vocabulary)
        return net

    def _count(self, options: Any, examples: Examples | LongExamples, root: Path, command: list[str] | None) -> Run:
        assert isinstance(examples, Examples)  # models that count read lines
        started = time.perf_counter()
        model = model_class(self.family).counted(options, *examples.train)
        seconds = time.perf_counter() - started
        n_kept = sum(tensor.numel() for tensor in model.tensors().values())
        with self._create(root, command, options, None, None, n_kept) as run:
            model.save(run.folder)
            losses = tell_losses(run, model, examples)
            run.log(step=0, loss=losses["train"], seconds=seconds, dev=losses["dev"])
            run.figure("parameters", n_kept)
            tell_samples(run, model, self.text, self.seed)
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
                **({"from": self.origin.facts()} if self.origin else {}),
            },
        )
        run.data(corpus.edition, corpus.sha256)
        run.write(VOCABULARY_FILE, dumps(self.text.vocabulary.to_json()) + "\n")
        return run


def resume(
    folder: Path,
    *,
    show: Callable[[Progress], object] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    world: World = ALONE,
) -> Run:
    """Go on with the training in `folder`, as if it had never stopped: same losses, same model, bit for bit.

    So it is in one process. In a `world` of several, however many there were before, the losses are the same up to
    rounding; rank 0 calls this and the others `follow_resumed`. Raises RunError for a folder that holds no training,
    one that is done or being trained, a damaged one, and where the text is no longer the same.
    """
    read(folder)  # says best what is no run folder
    with owned(folder, WAIT):
        saved = world.told(_Saved.of(folder))
        job, examples, trainer = saved.again(world)
        training = _Training.back(replace(job, show=show, stop=stop), trainer, examples, saved.checkpoint, folder)
        with training.run as run:
            training.go()
    return run


def follow_resumed(world: World) -> None:
    """Do the steps that rank 0 does in `resume`; what it has read comes from there. Raises what that raises."""
    saved = world.told(cast(_Saved, None))
    _, _, trainer = saved.again(world)
    trainer.load_state(saved.checkpoint.step, saved.checkpoint.trained)
    trainer.follow()


@dataclass(frozen=True, kw_only=True)
class _Saved:
    """What a run folder says of a training that is not done."""

    folder: Path
    meta: Mapping[str, Any]
    checkpoint: Checkpoint
    vocabulary: Vocabulary | None
    """Where it is not the text's own, but that of the model that it began with."""

    @classmethod
    def of(cls, folder: Path) -> _Saved:
        record = read(folder)
        if record.kind != "train":
            raise RunError(f"{folder} is a run of zth {record.kind}, not a training.", "Name a folder of zth train.")
        if record.status == "done":
            raise RunError(f"The training in {folder} is done.", f"Draw from it: zth sample {folder}")
        checkpoint = Checkpoint.load(folder)
        vocabulary = load_vocabulary(folder) if record.meta["config"].get("from") else None
        return cls(folder=folder, meta=record.meta, checkpoint=checkpoint, vocabulary=vocabulary)

    def again(self, world: World) -> tuple[Job, Examples | LongExamples, Trainer]:
        """Job, examples and trainer as they were at the beginning."""
        with world.together():
            job, options = self._job(world)
        examples = job.text.examples(job.family, block_size=options.block_size)
        return job, examples, job._trainer(options, examples)

    def _job(self, world: World) -> tuple[Job, Any]:
        try:
            settings = self.meta["config"]
            corpus = sources.load(settings["data"], kind=settings["kind"])
            family, seed = str(settings["model"]), int(self.meta["seed"])
            options = config_class(family)(**settings["options"])
            config = replace(TrainConfig(**settings["train"]), backend=settings["backend"])
            text = read_for(corpus, family, self.vocabulary)
            editions = [entry["sha256"] for entry in self.meta["data"]]
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(
                f"{self.folder / 'run.json'} is damaged: {error}.", "Train again from the start."
            ) from error
        if text.corpus.sha256 not in editions:
            raise RunError(
                f"{text.corpus.name} is no longer the text that {self.folder} was trained on.",
                "Put that back, or train again from the start.",
            )
        return Job(text=text, family=family, options={}, config=config, seed=seed, world=world), options


class _Training:
    """A net that is being trained, and its run folder."""

    def __init__(self, job: Job, run: Run, trainer: Trainer, examples: Examples | LongExamples) -> None:
        self.job, self.run, self.trainer, self.examples = job, run, trainer, examples
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
        pending = checkpoint.tensors.get("losses", torch.empty(0)).double().numpy()
        trainer.load_state(checkpoint.step, checkpoint.trained)
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
        self.job.world.remember(self.run.folder)
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
        self.job.world.release()
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
            with self.trainer.as_left() as net:
                model = cast(LanguageModel, net)
                row["dev"] = self.examples.look(model)
                if row["dev"] < self.best_dev:
                    self.best_step, self.best_dev = step, row["dev"]
                    model.save(self.run.folder)
                self._write_a_little(model)
        self.run.log(**row)
        if look:
            self.save()

    def _write_a_little(self, model: LanguageModel) -> None:
        """A sample of a long text, where the last one is some time ago. It draws from a stream of its own."""
        text = self.job.text
        if isinstance(text, LongText) and time.perf_counter() - self._glimpsed > GLIMPSE_EVERY:
            self._glimpse = text.drawn(model, seed=self.job.seed, length=GLIMPSE)
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
            f"`{self.job.family}` on {corpus.edition}, {self.steps:,} steps by {self.trainer.backend}, "
            f"products in {self.trainer.precision}. The model kept is that of step {self.best_step:,}, where the dev "
            "loss was lowest." + _began(run.meta["config"].get("from"))
        )
        tell_losses(run, model, self.examples)
        run.figure("parameters", sum(p.numel() for p in self.trainer.net.parameters()))
        run.figure("steps", self.steps)
        run.figure("seconds", self.seconds, unit="s")
        run.plot(
            "Loss while it was trained",
            loss_figure(metrics(run.folder)),
            "Where dev turns up while the batches' loss still falls, the net has begun to learn by heart.",
        )
        tell_samples(run, model, self.job.text, self.job.seed)
        (run.folder / FILE).unlink(missing_ok=True)


def steps_per_second(
    net: nn.Module,
    pair: Pair | Passage,
    config: TrainConfig,
    *,
    seed: int = 42,
    seconds: float = 1.5,
    world: World = ALONE,
) -> float:
    """How fast `net` is trained on this machine, right now: measured on a copy. Of several processes rank 0 knows."""
    trainer = Trainer(copy.deepcopy(net), pair, config, seed=seed, world=world)
    if not world.leads:
        trainer.follow()
        return 0.0
    trainer.run(4)  # the first steps make buffers
    n_steps, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        n_steps += len(trainer.run(4))
    seconds = time.perf_counter() - started
    world.told(0)  # the others have followed
    return n_steps / seconds


def _began(facts: Mapping[str, Any] | None) -> str:
    """A sentence for the page of a net that did not begin from nothing."""
    if not facts:
        return ""
    learnt = ", ".join(facts["editions"])
    return f" It began with the weights of `{facts['run']}` ({facts['title']}; learnt from {learnt})."


def tell_losses(run: Run, model: LanguageModel, examples: Examples | LongExamples) -> dict[str, float]:
    losses = examples.losses(model)
    for name, loss in losses.items():
        run.figure(f"{name} loss", loss, unit="nats", better="lower")
    if isinstance(examples, LongExamples):
        run.figure("dev bits per character", losses["dev"] / math.log(2), unit="bits", better="lower")
    return losses


def tell_samples(run: Run, model: LanguageModel, text: Text | LongText, seed: int) -> None:
    """Twenty lines drawn from the model, and whether each stands in the text that it learnt from; or a passage."""
    if isinstance(text, LongText):
        passage = text.drawn(model, seed=seed)
        run.write(SAMPLES_FILE, passage + "\n")
        run.table("Drawn from the model", ["line"], [[line] for line in passage.split("\n")])
        return
    drawn = sample(model, text.vocabulary, n=N_SAMPLES, seed=seed)
    learnt = set(text.split.train)
    run.write(SAMPLES_FILE, "".join(line + "\n" for line in drawn))
    rows = [[line, "learnt by heart" if line in learnt else "new"] for line in drawn]
    run.table("Drawn from the model", ["line", "in the training part"], rows)
