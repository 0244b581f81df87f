"""`zth mix`: several trained models as one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from zth.cli.report import figures_table
from zth.cli.terminal import JsonOption, err, out, print_json
from zth.report import number, summary
from zth.runs import Run, figure_row, read
from zth.train.mix import TABLE, mix


def mix_(
    *trainings: Path,
    equal: Annotated[bool, Parameter(negative="")] = False,
    seed: int = 42,
    runs: Path = Path("runs"),
    as_json: JsonOption = False,
) -> int:
    """Average what several trained models say: often the best model of all.

    The probabilities are averaged, and how much each model counts is fitted on the dev part of their text. It makes
    a run folder as zth train does, for zth sample, zth compare and zth report. The models are copied into it.

    Parameters
    ----------
    trainings
        Run folders of zth train, two or more, of one text. Models that differ gain the most.
    equal
        Let all count the same.
    seed
        Seeds the samples.
    runs
        Where the run folder goes.
    as_json
        Print the figures as JSON.
    """
    with err().status("Asking each of them ..."):
        run = mix(trainings, runs, equal=equal, seed=seed, command=["zth", *sys.argv[1:]])
    if as_json:
        print_json({"run": str(run.folder), "figures": [figure_row(figure) for figure in run.figures]})
        return 0
    _print(run)
    return 0


def _print(run: Run) -> None:
    (block,) = [block for block in run.blocks if block.get("title") == TABLE]
    table = Table(box=None, pad_edge=False)
    for place, heading in enumerate(block["columns"]):
        table.add_column(heading, justify="left" if place < 2 else "right", overflow="fold")
    for row in block["rows"]:
        name, family, *numbers = row
        table.add_row(escape(name), escape(family), *(number(each, 4) for each in numbers))
    out().print(table)
    out().print()
    out().print(figures_table(summary([read(run.folder)])))
    folder = escape(str(run.folder))
    out().print(f"\n[bold]zth sample {folder}[/]   draw from it", soft_wrap=True)
    out().print(f"[bold]zth compare {folder} ...[/]   beside other trainings", soft_wrap=True)
