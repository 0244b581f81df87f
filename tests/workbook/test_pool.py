"""Processes side by side: order, threads, and what becomes of them when one fails."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading

import pytest
import torch

from zth.errors import ZthError
from zth.workbook.pool import map_processes


def nothing(done: int) -> None: ...


def describe(number: int) -> tuple[int, int, int]:
    return number, os.getpid(), torch.get_num_threads()


def fail(number: int) -> int:
    if number == 2:
        raise ZthError("two", "one")
    return number


def vanish(number: int) -> int:
    os._exit(number)


def wait(number: int) -> int:
    threading.Event().wait()
    return number


def test_results_come_in_order_from_other_processes_with_one_thread_each() -> None:
    told: list[int] = []
    rows = map_processes(describe, [(number,) for number in range(5)], told.append)
    assert [number for number, *_ in rows] == list(range(5))
    assert os.getpid() not in {pid for _, pid, _ in rows}
    assert {threads for *_, threads in rows} == {1}
    assert told == [1, 2, 3, 4, 5]


def test_the_environment_is_as_before() -> None:
    before = dict(os.environ)
    map_processes(fail, [(1,)], nothing)
    assert dict(os.environ) == before


def test_an_exception_is_raised_here_and_ends_all() -> None:
    with pytest.raises(ZthError, match="two"):
        map_processes(fail, [(1,), (2,), (3,)], nothing)
    assert multiprocessing.active_children() == []


def test_a_process_that_vanishes_is_an_error_that_says_so() -> None:
    with pytest.raises(ZthError, match="ended from outside"):
        map_processes(vanish, [(1,)], nothing)


def test_ctrl_c_ends_what_is_running() -> None:
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(1, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        map_processes(wait, [(1,), (2,)], nothing)
    assert multiprocessing.active_children() == []
