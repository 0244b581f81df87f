"""The processes that work on a study: each asks for a trial, trains, tells, until the budget is used up."""

from __future__ import annotations

import math
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zth import processes
from zth.errors import ZthError
from zth.models.space import Space
from zth.train.config import TrainConfig
from zth.train.tune_journal import quiet
from zth.train.tune_ledger import Ledger
from zth.train.tune_space import tidy
from zth.train.tune_trial import Keep, Pruned, Row, Setting, Stopped, train_once
from zth.train.tune_winner import keep_trial

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess
    from multiprocessing.synchronize import Event

    import optuna

POLL = 0.2
"""Seconds between two looks at the study by the process that waits."""
GRACE = 10.0
"""Seconds that a worker gets to stop by itself."""
DEATHS = 10
"""So many of a study's processes may die before it is given up."""
FAILURES = 5
"""So many failed trials and not one other: the study is given up."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A study and its budget."""

    setting: Setting
    space: Space
    journal: Path
    about: dict[str, Any]
    first: dict[str, Any]
    pruner: str
    trials: int | None
    """So many trials the study has in the end, whoever made them."""
    deadline: float
    """In time.monotonic()'s seconds, which all processes of a machine share; inf: none."""
    keep: Path | None = None
    """A folder for what the best trials have trained; None: nothing is kept."""

    def open(self) -> Ledger:
        return Ledger.open(
            self.journal,
            about=self.about,
            space=self.space,
            seed=self.setting.seed,
            pruner=self.pruner,
            first=self.first,
        )


def work(job: Job, must_stop: Callable[[], bool], told: Callable[[Ledger], None] = lambda _: None) -> None:
    """Trial after trial in this process. `told` is called now and then, to show how far the study is."""
    ledger = job.open()

    def stop() -> bool:
        told(ledger)
        return time.monotonic() >= job.deadline or must_stop()

    try:
        while not stop() and not _is_full(job, ledger):
            trial = ledger.ask()
            if job.trials is not None and ledger.place(trial) >= job.trials:  # another process was faster
                ledger.surplus(trial)
                return
            _try(job, ledger, trial, stop)
            _check_failures(ledger)
    finally:
        ledger.release()


def work_in_processes(job: Job, n_workers: int, told: Callable[[Ledger], None]) -> None:
    """The same in processes of one thread each; a process that dies is replaced. Ctrl-C stops them all."""
    ledger = job.open()
    with processes.server(("torch", "optuna", __name__)) as context:
        crew = Crew(context, job, n_workers)
        try:
            while crew.look_after(ledger):
                told(ledger)
                time.sleep(POLL)
        finally:
            crew.end()
            ledger.recover()
    _check_failures(ledger)


class Crew:
    """The processes at work on a job."""

    def __init__(self, context: Any, job: Job, size: int) -> None:
        self._context, self._job = context, job
        self._event = context.Event()
        self._n_died = 0
        self._processes: list[ForkServerProcess] = []
        for _ in range(size):
            self._start()

    def look_after(self, ledger: Ledger) -> bool:
        """Replace those that died -> is any at work? Raises ZthError where they die and die."""
        for process in list(self._processes):
            if process.is_alive():
                continue
            self._processes.remove(process)
            if not process.exitcode:
                continue
            self._n_died += 1
            why = f"The process that trained it ended with code {process.exitcode}."
            ledger.died(process.pid or 0, why)
            _check_failures(ledger)
            if self._n_died >= DEATHS:
                raise ZthError(
                    f"{DEATHS} processes of the study died. {why}", "Is there enough memory? Use --workers 1."
                )
            self._start()
        return bool(self._processes)

    def end(self) -> None:
        """Have them stop, and see to it."""
        self._event.set()
        until = time.monotonic() + GRACE
        for process in self._processes:
            process.join(max(0.0, until - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()

    def _start(self) -> None:
        process = self._context.Process(target=_worker, args=(self._job, self._event), daemon=True)
        process.start()
        self._processes.append(process)


def _try(job: Job, ledger: Ledger, trial: optuna.Trial, stop: Callable[[], bool]) -> None:
    """One trial, whatever comes of it, noted in the study."""

    def tick() -> None:
        if stop():
            raise Stopped

    def look(tenth: int, dev: float) -> None:
        if ledger.look(trial, tenth, dev):
            raise Pruned

    try:
        dev = train_once(job.setting, tidy(trial.params), look, tick, _keep(job, ledger, trial))
        ledger.done(trial, dev) if math.isfinite(dev) else ledger.pruned(trial)
    except Pruned:
        ledger.pruned(trial)
    except Stopped:
        ledger.stopped(trial)
    except Exception as error:  # whatever one set of options breaks, the others go on
        ledger.failed(trial, str(error) if isinstance(error, ZthError) else f"{type(error).__name__}: {error}")


def _keep(job: Job, ledger: Ledger, trial: optuna.Trial) -> Keep:
    """What keeps the model of a trial that is better than those before it."""

    def keep(dev: float, model: Any, config: TrainConfig, rows: list[Row]) -> None:
        best = min((each.dev for each in ledger.trials() if each.state == "done"), default=math.inf)
        if job.keep is not None and dev < best:
            keep_trial(job.keep, trial.number, model, config, rows)

    return keep


def _is_full(job: Job, ledger: Ledger) -> bool:
    return job.trials is not None and ledger.n_counted() >= job.trials


def _check_failures(ledger: Ledger) -> None:
    """Raises ZthError where trials fail and fail."""
    trials = [trial for trial in ledger.trials() if trial.state != "running"]
    if len(trials) >= FAILURES and all(trial.state == "failed" for trial in trials):
        raise ZthError(f"All of {len(trials)} trials failed; the last one with: {trials[-1].error}", "Fix it first.")


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, torch calculates in one thread, as all workers of a study do."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _worker(job: Job, event: Event) -> None:
    """A worker process, from its start to its end."""
    processes.begin()
    parent = multiprocessing.parent_process()

    def must_stop() -> bool:
        return event.is_set() or (parent is not None and not parent.is_alive())

    with quiet():
        try:
            work(job, must_stop)
        except ZthError:
            event.set()  # the process that waits finds out the same, and says it
