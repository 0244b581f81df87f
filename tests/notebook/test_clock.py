"""The clock interrupts what runs too long, in the main thread and in others, and leaves nothing behind."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from zth.notebook.clock import OutOfTime, limited


def _spin() -> None:
    for _ in itertools.count():
        pass


def _numpy_loop() -> None:
    a = np.ones((50, 50))
    while True:
        a = a @ a / 50


def _swallows() -> None:
    try:
        _spin()
    except:  # noqa: E722 (what a learner writes)
        _spin()


def _in_main_thread(call: Callable[[], object]) -> object:
    return call()


def _in_another_thread(call: Callable[[], object]) -> object:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


@pytest.mark.parametrize("run", [_in_main_thread, _in_another_thread])
@pytest.mark.parametrize("call", [_spin, _numpy_loop])
def test_what_runs_too_long_is_interrupted(run: Callable, call: Callable) -> None:
    with pytest.raises(OutOfTime):
        run(lambda: limited(call, seconds=0.1))


@pytest.mark.parametrize("run", [_in_main_thread, _in_another_thread])
def test_what_swallows_the_interruption_gets_it_again(run: Callable) -> None:
    with pytest.raises(OutOfTime):
        run(lambda: limited(_swallows, seconds=0.05))


def test_in_the_main_thread_sleep_is_interrupted_too() -> None:
    with pytest.raises(OutOfTime):
        limited(lambda: time.sleep(60), seconds=0.05)


@pytest.mark.parametrize("run", [_in_main_thread, _in_another_thread])
def test_what_is_in_time_gives_its_result_or_its_own_exception(run: Callable) -> None:
    assert run(lambda: limited(lambda: "done", seconds=5)) == "done"
    with pytest.raises(ZeroDivisionError):
        run(lambda: limited(lambda: 1 / 0, seconds=5))


def test_nothing_is_left_behind() -> None:
    before = signal.getsignal(signal.SIGALRM)
    limited(lambda: None, seconds=0.01)
    _in_another_thread(lambda: limited(lambda: None, seconds=0.01))
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert "zth-clock" not in {thread.name for thread in threading.enumerate()}


def test_an_alarm_of_somebody_else_still_rings() -> None:
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        limited(lambda: time.sleep(0.01), seconds=5)
        deadline = time.monotonic() + 5
        while not rung and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert rung


def test_ctrl_c_passes_through() -> None:
    def interrupt() -> None:
        signal.raise_signal(signal.SIGINT)
        _spin()

    with pytest.raises(KeyboardInterrupt):
        limited(interrupt, seconds=5)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
