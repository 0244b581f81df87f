"""A handout holds what a class needs, and no solution."""

from __future__ import annotations

from pathlib import Path

import pytest

from zth.errors import ExerciseError
from zth.workbook.assign import assign, contents
from zth.workbook.desk import Desk
from zth.workbook.exercise import Exercise, exercises
from zth.workbook.handout import Handout, chosen, read_lock


def test_a_handout_is_a_desk_with_its_statements_and_its_lock(tmp_path: Path) -> None:
    folder = tmp_path / "week" / "1"
    handout = Handout.of(chosen(["L1"]))
    files = assign(handout, folder)
    assert sorted(folder.iterdir()) == sorted(files)
    assert read_lock(folder) == handout
    readme = (folder / "README.md").read_text(encoding="utf-8")
    for exercise in chosen(["L1"]):
        assert Desk(folder).file(exercise).read_bytes() == exercise.stub.read_bytes()
        assert exercise.task.statement in readme


def test_a_german_handout_is_german(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZTH_LANG", "de")
    readme = contents(Handout.of(chosen(["L1"])))["README.md"]
    assert readme.startswith("# Aufgaben 1.1 1.2\n\n| | Aufgabe | deine Datei | Punkte |\n| --- |")
    for words in ("Schreibe deine Antworten in die Dateien", "Sie baut auf 1.1 auf.", "Die Funktion ist"):
        assert words in readme


def test_nothing_is_written_where_something_is(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(ExerciseError, match="not empty"):
        assign(Handout.of(chosen(["1.1"])), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(ExerciseError, match="Cannot write"):
        assign(Handout.of(chosen(["1.1"])), tmp_path / "mine.txt" / "below")


def secrets(exercise: Exercise) -> set[str]:
    """The lines of code and prose that a student is to find: solution, right answers, wrong ones, hints."""
    sources = [exercise.folder / "solution.py", exercise.folder / "check.py", *exercise.right_answers]
    lines = [line.strip() for path in sources for line in path.read_text(encoding="utf-8").splitlines()]
    lines += [line.strip() for hint in exercise.task.hints for line in hint.splitlines()]
    return {line for line in lines if len(line) >= 25 and not line.startswith(("import ", "from ", "def ", "class "))}


@pytest.mark.parametrize("exercise", exercises(), ids=lambda exercise: exercise.id)
def test_no_line_of_a_solution_is_in_it(exercise: Exercise) -> None:
    files = contents(Handout.of([exercise]))
    given = {line.strip() for text in files.values() for line in text.splitlines()}
    # what the stub or the statement gives away on purpose: constants, a formula that is asked for in words
    meant = exercise.stub.read_text(encoding="utf-8") + exercise.task.statement
    leaked = {line for line in secrets(exercise) & given if line not in meant}
    assert not leaked
    assert secrets(exercise)
