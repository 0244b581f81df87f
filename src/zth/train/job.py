"""`zth train`: a text and options in, a run folder out; it may be stopped after any step, and go on.

`zth.train` says what the folder holds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from zth.errors import ConfigError, DataError
from zth.files import dumps
from zth.models.protocol import LanguageModel, build, config_class, model_class
from zth.runs import Run, metrics
from zth.seeds import stream
from zth.train.backends import precision_for
from zth.train.config import TrainConfig
from zth.train.distributed import ALONE, World
from zth.train.examples import Examples, Text
from zth.train.finder import Sweep, find_lr
from zth.train.long_text import LongExamples, LongText
from zth.train.loop import Trainer, steps_per_second
from zth.train.origin import VOCABULARY_FILE, Origin
from zth.train.owned import owned
from zth.train.plots import loss_figure
from zth.train.running import Progress, Training
from zth.train.telling import tell_losses, tell_samples

SPARE, SPARE_LONG = 0.95, 0.9
"""The share of a time budget that training gets; the rest is for evaluation, and for samples of a long text."""
WAIT = "Wait for it, or stop it."


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
        trainer = self.trainer(options, examples)
        n_parameters = sum(p.numel() for p in trainer.net.parameters())
        run = self._create(root, command, options, trainer.config, trainer.backend, n_parameters)
        with owned(run.folder, WAIT), run:
            Training(self, run, trainer, examples).go()
        return run

    def follow(self) -> None:
        """Do the steps that rank 0 does in `start`. Raises what that raises."""
        options, examples = self._read()
        self.trainer(options, examples).follow()

    def trainer(self, options: Any, examples: Examples | LongExamples) -> Trainer:
        """A net at step 0, and what trains it; `options` and `examples` are those that were read."""
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
