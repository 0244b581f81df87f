"""One process at a time writes to a run folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zth.errors import RunError


@contextmanager
def owned(folder: Path, next_move: str) -> Iterator[None]:
    """Inside, the folder is this process's. Raises RunError where another has it, or where nobody may write to it.

    `next_move` is what a person may do about another one.
    """
    path = folder / ".lock"
    try:
        file = path.open("a")
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {error.strerror}.", "Copy it to a place of yours.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunError(f"Another process is at work in {folder}.", next_move) from error
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
