"""The process that judges for `zth watch`: warm, replaceable, and gone when it is given up."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psutil
import pytest

from zth.cli import watch_judge
from zth.cli.watch_judge import Judge
from zth.workbook.exercise import get
from zth.workbook.verdict import Verdict


def family() -> list[psutil.Process]:
    """The processes that judge: ours, its keeper, its servant; not multiprocessing's own tracker."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if "resource_tracker" not in " ".join(child.cmdline())]


def test_a_process_that_is_killed_is_told_and_the_next_question_gets_another(tmp_path: Path) -> None:
    before = set(family())
    path = tmp_path / "answer.py"
    path.write_text("while True: pass\n")
    with Judge() as judge:
        judge.ask(get("1.1"), path)
        (process,) = (child for child in set(family()) - before if child.ppid() == psutil.Process().pid)
        process.kill()
        said = judge.answer()
        assert isinstance(said, str)
        assert "The process that judges has ended" in said
        path.write_text("def f(): return ]\n")
        judge.ask(get("1.1"), path)
        verdict = judge.answer()
        assert isinstance(verdict, Verdict)
        assert "SyntaxError" in verdict.parts[0].got
        path.unlink()
        judge.ask(get("1.1"), path)
        assert "There is no file" in str(judge.answer()), "an error is an answer too"
        judge.ask(get("1.1"), path)
    assert not psutil.wait_procs(set(family()) - before, timeout=30)[1]


def test_a_judge_that_was_stopped_with_us_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_judge, "_PATIENCE", 60.0)  # a busy machine is not what is asked about
    path = tmp_path / "answer.py"
    path.write_text("while True: pass\n")
    before = set(family())
    with Judge() as judge:
        judge.ask(get("1.1"), path)
        (process,) = (child for child in set(family()) - before if child.ppid() == psutil.Process().pid)
        while not process.children():  # it handles signals by the time that its jail begins
            assert process.is_running()
            time.sleep(0.02)
        process.suspend()
        spawned = judge._process
        assert spawned is not None
        judge.give_up()
    assert spawned.exitcode in (0, -signal.SIGTERM), "it was not killed after having been waited for"
