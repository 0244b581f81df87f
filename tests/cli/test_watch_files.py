"""Which files of a folder have been saved, also where the folder goes and comes back."""

from __future__ import annotations

import select
import shutil
from pathlib import Path

from zth.cli.watch_files import Saves

PATIENCE = 60.0


def until(saves: Saves, name: str = "") -> None:
    """Wait until this file is told; without a name until a problem is."""
    while not saves.problem if not name else True:
        assert select.select([saves], [], [], PATIENCE)[0], f"{name or 'a problem'} was not told"
        if name in saves.names():
            return


def test_a_folder_that_goes_and_comes_back_is_watched_again(tmp_path: Path) -> None:
    folder = tmp_path / "my-zth"
    folder.mkdir()
    with Saves(folder) as saves:
        (folder / "a.py").write_text("1")
        until(saves, "a.py")
        shutil.rmtree(folder)
        until(saves)
        assert saves.problem == f"{folder} has gone. It is watched again as soon as it is back."
        folder.mkdir()
        (folder / "b.py").write_text("1")
        until(saves, "b.py")
        assert saves.problem == ""
        (folder / "c.py").write_text("1")
        until(saves, "c.py")


def test_a_folder_in_the_place_of_another_is_the_one_that_is_watched(tmp_path: Path) -> None:
    folder, other = tmp_path / "my-zth", tmp_path / "other"
    for each in (folder, other):
        each.mkdir()
    (other / "a.py").write_text("1")
    with Saves(folder) as saves:
        (folder / "b.py").write_text("1")
        until(saves, "b.py")
        folder.rename(tmp_path / "old")
        other.rename(folder)
        until(saves, "a.py")
        (folder / "c.py").write_text("1")
        until(saves, "c.py")
