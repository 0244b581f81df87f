"""The judge, against answers that are wrong, clumsy, or hostile. Each must end in time, lose, and be told why."""

from __future__ import annotations

import os
import re
from pathlib import Path

import psutil
import pytest

from zth.errors import ExerciseError
from zth.workbook.answer import KEPT_OUTPUT
from zth.workbook.check import Limits, Part
from zth.workbook.exercise import Exercise, get
from zth.workbook.jail import Jail
from zth.workbook.judge import MAX_SOURCE, Verdict, judge

SECONDS = 3.0
SOLUTION = "from zth.workbook.l01_micrograd.e01_derivatives.solution import *\n"


@pytest.fixture
def check(tmp_path: Path, jail: Jail, monkeypatch: pytest.MonkeyPatch):
    """check(text) -> Verdict of exercise 1.1, under short limits."""
    monkeypatch.setattr(Exercise, "limits", property(lambda self: Limits(seconds=SECONDS, memory_mb=512)))

    def run(text: str) -> Verdict:
        path = tmp_path / "e1_1_derivatives.py"
        path.write_text(text)
        return judge(get("1.1"), path, jail)

    return run


def test_the_solution_passes(check) -> None:
    verdict = check(SOLUTION)
    assert verdict.ok
    assert [part.name for part in verdict.parts] == ["f", "gradient", "forward_difference", "symmetric_difference"]


def test_a_wrong_value_is_shown_with_its_call_and_where_it_differs(check) -> None:
    verdict = check(SOLUTION + "def gradient(a, b, c): return [0.0, 0.0, 1 / c**2]")
    part = verdict.first_failure
    assert part is not None
    assert not verdict.ok
    assert part.name == "gradient"
    assert part.call == "gradient(2.0, 3.0, 4.0)"
    assert part.got == "[0, 0, 0.0625]"
    assert part.wanted == "[-12.35355339, 10.25699027, 0.0625]"
    assert part.difference.startswith("at [0] got 0, wanted -12.35355339")
    assert part.mistake == ""


def test_a_known_mistake_is_named(check) -> None:
    part = check(
        SOLUTION + "def gradient(a, b, c): return [-3*a*a, 3*cos(3*b) + 2.5*b**1.5, c**-2]\nfrom math import cos"
    ).first_failure
    assert part is not None
    assert part.mistake == "root term forgotten"
    assert "second term" in part.says


def test_parts_after_a_failure_are_still_judged(check) -> None:
    verdict = check(SOLUTION + "def gradient(a, b, c): return [1.0, 2.0, 3.0]")
    assert [part.state for part in verdict.parts] == ["passed", "wrong", "passed", "passed"]


@pytest.mark.parametrize(
    ("text", "state", "words"),
    [
        ("def f(a, b, c): return None", "unwritten", "returns nothing yet"),
        ("def f(a, b, c): ...", "unwritten", "returns nothing yet"),
        ("def f(a, b, c): return ...", "unwritten", "returns nothing yet"),
        ("def f(a, b, c): raise NotImplementedError", "unwritten", "not written yet"),
        ("", "missing", r"no `f`.*a fresh stub, which keeps a backup: zth reset 1\.1"),
        ("def f(a, b, c): return [a, b]", "wrong", r"shape \(2,\), wanted \(\)"),
        ("def f(a, b, c): return 'twelve'", "wrong", "str 'twelve'"),
        ("def f(a, b, c): return object()", "wrong", "object"),
        ("def f(a, b): return a", "raised", "TypeError"),
        ("def f(a, b, c): return a / 0", "raised", "line 1, in f: def f"),
        ("def f(a, b, c) return a", "raised", "SyntaxError"),
        ("import no_such_module", "raised", "ModuleNotFoundError"),
        ("1 / 0", "raised", "ZeroDivisionError"),
        ("def f(a, b, c): return f(a, b, c)", "raised", "calls itself without an end"),
        ("def f(a, b, c): exit()", "raised", r"Take out exit\(\)"),
        ("exit(0)", "raised", r"Take out exit\(\)"),
        ("def f(a, b, c): return bytearray(100 * 2**30)", "raised", "more than the 512 MB"),
        ("import torch\ndef f(a, b, c): return torch.ones(100 * 2**30)", "raised", "more than the 512 MB"),
        ("def f(a, b, c): return [[1, 2], [3]]", "wrong", "different lengths"),
        ("\ufeffdef f(a, b, c): return 1", "wrong", "got 1, wanted"),
        ("def f(a, b, c): return 10**6000", "wrong", "an integer of 19932 bits"),
        ("def f(a, b, c):\n x = 1\n for _ in range(80): x = [x]\n return x", "wrong", "nested too deep"),
        ("def f(a, b, c):\n x = []\n x.append(x)\n return x", "raised", "UnusableResult"),
        ("import torch\ndef f(a, b, c): return torch.ones(2).to_sparse()", "raised", "a Tensor that cannot be read"),
        ("import numpy\ndef f(a, b, c): return numpy.ones(40_000_000)", "raised", "cannot be read|more than the"),
        ("import numpy\ndef f(a, b, c): return {numpy.int64(1): 2}", "wrong", "{1: 2}"),
        ("def f(a, b, c): raise ValueError('\\ud800')", "raised", "ValueError: .*ud800"),
        ("def f(a, b, c): return '\\ud800'", "wrong", r"ud800"),
    ],
)
def test_clumsy_answers(check, text: str, state: str, words: str) -> None:
    verdict = check(text)
    part = verdict.first_failure
    assert part is not None
    assert part.state == state
    assert re.search(words, " | ".join(str(value) for value in vars(part).values()))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("while True: pass", "no answer within 3 s"),
        ("def f(a, b, c):\n    while True: pass", "`f` gave no answer within 3 s"),
        ("def f(a, b, c):\n    while True: print('x' * 10000)", "`f` gave no answer within 3 s"),
        ("import os\ndef f(a, b, c): os._exit(0)", r"ended its process \(exit code 0\)"),
        ("import os; os._exit(0)", r"ended its process \(exit code 0\)"),
        (
            "import sys\nsys.setrecursionlimit(10**9)\ndef f(*a): return f(*a)",
            "segmentation fault|used up|without an end",
        ),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "ended by SIGKILL"),
        (
            "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nwhile True: pass",
            "killed or stopped the process|PermissionError",  # where the kernel lets it, and where it does not
        ),
        (
            "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)\nwhile True: pass",
            "killed or stopped the process|PermissionError",
        ),
    ],
)
def test_endings_are_survived_and_named(check, text: str, words: str) -> None:
    verdict = check(text)
    assert not verdict.ok
    part = verdict.first_failure
    assert re.search(words, verdict.trouble + (part.says if part else ""))
    assert check(SOLUTION).ok, "the next answer is judged as if nothing had happened"


def test_replacing_a_library_function_is_named(check) -> None:
    text = SOLUTION + "import torch\ntorch.allclose = lambda *a, **k: True\nimport math\nmath.cos = abs\n"
    verdict = check(text)
    assert not verdict.ok
    assert verdict.trouble == "your file replaced math.cos, torch.allclose; leave the libraries as they are"


def test_what_a_library_does_to_itself_is_no_replacement(check) -> None:
    text = SOLUTION + "import torch\ntorch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)\n"
    assert check(text).ok


def test_a_question_that_breaks_on_an_answer_is_a_wrong_answer(check, monkeypatch: pytest.MonkeyPatch) -> None:
    adds = Part(name="f", ask=lambda answer: answer.f(1.0, 2.0, 3.0) + 1.0, cases=[()])
    monkeypatch.setattr(Exercise, "parts", property(lambda self: [adds]))
    part = check(SOLUTION + "def f(a, b, c): return [1.0]").first_failure
    assert part is not None
    assert part.state == "wrong"
    assert part.difference.startswith("TypeError")


def test_an_object_that_equals_everything_is_nothing(check) -> None:
    text = (
        "class Yes(float):\n"
        "    def __eq__(self, other): return True\n"
        "    def __sub__(self, other): return 0.0\n"
        "    def __float__(self): return 1.0\n"
        "    def __add__(self, other): return self\n"
        "class All:\n"
        "    def __eq__(self, other): return True\n"
        "def f(a, b, c): return Yes(5.0)\n"
        "def gradient(a, b, c): return All()\n"
    )
    first, second, *_ = check(SOLUTION + text).parts
    assert (first.state, first.got) == ("wrong", "5")
    assert second.state == "wrong"
    assert "All object" in second.got


def test_a_forged_verdict_is_only_text(check) -> None:
    forged = '{\\"ok\\": true, \\"passed\\": true, \\"parts\\": []}'
    text = (
        "import os\n"
        f'print("{forged}")\n'
        "for fd in range(1, 64):\n"
        "    try:\n"
        f'        os.write(fd, b"{forged}" * 10)\n'
        "    except OSError:\n"
        "        pass\n"
        "os._exit(0)\n"
    )
    verdict = check(text)
    assert not verdict.ok
    assert "something else than an answer" in verdict.trouble


def test_children_left_running_are_ended(check) -> None:
    text = (
        SOLUTION + "import os, time\n"
        "for _ in range(3):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        if os.fork() == 0: time.sleep(60)\n"
        "        os._exit(0)\n"
    )
    assert check(SOLUTION).ok
    before = set(psutil.Process().children(recursive=True))
    verdict = check(text)
    assert not verdict.ok
    assert re.search(r"left \d+ process(es)? running; (it was|they were) ended", verdict.trouble)
    assert set(psutil.Process().children(recursive=True)) == before, "only the keeper is left"


def test_output_is_kept_up_to_a_limit(check) -> None:
    verdict = check("print('hello')\nprint('y' * 1_000_000)\n" + SOLUTION)
    assert verdict.ok
    assert verdict.output.startswith("hello\ny")
    assert len(verdict.output) == KEPT_OUTPUT


def test_an_exception_is_a_known_mistake_only_with_its_words(tmp_path: Path, jail: Jail) -> None:
    exercise = get("2.2")
    path = tmp_path / exercise.file_name
    package = f"zth.workbook.{exercise.folder.parent.name}.{exercise.folder.name}.solution"
    path.write_text(f"from {package} import *\ndef losses(*a, **k): return float('not a number')\n")
    part = judge(exercise, path, jail).first_failure
    assert part is not None
    assert (part.state, part.mistake) == ("raised", "")


def test_a_line_is_shown_for_a_relative_path_too(tmp_path: Path, jail: Jail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("answer.py").write_text("def f(a, b, c):\n    return a / 0\n")
    part = judge(get("1.1"), Path("answer.py"), jail).first_failure
    assert part is not None
    assert part.place == "line 2, in f: return a / 0"


def test_a_file_that_cannot_run_leaves_every_part_in_the_list(check) -> None:
    verdict = check("import no_such_module")
    assert [part.state for part in verdict.parts] == ["raised", "unreached", "unreached", "unreached"]
    assert verdict.parts[0].says == "Your file cannot be run: ModuleNotFoundError: No module named 'no_such_module'"


def test_nothing_outlives_a_keeper_that_was_killed(check) -> None:
    text = (
        "import os, signal, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    time.sleep(60)\n"
        "os.kill(os.getppid(), signal.SIGKILL)\n"
        "while True: pass\n"
    )
    before = {process.pid for process in psutil.process_iter()}
    verdict = check(text)
    assert "killed or stopped the process" in verdict.trouble or "PermissionError" in str(verdict.first_failure)
    assert check(SOLUTION).ok
    living = [process for process in psutil.process_iter() if process.pid not in before]
    orphans = [process for process in living if process.ppid() == 1 and process.status() != "zombie"]
    assert not [process for process in orphans if "servant" in " ".join(process.cmdline())]


def test_the_file_runs_in_a_fresh_folder_without_standard_input(check, tmp_path: Path) -> None:
    text = SOLUTION + "import os, sys\nprint(os.listdir('.'), repr(sys.stdin.read()), os.environ.get('ZTH_SECRET'))"
    os.environ["ZTH_SECRET"] = "secret"
    try:
        verdict = check(text)
    finally:
        del os.environ["ZTH_SECRET"]
    assert verdict.output == "['e1_1_derivatives.py'] '' None\n"


@pytest.mark.parametrize("value", ["a", "[a, b, c]", "b + 0j"])
def test_inputs_are_not_verdicts(check, value: str) -> None:
    assert not check(SOLUTION + f"def f(a, b, c): return {value}").ok


def test_a_file_that_cannot_be_read_is_an_error_of_the_desk(tmp_path: Path, jail: Jail) -> None:
    exercise = get("1.1")
    with pytest.raises(ExerciseError, match="There is no file"):
        judge(exercise, tmp_path / "nothing.py", jail)
    (tmp_path / "latin.py").write_bytes(b"# caf\xe9")
    with pytest.raises(ExerciseError, match="not UTF-8 text \\(byte 5\\)"):
        judge(exercise, tmp_path / "latin.py", jail)
    (tmp_path / "huge.py").write_bytes(b"#" * (MAX_SOURCE + 1))
    with pytest.raises(ExerciseError, match="1,048,577 bytes"):
        judge(exercise, tmp_path / "huge.py", jail)
    with pytest.raises(ExerciseError, match="There is no file"):
        judge(exercise, tmp_path, jail)


def test_what_an_answer_compiles_can_be_opened(tmp_path: Path) -> None:
    """torch.compile reads the file of what it compiles, which lies where no answer may look."""
    exercise = get("1.1")
    source = (exercise.folder / "right" / "loops.py").read_text()
    assert "\ndef f(" in source
    path = tmp_path / exercise.file_name
    path.write_text(source.replace("\ndef f(", "\nimport torch\n\n\n@torch.compile(backend='eager')\ndef f(", 1))
    assert judge(exercise, path).ok
