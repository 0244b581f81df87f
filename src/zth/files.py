"""Files that are written whole or not at all, backups, and strict JSON."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

INFINITE = ("inf", "-inf", "nan")
"""How `dumps` writes the numbers that JSON has not."""


def atomic_write(path: Path, content: str | bytes) -> None:
    """Write beside `path`, flush to disk, rename into place: a reader sees the old file or the new, never half."""
    atomic_write_all({path: content})


def atomic_write_all(contents: Mapping[Path, str | bytes]) -> None:
    """The same for files that belong together: none is renamed before all are written, so a full disk spares all."""
    written: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            written[path] = Path(name)
            with os.fdopen(handle, "wb") as file:
                # a lone surrogate (half of a character, as broken input may hold) becomes its escape, as in JSON
                file.write(content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
        for path, draft in written.items():
            draft.chmod(0o666 & ~_umask())
            draft.replace(path)
    except BaseException:
        for draft in written.values():
            draft.unlink(missing_ok=True)
        raise


def back_up(path: Path) -> Path:
    """Rename a file out of the way -> its new path, see `backup_name`."""
    return path.rename(backup_name(path))


def backup_name(path: Path) -> Path:
    """Where the file may go: `name.backup-1.py`, or the next that is free."""
    number = 1
    while (backup := path.with_name(f"{path.stem}.backup-{number}{path.suffix}")).exists():
        number += 1
    return backup


def write_json(path: Path, value: Any) -> None:
    """`atomic_write` of JSON; infinities and nan become the strings "inf", "-inf" and "nan"."""
    atomic_write(path, dumps(value) + "\n")


def dumps(value: Any, indent: int | None = 1) -> str:
    """Strict JSON of plain values.

    >>> dumps({"loss": float("inf")}, indent=None)
    '{"loss": "inf"}'
    """
    return json.dumps(_plain(value), indent=indent, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # NumPy and torch: scalars become numbers, arrays lists
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
