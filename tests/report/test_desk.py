"""A learner's progress on the page, from plain rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zth.errors import RunError
from zth.report import build
from zth.report.desk import desk_item, desk_section


def row(name: str, state: str = "new", **more: Any) -> dict[str, Any]:
    lecture = name.split(".")[0]
    return {
        "id": name,
        "lecture": lecture,
        "lecture_title": f"part {lecture}",
        "title": f"T{name}",
        "state": state,
        **more,
    }


ROWS = [
    row("1.1", "passed", tries=3, hints=1, passed="2026-11-24T17:40:11.123+00:00", seconds=750.0),
    row("1.2", "tried", tries=1, hints=0, saw_solution=True, seconds=60),
    row("2.1"),
    row("2.2"),
]


def test_it_counts_what_has_been_done() -> None:
    section = desk_section(ROWS)
    assert "<strong>1 of 4</strong> exercises passed, in 4 tries and 13 min 30 s at the desk." in section
    assert "<b>1</b> passed" in section
    assert "<b>2</b> new" in section
    assert "saw the solution" in section
    assert "24 November 2026" in section
    assert "12 min 30 s" in section


def test_a_lecture_that_nobody_has_begun_takes_one_line() -> None:
    section = desk_section(ROWS)
    assert "2 part 2" in section
    assert "T2.1" not in section
    assert "T1.2" in section


def test_one_try_is_one() -> None:
    assert "exercises passed, in 1 try." in desk_section([row("1.1", "tried", tries=1)])
    assert "<strong>0 of 1</strong> exercises passed." in desk_section([row("1.1", "started")])


@pytest.mark.parametrize("damaged", [{}, {"id": 3, "state": "odd", "tries": "x", "seconds": "y", "passed": 7}])
def test_rows_that_lack_things_are_shown_all_the_same(damaged: dict[str, Any]) -> None:
    assert "<strong>0 of 1</strong>" in desk_section([damaged])


def test_what_a_row_says_has_no_power() -> None:
    section = desk_section([row("1.1", "started", title="<script>x()</script>")])
    assert "<script>" not in section
    assert "&lt;script&gt;" in section


def test_without_rows_there_is_nothing() -> None:
    assert desk_section([]) == ""
    assert desk_item([]) == ""
    assert ">1/4<" in desk_item(ROWS)


def test_a_page_of_a_desk_alone(tmp_path: Path) -> None:
    page = build([], tmp_path, desk=ROWS).read_text(encoding="utf-8")
    assert 'href="#desk"' in page
    assert "Nothing has been measured yet." in page
    assert "At a glance" not in page
    assert json.loads((tmp_path / "desk.json").read_text(encoding="utf-8"))[0]["seconds"] == 750.0
    assert json.loads((tmp_path / "figures.json").read_text(encoding="utf-8")) == []


def test_neither_runs_nor_a_desk_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no runs to show"):
        build([], tmp_path / "out")
    assert not (tmp_path / "out").exists()
