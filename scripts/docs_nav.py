"""A hook of mkdocs: the pages of the exercises get their places in the navigation, by lecture."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Put every page of docs/exercises under "Exercises"."""
    config.nav = [_with_pages(entry, Path(config.docs_dir)) for entry in config.nav]
    return config


def _with_pages(entry: dict[str, Any], docs: Path) -> dict[str, Any]:
    if list(entry.values()) != ["exercises/index.md"]:
        return entry
    pages = sorted((path for path in (docs / "exercises").glob("*.*.md")), key=_number)
    lectures = groupby(pages, key=lambda path: _number(path)[0])
    found = [{f"Lecture {number}": [f"exercises/{page.name}" for page in each]} for number, each in lectures]
    return {name: ["exercises/index.md", *found] for name in entry}


def _number(path: Path) -> list[int]:
    """
    >>> _number(Path("exercises/2.10.md"))
    [2, 10]
    """
    return [int(part) for part in path.stem.split(".")]
