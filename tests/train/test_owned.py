"""One process at a time writes to a run folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from zth.errors import RunError
from zth.train.owned import owned

OTHER = """
import sys
from pathlib import Path
from zth.train.owned import owned
with owned(Path(sys.argv[1]), ""):
    pass
"""


def test_another_process_is_told_and_comes_in_afterwards(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OTHER, str(tmp_path)]
    with owned(tmp_path, "Wait."):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "Another process is at work in" in done.stderr
    assert subprocess.run(command, check=False).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_its_owner_removed_is_taken_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between our opening and our locking the owner may leave, and take the file along."""
    real = Path.open
    opened: list[Path] = []

    def open_late(self: Path, mode: str) -> object:
        file = real(self, mode)
        opened.append(self)
        if len(opened) == 1:
            self.unlink()
        return file

    monkeypatch.setattr(Path, "open", open_late)
    with owned(tmp_path, ""):
        assert len(opened) == 2
        assert (tmp_path / ".lock").exists()


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be written"), owned(tmp_path / "none", ""):
        pass
