"""The desk keeps what a learner wrote and did, whatever is asked of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from zth.errors import ExerciseError
from zth.workbook.desk import Desk
from zth.workbook.exercise import exercises, get


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "my-zth")


def test_start_copies_the_stub_once(desk: Desk) -> None:
    exercise = get("1.1")
    assert desk.state(exercise) == "new"
    assert desk.start(exercise) is None
    assert desk.state(exercise) == "started"
    desk.file(exercise).write_text("mine")
    with pytest.raises(ExerciseError, match="is there already; nothing was changed"):
        desk.start(exercise)
    assert desk.file(exercise).read_text() == "mine"


def test_force_keeps_every_old_file(desk: Desk) -> None:
    exercise = get("1.1")
    desk.start(exercise)
    for text in ("one", "two"):
        desk.file(exercise).write_text(text)
        backup = desk.start(exercise, force=True)
        assert backup is not None
        assert backup.read_text() == text
    assert sorted(path.name for path in desk.folder.glob("*backup*")) == [
        "e1_1_derivatives.backup-1.py",
        "e1_1_derivatives.backup-2.py",
    ]
    assert desk.file(exercise).read_text() == exercise.stub.read_text()


def test_the_next_exercise_is_the_one_in_hand_then_the_first_new_one(desk: Desk) -> None:
    assert desk.next() == get("1.1")
    desk.start(get("2.2"))
    assert desk.next() == get("2.2")
    desk.start(get("1.2"))
    assert desk.next() == get("1.2"), "the one that was worked on last"
    desk.take_hint(get("2.2"))
    assert desk.next() == get("2.2")
    for passed in ("2.2", "1.2"):
        desk.record_try(get(passed), ok=True)
    assert desk.next() == get("1.1")
    for exercise in exercises():
        desk.record_try(exercise, ok=True)
    assert desk.next() is None
    assert desk.after(get("1.1")) is None


def test_a_file_that_came_by_itself_is_in_hand_too(desk: Desk) -> None:
    desk.folder.mkdir()
    desk.file(get("2.3")).write_text("copied by hand")
    assert desk.next() == get("2.3")


def test_after_an_exercise_comes_the_next_that_is_not_passed_and_at_the_end_the_first(desk: Desk) -> None:
    desk.record_try(get("1.2"), ok=True)
    assert desk.after(get("1.1")) == get("2.1")
    assert desk.after(exercises()[-1]) == get("1.1")  # of the course, or of the last pack that is installed


def test_what_is_unmet_is_told(desk: Desk) -> None:
    desk.record_try(get("5.2"), ok=True)
    desk.record_try(get("5.1"), ok=False)
    assert desk.unmet(get("5.4")) == ["5.1", "5.3"]
    assert desk.unmet(get("1.1")) == []


def test_the_same_text_judged_twice_in_a_row_is_one_try(desk: Desk) -> None:
    exercise = get("1.1")
    for answer, ok in (("a", False), ("a", False), ("b", False), ("a", False), ("a", True), ("a", True)):
        entry = desk.record_try(exercise, ok=ok, answer=answer)
    assert entry.tries == 4, "a, b, a again, and a with another verdict, as a training may have it"
    assert entry.passed


@pytest.mark.parametrize("spoken", ["en", "de"])
def test_to_have_the_stub_judged_is_no_try_in_whichever_language_it_was_begun(
    desk: Desk, spoken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exercise = get("1.1")
    english, german = (path.read_text(encoding="utf-8") for path in exercise.stubs)
    assert english != german
    monkeypatch.setenv("ZTH_LANG", spoken)
    for stub in (english, german, "\ufeff" + english.replace("\n", "\r\n"), german + "\n"):
        assert desk.record_try(exercise, ok=False, answer=stub).tries == 0
    assert desk.state(exercise) == "new"
    assert desk.record_try(exercise, ok=False, answer=english + "x = 1\n").tries == 1


def test_tries_are_counted_and_a_pass_stays(desk: Desk) -> None:
    exercise = get("2.1")
    desk.record_try(exercise, ok=False)
    assert desk.state(exercise) == "tried"
    first = desk.record_try(exercise, ok=True).passed
    assert first
    entry = desk.record_try(exercise, ok=False)
    assert (entry.tries, entry.passed) == (3, first)
    assert desk.state(exercise) == "passed"


def test_hints_go_on_where_they_stopped_and_stay_at_the_last(desk: Desk) -> None:
    assert [desk.take_hint(get("1.1")) for _ in range(5)] == [0, 1, 2, 2, 2]
    assert Desk(desk.folder).progress()["1.1"].hints == 3


def test_to_look_again_at_the_last_hint_or_the_solution_adds_no_line(desk: Desk) -> None:
    for _ in range(5):
        desk.take_hint(get("1.1"))
        desk.see_solution(get("1.1"))
    assert len((desk.folder / "progress.jsonl").read_text().splitlines()) == 3 + 1


def test_damaged_progress_is_an_error_and_is_not_overwritten(desk: Desk) -> None:
    desk.folder.mkdir()
    (desk.folder / "progress.json").write_text("{broken")
    with pytest.raises(ExerciseError, match="cannot be read"):
        desk.record_try(get("1.1"), ok=True)
    assert (desk.folder / "progress.json").read_text() == "{broken"


@pytest.mark.parametrize(
    "text", ["null", '{"1.1": {"tries": "x"}}', '{"1.1": {"hints": -9}}', '{"1.1": null}', "[1]"]
)
def test_progress_of_another_form_is_an_error(desk: Desk, text: str) -> None:
    desk.folder.mkdir()
    (desk.folder / "progress.json").write_text(text)
    with pytest.raises(ExerciseError, match="cannot be read"):
        desk.progress()


def test_a_link_that_leads_nowhere_is_not_overwritten(desk: Desk) -> None:
    desk.folder.mkdir()
    desk.file(get("1.1")).symlink_to("nowhere.py")
    with pytest.raises(ExerciseError, match="is there already"):
        desk.start(get("1.1"))


def test_a_file_in_the_place_of_the_desk_is_told_whatever_is_asked_of_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("nowhere")
    for place in ("file", "file/desk", "link"):
        desk = Desk(tmp_path / place)
        for ask in (desk.start, desk.state, desk.take_hint):
            with pytest.raises(ExerciseError, match=rf"{place[:4]} is not a folder, and your desk is one. Rename it"):
                ask(get("1.1"))


def test_a_desk_that_cannot_be_made_is_an_error() -> None:
    with pytest.raises(ExerciseError, match="Cannot write to /proc/desk: "):
        Desk(Path("/proc/desk")).start(get("1.1"))


def test_processes_at_once_lose_no_try_and_no_hint(desk: Desk) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from zth.workbook.desk import Desk; from zth.workbook.exercise import get\n"
        "desk = Desk(Path(sys.argv[1]))\n"
        "for _ in range(20): desk.record_try(get('1.1'), ok=False)\n"
        "print(desk.take_hint(get('1.1')))"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", code, str(desk.folder)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    shown = [worker.communicate()[0].strip() for worker in workers]
    assert desk.progress()["1.1"].tries == 60
    assert sorted(shown) == ["0", "1", "2"], "each took another hint"
