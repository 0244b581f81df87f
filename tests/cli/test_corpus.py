"""The text that a command names, and the bar while it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from zth.cli import corpus as file
from zth.cli.corpus import corpus_of, reading
from zth.errors import DataError


@pytest.fixture(autouse=True)
def _a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my.txt").write_text("emma\nava\n" * 20)


def test_the_text_is_found_among_the_flags() -> None:
    tokens = ["--lr", "0.1", "--no-direct", "--quick", "my.txt", "--kind", "text"]
    found = corpus_of(tokens, ("--quick",))
    assert found is not None
    assert (found.name, found.kind) == ("my.txt", "text")
    named = corpus_of(["--lr=0.1"], ())
    assert named is not None
    assert named.name == "names"


def test_help_needs_no_text() -> None:
    assert corpus_of(["nowhere.txt", "--help"], ()) is None
    with pytest.raises(DataError, match=r"nowhere\.txt"):
        corpus_of(["nowhere.txt"], ())


def test_what_takes_long_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with reading("Reading") as told:
        told(2**20, 2**21)
    assert capsys.readouterr().err == "", "what is over soon needs no word"
    monkeypatch.setattr(file, "SECONDS", 0.0)
    monkeypatch.setattr(file, "LINE_EVERY", 0.0)
    with reading("Reading") as told:
        told(2**20, 2**21)
        told(3 * 2**20, 0)
    assert capsys.readouterr().err == "Reading: 1 MB, 50%\nReading: 3 MB\n"
