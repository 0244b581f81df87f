"""One process at a time writes to a run folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from zth.errors import RunError


@contextmanager
def owned(folder: Path, next_move: str) -> Iterator[None]:
    """Inside, the folder is this process's. Raises RunError where another has it, or where nobody may write to it.

    `next_move` is what a person may do about another one.
    """
    path = folder / ".lock"
    with _locked(path, next_move):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _locked(path: Path, next_move: str) -> IO[str]:
    """The file at `path`, locked; anew where whoever had it removed it between our opening and our locking."""
    while True:
        try:
            file = path.open("a")
        except OSError as error:
            raise RunError(
                f"{path.parent} cannot be written: {error.strerror}.", "Copy it to a place of yours."
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise RunError(f"Another process is at work in {path.parent}.", next_move) from error
        if path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino:
            return file
        file.close()
