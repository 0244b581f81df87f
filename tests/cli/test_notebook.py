"""`zth notebook`, as a newcomer calls it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from zth.cli import main


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_lecture_is_written_and_nothing_is_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notebook", "L1"]) == 0
    assert "lecture-1.ipynb: lecture 1, micrograd" in capsys.readouterr().out
    assert main(["notebook", "1"]) == 2
    assert "lecture-1.ipynb is there already; nothing was changed." in capsys.readouterr().err
    assert main(["notebook", "L1", "--force"]) == 0
    assert "Your old file is now lecture-1.backup-1.ipynb." in capsys.readouterr().out


def test_a_lecture_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notebook", "L8"]) == 2
    assert "There is no lecture 'L8'." in capsys.readouterr().err


def test_without_jupytext_it_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jupytext", None)
    assert main(["notebook", "L1"]) == 2
    assert "pip install 'zth[notebook]'" in capsys.readouterr().err
    assert not Path("lecture-1.ipynb").exists()
