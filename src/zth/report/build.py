"""Records -> index.html and figures.json."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from zth.errors import RunError
from zth.files import atomic_write, write_json
from zth.report.desk import Row
from zth.report.page import parts
from zth.report.summary import summary
from zth.runs import Record

TITLE = "Zero to Hero, measured again"


def build(records: Sequence[Record], out: Path, *, title: str = TITLE, desk: Sequence[Row] = ()) -> Path:
    """Write index.html and figures.json into the folder `out` and return the path of the first.

    `desk` has the progress of a learner (see desk.py), which is then written too, as desk.json. The page needs
    nothing beside itself: style, scripts, data and Plotly stand in it. The same records give the same bytes. Raises
    RunError where there are neither records nor a desk, or `out` cannot be written.
    """
    if not records and not desk:
        raise RunError("There are no runs to show.", "Make some first: make tour, or zth measure 2.2")
    total = summary(records)
    scripts = {"head_script": _own("head.js"), "page_script": _own("page.js"), "plotly": _plotly()}
    page = Template(_own("page.html")).substitute(
        parts(total, title, desk), style=_own("style.css"), policy=_policy(list(scripts.values())), **scripts
    )
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "figures.json", total.rows)
        if desk:
            write_json(out / "desk.json", desk)
        atomic_write(out / "index.html", page)
    except OSError as error:
        raise RunError(
            f"The page cannot be written to {out}: {error.strerror or error}.", "Choose another place with --out."
        ) from error
    return out / "index.html"


def _own(name: str) -> str:
    return (files("zth.report") / name).read_text(encoding="utf-8")


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def _policy(scripts: Sequence[str]) -> str:
    """A Content-Security-Policy: these scripts and no others, no network; so nothing that a run folder holds can act.

    Plotly writes style elements and attributes, hence 'unsafe-inline' for styles alone; its WebGL traces (scattergl,
    parcoords) compile their shaders' callers, hence 'unsafe-eval'.
    """
    allowed = " ".join(f"'sha256-{_hash(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed} 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
