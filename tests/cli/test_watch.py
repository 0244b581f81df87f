"""`zth watch` in a terminal of its own, with real keys and real saves."""

from __future__ import annotations

import shutil
import signal
import sys
from pathlib import Path

import psutil
import pytest

from zth.workbook.desk import Desk
from zth.workbook.exercise import get

WATCH = (sys.executable, "-m", "zth", "watch")
WRONG = "\ndef gradient(a, b, c): return [-3*a*a, 3*cos(3*b) + 2.5*b**1.5, c**-2]\n"
RIGHT = get("1.1").right_answers[0].read_text(encoding="utf-8")
FOOT = "q quit"
ANSWER = "e1_1_derivatives.py"


def save_by_renaming(path: Path, text: str) -> None:
    """As vim and many others do: the old file goes, a new one comes under its name."""
    new = path.with_suffix(".tmp")
    new.write_text(text)
    new.rename(path)


def test_a_learner_goes_from_the_stub_to_passed_beside_a_second_watcher(session, tmp_path: Path) -> None:
    desk, first = Desk(tmp_path / "my-zth"), get("1.1")
    editor = tmp_path / "editor.py"
    editor.write_text(f"import pathlib, sys; pathlib.Path(sys.argv[1]).write_text({RIGHT!r})")
    one = session(*WATCH, EDITOR=f"{sys.executable} {editor}")
    shown = one.until(FOOT)
    assert "1.1 Derivatives, three ways  0 of 23 passed" in shown
    assert "Write the gradient of a formula by hand" in shown, "what is asked, in a line"
    assert "f(a, b, c) = -a^3" in shown, "the task of a new exercise"
    assert "8:08-19:09  https://youtu.be/VMj-3S1tku0?t=488" in shown
    one.until("Judged at")
    assert desk.progress()["1.1"].tries == 0, "a stub that was looked at is no try"
    two = session(*WATCH)
    two.until("`gradient` is not written yet")

    desk.file(first).write_text(first.stub.read_text() + WRONG)
    for watcher in (one, two):
        watcher.until("the known mistake: root term forgotten")
        assert "df/da has a second term" in watcher.until(FOOT)
        watcher.press("h")
        watcher.until("hint")
        watcher.until(FOOT)
    assert "hint 2 of 3" not in two.text, "the second watcher sees the hint that the first one took"
    two.press("h")
    two.until("hint 2 of 3: idea")
    save_by_renaming(desk.file(first), first.stub.read_text() + WRONG.replace("c**-2", "c"))
    for watcher in (one, two):
        watcher.until("10.25699027, 4]")
    two.press("q")
    assert two.end() == 0
    assert two.is_as_before
    progress = desk.progress()["1.1"]
    assert (progress.tries, progress.hints, progress.passed) == (2, 2, ""), "each text is one try, whoever judged it"

    one.press("o")
    one.until("Passed, 4 of 4 parts.")
    one.press("n")
    one.until("1.2 Softmax, from scalars  1 of 23 passed")
    assert "Builds on 1.1: the derivatives that you wrote on paper there" in one.until(FOOT)
    one.press("s")
    one.until("Press s once more")
    one.press("l")
    one.until("● 1.1 Derivatives, three ways")
    one.press("\x1b[A\r")
    one.until("1.1 Derivatives, three ways  1 of 23 passed")
    one.press("s")
    one.until("zth.autograd.numerical.forward_difference")
    one.resize(12, 40)
    one.until("s solution")
    one.press("q")
    assert one.end() == 0
    assert one.is_as_before
    assert "1.1 Derivatives, three ways" in one.text[one.text.rindex(FOOT) :], "it says where you were"
    assert desk.progress()["1.1"].saw_solution
    assert desk.state(first) == "passed"


@pytest.mark.parametrize(("number", "key"), [(signal.SIGINT, "\x03"), (signal.SIGTERM, ""), (signal.SIGHUP, "")])
def test_ended_in_the_middle_of_a_judging_it_leaves_a_sane_terminal_and_no_process(number, key, session) -> None:
    watch = session(*WATCH)
    watch.until("Judging 1.1")
    family = psutil.Process(watch.process.pid).children(recursive=True)
    if key:
        watch.press(key)
    else:
        watch.process.send_signal(number)
    assert watch.end() == 128 + number
    assert watch.is_as_before
    assert "Traceback" not in watch.text
    assert not psutil.wait_procs(family, timeout=30)[1]


def test_ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_again(session) -> None:
    shell = session("bash", "--norc", "--noprofile", "-i", PS1="ready> ")
    shell.until("ready> ")
    shell.press(" ".join(WATCH) + "\n")
    shell.until(FOOT)
    shell.press("\x1a")
    shell.until("Stopped")
    shell.until("ready> ")
    assert shell.raw.rindex("\x1b[?1049l") > shell.raw.rindex("\x1b[?1049h")
    shell.press("fg\n")
    shell.until(FOOT)
    assert shell.raw.rindex("\x1b[?1049h") > shell.raw.rindex("\x1b[?1049l")
    shell.press("q")
    shell.until("Go on: zth watch")
    shell.press("exit\n")
    assert shell.end() == 0
    assert shell.is_as_before


def test_a_loop_without_end_is_given_up_for_the_next_save(session, tmp_path: Path) -> None:
    desk, first = Desk(tmp_path / "my-zth"), get("1.1")
    desk.start(first)
    desk.file(first).write_text("while True: pass\n")
    watch = session(*WATCH)
    watch.until("Judging 1.1")
    desk.file(first).write_text(RIGHT)
    watch.until("Passed, 4 of 4 parts.")
    assert desk.progress()["1.1"].tries == 1, "what was given up is no try"


def test_what_goes_wrong_meanwhile_is_said_and_the_watching_goes_on(session, tmp_path: Path) -> None:
    desk, first = Desk(tmp_path / "my-zth"), get("1.1")
    watch = session(*WATCH, size=(24, 80), EDITOR="no-such-editor")
    watch.until(FOOT)
    watch.press("o")
    watch.until("no-such-editor cannot be started")
    journal = desk.folder / "progress.jsonl"
    kept = journal.read_text()
    journal.write_text(kept + "{broken\n")
    watch.press("l")
    watch.until("line 2, cannot be read")
    journal.write_text(kept)
    watch.press("h")
    watch.until("hint 1 of 3")
    desk.file(first).unlink()
    watch.until("cannot be read: No such file")
    assert "zth start 1.1" in watch.until(FOOT)
    shutil.rmtree(desk.folder)
    watch.until("has gone")
    desk.folder.mkdir()
    save_by_renaming(desk.file(first), RIGHT)
    watch.until("Passed, 4 of 4 parts.")
    assert "cannot be read" not in watch.until(FOOT)
    watch.press("q")
    assert watch.end() == 0
    assert watch.is_as_before
