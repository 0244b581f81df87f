"""Marks for other programs; what students write is never markup or a formula there."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from zth.files import dumps
from zth.workbook import marks_files
from zth.workbook.handout import Handout, chosen
from zth.workbook.marks import Mark, Marks, PartMark, Student
from zth.workbook.marks_page import to_html
from zth.workbook.similar import Group

EVIL = '=HYPERLINK("http://x")|<script>alert(1)</script>`@all`\n# head\x1b[31m'
PARTS = [
    PartMark(name="f", state="passed", points=10 / 3, of=10 / 3),
    PartMark(name="g", state="raised", points=0.0, of=20 / 3, says=EVIL),
]


def marks(n: int = 1) -> Marks:
    half = Mark(student="ada", exercise="1.1", state="judged", of=10, parts=PARTS, note="imports zth", seconds=1.4)
    missing = Mark(student="ada", exercise="1.2", state="missing", of=10, note="not handed in")
    ada = Student(
        name=EVIL,
        marks=[half, missing],
        handed_in=datetime(2026, 12, 1, 8, tzinfo=UTC),
        clock="file time",
        late=True,
        late_by=timedelta(hours=2),
    )
    due = datetime(2026, 12, 1, 6, tzinfo=UTC)
    return Marks(handout=Handout.of(chosen(["L1"])), students=[ada] * n, due=due)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_a_row_for_each_exercise_and_no_formula() -> None:
    first, second = rows(marks_files.to_csv(marks()))
    assert (first["points"], first["max_points"], first["passed"], first["parts"]) == ("3.3333", "10", "1", "2")
    assert (first["late"], first["handed_in"]) == ("late", "2026-12-01 08:00:00+00:00")
    assert (second["state"], second["points"], second["note"]) == ("missing", "0.0", "not handed in")
    for row in (first, second):
        assert row["student"].startswith("'=HYPERLINK")
        assert not [text for text in row.values() if text.startswith(("=", "+", "-", "@")) or not text.isprintable()]


def test_nbgraders_columns_are_those_of_its_export() -> None:
    (row,) = rows(marks_files.to_nbgrader(marks()))
    assert list(row) == [
        *["assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"],
        *["raw_score", "late_submission_penalty", "score", "max_score"],
    ]
    assert (row["assignment"], row["score"], row["max_score"]) == ("1.1 1.2", "3.3333", "20.0")


def test_gradescope_gets_a_test_for_each_part_and_plain_text() -> None:
    told = json.loads(dumps(marks_files.to_gradescope(marks().students[0])))
    assert told["score"] == 3.3333
    assert [test["status"] for test in told["tests"]] == ["passed", "failed"]
    assert sum(test["max_score"] for test in told["tests"]) == pytest.approx(10)
    assert {test["output_format"] for test in told["tests"]} == {"text"} == {told["output_format"]}
    assert told["tests"][1]["output"] == EVIL
    assert told["output"].splitlines() == ["1.1: judged; imports zth", "1.2: missing; not handed in"]
    allowed = {"name", "number", "score", "max_score", "status", "output", "output_format"}
    assert all(set(test) == allowed for test in told["tests"])


def test_json_has_everything() -> None:
    told = json.loads(dumps(marks_files.to_json(marks())))
    assert told["max_points"] == 20
    assert told["students"][0]["late_by_seconds"] == 7200
    assert told["students"][0]["marks"][0]["parts"][1]["of"] == 20 / 3


def test_a_summary_for_github_is_a_table_without_markup_of_others() -> None:
    summary = marks_files.to_summary(marks())
    tables = [line for line in summary.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables} == {8, 6}
    assert "<script>" not in summary
    assert "@all" not in summary
    assert "| 1.1 |" in summary.replace("&#46;", ".")


def test_a_summary_stays_below_githubs_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = marks_files.to_summary(marks(50))
    monkeypatch.setattr(marks_files, "MAX_SUMMARY", len(whole.encode()) // 2)
    cut = marks_files.to_summary(marks(50))
    assert len(cut.encode()) < len(whole.encode()) * 0.6
    assert "more students" in cut.splitlines()[-1]


def test_pairs_name_students_and_published_answers() -> None:
    group = Group(exercise="1.1", students=["a", "b", "c"], nodes=9, identical=True, published="right/loops.py")
    found = rows(marks_files.pairs_csv([group]))
    assert [(row["one"], row["two"]) for row in found] == [
        *[(student, "zth: right/loops.py") for student in "abc"],
        *[("a", "b"), ("a", "c"), ("b", "c")],
    ]
    assert {row["short"] for row in found} == {"yes"}


def test_the_page_runs_nothing_and_shows_all() -> None:
    page = to_html(marks())
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "by 2 h 0 min" in page
    assert page.count("<details") == 1


def test_students_read_their_own_language_and_programs_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZTH_LANG", "de")
    page = to_html(marks())
    assert '<html lang="de">' in page
    for words in (
        "<h1>Punkte: 1.1 1.2</h1>",
        "1 Person, 20 Punkte",
        "nicht begonnen",
        "g: hat eine Ausnahme ausgelöst",
    ):
        assert words in page
    assert "abgegeben 2026-12-01 08:00+00:00 (Zeit der Datei)" in page
    result = marks_files.to_gradescope(marks().students[0])
    assert "1.2: fehlt; not handed in" in result["output"]
    assert result["tests"][0]["status"] == "passed"
    assert [row["state"] for row in rows(marks_files.to_csv(marks()))] == ["judged", "missing"]
