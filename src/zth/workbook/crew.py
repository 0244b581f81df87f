"""Processes that judge files side by side, each with a jail of its own; one that dies is replaced.

::

    zth grade --tasks--> worker (forked with torch imported) --> its jail: keeper --> a servant for each file
              <-results-

The workers are forked from a server that has imported torch once, and each keeper imports it once and forks a servant
for every file (see `jail`), so no file pays for an import, and none meets what another has left behind. A worker that
dies, or is silent for too long, is ended and replaced; its task is given out once more, then it counts as failed.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from zth import processes
from zth.errors import ZthError
from zth.texts import say
from zth.workbook.evidence import Case, Collected
from zth.workbook.exercise import Exercise, get
from zth.workbook.jail import Jail
from zth.workbook.judge import judge
from zth.workbook.normal_form import Form, imports_of_zth, normal_form
from zth.workbook.verdict import Verdict

PATIENCE = 120.0
"""Seconds beside a learner's own that a task may take; the judge's part takes a few at most."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One file to judge, as text: what was read once is what is judged."""

    student: str
    exercise: str
    source: str
    digest: str
    """SHA-256 of the source."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a worker found out about one task: a verdict, or the `fault` of the grader itself."""

    task: Task
    verdict: Verdict | None = None
    answers: str = ""
    cases: Sequence[Case] = ()
    form: Form | None = None
    imports: Sequence[str] = ()
    walls: Sequence[str] = ()
    """What an answer could not do on this machine: the names of `defences.promises` that were kept."""
    fault: str = ""


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    folder: str
    task: Task | None = None
    deadline: float = 0.0


def judge_all(tasks: Sequence[Task], n_workers: int) -> Generator[Result, None, None]:
    """Judge every task, in any order, with so many processes; whoever stops iterating ends them."""
    open_tasks, failed_once = list(reversed(tasks)), set[Task]()
    with processes.server(("torch", __name__)) as context, _crew(min(n_workers, len(tasks)), context) as workers:
        while open_tasks or any(worker.task for worker in workers):
            for place, worker in enumerate(workers):
                if worker.task is None and open_tasks:
                    _give(worker, open_tasks.pop())
                elif worker.task is not None and (worker.pipe.poll() or _is_lost(worker)):
                    task, result = worker.task, _take(worker)
                    if result is None:
                        workers[place] = _replaced(worker, context)
                        if task not in failed_once:
                            failed_once.add(task)
                            open_tasks.append(task)
                            continue
                        result = Result(
                            task=task, fault=say("the grader's process ended or hung on this file, twice")
                        )
                    yield result
            busy = [worker for worker in workers if worker.task]
            wait([thing for worker in busy for thing in (worker.pipe, worker.process.sentinel)], timeout=1.0)


def _give(worker: _Worker, task: Task) -> None:
    worker.task, worker.deadline = task, time.monotonic() + get(task.exercise).limits.seconds + PATIENCE
    with suppress(OSError):  # it has died; `_is_lost` will see
        worker.pipe.send(task)


def _is_lost(worker: _Worker) -> bool:
    return not worker.process.is_alive() or time.monotonic() > worker.deadline


def _take(worker: _Worker) -> Result | None:
    """The worker's answer; None where none will come."""
    worker.task = None
    try:
        result: Result | None = worker.pipe.recv() if worker.pipe.poll() else None
    except (EOFError, OSError):
        result = None
    return result


def _replaced(worker: _Worker, context: Any) -> _Worker:
    _end(worker, patience=0.0)
    return _start(context, worker.folder)


@contextmanager
def _crew(n: int, context: Any) -> Iterator[list[_Worker]]:
    """Workers with one folder for all that they write, which goes in the end, even where one of them was killed."""
    workers: list[_Worker] = []
    folder = tempfile.TemporaryDirectory(prefix="zth-grade-", ignore_cleanup_errors=True)
    Path(folder.name).chmod(0o711)  # answers, which may run as somebody else, pass through to their own folder
    try:
        workers += [_start(context, folder.name) for _ in range(n)]
        yield workers
    finally:
        for worker in workers:  # first all are told, so that they end side by side
            worker.pipe.close()
            if worker.task is not None:
                worker.process.terminate()
        deadline = time.monotonic() + 20.0  # for all of them together
        for worker in workers:
            _end(worker, patience=max(deadline - time.monotonic(), 0.0))
        folder.cleanup()


def _start(context: Any, folder: str) -> _Worker:
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, folder))
    process.start()
    theirs.close()
    return _Worker(process=process, pipe=ours, folder=folder)


def _end(worker: _Worker, patience: float) -> None:
    """Its jail ends with it: the keeper sees that its judge has gone."""
    worker.pipe.close()
    worker.process.join(patience)
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join()


# --- in the worker ------------------------------------------------------------------------------------------------


def work(pipe: Connection, folder: str) -> None:
    """Judge what comes through the pipe until it closes; all that is written meanwhile lies in `folder`."""
    processes.begin()
    tempfile.tempdir = folder
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that folders and keeper are cleaned up
    with Jail(preload=("torch",)) as jail, suppress(EOFError, OSError):
        while True:
            pipe.send(judge_task(pipe.recv(), jail))


def judge_task(task: Task, jail: Jail) -> Result:
    """Judge one file; whatever fails here is told, so that the next one gets its turn."""
    exercise = get(task.exercise)
    witness = Collected()
    try:
        with tempfile.TemporaryDirectory(prefix="zth-file-") as folder:
            # under the name that the student was given, and away from the files of the others
            path = Path(folder) / exercise.file_name
            path.write_bytes(task.source.encode("utf-8"))
            verdict = judge(exercise, path, jail, witness)
    except Exception as error:
        told = str(error) if isinstance(error, ZthError) else f"{type(error).__name__}: {error}"
        return Result(task=task, fault=say("the check failed at this file: {why}", why=told))
    return Result(
        task=task,
        verdict=verdict,
        answers=witness.digest,
        cases=witness.cases,
        form=_form(exercise, task.source),
        imports=imports_of_zth(task.source),
        walls=[promise.name for promise in jail.promises() if promise.kept],
    )


def _form(exercise: Exercise, source: str) -> Form | None:
    return normal_form(source, exercise.stub.read_text(encoding="utf-8"), exercise.solution)
