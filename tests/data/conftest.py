"""No test here may reach a network, or find what lies on this machine by chance."""

from __future__ import annotations

from pathlib import Path

import pytest

from zth.data import fetch


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No ZTH_DATA, an empty cache of the test's own (returned), and a download that is refused at once."""
    cache = tmp_path / "cache"
    monkeypatch.delenv("ZTH_DATA", raising=False)
    monkeypatch.setenv("ZTH_CACHE", str(cache))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(fetch, "URL", "http://127.0.0.1:9/input.txt")  # the discard port: nobody listens
    return cache
