"""A net that is being trained, and its run folder: lines, looks, checkpoints, and what is said at the end."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor

from zth.errors import ConfigError
from zth.models.protocol import LanguageModel
from zth.runs import Run, metrics
from zth.train.checkpoint import FILE, Checkpoint
from zth.train.examples import Examples
from zth.train.long_text import GLIMPSE, LongExamples, LongText
from zth.train.loop import Trainer
from zth.train.plots import loss_figure
from zth.train.schedule import rates
from zth.train.telling import began, tell_losses, tell_samples

if TYPE_CHECKING:
    from zth.train.job import Job

LINES, LOOKS = 200, 20
"""Into how many lines of metrics.jsonl a training is cut, and how often the dev loss is evaluated."""
SAVE_EVERY = 30.0
"""Seconds from one checkpoint to the next, at most."""
TICK = 0.1
"""Seconds, about: so often it is asked whether to stop."""
LOST = 1e6
"""A loss from which no net comes back: lecture 3's worst beginnings are near 30."""
GLIMPSE_EVERY = 15.0
"""Seconds from one sample of a long text to the next, at least."""


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


class Training:
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
    ) -> Training:
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
        """All that is needed to go on; before the first look also the model as it is, so that there is one."""
        if self.trainer.step and math.isinf(self.best_dev):
            with self.trainer.as_left() as net:
                cast(LanguageModel, net).save(self.run.folder)
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
            "loss was lowest." + began(run.meta["config"].get("from"))
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
