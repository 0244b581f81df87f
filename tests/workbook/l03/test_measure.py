"""Lecture 3's own experiment, made shorter still."""

from __future__ import annotations

from pathlib import Path

import pytest

from zth.runs import read
from zth.workbook.l03_mlp import measure as experiment
from zth.workbook.measure import find, measure


def test_it_tells_its_story_and_compares_only_what_is_fair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "QUICK_STEPS", 1_500)
    record = read(measure(find("3"), preset="quick", seed=42, root=tmp_path).folder)
    figures = {figure.name: figure for figure in record.figures}
    assert [figure.name for figure in record.figures if figure.reference is not None] == ["parameters"]
    assert figures["parameters"].ok
    assert 2.1 < figures["dev after 1,500 steps"].value < 4
    # the finder's valley: far from both ends of the sweep
    assert 0.02 < figures["rate that the finder suggests (the lecture takes 0.1)"].value < 0.8
    assert [block["title"] for block in record.blocks if block["kind"] == "plot"] == [
        "The learning-rate finder",
        "The loss",
        "The letters in a plane",
    ]
    (told,) = [block["markdown"] for block in record.blocks if block.get("markdown", "").startswith("Names that")]
    assert told.count("`") == 2 * experiment.N_SAMPLES


def test_every_letter_is_in_the_plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "QUICK_STEPS", 20)
    folder = measure(find("3"), preset="quick", seed=1, root=tmp_path).folder
    (plane,) = folder.glob("plots/*letters*.json")
    for letter in ".abcdefghijklmnopqrstuvwxyz":
        assert f'"{letter}"' in plane.read_text()
