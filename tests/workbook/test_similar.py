"""Groups of students whose answers are one answer."""

from __future__ import annotations

import re

import pytest

from zth.workbook.exercise import get
from zth.workbook.normal_form import Form, normal_form
from zth.workbook.similar import SHORT, groups, published_forms
from zth.workbook.told import sources

LONG, BRIEF = Form(digest="l", nodes=SHORT), Form(digest="s", nodes=SHORT - 1)


def test_those_who_share_a_form_are_a_group_the_longest_first() -> None:
    files = {
        "ada": (BRIEF, "1"),
        "bob": (LONG, "2"),
        "cy": (LONG, "3"),
        "dora": (BRIEF, "1"),
        "eve": (Form(digest="e", nodes=9), "4"),
    }
    long, short = groups("1.1", files, {})
    assert (long.students, long.identical, long.is_short) == (["bob", "cy"], False, False)
    assert (short.students, short.identical, short.is_short) == (["ada", "dora"], True, True)
    assert list(long.pairs()) == [("bob", "cy")]


def test_one_student_with_an_answer_of_ours_is_a_group_too() -> None:
    (found,) = groups("1.1", {"ada": (LONG, "1"), "bob": (BRIEF, "2")}, {"l": "right/loops.py"})
    assert (found.students, found.published, found.identical, list(found.pairs())) == (
        ["ada"],
        "right/loops.py",
        False,
        [],
    )


def test_our_right_answers_are_known_by_name_though_renamed() -> None:
    exercise = get("5.2")
    path = exercise.right_answers[0]
    source = re.sub(r"\blogits\b", "scores_of_mine", path.read_text(encoding="utf-8"))
    form = normal_form(source, exercise.stub.read_text(encoding="utf-8"), exercise.solution)
    assert form is not None
    assert published_forms(exercise)[form.digest] == f"right/{path.name}"


@pytest.mark.parametrize("exercise_id", ["1.2", "2.1", "7.2"])
def test_what_zth_solution_shows_is_known_too(exercise_id: str) -> None:
    exercise = get(exercise_id)
    shown = "\n\n".join(text for _, text in sources(exercise))
    for text, name in ((shown, "zth solution"), ((exercise.folder / "solution.py").read_text(), "solution.py")):
        form = normal_form(text, exercise.stub.read_text(), exercise.solution)
        assert form is not None
        assert published_forms(exercise)[form.digest] == name
