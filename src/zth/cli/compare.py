"""`zth compare`: trainings side by side, as a table and as loss curves."""

from __future__ import annotations

import glob
import sys
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from zth.cli.terminal import JsonOption, err, out, print_json
from zth.errors import RunError
from zth.report import build, number
from zth.report.compare import Comparison, collect, compare, said
from zth.runs import Record, Run, read

NOT_COMPARABLE = "These were trained on different texts or vocabularies: compare losses only within a table."
PAGE = "page"


def compare_(*trainings: str, runs: Path = Path("runs"), as_json: JsonOption = False) -> int:
    """Compare trainings: a table, and their loss curves against steps and seconds.

    Parameters
    ----------
    trainings
        Run folders of zth train, folders of them, or patterns as "runs/*mlp*". Default: all in runs.
    runs
        Where the comparison goes, a run folder with a page; and where trainings are, when none is named.
    as_json
        Print the table as JSON; no run folder is made.
    """
    records, unfinished = collect(_paths(trainings) if trainings else [runs])
    comparisons = compare(records)
    for record in unfinished:
        err().print(_left_out(record), soft_wrap=True)
    if as_json:
        print_json([_rows(comparison) for comparison in comparisons])
        return 0
    page = _write(comparisons, runs)
    for comparison in comparisons:
        _print(comparison)
    if len(comparisons) > 1:
        out().print(f"[bold]{NOT_COMPARABLE}[/]", soft_wrap=True)
        for comparison in comparisons:
            out().print(f"  {_which_text(comparison)}", soft_wrap=True, markup=False)
        out().print()
    out().print(f"Loss curves: {page.resolve().as_uri()}", soft_wrap=True, markup=False)
    return 0


def _paths(words: tuple[str, ...]) -> list[Path]:
    """What is named, patterns opened. Raises RunError for a pattern that nothing fits."""
    found: list[Path] = []
    for word in words:
        if Path(word).exists() or not glob.has_magic(word):
            found.append(Path(word))
            continue
        # a pattern means trainings: what else it happens to fit is passed over, as in a folder of runs
        paths = map(Path, sorted(glob.glob(word)))  # noqa: PTH207 (Path.glob refuses an absolute pattern)
        fitting = [path for path in paths if _is_training(path)]
        if not fitting:
            raise RunError(f"No training fits {word}.", "See what there is: ls runs")
        found += fitting
    return found


def _is_training(folder: Path) -> bool:
    try:
        record = read(folder)
    except RunError:
        return False
    return record.kind == "train" and record.status == "done"


def _left_out(record: Record) -> str:
    folder = escape(str(record.folder))
    why = escape(str(record.meta.get("error") or ""))
    next_move = why if record.status == "failed" else f"go on: zth train --resume {folder}"
    return f"[dim]Left out, {record.status}: {folder}[/]   {next_move}"


def _write(comparisons: list[Comparison], root: Path) -> Path:
    """A run folder of kind "compare" that holds its own page."""
    models = list(dict.fromkeys(training.model for each in comparisons for training in each.trainings))
    with Run.create(
        kind="compare",
        name="-".join(models)[:60],
        title=f"Compared: {', '.join(models)}",
        root=root,
        command=["zth", *sys.argv[1:]],
        config={"trainings": [str(training.folder) for each in comparisons for training in each.trainings]},
    ) as run:
        if len(comparisons) > 1:
            run.text(f"**{NOT_COMPARABLE}**")
        for comparison in comparisons:
            for training in comparison.trainings:
                run.data(training.text[0], training.text[1])
            run.table(f"On {comparison.edition}", *comparison.table())
            if any(training.steps is not None for training in comparison.trainings):
                caption = "Dev loss while they were trained; a click on a name hides its curve. Dotted: it counts."
                run.plot(f"Dev loss on {comparison.edition}", comparison.plot(), caption)
    return build([read(run.folder)], run.folder / PAGE, title="Trainings compared")


def _rows(comparison: Comparison) -> dict[str, Any]:
    rows = [
        {
            "run": str(training.folder),
            "model": training.model,
            "parameters": training.n_parameters,
            "steps": training.steps,
            "seconds": training.seconds,
            "train": training.train,
            "dev": training.dev,
            "dev_bits": training.bits,
            "test": training.test,
            "differs_in": own,
        }
        for training, own in zip(comparison.trainings, comparison.differing(), strict=True)
    ]
    return {"edition": comparison.edition, "sha256": comparison.trainings[0].text[1], "trainings": rows}


def _print(comparison: Comparison) -> None:
    """The table, best first; below it which folder is which, and in what they differ."""
    out().print(_table(comparison))
    for place, (each, own) in enumerate(zip(comparison.trainings, comparison.differing(), strict=True), 1):
        folder = escape(str(each.folder))
        out().print(f"{place}  [dim]{folder}[/]  {escape(said(own))}", soft_wrap=True)
    out().print()


def _which_text(comparison: Comparison) -> str:
    """The text of a table, told apart from another of the same name, and how many characters its models know."""
    edition, sha256, characters = comparison.trainings[0].text
    how = "one long text" if comparison.one_long_text else "line by line"
    return f"{edition}, sha256 {sha256[:8]}, {len(characters)} characters known, {how}"


def _table(comparison: Comparison) -> Table:
    """Where the terminal is narrow, only what matters most."""
    table = Table(title=f"On {escape(comparison.edition)}", title_justify="left", box=None, pad_edge=False)
    wide, long = out().width >= 80, comparison.one_long_text
    last = "dev bits" if long else "test"
    for heading in ("", "model", "parameters", "steps", "minutes", "train", "dev", last, "to first"):
        if wide or heading not in ("steps", "train", last):
            text = heading in ("", "model")
            table.add_column(heading, justify="left" if text else "right", overflow="fold", no_wrap=not text)
    best = comparison.trainings[0].dev
    for place, each in enumerate(comparison.trainings, 1):
        losses = (each.train, each.dev, each.bits if long else each.test)
        train, dev, last = ("" if loss is None else number(loss, 4) for loss in losses)
        steps = ["" if each.steps is None else f"{each.steps:,}"] if wide else []
        minutes = f"{each.seconds / 60:.2f}"
        shown = [train, f"[bold]{dev}[/]", last] if wide else [f"[bold]{dev}[/]"]
        first = "" if place == 1 else f"{each.dev - best:+.4f}"
        table.add_row(str(place), escape(each.model), f"{each.n_parameters:,}", *steps, minutes, *shown, first)
    return table
