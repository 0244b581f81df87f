"""`zth assign`: a handout for a class."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape

from zth.cli.terminal import out
from zth.errors import ConfigError
from zth.workbook.assign import assign
from zth.workbook.handout import LOCK, Handout, chosen


def assign_(*exercises: str, to: Annotated[Path, Parameter(name="--out")]) -> int:
    """Write a handout: stubs, statements, a README and a lock file; no hints, no solutions.

    Parameters
    ----------
    exercises
        Lectures, as in L2, or single exercises, as in 2.1.
    to
        The new folder.
    """
    if not exercises:
        raise ConfigError(
            "No exercise was named.", "Name lectures or exercises, as in: zth assign L2 5.1 --out week-2"
        )
    handout = Handout.of(chosen(exercises))
    files = assign(handout, to)
    out().print(f"[bold]{escape(str(to))}[/]: {len(handout.assigned)} exercises, {len(files)} files")
    out().print(f"What each part is worth stands in {escape(str(to / LOCK))}; change it there.", soft_wrap=True)
    out().print(
        f"When they have come back: [bold]zth grade SUBMISSIONS --weights {escape(str(to))}[/]", soft_wrap=True
    )
    return 0
