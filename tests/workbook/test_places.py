"""Marks are written all or nothing, beside what was there."""

from __future__ import annotations

from pathlib import Path

import pytest

from zth.errors import RunError
from zth.workbook import places
from zth.workbook.places import write_all


def test_what_was_there_stays_under_another_name(tmp_path: Path) -> None:
    old = tmp_path / "marks.csv"
    old.write_text("old")
    backup = tmp_path / "marks.backup-1.csv"
    assert write_all({old: "new", tmp_path / "marks.json": "{}"}) == {old: backup, tmp_path / "marks.json": None}
    assert (old.read_text(), backup.read_text()) == ("new", "old")
    assert write_all({old: "new"}) == {old: None}, "the same text again needs no backup"


def test_one_file_that_cannot_be_written_leaves_all_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "marks.csv"
    old.write_text("old")

    def full(_contents: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(places, "atomic_write_all", full)
    with pytest.raises(RunError, match="No space left"):
        write_all({old: "new", tmp_path / "marks.json": "{}"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"marks.csv": "old"}
