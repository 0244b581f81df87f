"""The run folder: everything that one measurement or training leaves behind, and the only bridge to the page.

::

    runs/2026-11-23_181502_measure-2.3/
      run.json        what was run: name, command, seed, config, data editions, versions, machine, status, seconds
      metrics.jsonl   one JSON object a line, in the order of the steps
      figures.json    the numbers that answer the question, each beside its reference
      page.json       text, tables, plots and figures in the order of telling
      plots/*.json    Plotly figures

Each file is written beside its place and renamed into it, so a reader never sees half a file (metrics.jsonl grows by
whole lines); `status` says whether the run is "running", "done", "failed" or "interrupted".
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, get_args

from zth.errors import RunError
from zth.files import INFINITE, atomic_write, dumps, write_json
from zth.machine import machine, versions

Better = Literal["equal", "lower", "higher"]
Status = Literal["running", "done", "failed", "interrupted"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured number beside the number that it should meet.

    `better` says which side of `reference` is an improvement ("equal": neither is), `tolerance` how far from it still
    counts as met.

    >>> Figure(name="dev loss", value=2.45, unit="nats", reference=2.4533, source="lecture 2", better="lower").verdict
    'better'
    >>> Figure(name="loss", value=2.4541, unit="nats", reference=2.4540, source="lecture 2", tolerance=1e-3).verdict
    'as the course'
    >>> Figure(name="loss", value=2.46, unit="nats", reference=2.454, source="lecture 2", tolerance=1e-3).ok
    False
    """

    name: str
    value: float
    unit: str = ""
    reference: float | None = None
    source: str = ""
    better: Better = "equal"
    tolerance: float = 0.0

    @property
    def verdict(self) -> str:
        """ "as the course", "better", "worse", or "measured" where there is nothing to meet."""
        if self.reference is None:
            return "measured"
        if self.value == self.reference or abs(self.value - self.reference) <= self.tolerance:
            return "as the course"
        improved = {"equal": False, "lower": self.value < self.reference, "higher": self.value > self.reference}
        return "better" if improved[self.better] else "worse"

    @property
    def ok(self) -> bool | None:
        """None where there is no reference."""
        return None if self.reference is None else self.verdict != "worse"


@dataclass(frozen=True, kw_only=True)
class Record:
    """A run folder, read."""

    folder: Path
    meta: dict[str, Any]
    figures: list[Figure]
    blocks: list[dict[str, Any]]
    """The story for the page: {"kind": "text" | "table" | "plot" | "figure", ...} in order."""

    @property
    def name(self) -> str:
        return str(self.meta["name"])

    @property
    def kind(self) -> str:
        return str(self.meta["kind"])

    @property
    def status(self) -> str:
        return str(self.meta["status"])


@dataclass(kw_only=True)
class Run:
    """A run folder that is being written. Use it as a context manager: leaving it settles the status.

    >>> import tempfile
    >>> with Run.create(kind="measure", name="2.2", root=Path(tempfile.mkdtemp()), seed=42) as run:
    ...     run.log(step=0, loss=3.3)
    ...     _ = run.figure("dev loss", 2.4533, unit="nats", reference=2.4533, source="lecture 2")
    >>> read(run.folder).status
    'done'
    """

    folder: Path
    meta: dict[str, Any]
    figures: list[Figure] = field(default_factory=list)
    blocks: list[dict[str, Any]] = field(default_factory=list)
    _started: float = field(default_factory=time.perf_counter)

    @classmethod
    def create(
        cls,
        *,
        kind: str,
        name: str,
        root: Path = Path("runs"),
        title: str = "",
        seed: int | None = None,
        config: Mapping[str, Any] | None = None,
        command: Sequence[str] | None = None,
    ) -> Self:
        """Make a fresh folder under `root`; raises RunError where that cannot be written."""
        now = datetime.now(UTC)
        meta = {
            "kind": kind,
            "name": name,
            "title": title,
            "command": list(command if command is not None else [Path(sys.argv[0]).name, *sys.argv[1:]]),
            "seed": seed,
            "config": dict(config or {}),
            "data": [],
            "versions": versions(),
            "machine": machine(),
            "started": now.isoformat(timespec="milliseconds"),
            "status": "running",
            "seconds": None,
        }
        run = cls(folder=_fresh_folder(root, f"{now:%Y-%m-%d_%H%M%S}_{kind}-{_file_name(name)}"), meta=meta)
        run._save()
        return run

    @classmethod
    def reopen(cls, folder: Path) -> Self:
        """Go on writing in a folder that was left; its seconds go on, too. Raises RunError as `read`."""
        record = read(folder)
        before = record.meta.get("seconds") or 0.0
        meta = {**record.meta, "status": "running", "seconds": None}
        meta.pop("error", None)
        run = cls(folder=folder, meta=meta, figures=record.figures, blocks=record.blocks)
        run._started -= float(before)
        for left in folder.glob(".*.????????"):  # half a file of atomic_write's, where the power failed
            left.unlink(missing_ok=True)
        run._save()
        return run

    def data(self, edition: str, sha256: str) -> None:
        """Note which edition of which text was used; a reported figure is worth nothing without it."""
        entry = {"edition": edition, "sha256": sha256}
        if entry not in self.meta["data"]:
            self.meta["data"].append(entry)
            self._save()

    def log(self, **values: float | int | str) -> None:
        """Append one line to metrics.jsonl, as in `run.log(step=100, train=2.31)`."""
        path = self.folder / "metrics.jsonl"
        with self._writing(), path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(dumps(values, indent=None) + "\n")

    def rewind(self, step: int) -> None:
        """Drop the lines of metrics.jsonl behind `step`, and a last one that was cut short."""
        kept = [dumps(row, indent=None) + "\n" for row in metrics(self.folder) if row.get("step", 0) <= step]
        with self._writing():
            atomic_write(self.folder / "metrics.jsonl", "".join(kept))

    def figure(
        self,
        name: str,
        value: float,
        *,
        unit: str = "",
        reference: float | None = None,
        source: str = "",
        better: Better = "equal",
        tolerance: float = 0.0,
    ) -> Figure:
        """Record one number that answers the question; see `Figure`."""
        figure = Figure(
            name=name,
            value=float(value),
            unit=unit,
            reference=reference,
            source=source,
            better=better,
            tolerance=tolerance,
        )
        self.figures.append(figure)
        self._tell(kind="figure", name=name)
        return figure

    def text(self, markdown: str) -> None:
        """A paragraph for the page: plain text, `code`, **bold**."""
        self._tell(kind="text", markdown=markdown)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A table for the page; each row has as many cells as there are columns."""
        for row in rows:
            assert len(row) == len(columns), (columns, row)
        self._tell(kind="table", title=title, columns=list(columns), rows=[list(row) for row in rows])

    def plot(self, title: str, figure: Any, caption: str = "") -> None:
        """A Plotly figure for the page; `caption` says what to look at."""
        name = f"{len(self.blocks):02d}-{_file_name(title)}.json"
        with self._writing():
            (self.folder / "plots").mkdir(exist_ok=True)
            atomic_write(self.folder / "plots" / name, figure.to_json())
        self._tell(kind="plot", title=title, caption=caption, file=f"plots/{name}")

    def svg(self, title: str, markup: str, caption: str = "") -> None:
        """An SVG picture for the page, made by zth itself (never somebody else's markup)."""
        self._tell(kind="svg", title=title, caption=caption, markup=markup)

    def write(self, name: str, content: str) -> None:
        """A file of the run's own beside those that every run has, in one piece."""
        with self._writing():
            atomic_write(self.folder / name, content)

    def finish(self, status: Status) -> None:
        self.meta["status"] = status
        self.meta["seconds"] = round(time.perf_counter() - self._started, 3)
        self._save()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.meta["error"] = f"{type(error).__name__}: {error}".removesuffix(": ")
            # on a full disk this fails as well; the first error is the one to tell
            with suppress(RunError):
                self.finish("interrupted" if isinstance(error, KeyboardInterrupt) else "failed")
        else:
            self.finish("done")

    def _tell(self, **block: Any) -> None:
        self.blocks.append(block)
        self._save()

    def _save(self) -> None:
        with self._writing():
            write_json(self.folder / "run.json", self.meta)
            write_json(self.folder / "figures.json", [figure_row(figure) for figure in self.figures])
            write_json(self.folder / "page.json", self.blocks)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RunError(
                f"Cannot write to the run folder {self.folder}: {error.strerror}.", "Free some space, or use --runs."
            ) from error


def read(folder: Path) -> Record:
    """Open a run folder; raises RunError where it is none, or damaged."""
    try:
        meta = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        rows = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
        blocks = json.loads((folder / "page.json").read_text(encoding="utf-8"))
        missing = {"kind", "name", "status"} - set(dict(meta))
        if missing:
            raise ValueError(f"run.json lacks {', '.join(sorted(missing))}")
        return Record(folder=folder, meta=dict(meta), figures=[_figure(row) for row in rows], blocks=list(blocks))
    except FileNotFoundError as error:
        raise RunError(
            f"{folder} is not a run folder: it has no {Path(error.filename).name}.", "Name one under runs/."
        ) from error
    except (ValueError, KeyError, TypeError, OSError, OverflowError, RecursionError) as error:
        raise RunError(f"The run folder {folder} cannot be read: {error}.", "Delete it, or run it again.") from error


def metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's metrics.jsonl, in order; none where it has no such file.

    A last line without its end is left out: it is being written, or the power failed. Raises RunError for a damaged
    one. "inf", "-inf" and "nan" become numbers again.
    """
    path = folder / "metrics.jsonl"
    try:
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        rows = [json.loads(line) for line in lines]
        if not all(isinstance(row, dict) for row in rows):
            raise ValueError("a line is no object")
    except (ValueError, OSError) as error:
        raise RunError(f"{path} cannot be read: {error}.", "Run it again.") from error
    return [{key: float(value) if value in INFINITE else value for key, value in row.items()} for row in rows]


def find(root: Path) -> list[Record]:
    """Every run folder under `root` (or `root` itself), oldest first.

    A damaged one does not hide the others: it comes as a Record of status "damaged" that holds the error alone.
    """
    if (root / "run.json").is_file():
        return [read(root)]
    if not root.is_dir():
        raise RunError(f"There is no folder {root}.", "Make some runs first: make tour, or zth measure 2.2")
    records = [_read_or_damaged(path.parent) for path in root.glob("*/run.json")]
    return sorted(records, key=lambda record: (str(record.meta.get("started", "")), record.folder.name))


def figure_row(figure: Figure) -> dict[str, Any]:
    """A figure as the row that figures.json holds."""
    return {**asdict(figure), "verdict": figure.verdict, "ok": figure.ok}


def _figure(row: Mapping[str, Any]) -> Figure:
    """The inverse of `figure_row`; float() also reads "inf", "-inf" and "nan"."""
    return Figure(
        name=str(row["name"]),
        value=float(row["value"]),
        unit=str(row["unit"]),
        reference=None if row["reference"] is None else float(row["reference"]),
        source=str(row["source"]),
        better=row["better"] if row["better"] in get_args(Better) else "equal",
        tolerance=float(row["tolerance"]),
    )


def _read_or_damaged(folder: Path) -> Record:
    try:
        return read(folder)
    except RunError as error:
        meta = {"kind": "unknown", "name": folder.name, "status": "damaged", "error": str(error)}
        return Record(folder=folder, meta=meta, figures=[], blocks=[])


def _fresh_folder(root: Path, name: str) -> Path:
    try:
        root.mkdir(parents=True, exist_ok=True)
        for n in range(1, 1000):
            folder = root / (name if n == 1 else f"{name}-{n}")
            try:
                folder.mkdir()
                return folder
            except FileExistsError:
                continue
    except OSError as error:
        raise RunError(
            f"Cannot write a run folder under {root}: {error.strerror}.", "Choose another place."
        ) from error
    raise RunError(f"{root} already holds 999 folders named {name}.", "Wait a second, or clear it out.")


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.").lower()[:80] or "untitled"
