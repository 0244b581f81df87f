"""Processes of our own, side by side: one thread each, forked from a server that has imported torch once.

Trainings of small nets do not profit from a second thread, but two of them side by side take the time of one.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import forkserver
from typing import Any

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@contextmanager
def server(preload: Sequence[str] = ("torch",)) -> Iterator[Any]:
    """A context of multiprocessing, whose server has imported `preload` (if it was not running before).

    The server inherits one thread for each numerical library, and that Ctrl-C is not for it, nor for those that come
    from it: it is for the process that waits for them.
    """
    context: Any = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    in_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if in_main_thread else None
    try:
        forkserver.ensure_running()
        if in_main_thread:
            signal.signal(signal.SIGINT, handler)
        yield context
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def keep_to_one_thread() -> None:
    """For this process and those that it starts, as far as they have not imported their numerical libraries yet.

    For small work: on a busy machine torch's threads wait for each other longer than they calculate.
    """
    os.environ.update(ONE_THREAD)


def begin() -> None:
    """What every such process does first."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
