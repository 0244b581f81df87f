"""The tour: one failing experiment hides no other, and an interrupted one still leaves a page."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

from zth.cli import main
from zth.workbook import exercise
from zth.workbook.measure import Lab

FIRST_TWO = exercise.exercises()[:2]


@pytest.fixture(autouse=True)
def _two_small_experiments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("zth.cli.measure.experiments", lambda: FIRST_TWO)


def experiments(monkeypatch: pytest.MonkeyPatch, first: object) -> None:
    """1.1 does `first`; 1.2 measures one figure."""

    def one_figure(lab: Lab) -> None:
        lab.run.figure("answer", sum(lab.track([20, 22], "steps")), reference=42, source="the course")

    def module(self: exercise.Exercise, name: str) -> ModuleType:
        made = ModuleType(name)
        made.measure = first if self.id == "1.1" else one_figure  # type: ignore[attr-defined]
        return made

    monkeypatch.setattr(exercise.Exercise, "module", module)


def statuses() -> dict[str, str]:
    metas = [json.loads(path.read_text()) for path in Path("runs").glob("*/run.json")]
    return {meta["name"]: meta["status"] for meta in metas}


def test_a_failing_experiment_does_not_hide_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(lab: Lab) -> None:
        raise ZeroDivisionError("on purpose")

    experiments(monkeypatch, broken)
    assert main(["tour"]) == 2
    printed = capsys.readouterr()
    assert "ZeroDivisionError: on purpose" in printed.err
    assert statuses() == {"1.1": "failed", "1.2": "done"}
    page = Path("report/index.html").read_text()
    assert "on purpose" in page
    assert {row["name"] for row in json.loads(Path("report/figures.json").read_text())} == {"answer"}


def test_an_interrupted_tour_leaves_a_page_of_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(lab: Lab) -> None:
        lab.run.figure("half", 1)
        raise KeyboardInterrupt

    experiments(monkeypatch, interrupted)
    assert main(["tour"]) == 130
    assert statuses() == {"1.1": "interrupted"}
    assert Path("report/index.html").is_file()


def test_all_is_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    experiments(monkeypatch, lambda lab: None)
    assert main(["tour", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["name"], row["ok"], row["verdict"]) == ("answer", True, "as the course")
    assert main(["measure", "all", "--json"]) == 0
