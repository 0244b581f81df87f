"""`zth train --resume`: a training that was stopped goes on from its checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from zth.data import sources
from zth.data.vocab import Vocabulary
from zth.errors import RunError
from zth.models.protocol import config_class
from zth.runs import Run, read
from zth.train.checkpoint import Checkpoint
from zth.train.config import TrainConfig
from zth.train.distributed import ALONE, World
from zth.train.examples import Examples
from zth.train.job import WAIT, Job
from zth.train.long_text import LongExamples, read_for
from zth.train.loop import Trainer
from zth.train.origin import load_vocabulary
from zth.train.owned import owned
from zth.train.running import Progress, Training


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
        training = Training.back(replace(job, show=show, stop=stop), trainer, examples, saved.checkpoint, folder)
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
        return job, examples, job.trainer(options, examples)

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
