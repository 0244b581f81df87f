"""Lecture 1's own experiment: three ways of one training, with the same losses; and the tape that its pages show."""

from __future__ import annotations

from pathlib import Path

import pytest

from zth.autograd.tape import record
from zth.notebook.cells import cells
from zth.runs import read
from zth.texts import LOCALE
from zth.workbook.exercise import get
from zth.workbook.l01_micrograd import measure as lecture
from zth.workbook.l01_micrograd.e02_softmax.measure import labelled, written_out
from zth.workbook.lecture import find
from zth.workbook.measure import measure

TAPE = "\n".join(f"    {line}" for line in str(record(written_out, labelled())).splitlines())


def test_three_ways_have_the_same_losses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lecture, "SIZES", {"quick": (4, 10)})
    monkeypatch.setattr(lecture, "LECTURE", 10)
    record_ = read(measure(find("1"), preset="quick", seed=42, root=tmp_path).folder)
    figures = {figure.name: figure for figure in record_.figures}
    assert figures["losses apart"].ok
    assert figures["losses apart"].value < 1e-12
    assert {f"moons: one step, {way}" for way in lecture.WAYS} < set(figures)
    assert [block["kind"] for block in record_.blocks].count("plot") == 1


def test_one_that_trains_otherwise_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lecture, "SIZES", {"quick": (4,)})
    monkeypatch.setattr(lecture, "LECTURE", 4)
    monkeypatch.setattr(lecture, "L2", 2e-4)  # torch's alone: the others have the demo's
    record_ = read(measure(find("1"), preset="quick", seed=42, root=tmp_path).folder)
    assert [figure.name for figure in record_.figures if figure.reference is not None and not figure.ok] == [
        "losses apart"
    ]


def test_the_pages_and_the_notebook_show_the_tape_of_the_softmax_graph() -> None:
    notebook = {cell.id: cell.source for cell in cells(find("1"))}
    assert TAPE in notebook["lecture"]
    assert TAPE in notebook["e1-2-task"]
    for folder in (get("1.2").folder, LOCALE / "de/l01_micrograd/e02_softmax"):
        assert TAPE in (folder / "task.md").read_text(encoding="utf-8")
