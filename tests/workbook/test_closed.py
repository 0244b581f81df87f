"""What an answer may read: everything that it needs, and none of the closed packages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zth
from zth.workbook.closed import Closed, readable, without


def _may_read(path: str | Path, paths: list[Path]) -> bool:
    real = Path(path).resolve()
    return any(each in (real, *real.parents) for each in paths)


def test_python_its_packages_and_programs_are_open_and_zth_is_not() -> None:
    paths, folders = readable(["zth"])
    for needed in (json.__file__, np.__file__, sys.executable, "/usr/bin/env"):
        assert _may_read(needed, paths), needed
    assert not _may_read(zth.__file__, paths)
    for theirs in (Path.home(), Path.cwd(), Path(__file__), "/etc/shadow", "/tmp", "/"):
        assert not _may_read(theirs, paths), theirs
    assert all(folder.is_dir() for folder in folders)
    assert _may_read(zth.__file__, readable([])[0]), "an open book"


def test_of_a_folder_with_submissions_beside_a_package_only_the_package_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mine", "pack", "submissions"):
        (tmp_path / name).mkdir()
    for name in ("mine", "pack"):
        (tmp_path / name / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    paths, _ = readable(["zth", "pack"])
    assert [_may_read(tmp_path / name, paths) for name in ("mine", "pack", "submissions")] == [True, False, False]


def test_a_hole_deep_inside_is_left_out_and_links_into_it_too(tmp_path: Path) -> None:
    (tmp_path / "lib" / "site" / "zth").mkdir(parents=True)
    (tmp_path / "lib" / "site" / "numpy").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib" / "link").symlink_to(tmp_path / "lib" / "site" / "zth")
    found = set(without(tmp_path, {tmp_path / "lib" / "site" / "zth"}))
    assert found == {tmp_path / "bin", tmp_path / "lib" / "site" / "numpy"}


def test_a_closed_package_says_what_to_do_and_an_open_one_nothing() -> None:
    closed = Closed(["zth"])
    assert closed.find_spec("zthx.models") is None
    with pytest.raises(ImportError, match=r"`zth\.models` is closed .* write it yourself") as caught:
        closed.find_spec("zth.models")
    assert caught.value.name == "zth.models"


def test_what_was_imported_before_works_on_when_its_package_is_closed() -> None:
    code = (
        "from zth.workbook import closed, wire\n"
        "closed.close(['zth'])\n"
        "assert wire.unpack_bytes(wire.pack({'a': (1, 2)})) == {'a': (1, 2)}\n"
        "try:\n    import zth\nexcept ImportError as error:\n    print(error)\n"
    )
    path = str(Path(zth.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "`zth` is closed while an answer is judged: write it yourself\n"
