"""The journal: nothing that was done is lost, however many write it, and whichever journals are put together."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zth.errors import ExerciseError
from zth.workbook.desk import Desk
from zth.workbook.exercise import get
from zth.workbook.progress import Event, Journal, Progress

events = st.builds(
    Event,
    at=st.integers(0, 99).map(lambda second: f"2026-11-24T17:40:{second:02}.000+00:00"),
    exercise=st.sampled_from(["1.1", "2.1"]),
    did=st.sampled_from(["start", "check", "hint", "solution", "something new"]),
    id=st.text("0123456789abcdef", min_size=8, max_size=8),
    ok=st.booleans(),
    hint=st.integers(0, 3),
)


def progress_of(folder: Path, lines: list[str]) -> dict[str, Progress]:
    folder.mkdir(exist_ok=True)
    (folder / "progress.jsonl").write_text("".join(lines))
    return Journal(folder).progress()


@settings(deadline=None, max_examples=50)
@given(st.lists(events, max_size=8, unique_by=lambda event: event.id), st.data())
def test_neither_order_nor_repetition_of_the_lines_matters(tmp_path_factory, journal, data) -> None:
    lines = [event.line() for event in journal]
    shuffled = data.draw(
        st.permutations(lines + data.draw(st.lists(st.sampled_from(lines)) if lines else st.just([])))
    )
    folder = tmp_path_factory.mktemp("desk")
    assert progress_of(folder, list(shuffled)) == progress_of(folder, lines)


@settings(deadline=None, max_examples=50)
@given(events)
def test_a_line_is_read_as_it_was_written(tmp_path_factory, event) -> None:
    folder = tmp_path_factory.mktemp("desk")
    assert progress_of(folder, [event.line()]) == {event.exercise: Progress().after(event)}
    assert event.line().count("\n") == 1


def git(*arguments: str, cwd: Path) -> None:
    who = ["-c", "user.name=A Learner", "-c", "user.email=learner@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=cwd, check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_git_merges_the_desks_of_two_machines_without_a_conflict(tmp_path: Path) -> None:
    home, away = tmp_path / "home", tmp_path / "away"
    home.mkdir()
    git("init", "-q", cwd=home)
    Desk(home).start(get("1.1"))
    git("add", "-A", cwd=home)
    git("commit", "-q", "-m", "begin", cwd=home)
    git("clone", "-q", str(home), str(away), cwd=tmp_path)
    for desk, n_tries in ((Desk(home), 3), (Desk(away), 2)):
        for _ in range(n_tries):
            desk.record_try(get("1.1"), ok=False)
        desk.take_hint(get("1.1"))
    Desk(away).record_try(get("1.2"), ok=True)
    for folder in (home, away):
        git("commit", "-q", "-am", "work", cwd=folder)
    git("pull", "-q", "--no-rebase", "--no-edit", str(away), cwd=home)
    merged = Desk(home).progress()
    assert (merged["1.1"].tries, merged["1.1"].hints) == (5, 1), "both have seen the first hint, and no other"
    assert merged["1.2"].passed


def test_the_marks_of_a_conflict_are_passed_over(tmp_path: Path) -> None:
    one, two = (
        Event(at=f"2026-11-24T17:40:0{n}.000+00:00", exercise="1.1", did="check", id=f"{n}" * 8).line()
        for n in (1, 2)
    )
    lines = ["<<<<<<< HEAD\n", one, "||||||| 1234567\n", "=======\n", two, ">>>>>>> theirs\n"]
    assert progress_of(tmp_path, lines)["1.1"].tries == 2


def test_what_the_first_zth_wrote_counts_and_is_left_alone(tmp_path: Path) -> None:
    old = {"1.1": {"tries": 2, "passed": "2026-11-23T18:15:02+00:00", "hints": 1, "saw_solution": True, "more": 0}}
    (tmp_path / "progress.json").write_text(json.dumps(old))
    desk = Desk(tmp_path)
    assert desk.take_hint(get("1.1")) == 1
    entry = desk.record_try(get("1.1"), ok=True)
    assert (entry.tries, entry.passed, entry.hints) == (3, "2026-11-23T18:15:02+00:00", 2)
    assert entry == desk.progress()["1.1"]
    assert json.loads((tmp_path / "progress.json").read_text()) == old


@pytest.mark.parametrize(
    "line",
    ["{broken", "null", "[]", '{"at": 1}', '{"at": "", "exercise": "1.1", "did": "hint", "id": "", "hint": 9}'],
)
def test_a_damaged_line_is_named_and_nothing_is_written(line: str, tmp_path: Path) -> None:
    good = Event(at="2026-11-24T17:40:01.000+00:00", exercise="1.1", did="start", id="00000000").line()
    (tmp_path / "progress.jsonl").write_text(f"{good}{line}\n")
    with pytest.raises(ExerciseError, match="line 2, cannot be read"):
        Desk(tmp_path).record_try(get("1.1"), ok=True)
    assert (tmp_path / "progress.jsonl").read_text() == f"{good}{line}\n"


def test_a_last_line_without_an_end_does_not_spoil_the_next(tmp_path: Path) -> None:
    good = Event(at="2026-11-24T17:40:01.000+00:00", exercise="1.1", did="check", id="00000000").line()
    (tmp_path / "progress.jsonl").write_text(good.rstrip("\n"))
    Desk(tmp_path).record_try(get("1.1"), ok=False)
    assert Desk(tmp_path).progress()["1.1"].tries == 2


def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path)
    desk.record_try(get("1.1"), ok=False)
    before = (tmp_path / "progress.jsonl").read_bytes()
    write = __import__("os").write
    monkeypatch.setattr("zth.workbook.progress.os.write", lambda file, line: write(file, line[:10]))
    with pytest.raises(ExerciseError, match="No space left"):
        desk.record_try(get("1.1"), ok=True)
    assert (tmp_path / "progress.jsonl").read_bytes() == before


def test_a_journal_that_git_replaces_while_one_waits_for_it_still_gets_the_line(tmp_path: Path, monkeypatch) -> None:
    desk, path = Desk(tmp_path), tmp_path / "progress.jsonl"
    desk.record_try(get("1.1"), ok=False)
    turns = itertools.count()

    def replaced_meanwhile(file: int, _: int) -> None:
        if next(turns) == 0:
            (tmp_path / "theirs").write_text(path.read_text())
            (tmp_path / "theirs").rename(path)

    monkeypatch.setattr("zth.workbook.progress.fcntl.flock", replaced_meanwhile)
    desk.record_try(get("1.1"), ok=False)
    assert desk.progress()["1.1"].tries == 2
    assert next(turns) == 2


def test_the_gitattributes_of_a_person_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".gitattributes").write_text("*.py text\n")
    Desk(tmp_path).start(get("1.1"))
    assert (tmp_path / ".gitattributes").read_text() == "*.py text\n"
