"""The same function for many arguments, in as many processes as this one has cores.

Trainings of small nets do not profit from a second thread, but two of them side by side take the time of one.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

from zth.errors import ZthError
from zth.runs import n_cores

R = TypeVar("R")
Told = Callable[[int], None]

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def map_processes(function: Callable[..., R], arguments: Sequence[tuple[Any, ...]], told: Told) -> list[R]:
    """[function(*a) for a in arguments], each in a process with one thread; `told` how many are done, after each.

    The function stands at the top level of a module, and arguments and results can be pickled (they travel between
    processes of our own alone). The first exception ends all and is raised here; so does Ctrl-C.

    >>> map_processes(divmod, [(7, 2), (9, 4)], print)
    1
    2
    [(3, 1), (2, 1)]
    """
    results: dict[int, R] = {}
    with _pool(min(n_cores(), len(arguments))) as pool:
        places = {pool.submit(function, *each): place for place, each in enumerate(arguments)}
        try:
            for future in as_completed(places):
                results[places[future]] = future.result()
                told(len(results))
        except BrokenProcessPool as error:
            raise ZthError(
                "A process of the measurement was ended from outside.", "Is there enough memory?"
            ) from error
    return [results[place] for place in range(len(arguments))]


@contextmanager
def _pool(n_processes: int) -> Iterator[ProcessPoolExecutor]:
    """Processes forked from a server that has imported torch once, and ended at once when something goes wrong."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch"])
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)  # read when the server starts, by the libraries that it imports
    pool = ProcessPoolExecutor(n_processes, mp_context=context, initializer=_begin)
    try:
        yield pool
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _begin() -> None:
    import torch

    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits for us
