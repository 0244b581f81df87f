"""Who handed in what, and when, from the names that platforms give to files."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from zth.errors import ConfigError, ExerciseError
from zth.workbook.exercise import get
from zth.workbook.submissions import MOST_FILES, Submission, collect, parse_due, parse_time

SOFTMAX = get("1.2")
NAME = SOFTMAX.file_name


def put(folder: Path, name: str, text: str = "x = 1\n", when: float = 1_000_000_000) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (when, when))
    return path


def only(folder: Path) -> Submission:
    found, nobodys = collect(folder, [SOFTMAX, get("1.1")])
    assert nobodys == []
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("path", "student"),
    [
        (f"ada/{NAME}", "ada"),
        (f"ada/week-1/deep/{NAME}", "ada"),
        (f"ada/{NAME.removesuffix('.py')} (2).py", "ada"),
        (f"Ada B_77_assignsubmission_file_/{NAME}", "Ada B_77"),
        (f"Ada B_77_assignsubmission_file_{NAME}", "Ada B_77"),
        (f"bada_1_22_{NAME}", "bada_1"),
        (f"bada_LATE_1_22_{NAME.removesuffix('.py')}-3.py", "bada_1"),
        (f"HW 1_ada_attempt_2026-11-20-10-00-00_{NAME}", "HW 1_ada"),
        (f"ada_{NAME}", "ada"),
    ],
)
def test_every_platform_has_its_names(tmp_path: Path, path: str, student: str) -> None:
    put(tmp_path, path)
    found = only(tmp_path)
    assert found.student == student
    assert found.files["1.2"].path == tmp_path / path
    assert list(found.files) == ["1.2"]
    assert found.said_late == ("LATE" in path)


def test_a_students_own_folder_is_one_submission(tmp_path: Path) -> None:
    folder = tmp_path / "submission"
    put(folder, NAME)
    put(folder, "helpers.py")
    put(folder, "tests/test_mine.py")
    put(folder, "timestamp.txt", "2026-12-01 10:00:00 UTC")
    found = only(folder)
    assert (found.student, found.clock) == ("submission", "timestamp.txt")


def test_a_file_left_lying_in_the_folder_does_not_make_a_class_one_student(tmp_path: Path) -> None:
    put(tmp_path, NAME)
    put(tmp_path, f"ada/{NAME}")
    found, nobodys = collect(tmp_path, [SOFTMAX])
    assert ([each.student for each in found], nobodys) == (["ada"], [NAME])
    (alone,), none = collect(tmp_path, [SOFTMAX], one=True)
    assert (alone.student, len(alone.files["1.2"].others), none) == (tmp_path.name, 1, [])


def test_what_is_nobodys_is_told_and_what_is_hidden_is_not_looked_at(tmp_path: Path) -> None:
    put(tmp_path, f"ada/{NAME}")
    put(tmp_path, "grades.xlsx")
    put(tmp_path, ".DS_Store")
    put(tmp_path, f"__MACOSX/ada/{NAME}")
    put(tmp_path, f"ada/.git/{NAME}")
    found, nobodys = collect(tmp_path, [SOFTMAX])
    assert nobodys == ["grades.xlsx"]
    assert [each.student for each in found] == ["ada"]
    assert found[0].files["1.2"].others == []


def test_a_folder_without_an_exercise_is_a_submission_that_says_so(tmp_path: Path) -> None:
    put(tmp_path, "ada/all.ipynb")
    (tmp_path / "bob").mkdir()
    put(tmp_path, "cy_1_2_answers.zip")
    found, _ = collect(tmp_path, [SOFTMAX])
    assert {each.student: each.notes for each in found} == {
        "ada": ["no file of an exercise; there is all.ipynb"],
        "bob": ["no file of an exercise; there is nothing"],
        "cy_1": ["no file of an exercise; there is cy_1_2_answers.zip"],
    }


def test_of_several_the_newest_counts_then_the_highest_number(tmp_path: Path) -> None:
    put(tmp_path, f"ada/old/{NAME}", when=1_000)
    put(tmp_path, f"ada/{NAME.removesuffix('.py')}-2.py", when=2_000)
    newest = put(tmp_path, f"ada/{NAME.removesuffix('.py')}-10.py", when=2_000)
    put(tmp_path, f"ada/{NAME.removesuffix('.py')}.backup-1.py", when=9_000)
    found = only(tmp_path).files["1.2"]
    assert found.path == newest
    assert len(found.others) == 2


def test_links_are_not_followed(tmp_path: Path) -> None:
    secret = put(tmp_path, f"elsewhere/{NAME}").parent
    folder = tmp_path / "class"
    (folder / "eve").mkdir(parents=True)
    (folder / "eve" / NAME).symlink_to(secret / NAME)
    (folder / "fay").symlink_to(secret, target_is_directory=True)
    (folder / "gil").mkdir()
    (folder / "gil" / "sub").symlink_to(secret, target_is_directory=True)
    found = {each.student: each for each in collect(folder, [SOFTMAX])[0]}
    assert "link" in found["eve"].files["1.2"].problem
    assert "link" in found["fay"].notes[0]
    assert found["gil"].files == {}


def test_a_pipe_is_not_opened_and_a_flood_of_files_not_counted(tmp_path: Path) -> None:
    (tmp_path / "eve").mkdir()
    os.mkfifo(tmp_path / "eve" / NAME)
    for number in range(MOST_FILES + 1):
        (tmp_path / "eve" / f"{number}.txt").touch()
    found = only(tmp_path)
    assert "pipe" in found.files["1.2"].problem
    assert "were not looked at" in found.notes[0]


def test_the_clock_that_was_read_is_told(tmp_path: Path) -> None:
    put(tmp_path, f"ada/{NAME}", when=1_000)
    put(tmp_path, "ada/timestamp.txt", "2026-12-01 18:30:00.5 UTC\n")
    put(tmp_path, f"bob/{NAME}", when=1_000)
    put(tmp_path, "bob/timestamp.txt", "yesterday")
    put(tmp_path, f"cy_attempt_2026-11-20-10-00-00_{NAME}", when=1_000)
    found = {each.student: each for each in collect(tmp_path, [SOFTMAX])[0]}
    assert found["ada"].handed_in == datetime(2026, 12, 1, 18, 30, 0, 500_000, UTC)
    assert (found["bob"].handed_in, found["bob"].clock) == (datetime.fromtimestamp(1_000, UTC), "file time")
    assert "cannot be read" in found["bob"].notes[0]
    assert (found["cy"].handed_in, found["cy"].clock) == (datetime(2026, 11, 20, 10).astimezone(), "file name")


def test_a_day_lasts_to_its_end() -> None:
    assert parse_due("2026-12-01") - parse_time("2026-12-01") == timedelta(hours=23, minutes=59, seconds=59)
    assert parse_due("2026-12-01T18:30+01:00") == datetime(2026, 12, 1, 17, 30, tzinfo=UTC)
    with pytest.raises(ConfigError, match="tomorrow"):
        parse_due("tomorrow")


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ExerciseError, match="cannot be opened"):
        collect(tmp_path / "none", [SOFTMAX])


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("eve_3_4_x_attempt_2026-99-99-99-99-99_", "eve_3"),
        ("HW 2_eve_attempt_2026-99-99-99-99-99_", "HW 2_eve"),
        ("eve_LATE_3_4_x_attempt_2026-11-01-00-00-00_", "eve_3"),  # on Canvas; the rest is the student's own name
    ],
)
def test_a_files_own_name_sets_no_time_and_stops_nothing(tmp_path: Path, name: str, student: str) -> None:
    (tmp_path / f"{name}{NAME}").write_text("x")
    (found,), _ = collect(tmp_path, [SOFTMAX])
    assert (found.student, found.clock, found.said_late) == (student, "file time", "LATE" in name)


def test_on_blackboard_the_first_time_counts(tmp_path: Path) -> None:
    name = f"HW 2_eve_attempt_2026-12-24-10-00-00_x_attempt_2026-11-01-00-00-00_{NAME}"
    (tmp_path / name).write_text("x")
    (found,), _ = collect(tmp_path, [SOFTMAX])
    assert found.handed_in is not None
    assert (found.student, found.handed_in.month) == ("HW 2_eve", 12)


@pytest.mark.parametrize("stamp", ["9999-12-31T23:59:59", "0001-01-01", "soon", ""])
def test_a_stamp_outside_the_calendar_is_noted(tmp_path: Path, stamp: str) -> None:
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / NAME).write_text("x")
    (tmp_path / "ada" / "timestamp.txt").write_text(stamp)
    (found,), _ = collect(tmp_path, [SOFTMAX])
    assert (found.clock, found.notes) == ("file time", ["timestamp.txt cannot be read; the file's time counts"])


def test_a_file_that_cannot_be_looked_at_is_a_problem_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for student in ("ada", "eve"):
        (tmp_path / student).mkdir()
        (tmp_path / student / NAME).write_text("x")
    real = Path.lstat

    def lstat(self: Path) -> os.stat_result:
        if "eve" in self.parts and self.name == NAME:
            raise PermissionError(13, "Permission denied")  # as in a folder that may be listed and not entered
        return real(self)

    monkeypatch.setattr(Path, "lstat", lstat)
    ada, eve = collect(tmp_path, [SOFTMAX])[0]
    assert ada.files[SOFTMAX.id].problem == ""
    assert (eve.files[SOFTMAX.id].problem, eve.handed_in) == ("it cannot be opened", None)
