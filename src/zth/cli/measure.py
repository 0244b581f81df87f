"""Commands that measure: an exercise's experiment, and the tour of all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from zth.cli.report import figures_table, show
from zth.cli.terminal import JsonOption, err, out, print_json
from zth.errors import ZthError
from zth.report import build, summary
from zth.runs import Record, figure_row, read
from zth.workbook.measure import Experiment, Show, experiments, find, measure


def measure_(
    exercise: str,
    /,
    *,
    preset: Literal["quick", "full"] = "quick",
    seed: int = 42,
    runs: Path = Path("runs"),
    as_json: JsonOption = False,
) -> int:
    """Run an exercise's experiment on real data, into a run folder.

    Parameters
    ----------
    exercise
        Which one, as in 2.3; a lecture's own figures, as in 3; or all.
    preset
        quick takes seconds; full takes what the question needs.
    seed
        Seeds the initial weights, the batches and the sampling.
    runs
        Where run folders go.
    as_json
        Print the figures as JSON.
    """
    chosen = experiments() if exercise == "all" else [find(exercise)]
    records = []
    for each in chosen:
        with shown() as show:
            records.append(read(measure(each, preset=preset, seed=seed, root=runs, show=show).folder))
        if not as_json:
            _print_record(records[-1])
    if as_json:
        rows = [{"exercise": record.name, **figure_row(figure)} for record in records for figure in record.figures]
        print_json(rows)
    return 0


def tour_(
    *, runs: Path = Path("runs"), report: Path = Path("report"), seed: int = 42, as_json: JsonOption = False
) -> int:
    """Measure every exercise quickly and write the report.

    Parameters
    ----------
    runs
        Where run folders go.
    report
        Where index.html and figures.json go.
    seed
        Seeds every experiment.
    as_json
        Print the figures as JSON.
    """
    started = time.perf_counter()
    chosen = experiments()
    known = set(runs.glob("*/run.json"))
    code = 0
    try:
        for number, each in enumerate(chosen, 1):
            if not _visit(each, f"{number}/{len(chosen)}  {each.id} {each.title}", runs, seed):
                code = 2
    except KeyboardInterrupt:
        err().print("\ninterrupted: the page shows what was measured so far")
        code = 130
    total = summary([read(path.parent) for path in sorted(set(runs.glob("*/run.json")) - known)])
    page = build([section.record for section in total.sections], report, title="The tour")
    if as_json:
        print_json(total.rows)
        return code
    show(total, page)
    out().print(f"[dim]{time.perf_counter() - started:.0f} s in all[/]")
    return code


def _visit(experiment: Experiment, title: str, runs: Path, seed: int) -> bool:
    """Measure one stop of the tour; False where it failed, whatever the reason: the others go on."""
    started = time.perf_counter()
    try:
        with shown(title) as show:
            measure(experiment, preset="quick", seed=seed, root=runs, show=show)
    except Exception as error:  # one broken experiment must not hide the others
        said = str(error) if isinstance(error, ZthError) else f"{type(error).__name__}: {error}"
        err().print(f"[red]✗[/] {escape(title)}: {escape(said)}")
        return False
    err().print(f"[green]✓[/] {escape(title)}  [dim]{time.perf_counter() - started:.1f} s[/]")
    return True


def _print_record(record: Record) -> None:
    for block in record.blocks:
        if block["kind"] == "table":
            table = Table(*map(escape, block["columns"]), title=escape(block["title"]), title_justify="left")
            for row in block["rows"]:
                table.add_row(*[escape(f"{value:.6g}" if isinstance(value, float) else str(value)) for value in row])
            out().print(table)
        elif block["kind"] == "text":
            out().print(escape(block["markdown"]))
    out().print(figures_table(summary([record])))
    out().print(f"[dim]{escape(str(record.folder))}, {record.meta['seconds']} s[/]   as a page: zth report")


@contextmanager
def shown(title: str = "") -> Iterator[Show]:
    """A progress bar on standard error that an experiment reports to; it is gone when the experiment is over."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err(), transient=True) as progress:
        task = progress.add_task(escape(title), total=None)

        def show(what: str, done: int, total: int) -> None:
            described = f"{title}: {what}" if title else what
            progress.update(task, description=escape(described), completed=done, total=total)

        yield show
