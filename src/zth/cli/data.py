"""`zth data`: which texts there are, what they look like, and where they lie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cyclopts import App
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from zth.cli.terminal import JsonOption, err, out, print_json
from zth.data import own, sources
from zth.data.tally import Kind
from zth.errors import DataError, did_you_mean
from zth.texts import printable

app = App(
    name="data",
    help="List, show, get and find the texts to learn from.",
    version_flags=[],
    help_epilogue="",  # the examples of zth --help are not repeated here
)

_TOP = 16


@app.command(name="list")
def list_(*, as_json: JsonOption = False) -> int:
    """Show the texts that have a name, without downloading any.

    Parameters
    ----------
    as_json
        Print JSON instead of a table.
    """
    rows = [
        {
            "name": name,
            "kind": named.kind,
            "bytes": named.n_bytes,
            "about": named.about,
            "where": sources.whereabouts(name),
        }
        for name, named in sorted(sources.NAMED.items())
    ]
    if as_json:
        print_json(rows)
        return 0
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "kind", "size", "what it is", "where it is"):
        table.add_column(heading, justify="right" if heading == "size" else "left", overflow="fold")
    for row in rows:
        size = f"{row['bytes']:,} bytes"
        table.add_row(f"[bold]{row['name']}[/]", str(row["kind"]), size, str(row["about"]), Text(str(row["where"])))
    out().print(table)
    out().print("\nA text of yours: [bold]zth data show FILE[/] (or a folder; UTF-8)")
    return 0


@app.command
def show(text: str, /, *, kind: Kind | None = None, as_json: JsonOption = False) -> int:
    """Look at a text: edition, checksum, lines, characters, a sample.

    Parameters
    ----------
    text
        A name from `zth data list`, or the path of a UTF-8 file or a folder of them.
    kind
        Read it as lines or as one text, instead of what it seems to be.
    as_json
        Print JSON instead of a table.
    """
    with _progress(text) as progress:
        facts = _facts(sources.load(text, kind=kind, progress=progress))
    if as_json:
        print_json(facts)
    else:
        _print_facts(facts)
    return 0


@app.command
def get(name: str, /, *, as_json: JsonOption = False) -> int:
    """Make sure that a text is on this machine: download it, or rebuild it, into the cache.

    Parameters
    ----------
    name
        One from `zth data list`.
    as_json
        Print JSON instead of a sentence.
    """
    if name not in sources.NAMED:
        raise DataError(f"There is no text named {name} to get.", did_you_mean(name, sources.known()))
    with _progress(name) as progress:
        corpus = sources.load(name, progress=progress)
    path = sources.keep(corpus)
    if as_json:
        print_json({"name": name, "edition": corpus.edition, "sha256": corpus.sha256, "path": str(path)})
        return 0
    out().print(Text(f"{corpus.edition}: {corpus.origin}"))
    out().print(Text(str(path)), soft_wrap=True)
    return 0


@app.command
def path(text: str, /, *, as_json: JsonOption = False) -> int:
    """Print the path of a text's file alone, for use in a script; fetches it first where it must.

    Parameters
    ----------
    text
        A name from `zth data list`, or a path of yours.
    as_json
        Print JSON.
    """
    with _progress(text) as progress:
        found = str(sources.keep(sources.load(text, progress=progress)))
    if as_json:
        print_json({"name": text, "path": found})
    else:
        out().print(Text(found), soft_wrap=True)
    return 0


def _facts(corpus: sources.Corpus) -> dict[str, Any]:
    tally = corpus.tally()
    return {
        "name": corpus.name,
        "kind": corpus.kind,
        "edition": corpus.edition,
        "sha256": corpus.sha256,
        "origin": corpus.origin,
        "path": str(corpus.path) if corpus.path else None,
        "skipped": [str(file) for file in corpus.skipped],
        "lines": tally.n_lines,
        "characters": tally.n_characters,
        "distinct": len(tally.characters),
        "line_length": {"median": tally.median_line, "longest": tally.longest_line},
        "frequencies": {char: n / tally.n_characters for char, n in tally.characters.most_common()},
        "sample": tally.sample,
    }


def _print_facts(facts: dict[str, Any]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    length = facts["line_length"]
    rows = {
        "edition": facts["edition"],
        "kind": "one item a line" if facts["kind"] == "lines" else "one long text",
        "from": facts["origin"],
        "file": facts["path"] or "none: it is rebuilt when it is asked for",
        "sha256": facts["sha256"],
        "lines": f"{facts['lines']:,}; median length {length['median']:,}, longest {length['longest']:,}",
        "characters": f"{facts['characters']:,}; {facts['distinct']:,} distinct",
        "most frequent": _most_frequent(facts["frequencies"]),
    }
    if facts["skipped"]:
        rows["skipped"] = f"{len(facts['skipped'])} files that are no UTF-8 text, as {facts['skipped'][0]}"
    for name, value in rows.items():
        table.add_row(name, Text(value))
    out().print(table)
    out().print("\n[bold]It begins[/]")
    for line in facts["sample"].splitlines()[:8]:
        out().print(Text("  " + printable(line.expandtabs(4))), overflow="ellipsis", no_wrap=True)


def _most_frequent(frequencies: dict[str, float]) -> str:
    shown = [f"{_visible(char)} {share:.1%}" for char, share in list(frequencies.items())[:_TOP]]
    return "  ".join(shown) + (" ..." if len(frequencies) > _TOP else "")


def _visible(character: str) -> str:
    return character if character.isprintable() and character != " " else repr(character)


@contextmanager
def _progress(text: str) -> Iterator[own.Progress]:
    """A bar on standard error while something is downloaded or read."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    with Progress(*columns, console=err(), transient=True, disable=not err().is_terminal) as progress:
        task = progress.add_task(text, visible=False)
        yield lambda done, total: progress.update(task, completed=done, total=total, visible=True)
