"""The file of a study: Optuna's journal, a line for every change, appended under a lock.

Nothing is ever written to a file that is not such a journal.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zth.errors import RunError

if TYPE_CHECKING:
    import optuna

NAME = "zth"
"""The study's name in its file; what it is about stands in its attributes."""

_LOCK_SECONDS = 10
"""After which the lock of a process that was killed while it wrote is broken."""


def create(path: Path, about: Mapping[str, Any], first: Mapping[str, Any]) -> None:
    """A new study, made beside its place and linked into it whole: of two that do so at once, one is kept."""
    import optuna

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".study-") as folder, quiet():
            draft = Path(folder) / path.name
            study = optuna.create_study(study_name=NAME, storage=_storage(draft))
            study.set_user_attr("about", dict(about))
            if first:
                study.enqueue_trial(dict(first))
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(draft)
    except OSError as error:
        raise RunError(f"The study {path} cannot be written: {error.strerror}.", "Name another file.") from error


def load(path: Path) -> optuna.Study:
    """The study in a file. Raises RunError for a file that holds none of `create`'s."""
    import optuna

    if not path.exists():
        raise RunError(f"There is no study {path}.", "Begin one: zth tune names --model mlp --minutes 5")
    try:
        _check_is_journal(path)
        with quiet():
            study = optuna.load_study(study_name=NAME, storage=_storage(path))
        if "about" not in study.user_attrs:
            raise ValueError("it is not one of zth's")
    except OSError as error:
        raise RunError(f"The study {path} cannot be read: {error.strerror}.", "Name another file.") from error
    except (ValueError, KeyError, TypeError, AssertionError, AttributeError) as error:
        raise RunError(f"{path} is not the journal of a study of zth's.", "Name another file.") from error
    return study


def mend(path: Path) -> None:
    """Cut off half a line at the end, which a process that died while it wrote has left, so that others can write on.

    Only for a file that `load` has opened.
    """
    from optuna.storages.journal import JournalFileOpenLock

    if path.read_bytes().endswith(b"\n"):
        return
    lock = JournalFileOpenLock(str(path), _LOCK_SECONDS)
    lock.acquire()  # whoever is writing right now is let finish
    try:
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
    finally:
        lock.release()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Optuna says what it does on a logger of its own; here it is the command line that speaks."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _storage(path: Path) -> optuna.storages.JournalStorage:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    # the lock's default, a symbolic link, needs rights on Windows and file systems that know them
    return JournalStorage(JournalFileBackend(str(path), lock_obj=JournalFileOpenLock(str(path), _LOCK_SECONDS)))


def _check_is_journal(path: Path) -> None:
    """Raises ValueError unless the first line is one that Optuna writes: before Optuna itself sees the file."""
    with path.open("rb") as file:
        line = json.loads(file.readline())
    if not isinstance(line, dict) or not {"op_code", "worker_id"} <= line.keys():
        raise ValueError("no journal")
