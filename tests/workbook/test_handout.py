"""What is handed out, what it is worth, and the file that says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from zth.errors import ConfigError, ExerciseError
from zth.workbook.exercise import fingerprint, get
from zth.workbook.handout import LOCK, Assigned, Handout, chosen, read_lock, write_lock


def test_lectures_and_exercises_come_in_the_order_of_the_course_each_once() -> None:
    assert [each.id for each in chosen(["5.1", "L1", "l01", "1.2"])] == ["1.1", "1.2", "5.1"]


@pytest.mark.parametrize(("word", "told"), [("L9", "lecture"), ("", "lecture"), ("2.99", "2.99"), ("two", "lecture")])
def test_what_there_is_not_is_told(word: str, told: str) -> None:
    with pytest.raises(ExerciseError, match=told):
        chosen([word])


def test_parts_share_the_points_equally_unless_weighted() -> None:
    exercise = get("1.1")
    names = [part.name for part in exercise.parts]
    equal = Assigned(exercise=exercise, points=12).shares()
    assert equal == dict.fromkeys(names, 12 / len(names))
    first, *others = names
    weighted = Assigned(exercise=exercise, points=12, weights={first: 0.0}).shares()
    assert weighted[first] == 0
    assert sum(weighted[name] for name in others) == pytest.approx(12)


def test_a_lock_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    handout = Handout.of(chosen(["1.1", "5.1"]))
    (tmp_path / LOCK).write_text(write_lock(handout), encoding="utf-8")
    assert read_lock(tmp_path) == handout == read_lock(tmp_path / LOCK)


def test_a_teacher_writes_only_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[exercises."5.1"]\ninherited = 0.5\n[exercises."1.2"]\npoints = 3\n')
    second, first = read_lock(path).assigned[::-1]
    assert (first.exercise.id, first.points, first.inherited) == ("1.2", 3, 0)
    assert (second.exercise.id, second.points, second.inherited) == ("5.1", 10, 0.5)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "names no exercise"),
        ("exercises = 3", "wanted a table"),
        ("[exercises", "cannot be read"),
        ('[exercises."1.1"]\npoints = -1', "at least 0"),
        ('[exercises."1.1"]\npoints = true', "wanted a number"),
        ('[exercises."1.1"]\npoints = nan', "wanted a number"),
        ('[exercises."1.1"]\npoint = 1', "Did you mean points"),
        ('[exercises."1.1"]\ninherited = 2', "0 to 1"),
        ('[exercises."1.1".parts]\nnothing = 1', "has no 'nothing'"),
        ('[exercises."1.1"]\nparts = 3', "wanted a table"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ConfigError, match=told):
        read_lock(tmp_path / "mine.toml")


def test_no_file_all_zero_and_an_unknown_exercise(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no"):
        read_lock(tmp_path / "none.toml")
    path = tmp_path / "mine.toml"
    zeros = "".join(f'"{part.name}" = 0\n' for part in get("1.2").parts)
    path.write_text(f'[exercises."1.2".parts]\n{zeros}')
    with pytest.raises(ConfigError, match="every part has the weight 0"):
        read_lock(path)
    path.write_text('[exercises."8.8"]')
    with pytest.raises(ExerciseError, match=r"no exercise '8\.8'"):
        read_lock(path)


def test_an_untouched_stub_is_known_whatever_the_editor_did_to_its_ends() -> None:
    exercise = get("1.1")
    stub = exercise.stub.read_text(encoding="utf-8")
    assigned = Assigned(exercise=exercise)
    assert assigned.is_untouched("\ufeff" + stub.replace("\n", "\r\n") + "\n\n")
    assert not assigned.is_untouched(stub + "# a thought\n")
    german = exercise.stubs[1].read_text(encoding="utf-8")
    assert german != stub
    assert assigned.is_untouched(german), "it was handed out in another language"
    assert Assigned(exercise=exercise, stub=fingerprint("an older stub")).is_untouched("an older stub\n")
