"""What is shown while a net is trained, and how it is asked to stop."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from zth.cli.terminal import err
from zth.texts import printable
from zth.train.running import Progress

Show = Callable[[Progress], object]
Stop = Callable[[], bool]


class Board:
    """A bar on standard error: step, loss, speed, time left; where that is no terminal, a line now and then."""

    def __init__(self) -> None:
        self.latest: Progress | None = None
        columns = (
            BarColumn(bar_width=24),
            TextColumn("{task.fields[told]}", markup=False),
        )
        self._bar = Bar(*columns, console=err(), transient=True, disable=not err().is_terminal)
        self._task = self._bar.add_task("", total=None, told="Measuring ...")
        self._told = time.monotonic()

    def __enter__(self) -> None:
        self._bar.start()

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Everything that a person waits for."""
        self.latest = progress
        dev = f"  dev {progress.dev:.4f}" if progress.dev < math.inf else ""
        told = (
            f"{progress.step:,}/{progress.steps:,}  loss {progress.loss:.4f}{dev}  "
            f"{_pace(progress.per_second)}  {duration(progress.left)} left"
        )
        if progress.glimpse:
            err().print(f"\n[dim]step {progress.step:,} writes:[/]", soft_wrap=True)
            err().print(printable(progress.glimpse) + "\n", markup=False, emoji=False, soft_wrap=True)
        self._bar.update(self._task, completed=progress.step, total=progress.steps, told=told)
        if not err().is_terminal and time.monotonic() - self._told > 10:
            self._told = time.monotonic()
            err().print(told, soft_wrap=True)


def _pace(per_second: float) -> str:
    """
    >>> _pace(1234.5), _pace(2.25), _pace(0.25)
    ('1,234 steps/s', '2.2 steps/s', '4 s a step')
    """
    if per_second < 1:
        return f"{1 / max(per_second, 1e-9):.3g} s a step"
    return f"{per_second:,.0f} steps/s" if per_second >= 10 else f"{per_second:.1f} steps/s"


def duration(seconds: float) -> str:
    """As people say it.

    >>> duration(7.2), duration(75), duration(4000)
    ('7 s', '1:15', '1:06:40')
    """
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if minutes else f"{rest} s"


@contextmanager
def asked_to_stop(board: Board) -> Iterator[Stop]:
    """Ctrl-C and SIGTERM only leave a note, so that no step is cut in half; a second one interrupts at once."""
    asked: list[int] = []

    def note(number: int, _: object) -> None:
        if asked or board.latest is None:  # nothing to save yet
            raise KeyboardInterrupt
        asked.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
