"""Tells when a file of the desk has been saved, in whichever way an editor does that."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

import watchfiles


class Saves:
    """The files of one folder that have changed since `names` was asked last. Use as a context manager.

    The folder is watched and not the file: many editors write a new file and rename it into the place of the old one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: set[str] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._read, self._write = os.pipe()
        self.problem = ""
        """Why nothing is watched any more; "" as long as it is."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=5)
        if not self._thread.is_alive():
            os.close(self._read)
            os.close(self._write)

    def fileno(self) -> int:
        """Readable when there are names."""
        return self._read

    def names(self) -> set[str]:
        """Those that have changed; asked when there are some, else it waits."""
        os.read(self._read, 512)
        with self._lock:
            names, self._names = self._names, set()
        return names

    def _watch(self) -> None:
        try:
            self._follow(None)
        except (OSError, RuntimeError):  # too many watches for this user, say: look every 0.3 s instead
            try:
                self._follow(True)
            except (OSError, RuntimeError) as error:
                self.problem = f"{self._folder} cannot be watched: {error}. Press r to judge."
                self._tell(set())

    def _follow(self, force_polling: bool | None) -> None:
        for changes in watchfiles.watch(
            self._folder,
            watch_filter=lambda _, path: path.endswith((".py", ".jsonl")),
            stop_event=self._stop,
            rust_timeout=500,
            raise_interrupt=False,
            force_polling=force_polling,
            recursive=False,
        ):
            self._tell({Path(path).name for _, path in changes})

    def _tell(self, names: set[str]) -> None:
        with self._lock:
            self._names |= names
        with suppress(OSError):
            os.write(self._write, b"!")
