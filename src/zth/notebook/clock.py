"""A time limit for code that runs in this very process, as a learner's does in a notebook.

Python code is interrupted between two of its instructions, so between two calls of NumPy or torch; a single long call
into them is waited for. Code that swallows the interruption, as `except:` does, gets it again and again; but an
endless loop that does nothing outside its `try` escapes, as it escapes Ctrl-C.
"""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

_T = TypeVar("_T")
_AGAIN = 0.2
"""Seconds from one interruption to the next, while the code goes on."""


class OutOfTime(BaseException):
    """The time is over. No `Exception`, so that code which handles those does not handle this."""


def limited(call: Callable[[], _T], seconds: float) -> _T:
    """call(), which runs in the calling thread; raises OutOfTime where it takes longer than `seconds`.

    >>> limited(lambda: 6 * 7, seconds=1.0)
    42
    """
    # Only the main thread hears signals; a notebook may have others run its cells (subshells, marimo's apps).
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        return _by_signal(call, seconds)
    return _by_thread(call, seconds)


def _guarded(call: Callable[[], _T]) -> _T:
    return call()


def _by_signal(call: Callable[[], _T], seconds: float) -> _T:
    """A timer interrupts even what waits, such as time.sleep."""

    def ring(_number: int, frame: FrameType | None) -> None:
        while frame is not None:
            if frame.f_code is _guarded.__code__:
                raise OutOfTime
            frame = frame.f_back
        signal.setitimer(signal.ITIMER_REAL, 0)  # it rang as the call had just ended

    handler = signal.signal(signal.SIGALRM, ring)
    others = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)  # somebody else's alarm, if there is one
    try:
        return _guarded(call)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *others)


def _by_thread(call: Callable[[], _T], seconds: float) -> _T:
    """Another thread watches the clock, and has OutOfTime raised in this one."""
    me, finished = threading.get_ident(), threading.Event()

    def watch() -> None:
        wait = seconds
        while not finished.wait(wait):
            _raise_in(me, OutOfTime)
            wait = _AGAIN

    watcher = threading.Thread(target=watch, name="zth-clock", daemon=True)
    watcher.start()
    try:
        return _guarded(call)
    finally:
        while True:  # until it is certain that none comes any more
            try:
                finished.set()
                watcher.join()
                _raise_in(me, None)
                break
            except OutOfTime:
                continue


def _raise_in(thread: int, exception: type[BaseException] | None) -> None:
    """Have `exception` raised in a thread at its next instruction; None takes back what is not raised yet."""
    told = None if exception is None else ctypes.py_object(exception)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), told)
