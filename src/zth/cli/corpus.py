"""The text that a command names, read with a bar where it takes long."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, cast, get_args

from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from zth.cli.options import first_argument, flag, value_of
from zth.cli.terminal import err
from zth.data import own, sources
from zth.data.sources import Corpus
from zth.data.tally import Kind
from zth.errors import DataError
from zth.models.protocol import config_class, trainable
from zth.train.config import TrainConfig

SECONDS = 2.0
"""What is over sooner needs no bar."""
LINE_EVERY = 10.0
"""Seconds between two lines, where standard error is no terminal."""


def corpus_of(tokens: Sequence[str], switches: Sequence[str]) -> Corpus | None:
    """The text that a command names: which flags there are depends on it. Raises DataError for none.

    `switches` are the command's own flags that take no value. With --help there need not be one.
    """
    name = text_name(tokens, switches) or "names"
    kind = value_of(tokens, "--kind")
    try:
        with reading("Reading") as told:
            return sources.load(name, kind=cast(Kind, kind) if kind in get_args(Kind) else None, progress=told)
    except DataError:
        if "--help" in tokens:
            return None
        raise


def text_name(tokens: Sequence[str], switches: Sequence[str]) -> str | None:
    """What the command calls the text; None where it names none."""
    kinds: list[type[Any]] = [TrainConfig, *(config_class(each) for each in trainable())]
    found = {flag(field.name) for kind in kinds for field in fields(kind) if field.type in ("bool", bool)}
    found |= {each.replace("--", "--no-", 1) for each in found} | {"--json", "--help", *switches}
    return first_argument(tokens, sorted(found))


@contextmanager
def reading(what: str) -> Iterator[own.Progress]:
    """A bar on standard error from the third second on; where that is no terminal, a line now and then."""
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), DownloadColumn(), TimeRemainingColumn())
    started = told = time.monotonic()
    with Bar(*columns, console=err(), transient=True, disable=not err().is_terminal) as bar:
        task = bar.add_task(what, total=None, visible=False)

        def show(done: int, total: int) -> None:
            nonlocal told
            now = time.monotonic()
            if now - started < SECONDS:
                return
            first = not bar.tasks[0].visible
            bar.update(task, completed=done, total=total or None, visible=True, refresh=first)
            if not err().is_terminal and now - told > LINE_EVERY:
                told = now
                share = f", {done / total:.0%}" if total else ""
                err().print(f"{what}: {done / 2**20:,.0f} MB{share}", soft_wrap=True)

        yield show
