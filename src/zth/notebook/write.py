"""A lecture's notebook as a file: .ipynb, or .py with cells that jupytext and VS Code read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zth.errors import ConfigError, MissingPartError
from zth.files import atomic_write, back_up
from zth.notebook.cells import Cell, cells
from zth.texts import say
from zth.workbook.lecture import Lecture

ENDINGS = (".ipynb", ".py")
_KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def write(lecture: Lecture, path: Path, *, force: bool = False) -> Path | None:
    """Write the notebook. An old file is kept as a backup under `force`; else this raises ConfigError.

    Returns the backup's path, or None where there was nothing to back up. The same lecture makes the same file.
    """
    text = as_text(cells(lecture), path)
    if path.is_dir():
        raise ConfigError(
            say("{path} is a folder.", path=path), say("Name a file with --out, as in: --out lecture.ipynb")
        )
    taken = path.exists() or path.is_symlink()
    if taken and not force:
        raise ConfigError(
            say("{path} is there already; nothing was changed.", path=path),
            say("Go on with it, name another file with --out, or begin again with --force (keeps a backup)."),
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        backup = back_up(path) if taken else None
        atomic_write(path, text)
    except OSError as error:
        told = say("Cannot write {path}: {why}.", path=path, why=error.strerror)
        raise ConfigError(told, say("Choose another place with --out.")) from error
    return backup


def as_text(of: list[Cell], path: Path) -> str:
    """The cells in the format that the path's ending names. Raises ConfigError for another ending."""
    if path.suffix not in ENDINGS:
        endings = say(" and ").join(ENDINGS)
        raise ConfigError(
            say("Cannot write a notebook to {name}; known endings are {endings}.", name=path.name, endings=endings),
            say("Try --out {name}", name=path.with_suffix(".ipynb").name),
        )
    try:
        import jupytext
        import nbformat
    except ImportError as error:
        raise MissingPartError(
            say("Writing a notebook needs jupytext ({why}).", why=error), "pip install 'zth[notebook]'"
        ) from error
    v4: Any = nbformat.v4
    make = {"markdown": v4.new_markdown_cell, "code": v4.new_code_cell}
    notebook = v4.new_notebook(
        cells=[make[cell.kind](cell.source, id=cell.id) for cell in of],
        metadata={"kernelspec": _KERNEL, "language_info": {"name": "python"}},
    )
    return str(jupytext.writes(notebook, fmt="py:percent" if path.suffix == ".py" else "ipynb"))
