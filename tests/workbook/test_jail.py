"""The jail: right answers are not hurt by its walls, and what stands is told as it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from zth.workbook import defences, jail
from zth.workbook.check import Limits
from zth.workbook.exercise import get
from zth.workbook.jail import Jail
from zth.workbook.judge import judge
from zth.workbook.pack import COURSE, Pack

EXERCISE = get("1.1")
RIGHT = (EXERCISE.folder / "right" / "loops.py").read_text()
ORDINARY = """
import concurrent.futures, dataclasses, os, statistics, subprocess, sys, tempfile, threading
import numpy as np

assert [x for x in concurrent.futures.ThreadPoolExecutor(8).map(abs, range(-8, 0))] == list(range(8, 0, -1))
assert np.allclose(np.linalg.inv(np.eye(300) * 2), np.eye(300) / 2)
with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, "notes.txt"), "w") as file:
    file.write("what an answer writes in its own folder")
os.mkdir("mine"), os.rename("mine", "ours"), os.rmdir("ours")
assert subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True).stdout == "42\\n"
assert open(dataclasses.__file__).read() and open(np.__file__).read() and os.listdir(os.path.dirname(np.__file__))
"""
TORCH = """
import torch
torch.set_num_threads(2)
x = torch.randn(500, 500, requires_grad=True)
(x @ x).tanh().sum().backward()
assert x.grad.isfinite().all()
torch.save(x, "x.pt"), torch.load("x.pt")
"""


def _judge(text: str, folder: Path, closed: Jail) -> str:
    """ "" where the file passes, else what went wrong."""
    path = folder / EXERCISE.file_name
    path.write_text(text)
    verdict = judge(EXERCISE, path, closed)
    return "" if verdict.ok else f"{verdict.trouble} {verdict.first_failure}"


def test_what_right_answers_do_goes_on(tmp_path: Path) -> None:
    with Jail(preload=("torch",)) as closed:
        assert _judge(ORDINARY + TORCH + RIGHT, tmp_path, closed) == ""


def test_every_wall_that_this_machine_can_build_stands() -> None:
    with Jail() as closed:
        kept = {promise.name: promise.kept for promise in closed.promises()}
    assert kept["marks"]
    if sys.platform == "linux":
        from landlockpy import abi_version

        assert kept["solutions"] == (abi_version() >= 1)
        assert kept["files"] == (abi_version() >= 3)
        if defences.namespaces():
            assert kept["network"]
            assert kept["time"]
        assert kept["disk"] == bool(defences.namespaces())
        assert kept["memory"] == kept["modes"] or os.getuid() == 0  # one filter holds both


def test_without_namespaces_the_other_walls_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(defences, "namespaces", lambda: ())
    with Jail() as closed:
        promises = {promise.name: promise for promise in closed.promises()}
        assert not promises["disk"].kept
        assert str(promises["disk"]) == "NOT promised: at most 64 MB of files in all (needs namespaces)"
        assert "an empty network" not in promises["network"].by
        assert _judge(ORDINARY + RIGHT, tmp_path, closed) == ""


def test_an_open_book_can_be_read_and_a_closed_one_not(tmp_path: Path) -> None:
    text = "from zth.workbook.l01_micrograd.e01_derivatives.solution import *\n"
    with Jail(open_book=True) as opened:
        assert _judge(text, tmp_path, opened) == ""
    with Jail() as closed:
        assert "write it yourself" in _judge(text, tmp_path, closed)


def test_the_package_of_every_exercise_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jail, "packs", lambda: [COURSE, Pack("more", "zth_pack.exercises", tmp_path)])
    assert jail.closed_packages() == ["zth", "zth_pack"]


def test_a_folder_of_its_own_is_gone_afterwards_and_temporary_files_are_in_it(tmp_path: Path) -> None:
    with Jail() as closed, closed.servant(Limits()) as answer:
        answer.load(tmp_path / "a.py", "import os, tempfile\nhere, there = os.getcwd(), tempfile.gettempdir()\n")
        here = answer.here
        assert answer.there == here
        assert os.path.isdir(here)  # noqa: PTH112
    assert not os.path.exists(here)  # noqa: PTH110
