"""A class is graded: what is judged, what is not, and what is never lost."""

from __future__ import annotations

import itertools
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from zth.workbook import audit as auditing
from zth.workbook import crew
from zth.workbook import grade as grading
from zth.workbook.audit import audit
from zth.workbook.crew import Result, Task, judge_all, judge_task
from zth.workbook.exercise import get
from zth.workbook.grade import Graded, grade
from zth.workbook.handout import Handout, chosen
from zth.workbook.jail import Jail
from zth.workbook.journal import open_journal
from zth.workbook.submissions import collect

EXERCISE = get("5.2")
STUB = EXERCISE.stub.read_text(encoding="utf-8")
RIGHT = EXERCISE.right_answers[0].read_text(encoding="utf-8")
CLASS = {
    "ada": RIGHT,
    "bob": re.sub(r"\blogits\b", "scores_of_mine", RIGHT),
    "cy": STUB,
    "dora": "import os\nos._exit(3)\n",
    "eve": "def f(:\n",
    "fay": "def dlogits(logits, Yb):\n    return logits\n",
    "gil": "from zth.backprop.fused import *\n",
}


@pytest.fixture
def in_jail(jail: Jail, monkeypatch: pytest.MonkeyPatch) -> list[Task]:
    """Judge in this process, one after another; -> the tasks that were."""
    done: list[Task] = []

    def judge_here(tasks: Sequence[Task], n_workers: int) -> Iterator[Result]:
        for task in tasks:
            done.append(task)
            yield judge_task(task, jail)

    monkeypatch.setattr(grading, "judge_all", judge_here)
    monkeypatch.setattr(auditing, "judge_all", judge_here)
    return done


def make_class(folder: Path, files: dict[str, str] = CLASS) -> Path:
    for student, source in files.items():
        (folder / student).mkdir(parents=True, exist_ok=True)
        (folder / student / EXERCISE.file_name).write_text(source, encoding="utf-8")
    return folder


def graded(folder: Path, journal: Path, words: Sequence[str] = ("5.2",)) -> Graded:
    handout = Handout.of(chosen(words))
    found, _ = collect(folder, [each.exercise for each in handout.assigned])
    with open_journal(journal) as opened:
        return grade(found, handout, opened)


def test_every_submission_is_a_row_whatever_is_in_it(tmp_path: Path, in_jail: list[Task]) -> None:
    folder = make_class(tmp_path / "class")
    (folder / "hal").mkdir()
    binary = folder / "ian" / EXERCISE.file_name
    binary.parent.mkdir()
    binary.write_bytes(b"\xff\xfe\0")
    huge = folder / "jo" / EXERCISE.file_name
    huge.parent.mkdir()
    huge.write_text("#" * 2**20 + "\n")
    marks = graded(folder, tmp_path / "j.jsonl").marks
    rows = {mark.student: mark for mark in marks.rows}
    assert {student: mark.state for student, mark in rows.items()} == {
        **{"ada": "judged", "bob": "judged", "cy": "not begun", "dora": "stopped", "eve": "judged"},
        **{"fay": "judged", "gil": "judged", "hal": "missing", "ian": "unreadable", "jo": "unreadable"},
    }
    assert [student for student, mark in rows.items() if mark.points == 10] == ["ada", "bob"]
    assert {mark.points for student, mark in rows.items() if student not in ("ada", "bob", "gil")} == {0}
    assert [student for student, mark in rows.items() if mark.look] == ["gil", "ian", "jo"]
    assert "exit code 3" in rows["dora"].note
    assert "imports zth.backprop.fused, which holds the answers" in rows["gil"].note
    assert "cy" not in {task.student for task in in_jail}


def test_what_was_judged_is_not_judged_again(tmp_path: Path, in_jail: list[Task]) -> None:
    folder = make_class(tmp_path / "class", {"ada": RIGHT, "fay": CLASS["fay"]})
    first = graded(folder, tmp_path / "j.jsonl")
    assert len(in_jail) == 2
    again = graded(folder, tmp_path / "j.jsonl")
    assert len(in_jail) == 2
    assert again.marks == first.marks
    make_class(folder, {"fay": RIGHT})  # handed in once more
    last = graded(folder, tmp_path / "j.jsonl")
    assert [task.student for task in in_jail] == ["ada", "fay", "fay"]
    assert [mark.points for mark in last.marks.rows] == [10, 10]


def test_an_interrupted_grading_goes_on(tmp_path: Path, in_jail: list[Task], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_class(tmp_path / "class", {name: CLASS[name] for name in ("ada", "bob", "fay")})

    def interrupt(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    handout = Handout.of([EXERCISE])
    found, _ = collect(folder, [EXERCISE])
    with pytest.raises(KeyboardInterrupt), open_journal(tmp_path / "j.jsonl") as journal:
        grade(found, handout, journal, told=interrupt)
    whole = graded(folder, tmp_path / "j.jsonl")
    assert [task.student for task in in_jail] == ["ada", "bob", "fay"]
    assert [mark.points for mark in whole.marks.rows] == [10, 10, 0]


def test_a_fault_of_the_check_is_a_row_for_a_person(
    tmp_path: Path, in_jail: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_class(tmp_path / "class", {"ada": RIGHT})
    with monkeypatch.context() as patched:
        patched.setattr(crew, "judge", lambda *_: 1 / 0)
        (row,) = graded(folder, tmp_path / "j.jsonl").marks.rows
    assert (row.state, row.points) == ("unjudged", 0)
    assert "ZeroDivisionError" in row.note
    (row,) = graded(folder, tmp_path / "j.jsonl").marks.rows  # and tried again
    assert row.points == 10


def test_an_audit_replays_keeps_evidence_and_finds_who_renamed(tmp_path: Path, in_jail: list[Task]) -> None:
    restless = "import time\ndef dlogits(logits, Yb):\n    return logits * time.monotonic()\n"
    folder = make_class(tmp_path / "class", {**CLASS, "zoe": restless})
    found = graded(folder, tmp_path / "j.jsonl")
    checked = audit(found, n_workers=1)
    assert checked.differing == []
    evidence = {each.student: each for each in checked.evidence}
    assert set(evidence) == set(CLASS) | {"zoe"}
    assert [student for student, each in evidence.items() if each.same_answers is False] == ["zoe"]
    assert (evidence["cy"].state, evidence["cy"].same_mark) == ("not begun", None)
    ada = evidence["ada"].to_json()
    assert ada["points"] == 10
    assert ada["seeds"]["torch"] == 0
    assert ada["parts"] == ada["replayed"]
    assert ada["cases"][0]["got"] == ada["cases"][0]["wanted"]
    together = [group.students for group in checked.groups]
    assert together == [["ada", "bob"]]
    assert checked.groups[0].published == f"right/{EXERCISE.right_answers[0].name}"


def test_an_audit_tells_a_mark_that_does_not_come_again(tmp_path: Path, in_jail: list[Task]) -> None:
    found = graded(make_class(tmp_path / "class", {"fay": CLASS["fay"]}), tmp_path / "j.jsonl")
    (before,) = found.judged.values()
    assert before.verdict is not None
    better = [replace(part, state="passed") for part in before.verdict.parts]
    forged = replace(before, verdict=replace(before.verdict, parts=better))
    (evidence,) = audit(replace(found, judged={("fay", "5.2"): forged}), n_workers=1).differing
    assert set(evidence.parts.values()) == {"passed"} != set(evidence.replayed.values())
    assert evidence.same_answers


def test_a_replay_that_fails_is_no_mark_that_came_out_differently(tmp_path: Path, in_jail: list[Task]) -> None:
    found = graded(make_class(tmp_path / "class", {"fay": CLASS["fay"]}), tmp_path / "j.jsonl")
    (before,) = found.judged.values()
    failed = replace(before, verdict=None, fault="the grader's")
    checked = audit(replace(found, judged={("fay", "5.2"): failed}), n_workers=1)
    assert checked.differing == checked.replayed == []


def test_what_time_stopped_is_judged_again_where_that_is_asked_for(tmp_path: Path, in_jail: list[Task]) -> None:
    folder, journal = make_class(tmp_path / "class", {"ada": RIGHT, "fay": CLASS["fay"]}), tmp_path / "j.jsonl"
    (*_, slow) = graded(folder, journal).judged.values()
    assert slow.verdict is not None
    with open_journal(journal) as opened:
        opened.add(replace(slow, verdict=replace(slow.verdict, trouble="too slow", kind="time")))
    in_jail.clear()
    handout = Handout.of(chosen(["5.2"]))
    found, _ = collect(folder, [EXERCISE])
    for again, n in ((False, 0), (True, 1)):
        with open_journal(journal) as opened:
            grade(found, handout, opened, again=again)
        assert len(in_jail) == n


def test_one_submission_meets_nothing_of_another(tmp_path: Path, in_jail: list[Task]) -> None:
    first = "import builtins, torch\ntorch.left = builtins.left = 1\nopen('left.txt', 'w').write('x')\n"
    second = (
        "import builtins, os, torch\n"
        "assert not hasattr(torch, 'left') and not hasattr(builtins, 'left')\n"
        "assert os.listdir() == [os.path.basename(__file__)]\n"
        f"assert {str(tmp_path)!r} not in __file__\n"
    )
    folder = make_class(tmp_path / "class", {"ada": first + RIGHT, "bob": second + RIGHT})
    assert [mark.points for mark in graded(folder, tmp_path / "j.jsonl").marks.rows] == [10, 10]


def test_an_answer_may_compile_what_it_writes(tmp_path: Path, in_jail: list[Task]) -> None:
    """torch.compile opens the file of what it compiles: the copy that the answer runs from."""
    marker = "def dlogits("
    assert RIGHT.count(marker) == 1
    compiled = RIGHT.replace(marker, "import torch\n@torch.compile(backend='eager', fullgraph=True)\n" + marker)
    folder = make_class(tmp_path / "class", {"ada": compiled})
    (row,) = graded(folder, tmp_path / "j.jsonl").marks.rows
    assert (row.points, row.note) == (10, "")


# --- the processes themselves -------------------------------------------------------------------------------------


def task(student: str, source: str) -> Task:
    return Task(student=student, exercise="5.2", source=source, digest=student)


def test_workers_judge_side_by_side_and_leave_nothing_behind() -> None:
    tasks = [task("ada", RIGHT), task("dora", CLASS["dora"]), task("fay", CLASS["fay"])]
    results = {result.task.student: result.verdict for result in judge_all(tasks, 2)}
    assert {student: verdict and verdict.ok for student, verdict in results.items()} == {
        "ada": True,
        "dora": False,
        "fay": False,
    }
    assert not [each for each in psutil.Process(os.getpid()).children(recursive=True) if _is_worker(each)]


def test_what_a_killed_worker_leaves_goes_with_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    results = judge_all([task("ada", "import os\nraise RuntimeError(os.getcwd())\n")], 1)
    (result,) = itertools.islice(results, 1)
    (folder,) = tmp_path.glob("zth-grade-*")
    assert result.verdict is not None
    assert f"{folder}/zth-answer-" in str(result.verdict)
    (folder / "zth-answer-of-a-killed-one").mkdir()
    results.close()
    assert not list(tmp_path.glob("zth-*"))


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def test_a_task_whose_worker_dies_twice_is_a_fault_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "work", os._exit)  # called with a pipe, it raises: the process is gone at once
    results = list(judge_all([task("ada", RIGHT), task("bob", RIGHT)], 1))
    assert [result.task.student for result in results] == ["ada", "bob"]
    assert all("twice" in result.fault and result.verdict is None for result in results)


def test_a_worker_that_hangs_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "PATIENCE", -EXERCISE.limits.seconds)  # no time at all
    (result,) = judge_all([task("ada", "while True: pass\n")], 1)
    assert "twice" in result.fault


def test_no_tasks_need_no_workers() -> None:
    assert list(judge_all([], 2)) == []
