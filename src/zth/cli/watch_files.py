"""Tells when a file of the desk has been saved, in whichever way an editor does that."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

import watchfiles

from zth.texts import say


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
        """Why nothing is watched now; "" as long as it is."""

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
        polling: bool | None = None
        while not self._stop.is_set():
            if (began := self._identity()) is None:
                self._wait_for_the_folder()
                continue
            try:
                self._follow(began, polling)
            except (OSError, RuntimeError) as error:
                if polling and self._identity() == began:
                    told = say("{folder} cannot be watched: {why}. Press r to judge.", folder=self._folder, why=error)
                    self._say(told)
                    return
                polling = True  # too many watches for this user, say: look every 0.3 s instead

    def _follow(self, began: tuple[int, int], force_polling: bool | None) -> None:
        """Tell what changes until the folder is another one: removed, or made anew, as git does between branches."""
        is_first = True
        for changes in watchfiles.watch(
            self._folder,
            watch_filter=lambda _, path: path.endswith((".py", ".jsonl")),
            stop_event=self._stop,
            rust_timeout=500,
            yield_on_timeout=True,
            raise_interrupt=False,
            force_polling=force_polling,
            recursive=False,
        ):
            if is_first:  # what was saved before the watching had begun
                self._tell({path.name for path in self._folder.glob("*.py")})
            is_first = False
            if changes:
                self._tell({Path(path).name for _, path in changes})
            if self._identity() != began:
                return

    def _wait_for_the_folder(self) -> None:
        self._say(say("{folder} has gone. It is watched again as soon as it is back.", folder=self._folder))
        while self._identity() is None and not self._stop.wait(0.3):
            pass
        self._say("")

    def _identity(self) -> tuple[int, int] | None:
        """Which folder stands under the name now; None for none."""
        try:
            found = self._folder.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _say(self, problem: str) -> None:
        self.problem = problem
        self._tell(set())

    def _tell(self, names: set[str]) -> None:
        with self._lock:
            self._names |= names
        with suppress(OSError):
            os.write(self._write, b"!")
