"""Shared by all tests: one thread for torch, so that two test processes on two cores do not fight; one jail."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def jail() -> Iterator[object]:
    """A keeper process with torch imported once for all checks of this test process."""
    from zth.workbook.jail import Jail

    with Jail(preload=("torch",), open_book=True) as shared:
        yield shared
