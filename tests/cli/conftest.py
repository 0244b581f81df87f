"""Each test of a command begins with fresh consoles: they read the terminal's width when they are made."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from zth.cli import terminal


@pytest.fixture(autouse=True)
def _fresh_consoles() -> Iterator[None]:
    for console in (terminal.out, terminal.err):
        console.cache_clear()
    yield
    for console in (terminal.out, terminal.err):
        console.cache_clear()
