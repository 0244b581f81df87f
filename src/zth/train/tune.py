"""A tuner: which options give the lowest dev loss? Optuna's TPE asks, a pruner gives up what promises nothing.

::

    tune.py          tune(): a study with a budget
    tune_study.py    Study: what was found
    tune_space.py    what is tried: zth.models' spaces and those of the training
    tune_ledger.py   trials asked for and told, by several processes
    tune_journal.py  the file that they share
    tune_material.py what trials learn from: windows, lines, or one long text
    tune_trial.py    one trial
    tune_workers.py  the processes that work on a study
    tune_plots.py    a study as pictures
    tune_winner.py   the best trial's model, kept
    tune_job.py      `zth tune`: a study in a run folder

In an experiment, with a stated budget and the study kept in the run folder::

    from zth.train import TrainConfig, fit
    from zth.train.tune import tune
    from zth.workbook.names import parts

    study = tune(
        "mlp",
        parts(8),                                  # windows as wide as the widest that may be tried
        base=TrainConfig(steps=10_000),            # a trial's length; what is neither tried nor fixed
        fixed={"batchnorm": "none"},               # not tried: model's and training's options alike
        minutes=4,                                 # all in, from the call to the return
        seed=lab.seed,
        journal=lab.run.folder / "study.journal",  # kept; a study that was interrupted goes on from it
        show=lab.show,
    )
    study.best.dev, study.best_options             # (2.05, {"batchnorm": "none", "hidden": 300, "lr": 0.004, ...})
    study.write(lab.run)                           # figures, table of the best, what mattered most, all plots

    model = build("mlp", study.model_config(), generator=stream(lab.seed, "init"))     # zth.models.protocol.build
    fit(model, parts(8).train, study.train_config(steps=200_000), seed=lab.seed)       # the winner, trained longer

A trial has the initial weights and the batches of `zth train` with its options and seed, so the command that a study
ends with gives the very model that the study saw (`zth train` keeps the best of twenty looks, a trial ends with the
last).
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zth.errors import ConfigError
from zth.machine import n_cores
from zth.models.space import Between, OneOf, Space
from zth.train.config import TrainConfig
from zth.train.tune_journal import quiet
from zth.train.tune_ledger import Ledger, Trial
from zth.train.tune_material import LongParts, Parts, material
from zth.train.tune_plots import Plot
from zth.train.tune_space import as_plain, defaults, search_space
from zth.train.tune_study import Study
from zth.train.tune_trial import Setting
from zth.train.tune_workers import Job, one_thread, work, work_in_processes

__all__ = ["BASE", "LongParts", "Parts", "Plot", "Show", "Study", "Trial", "tune"]

Show = Callable[[str, int, int], None]
"""show(what, done, total), as in an experiment's lab: trials of all, or seconds of all."""

BASE = TrainConfig(steps=10_000)
"""A trial's training where nothing else is said."""


def tune(
    family: str,
    parts: Parts | LongParts,
    *,
    base: TrainConfig = BASE,
    fixed: Mapping[str, Any] | None = None,
    space: Mapping[str, Between | OneOf] | None = None,
    trials: int | None = None,
    minutes: float | None = None,
    workers: int | None = None,
    seed: int = 42,
    journal: Path | None = None,
    pruner: str = "median",
    show: Show | None = None,
    usual: Mapping[str, Any] | None = None,
    keep: Path | None = None,
) -> Study:
    """Look for the options of `family` with the lowest dev loss, within a budget -> what was found.

    The budget is `trials`, until the study has so many, or `minutes` of wall-clock time from here to the return, or
    both: whichever is used up first. `workers` processes share the work (default: one for each core), each with one
    thread; one worker is this process itself, and then the same seed gives the same trials. Each trial makes
    `base.steps` steps of `base.batch_size` (see `make_configs`); the first one tries the defaults.

    `space` adds options to those tried, or changes their ranges: {"hidden": Between(low=100, high=400), "ema":
    OneOf((0.0, 0.999))}. `journal` is the file that keeps the study: another call with the same file, in this process
    or another, at the same time or later, works on the same study. `pruner` is "median", "halving" or
    "none". Ctrl-C leaves a journal that goes on: what was being trained is asked for again. `usual` is what the first
    trial has in place of the model's defaults. `keep` is a folder for the models of the best trials (tune_winner).

    Raises ConfigError for unknown options and budgets of nothing, RunError for a journal of another study,
    ZthError where trial after trial fails. A trial that fails is noted, and the others go on.

    >>> from zth.workbook.names import parts
    >>> study = tune("mlp", parts(3), base=TrainConfig(steps=20), fixed={"direct": False}, trials=2, workers=1)
    >>> len(study.trials), study.best.dev < 3.3, study.model_config().direct, study.train_config().schedule
    (2, True, False, 'cosine')
    """
    started = time.monotonic()
    n_workers = n_cores() if workers is None else workers
    check_budget(trials, minutes, n_workers)
    fixed = dict(fixed or {})
    learnt = material(parts)
    whole = search_space(family, base, width=learnt.width, fixed=fixed, space=space)
    setting = Setting(
        family=family,
        base=base,
        fixed=fixed,
        vocab_size=len(parts.vocabulary),
        material=learnt,
        seed=seed,
    )
    with quiet(), _journal(journal) as path:
        job = Job(
            setting=setting,
            space=whole,
            journal=path,
            about=_about(setting, whole),
            first=defaults(family, base, whole, usual),
            pruner=pruner,
            trials=trials,
            deadline=math.inf if minutes is None else started + 60 * minutes,
            keep=keep,
        )
        told = _teller(job, started, show)
        if n_workers == 1:
            with one_thread():
                work(job, lambda: False, told)
        else:
            work_in_processes(job, n_workers, told)
        return Study.read(path)


def check_budget(trials: int | None, minutes: float | None, workers: int | None) -> None:
    """Raises ConfigError for a budget of nothing."""
    if trials is None and minutes is None:
        raise ConfigError("A study needs a budget.", "Give trials (--trials 50) or minutes (--minutes 5).")
    if trials is not None and trials < 1:
        raise ConfigError(f"trials must be at least 1; got {trials}.", "Try --trials 50.")
    if minutes is not None and not 0 < minutes < math.inf:
        raise ConfigError(f"minutes must be above 0; got {minutes:g}.", "Try --minutes 5.")
    if workers is not None and workers < 1:
        raise ConfigError(f"workers must be at least 1; got {workers}.", "Leave it out for one on each core.")


def _about(setting: Setting, space: Space) -> dict[str, Any]:
    """What makes two studies the same study."""
    return {
        "family": setting.family,
        "space": as_plain(space),
        "fixed": dict(setting.fixed),
        "base": asdict(setting.base),
        "seed": setting.seed,
        "vocab_size": setting.vocab_size,
        "examples": setting.material.digest,
        "block_size": setting.material.counted_block,
    }


def _teller(job: Job, started: float, show: Show | None) -> Callable[[Ledger], None]:
    """What tells `show` how far the study is, five times a second at most."""
    last = -math.inf

    def told(ledger: Ledger) -> None:
        nonlocal last
        now = time.monotonic()
        if show is None or now - last < 0.2:
            return
        last = now
        trials = ledger.trials()
        over = [trial for trial in trials if trial.state != "running"]
        best = min((trial.dev for trial in over if trial.state == "done"), default=math.nan)
        pruned = sum(trial.state == "pruned" for trial in over)
        what = f"{len(over)} trials, {pruned} pruned" + ("" if math.isnan(best) else f", best dev {best:.4f}")
        if math.isfinite(job.deadline):
            left = max(0, round(job.deadline - now))
            show(f"{what}, {left // 60}:{left % 60:02d} left", round(now - started), round(job.deadline - started))
        else:
            show(what, len(over), job.trials or 0)

    return told


@contextmanager
def _journal(path: Path | None) -> Iterator[Path]:
    if path is not None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="zth-study-") as folder:
        yield Path(folder) / "study.journal"
