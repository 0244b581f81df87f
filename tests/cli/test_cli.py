"""The commands as a person types them: what they print, where, and their exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zth.cli import COMMANDS, main
from zth.workbook.desk import Desk
from zth.workbook.exercise import exercises, get


@pytest.fixture(autouse=True)
def _in_a_fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_help_fits_a_window_of_40_lines_and_shows_every_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = run(capsys, "--help")
    assert code == 0
    assert len(out.splitlines()) <= 40
    assert max(map(len, out.splitlines())) <= 80
    for commands in COMMANDS.values():
        for name, _, what in commands:
            assert f"  {name} " in out
            assert what in out
    assert out.count("    zth ") == 3


@pytest.mark.parametrize("name", [name for commands in COMMANDS.values() for name, _, _ in commands])
def test_every_command_has_help_for_every_option(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, name, "--help")
    assert code == 0
    assert f"zth {name}" in out
    unexplained = [line for line in out.splitlines() if re.fullmatch(r"  --\S+( [A-Z]+)? *", line)]
    assert not unexplained


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version")[:2] == (0, "0.1.0\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("chek",), "check"),
        (("start", "7.7"), "There is no exercise '7.7'"),
        (("start", "--dsk", "x"), "--desk"),
        (("check", "1.1"), "zth start 1.1"),
        (("measure",), "EXERCISE"),
        (("measure", "1.1", "--preset", "huge"), "huge"),
        (("report", "nowhere"), "make tour"),
        (("data", "show", "nowhere.txt"), "nowhere.txt"),
        (("reset", "1.1"), "nothing to reset"),
        (("draw", "log(x)", "x=0"), "log(x=0.0)"),
    ],
)
def test_what_cannot_be_done_says_so_with_code_2(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert words in err
    assert "Traceback" not in err
    assert out == ""


def test_a_learner_goes_from_start_to_passed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "list")
    assert code == 0
    assert "1.1" in out
    assert "Next: zth start 1.1" in out
    code, out, _ = run(capsys, "start")
    assert code == 0
    answer = Path("my-zth/e1_1_derivatives.py")
    assert str(answer) in out
    assert run(capsys, "start", "1.1")[0] == 2
    code, _, err = run(capsys, "solution", "1.1")
    assert code == 2
    assert "--anyway" in err

    code, out, _ = run(capsys, "check")
    assert code == 1
    assert "`gradient` is not written yet" in out
    answer.write_text(
        answer.read_text() + "\ndef gradient(a, b, c): return [-3*a*a, 3*cos(3*b) + 2.5*b**1.5, c**-2]\n"
    )
    code, out, _ = run(capsys, "check")
    assert code == 1
    assert "root term forgotten" in out
    assert "df/da has a second term" in out
    assert "called" in out
    assert "gradient(2.0, 3.0, 4.0)" in out

    assert [run(capsys, "hint")[1].splitlines()[0] for _ in range(4)] == [
        "1.1, hint 1 of 3: nudge",
        "1.1, hint 2 of 3: idea",
        "1.1, hint 3 of 3: line",
        "1.1, hint 3 of 3: line",
    ]
    code, out, _ = run(capsys, "solution")
    assert code == 0
    assert "def symmetric_difference" in out

    answer.write_text((get("1.1").folder / "right" / "loops.py").read_text())
    code, out, _ = run(capsys, "check", "1.1")
    assert code == 0
    assert "Passed, 4 of 4 parts" in out
    assert "Next: zth start 1.2" in out
    rows = json.loads(run(capsys, "list", "--json")[1])
    assert rows[0] == {
        "id": "1.1",
        "lecture": "micrograd",
        "title": "Derivatives, three ways",
        "state": "passed",
        "tries": 2,
        "saw_solution": True,
        "needs": {},
        "video": [{"from": 488, "to": 1149, "link": "https://youtu.be/VMj-3S1tku0?t=488"}],
    }

    code, out, _ = run(capsys, "reset", "1.1")
    assert code == 0
    assert "e1_1_derivatives.backup-1.py" in out
    assert "NotImplementedError" in answer.read_text()


def test_start_without_a_name_begins_the_first_that_is_not_begun(capsys: pytest.CaptureFixture[str]) -> None:
    assert "1.1 Derivatives" in run(capsys, "start")[1]
    code, out, _ = run(capsys, "start")
    assert code == 0
    assert out.startswith("1.2 Softmax")
    code, out, _ = run(capsys, "start", "--force")
    assert "Your old file is now my-zth/e1_2_softmax.backup-1.py" in out.replace("\n", ""), "the one in hand"
    for exercise in exercises():
        if not Desk().file(exercise).exists():
            Desk().start(exercise)
    code, _, err = run(capsys, "start")
    assert code == 2
    assert "You have begun every exercise." in err
    assert f"Go on: zth check {exercises()[-1].id}" in err


def test_a_verdict_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "start", "1.1")
    code, out, _ = run(capsys, "check", "1.1", "--json")
    verdict = json.loads(out)
    assert code == 1
    assert verdict["ok"] is False
    assert [part["state"] for part in verdict["parts"]] == ["passed", "unwritten", "unwritten", "unwritten"]


def test_markup_in_a_learners_file_is_only_text(capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "start", "1.1")
    Path("my-zth/e1_1_derivatives.py").write_text("def f(*a): return '[bold]x[/nothing]'\nprint('[/red]')")
    code, out, _ = run(capsys, "check", "1.1")
    assert code == 1
    assert "[bold]x[/nothing]" in out
    assert "[/red]" in out


def test_measure_prints_its_figures_and_leaves_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "measure", "1.1", "--json")
    assert code == 0
    assert {row["exercise"] for row in json.loads(out)} == {"1.1"}
    (folder,) = Path("runs").iterdir()
    assert json.loads((folder / "run.json").read_text())["status"] == "done"
    code, out, _ = run(capsys, "report", "--json")
    assert code == 0
    assert Path("report/index.html").is_file()


def test_prove_prints_each_proof(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "prove", "1.1")
    assert code == 0
    assert "mistake: root term forgotten" in out
    assert "proofs hold" in err


def test_doctor_says_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "doctor", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["versions"]["python"].startswith("3.")
    assert set(found["data"]) >= {"names", "shakespeare", "plays", "ZTH_DATA"}


def test_draw(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "draw", "tanh(a*b + c)", "a=2", "b=-3", "c=6", "--json")
    assert code == 0
    assert json.loads(out) == {"value": 0.0, "gradients": {"a": -3.0, "b": 2.0, "c": 1.0}, "file": "graph.svg"}
    assert Path("graph.svg").read_text().startswith("<svg")
    assert Path("graph.svg").read_text().count('fill="#e8710a"') == 1, "the result falls with a alone"
    code, out, _ = run(capsys, "draw", "tanh(a*b + c)", "a=2", "b=-3", "c=6")
    assert "Blue: the result rises with it." in out
    for arguments in (("a",), ("a", "a"), ("a", "a=x"), ("a", "1=2"), ("a", "a=1", "--out", "graph.png")):
        assert run(capsys, "draw", *arguments)[0] == 2


def test_a_terminal_that_lacks_the_signs_gets_others_as_wide() -> None:
    code = "import sys; from zth.cli import main; main(['list']); print('─' * 3 + '✗ λ')"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "60"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ". 1.1 Derivatives, three ways " in done.stdout
    assert "~ " in done.stdout, "titles that were cut"
    assert done.stdout.endswith("---x \\u03bb\n")
    assert done.stdout.count("\\") == 1


def test_a_closed_pipe_is_no_error() -> None:
    script = f"{sys.executable} -m zth list | head -c 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_behind_a_redirection_is_an_error_with_code_2() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m zth list > /dev/full"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fault_of_ours_never_reads_as_a_wrong_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr("zth.workbook.desk.exercises", broken)
    code, _, err = run(capsys, "list")
    assert code == 2
    assert "A fault of zth itself, not of yours: ZeroDivisionError: on purpose" in err
    monkeypatch.setenv("ZTH_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["list"])


def test_a_verdict_is_printed_even_where_it_cannot_be_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "start", "1.1")
    with Path("my-zth/e1_1_derivatives.py").open("a") as answer:
        answer.write("x = 1\n")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zth.workbook.progress.add_line", full)
    code, out, err = run(capsys, "check", "1.1")
    assert code == 2
    assert "`gradient` is not written yet" in out
    assert "No space left on device" in err


def test_escape_sequences_of_a_learners_file_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "start", "1.1")
    Path("my-zth/e1_1_derivatives.py").write_text("print('\\x1b[2J\\x07')\ndef f(*a): return '\\x1b[31m'\n")
    assert "\x1b" not in run(capsys, "check", "1.1")[1]


def test_ctrl_c_during_a_check_ends_with_130_and_leaves_no_process() -> None:
    main(["start", "1.1"])
    Path("my-zth/e1_1_derivatives.py").write_text("open('/dev/stdout', 'w').close()\nwhile True: pass")
    child = subprocess.Popen([sys.executable, "-m", "zth", "check", "1.1"], stderr=subprocess.PIPE, text=True)
    _wait_for_grandchild(child.pid)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=20)
    assert child.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err


def _wait_for_grandchild(pid: int) -> None:
    """Until the servant runs: the keeper is the child, the servant the grandchild."""
    import psutil

    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if len(psutil.Process(pid).children(recursive=True)) >= 2:
            return
    raise AssertionError("the check did not start")


def test_sigterm_interrupts_any_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def killed() -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
        return 0

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("zth.cli.workbook.list_", killed)
    assert main(["list"]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) == before
