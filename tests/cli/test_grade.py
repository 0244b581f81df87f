"""`zth assign` and `zth grade` as a teacher types them."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from zth.cli import main
from zth.workbook import audit as auditing
from zth.workbook import grade as grading
from zth.workbook.crew import Result, Task, judge_task
from zth.workbook.exercise import get
from zth.workbook.jail import Jail

EXERCISE = get("5.2")
RIGHT = EXERCISE.right_answers[0].read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jail: Jail) -> list[str]:
    """A fresh folder, and a judge in this process; -> the students whose files it was given."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    students: list[str] = []

    def judge_here(tasks: Sequence[Task], n_workers: int) -> Iterator[Result]:
        for task in tasks:
            if task.source.startswith("# Ctrl-C") and task.student not in students:
                students.append(task.student)
                raise KeyboardInterrupt
            students.append(task.student)
            yield judge_task(task, jail)

    monkeypatch.setattr(grading, "judge_all", judge_here)
    monkeypatch.setattr(auditing, "judge_all", judge_here)
    return students


def hand_in(student: str, source: str = RIGHT) -> None:
    path = Path("class", student, EXERCISE.file_name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")


def read(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(Path(name).read_text(encoding="utf-8").splitlines()))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_from_the_handout_to_all_the_files(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    Path("summary.md").write_text("before\n")
    code, out, _ = run(capsys, "assign", "5.2", "L1", "--out", "week")
    assert code == 0
    assert "3 exercises, 5 files" in out
    hand_in("ada")
    hand_in("bob", "\n" + re.sub(r"\blogits\b", "my_scores", RIGHT))
    hand_in("cy", Path("week", EXERCISE.file_name).read_text(encoding="utf-8"))
    places = ["--out", "marks.csv", "--out", "marks.html", "--out", "marks.json", "--nbgrader", "nb.csv"]
    code, out, err = run(capsys, "grade", "class", "--weights", "week", *places, "--gradescope", "gs", "--audit")
    assert code == 0, err
    assert "3 students, mean 6.67 of 30 points" in out
    assert "Replayed 2 marks: 2 came out the same, 2 with every answer the same bit for bit." in out
    assert "ada, bob" in out
    rows = read("marks.csv")
    assert [row["points"] for row in rows if row["exercise"] == "5.2"] == ["10.0", "10.0", "0.0"]
    assert len(rows) == 9
    assert [row["score"] for row in read("nb.csv")] == ["10.0", "10.0", "0.0"]
    assert json.loads(Path("gs/bob/results.json").read_text())["score"] == 10
    assert json.loads(Path("marks.json").read_text())["max_points"] == 30
    assert "<details" in Path("marks.html").read_text(encoding="utf-8")
    assert Path("summary.md").read_text(encoding="utf-8").startswith("before\n### Marks")
    assert len(Path("marks.audit.jsonl").read_text(encoding="utf-8").splitlines()) == 9
    assert "ada,bob" in Path("marks.pairs.csv").read_text(encoding="utf-8")


def test_ctrl_c_says_how_to_go_on_and_going_on_does(capsys: pytest.CaptureFixture[str], done: list[str]) -> None:
    hand_in("ada")
    hand_in("bob", "# Ctrl-C\n" + RIGHT)
    code, _, err = run(capsys, "grade", "class")
    assert code == 130
    assert "marks.journal.jsonl; the same command goes on" in err
    assert not Path("marks.csv").exists()
    assert run(capsys, "grade", "class")[0] == 0
    assert done == ["ada", "bob", "bob"]
    assert "2 students" in run(capsys, "grade", "class")[1]
    assert len(done) == 3


def test_the_exit_code_tells_of_a_row_that_was_not_judged(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in("ada")
    monkeypatch.setattr(grading, "judge_all", lambda tasks, _n: (Result(task=each, fault="ours") for each in tasks))
    assert run(capsys, "grade", "class")[0] == 1


def test_what_was_there_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    hand_in("ada")
    Path("marks.csv").write_text("my own notes\n")
    assert run(capsys, "grade", "class")[0] == 0
    assert Path("marks.backup-1.csv").read_text() == "my own notes\n"
    _, _, err = run(capsys, "grade", "class")
    assert "backup" not in err  # nothing has changed
    hand_in("bob")
    _, _, err = run(capsys, "grade", "class")
    assert "marks.backup-2.csv" in err


def test_weights_of_ones_own(capsys: pytest.CaptureFixture[str], done: list[str]) -> None:
    hand_in("ada")
    assert "of 10 points" in run(capsys, "grade", "class")[1]
    Path("mine.toml").write_text('zth = "0.0.1"\n[exercises."5.2"]\npoints = 4\n')
    _, out, err = run(capsys, "grade", "class", "--weights", "mine.toml")
    assert "of 4 points" in out
    assert "made with zth 0.0.1" in err
    assert done == ["ada"]


def test_gradescopes_one_submission(capsys: pytest.CaptureFixture[str]) -> None:
    hand_in("submission")
    Path("results").mkdir()
    code, _, err = run(
        capsys, "grade", "class/submission", "--gradescope", "results/results.json", "--due", "2001-01-01"
    )
    assert code == 0, err
    assert json.loads(Path("results/results.json").read_text())["score"] == 10
    Path("class/submission/old").mkdir()
    Path("class/submission/old", EXERCISE.file_name).write_text("")
    run(capsys, "grade", "class/submission", "--gradescope", "results/results.json")
    assert [path.name for path in Path("results").iterdir() if "backup" not in path.name] == ["results.json"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["grade", "nowhere"], "cannot be opened"),
        (["grade", "class", "--out", "marks.xlsx"], "ending says"),
        (["grade", "class", "--out", "none/marks.csv"], "no folder none"),
        (["grade", "class", "--out", "class/marks.csv"], "among the submissions"),
        (["grade", "class", "--out", "a.csv", "--out", "./a.csv"], "one path"),
        (["grade", "class", "--nbgrader", "class"], "among the submissions"),
        (["grade", "class", "--due", "soon"], "'soon'"),
        (["grade", "class", "--workers", "-1"], "at least 1"),
        (["grade", "class", "--weights", "none"], "There is no none"),
        (["grade", "empty"], "no submission"),
        (["grade", "strange"], "is an exercise's"),
        (["assign", "--out", "week"], "No exercise was named"),
        (["assign", "L9", "--out", "week"], "no lecture 'L9'"),
        (["assign", "L1", "--out", "strange"], "not empty"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str], done: list[str]
) -> None:
    hand_in("ada")
    Path("empty").mkdir()
    Path("strange/ada").mkdir(parents=True)
    Path("strange/ada/essay.txt").touch()
    before = sorted(Path().rglob("*"))
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert told in " ".join(err.split())
    assert sorted(Path().rglob("*")) == before
    assert done == []
