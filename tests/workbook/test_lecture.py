"""Lectures: folders in the order of the course, each with a page, an experiment of its own in its place."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from zth.errors import ExerciseError
from zth.runs import read
from zth.workbook.lecture import Lecture, lectures
from zth.workbook.measure import Lab, experiments, find, measure
from zth.workbook.pack import COURSE


def test_every_lecture_has_a_number_and_a_title() -> None:
    course = [lecture for lecture in lectures() if lecture.pack == COURSE]
    assert [lecture.number for lecture in course] == list(range(1, len(course) + 1))
    assert all(lecture.title and "#" not in lecture.title for lecture in lectures())


def test_a_lecture_without_an_experiment_says_so(tmp_path: Path) -> None:
    with pytest.raises(ExerciseError, match="5 asks no question"):
        measure(find("5"), preset="quick", seed=1, root=tmp_path)


def test_a_lectures_experiment_comes_before_its_exercises(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def module(self: Lecture, name: str) -> ModuleType:
        made = ModuleType(name)
        made.measure = figure  # type: ignore[attr-defined]
        return made

    def figure(lab: Lab) -> None:
        lab.run.figure("answer", 42)

    monkeypatch.setattr(Lecture, "has_measurement", property(lambda self: self.number == 2))
    monkeypatch.setattr(Lecture, "module", module)
    assert [experiment.id for experiment in experiments()][2:5] == ["2", "2.1", "2.2"]
    record = read(measure(find("2"), preset="quick", seed=1, root=tmp_path).folder)
    assert (record.name, record.meta["title"]) == ("2", "2 bigrams, by counting and by a net")
