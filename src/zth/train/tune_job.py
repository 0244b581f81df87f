"""`zth tune`: a text and a budget in, a run folder out; it may be stopped, and goes on.

A run folder of kind "tune", named after the text and the model, as "names-mlp", holds besides what every run folder
has (zth.runs):

    run.json        config = {
                        "data", "kind", "model": ...,   # as in a training's folder
                        "say_kind": false,              # whether the text seems to be of another kind
                        "base": {...}, "fixed": {...}, "space": {...},     # what a trial is, and what was tried
                        "trials", "minutes": ...,       # the budget
                        "workers", "pruner": ...,
                        "study": "study.journal",       # or the absolute path of one that is shared
                        "winner": {"trial": 3, "run": "..."}}    # once it is kept
    study.journal   all trials: Optuna's journal (of a shared study a copy, made in the end)
    figures.json    "best dev loss", "dev loss of the defaults", "trials", "pruned", "failed", "minutes of training"

The winner's model is kept beside it, in a run folder of kind "train" as `zth train` leaves it, so that `zth sample`
and `zth compare` take it. One long text is tuned as `zth train` learns it: in blocks.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from zth.data import sources
from zth.data.sources import Corpus
from zth.data.vocab import Vocabulary
from zth.errors import RunError
from zth.machine import n_cores
from zth.models.protocol import build
from zth.models.space import Between, OneOf, Space
from zth.runs import Record, Run, read
from zth.seeds import stream
from zth.train.batches import Passage
from zth.train.chosen import fitted, fitting_block, n_learnt
from zth.train.config import TrainConfig
from zth.train.examples import Text
from zth.train.job import Job
from zth.train.long_text import LongText, in_blocks, read_for
from zth.train.loop import steps_per_second
from zth.train.owned import owned
from zth.train.tune import LongParts, Show, check_budget, tune
from zth.train.tune_journal import load
from zth.train.tune_ledger import check_pruner
from zth.train.tune_space import as_plain, from_plain, make_configs, search_space, widest
from zth.train.tune_study import Study
from zth.train.tune_winner import crown, forget_others
from zth.train.tune_workers import one_thread

JOURNAL, KEPT = "study.journal", "kept"
BEGUN = Callable[[Path], object]
BLOCK_SIZES, BATCH_SIZES = (64, 128, 256), (4, 8, 16, 32)
"""What is tried for one long text: fewer blocks in a step than lines, for each is many characters."""
PER_WORKER = 12
"""Of one long text: so many trials of the usual size fit into what a worker has of the budget."""
FEWEST = 50
"""Steps of a trial, whatever the budget: with fewer nothing can be told from its loss."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What `tune` needs of a text of lines."""

    vocabulary: Vocabulary
    train: tuple[Tensor, Tensor]
    dev: tuple[Tensor, Tensor]


@dataclass(frozen=True, kw_only=True)
class TuneJob:
    """What to tune, on what, for how long, and whom to tell."""

    corpus: Corpus
    family: str
    base: TrainConfig
    fixed: Mapping[str, Any]
    space: Mapping[str, Between | OneOf]
    """Ranges instead of the usual ones, or in addition."""
    trials: int | None = None
    minutes: float | None = None
    workers: int | None = None
    pruner: str = "median"
    seed: int = 42
    study: Path | None = None
    """A file to share with other processes; None: one in the run folder."""
    fit_steps: bool = False
    """Whether `base.steps` may be made fewer, so that trials on one long text fit into the minutes."""
    show: Show | None = None
    begun: BEGUN = lambda _: None
    """Told the run folder before the first trial."""

    def start(self, root: Path, *, command: list[str] | None = None) -> tuple[Run, Study]:
        """Tune in a fresh run folder under `root`. Raises as `tune`, and DataError for a text that is none."""
        check_budget(self.trials, self.minutes, self.workers)
        check_pruner(self.pruner)
        shared = self.study is not None and self.study.exists()
        if shared:
            assert self.study is not None
            load(self.study)
        ranges = self._ranges()
        width = widest(self.family, self.fixed, ranges)
        space = search_space(self.family, self.base, width=width, fixed=self.fixed, space=ranges)
        text = read_for(self.corpus, self.family)
        job = self
        if self.fit_steps and isinstance(text, LongText):
            if shared and self.study is not None:  # whoever began it has measured how many steps a trial has
                job = replace(self, base=replace(self.base, steps=Study.read(self.study).base.steps))
            elif self.minutes is not None:
                job = replace(self, base=self._shortened(text))
        run = job._create(root, command, space)
        with owned(run.folder, f"Work with it: --study {run.folder / JOURNAL}"):
            return run, job._work(run, text, width, space, self.minutes)

    def _create(self, root: Path, command: list[str] | None, space: Space) -> Run:
        corpus = self.corpus
        own = corpus.origin == "named by its path"
        run = Run.create(
            kind="tune",
            name=f"{corpus.name}-{self.family}",
            title=f"{self.family} tuned on {corpus.name}",
            root=root,
            seed=self.seed,
            command=command,
            config={
                "data": str(corpus.path) if own else corpus.name,
                "kind": corpus.kind,
                "say_kind": corpus.kind != corpus.tally().kind,
                "model": self.family,
                "base": asdict(self.base),
                "fixed": dict(self.fixed),
                "space": as_plain(space),
                "trials": self.trials,
                "minutes": self.minutes,
                "workers": self.workers,
                "pruner": self.pruner,
                "study": JOURNAL if self.study is None else str(self.study.resolve()),
            },
        )
        run.data(corpus.edition, corpus.sha256)
        return run

    @property
    def usual(self) -> dict[str, Any]:
        """What `zth train` would choose for the model's options."""
        return fitted(self.family, self.corpus)[0]

    def _ranges(self) -> dict[str, Between | OneOf]:
        """Those that are asked for; and of blocks only lengths that fit often enough into one long text."""
        if not in_blocks(self.corpus, self.family):
            return dict(self.space)
        n_train = n_learnt(self.corpus)
        longest = fitting_block(n_train, max(BLOCK_SIZES))
        sizes = tuple(size for size in BLOCK_SIZES if size <= longest) or (longest,)
        ranges = {"block_size": OneOf(sizes), "batch_size": OneOf(BATCH_SIZES)}
        return {**{name: each for name, each in ranges.items() if name not in self.fixed}, **self.space}

    def _shortened(self, text: LongText) -> TrainConfig:
        """`base` with fewer steps, where else too few trials would fit into the minutes."""
        assert self.minutes is not None
        told = {**self.usual, **self.fixed}
        options, _ = make_configs(self.family, self.base, told, vocab_size=len(text.vocabulary))
        net = build(self.family, options, generator=stream(self.seed, "init"))
        with one_thread():
            passage = Passage(ids=text.data.train, block_size=options.block_size)
            speed = steps_per_second(net, passage, self.base, seed=self.seed)
        steps = max(FEWEST, round(60 * self.minutes * speed / PER_WORKER))
        steps = min(self.base.steps, steps)
        return replace(self.base, steps=steps, warmup_steps=min(self.base.warmup_steps, steps))

    def _parts(self, text: Text | LongText, width: int) -> Sample | LongParts:
        if isinstance(text, Text):
            examples = text.examples(self.family, block_size=width)
            return Sample(vocabulary=text.vocabulary, train=examples.train, dev=examples.dev)
        text.examples(self.family, block_size=width)  # raises where the text is too short for that
        return LongParts(
            vocabulary=text.vocabulary,
            train=text.data.train,
            dev=text.data.dev,
            width=width,
            counted_block=int(self.usual["block_size"]),
            sha256=text.corpus.sha256,
        )

    def _work(self, run: Run, text: Text | LongText, width: int, space: Space, minutes: float | None) -> Study:
        journal = run.folder / str(run.meta["config"]["study"])  # an absolute path stays what it is
        with run:
            self.begun(run.folder)
            try:
                study = tune(
                    self.family,
                    self._parts(text, width),
                    base=self.base,
                    fixed=self.fixed,
                    space=space,
                    trials=self.trials,
                    minutes=minutes,
                    workers=self.workers,
                    seed=self.seed,
                    journal=journal,
                    pruner=self.pruner,
                    show=self.show,
                    usual=self.usual,
                    keep=run.folder / KEPT,
                )
                study.best  # noqa: B018 (raises where there is none)
            finally:
                _tell(run, journal)
            self._crown(run, text, study)
        return study

    def _crown(self, run: Run, text: Text | LongText, study: Study) -> None:
        """The winner in a run folder of its own, unless it is there from before."""
        number, before = study.best.number, dict(run.meta["config"].get("winner") or {})
        if before.get("trial") == number and Path(str(before["run"])).is_dir():
            return
        options = {name: value for name, value in asdict(study.model_config()).items() if name != "vocab_size"}
        job = Job(text=text, family=self.family, options=options, config=study.train_config(), seed=self.seed)
        winner = crown(job, run.folder / KEPT, number, run.folder.parent, winner_command(run, study))
        forget_others(run.folder / KEPT, number)
        run.meta["config"]["winner"] = winner and {"trial": number, "run": str(winner.folder)}


def winner_command(run: Run, study: Study) -> list[str]:
    """What trains the best configuration of the study in a run folder."""
    settings = run.meta["config"]
    return study.command(str(settings["data"]), kind=str(settings["kind"]) if settings.get("say_kind") else "")


def resume(
    folder: Path,
    *,
    trials: int | None = None,
    minutes: float | None = None,
    show: Show | None = None,
    begun: BEGUN = lambda _: None,
) -> tuple[Run, Study]:
    """Go on with the study in a run folder: with what is left of its budget, or with one of its own.

    `trials` is how many the study has in the end, `minutes` is how long to go on. Raises RunError for a folder that
    holds no study or one that is at work, where the text is no longer the same, and where nothing of the budget is
    left.
    """
    read(folder)  # says best what is no run folder
    with owned(folder, f"Work with it: --study {folder / JOURNAL}"):
        return _go_on(folder, trials, minutes, show, begun)


def _go_on(
    folder: Path, trials: int | None, minutes: float | None, show: Show | None, begun: BEGUN
) -> tuple[Run, Study]:
    record = read(folder)
    if record.kind != "tune":
        raise RunError(f"{folder} is a run of zth {record.kind}, not of zth tune.", "Name a folder of zth tune.")
    try:
        settings, seed = record.meta["config"], int(record.meta["seed"])
        corpus = sources.load(settings["data"], kind=settings["kind"])
        job = TuneJob(
            corpus=corpus,
            family=str(settings["model"]),
            base=TrainConfig(**settings["base"]),
            fixed=dict(settings["fixed"]),
            space=from_plain(settings["space"]),
            trials=settings["trials"],
            minutes=settings["minutes"],
            workers=settings["workers"],
            pruner=str(settings["pruner"]),
            seed=seed,
            show=show,
            begun=begun,
        )
        editions = [entry["sha256"] for entry in record.meta["data"]]
        journal = folder / str(settings["study"])
        spent = _minutes_spent(record, journal)
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{folder / 'run.json'} is damaged: {error}.", "Begin a new study.") from error
    job, left = _budget(job, trials, minutes, spent, journal)
    if corpus.sha256 not in editions:
        raise RunError(f"{corpus.name} is no longer the text that {folder} was tuned on.", "Put that back.")
    text = read_for(corpus, job.family)
    run = Run.reopen(folder)
    run.meta["config"].update(trials=job.trials, minutes=job.minutes)
    width = widest(job.family, job.fixed, job.space)
    return run, job._work(run, text, width, job.space, left)


def _budget(
    job: TuneJob, trials: int | None, minutes: float | None, spent: float, journal: Path
) -> tuple[TuneJob, float | None]:
    """The job with what is asked for from now on, and the minutes that it has now."""
    if trials is not None or minutes is not None:
        check_budget(trials, minutes, job.workers)
        return replace(job, trials=trials, minutes=None if minutes is None else spent + minutes), minutes
    if job.minutes is not None and job.minutes - spent < 0.01:
        raise RunError(f"The study has used its {job.minutes:.3g} minutes.", "Give it more: --minutes 5")
    if job.trials is not None and journal.exists() and _n_over(journal) >= job.trials:
        raise RunError(f"The study has its {job.trials} trials.", f"Give it more: --trials {2 * job.trials}")
    return job, None if job.minutes is None else job.minutes - spent


def _minutes_spent(record: Record, journal: Path) -> float:
    """Of the budget. Where the study was killed it could not note that down; then as its trials' own time tells."""
    seconds = record.meta["seconds"]
    if seconds is None and journal.exists():
        n_workers = record.meta["config"]["workers"] or n_cores()
        seconds = sum(t.seconds for t in Study.read(journal).trials if math.isfinite(t.seconds)) / n_workers
    return float(seconds or 0.0) / 60


def _n_over(journal: Path) -> int:
    return sum(trial.state != "running" for trial in Study.read(journal).trials)


def _tell(run: Run, journal: Path) -> None:
    """What is known so far, whether the study ended or was stopped: in place of what was told before."""
    if not journal.exists():
        return
    study = Study.read(journal)
    run.blocks.clear()
    run.figures.clear()
    for old in (run.folder / "plots").glob("*.json"):
        old.unlink()
    if study.done:
        study.write(run, command=winner_command(run, study))
    if journal.parent != run.folder:
        shutil.copyfile(journal, run.folder / JOURNAL)
