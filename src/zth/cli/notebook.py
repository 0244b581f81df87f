"""`zth notebook`: a lecture as a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape

from zth.cli.terminal import out
from zth.notebook.write import write
from zth.texts import say
from zth.workbook.lecture import find


def notebook_(
    lecture: str,
    /,
    *,
    to: Annotated[Path | None, Parameter(name="--out")] = None,
    force: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Write a lecture as a notebook: what its exercises ask, the stubs, the checks.

    Parameters
    ----------
    lecture
        Which one, as in L5.
    to
        The file, which ends in .ipynb or in .py (cells that jupytext and VS Code read). Default: lecture-5.ipynb.
    force
        Begin again although the file is there; the old one is kept as a backup.
    """
    chosen = find(lecture)
    path = to or Path(f"lecture-{chosen.id}.ipynb")
    backup = write(chosen, path, force=force)
    if backup is not None:
        out().print(say("Your old file is now {path}.", path=escape(str(backup))))
    title = escape(chosen.title)
    out().print(say("[bold]{path}[/]: lecture {id}, {title}", path=escape(str(path)), id=chosen.id, title=title))
    out().print(say("Open it in Jupyter, VS Code or Colab, and run it from top to bottom."))
    return 0
