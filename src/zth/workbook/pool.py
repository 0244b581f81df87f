"""The same function for many arguments, in as many processes as this one has cores."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

from zth import processes
from zth.errors import ZthError
from zth.machine import n_cores

R = TypeVar("R")
Told = Callable[[int], None]


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
            problem = "A process of the measurement was ended from outside."
            raise ZthError(problem, "Is there enough memory?") from error
    return [results[place] for place in range(len(arguments))]


@contextmanager
def _pool(n_processes: int) -> Iterator[ProcessPoolExecutor]:
    """Ended at once when something goes wrong."""
    with processes.server() as context:
        pool = ProcessPoolExecutor(n_processes, mp_context=context, initializer=processes.begin)
        try:
            yield pool
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
