"""`zth tune`: a text and a budget in, a run folder out; it may be stopped, and goes on.

A run folder of kind "tune", named after the text and the model, as "names-mlp", holds besides what every run folder
has (zth.runs):

    run.json        config = {
                        "data", "kind", "model": ...,   # as in a training's folder
                        "base": {...}, "fixed": {...}, "space": {...},     # what a trial is, and what was tried
                        "trials", "minutes": ...,       # the budget
                        "workers", "pruner": ...,
                        "study": "study.journal"}       # or the absolute path of one that is shared
    study.journal   all trials: Optuna's journal (of a shared study a copy, made in the end)
    figures.json    "best dev loss", "dev loss of the defaults", "trials", "pruned", "failed", "minutes of training"
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
from zth.data.vocab import Vocabulary
from zth.errors import ConfigError, RunError
from zth.models.space import Between, OneOf, Space
from zth.runs import Record, Run, n_cores, read
from zth.train.config import TrainConfig
from zth.train.examples import Text
from zth.train.long_text import in_blocks
from zth.train.owned import owned
from zth.train.tune import Show, check_budget, tune
from zth.train.tune_journal import load
from zth.train.tune_ledger import check_pruner
from zth.train.tune_space import as_plain, from_plain, search_space, widest
from zth.train.tune_study import Study

JOURNAL = "study.journal"
BEGUN = Callable[[Path], object]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What `tune` needs of a text."""

    vocabulary: Vocabulary
    train: tuple[Tensor, Tensor]
    dev: tuple[Tensor, Tensor]


@dataclass(frozen=True, kw_only=True)
class TuneJob:
    """What to tune, on what, for how long, and whom to tell."""

    data: str
    kind: Any = None
    """Of the text: "lines" or "text"; None: what it seems to be."""
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
    show: Show | None = None
    begun: BEGUN = lambda _: None
    """Told the run folder before the first trial."""

    def start(self, root: Path, *, command: list[str] | None = None) -> tuple[Run, Study]:
        """Tune in a fresh run folder under `root`. Raises as `tune`, and DataError for a text that is none."""
        check_budget(self.trials, self.minutes, self.workers)
        check_pruner(self.pruner)
        if self.study is not None and self.study.exists():
            load(self.study)
        width = widest(self.family, self.fixed, self.space)
        space = search_space(self.family, self.base, width=width, fixed=self.fixed, space=self.space)
        corpus = sources.load(self.data, kind=self.kind)
        if in_blocks(corpus, self.family):
            raise ConfigError(
                f"zth tune reads a text line by line; {self.family} learns {corpus.name} in blocks.",
                f"Try options one by one: zth train {self.data}, then zth compare.",
            )
        text = Text.of(corpus)
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
        with owned(run.folder, f"Work with it: --study {run.folder / JOURNAL}"):
            return run, self._work(run, text, width, space, self.minutes)

    def _work(self, run: Run, text: Text, width: int, space: Space, minutes: float | None) -> Study:
        journal = run.folder / str(run.meta["config"]["study"])  # an absolute path stays what it is
        with run:
            self.begun(run.folder)
            try:
                examples = text.examples(self.family, block_size=width)
                study = tune(
                    self.family,
                    Sample(vocabulary=text.vocabulary, train=examples.train, dev=examples.dev),
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
                )
                study.best  # noqa: B018 (raises where there is none)
            finally:
                _tell(run, journal, self.data)
        return study


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
        job = TuneJob(
            data=str(settings["data"]),
            kind=settings["kind"],
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
    text = Text.of(sources.load(job.data, kind=job.kind))
    if text.corpus.sha256 not in editions:
        raise RunError(f"{text.corpus.name} is no longer the text that {folder} was tuned on.", "Put that back.")
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


def _tell(run: Run, journal: Path, data: str) -> None:
    """What is known so far, whether the study ended or was stopped: in place of what was told before."""
    if not journal.exists():
        return
    study = Study.read(journal)
    run.blocks.clear()
    run.figures.clear()
    for old in (run.folder / "plots").glob("*.json"):
        old.unlink()
    if study.done:
        study.write(run, data=data)
    if journal.parent != run.folder:
        shutil.copyfile(journal, run.folder / JOURNAL)
