"""Packs: found by their entry point, called by their name, and, where they are broken, told without hiding others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from zth.cli import main
from zth.cli.watch import _Watch
from zth.errors import ExerciseError
from zth.notebook.result import as_calls
from zth.workbook import lecture
from zth.workbook.desk import Desk
from zth.workbook.exercise import broken, drafts, exercises, get
from zth.workbook.handout import chosen
from zth.workbook.jail import closed_packages
from zth.workbook.lecture import lectures
from zth.workbook.measure import find
from zth.workbook.pack import COURSE, at_fault, packs
from zth.workbook.verdict import Verdict

from .conftest import DOUBLE, TASK, Install

CHECK = "l01_sums/e01_double/check.py"


def told() -> dict[str, str]:
    """What cannot be used, and why."""
    return {each.name: str(each.error) for each in broken()}


def test_a_pack_stands_behind_the_course(install: Install) -> None:
    course = [exercise.id for exercise in exercises()]
    install("tiny")
    assert [exercise.id for exercise in exercises()] == [*course, "tiny:1.1"]
    exercise = get("tiny:1.1")
    assert (exercise.title, exercise.file_name) == ("Double it", "tiny_e1_1_double.py")
    assert exercise.package == "zth_tiny.l01_sums.e01_double"
    assert exercise.module("check").MISTAKES[0].name == "adds 2"
    assert exercise != get("1.1")
    assert not told()


def test_its_lecture_is_its_own(install: Install) -> None:
    install("tiny")
    assert (lectures()[-1].id, lectures()[-1].title) == ("tiny:1", "sums")
    assert find("tiny:1") == lectures()[-1]
    assert find("1").title == "micrograd"


def test_a_pack_whose_name_begins_as_the_short_form_of_a_lecture_does_is_reached_as_any(install: Install) -> None:
    for name in ("lattice", "l5"):
        install(name)
    for name in ("lattice:1", "l5:1"):
        assert lecture.find(name).id == name
        assert chosen([name]) == chosen([f"{name}.1"]) == [get(f"{name}.1")]
    assert find("L5") == find("5") == lecture.find("l05")
    with pytest.raises(ExerciseError, match=r"Name one of L1, .*, L7, l5:1, lattice:1"):
        lecture.find("L8")
    assert as_calls("`zth check lattice:1.1`, `zth hint 1.2`") == '`check("lattice:1.1")`, `hint("1.2")`'


def test_two_packs_may_use_the_same_numbers(install: Install, tmp_path: Path) -> None:
    install("b_side")
    install("a_side")
    assert [exercise.id for exercise in exercises()][-2:] == ["a_side:1.1", "b_side:1.1"]
    desk = Desk(tmp_path / "desk")
    desk.start(get("a_side:1.1"))
    desk.record_try(get("a_side:1.1"), ok=True)
    assert (desk.state(get("a_side:1.1")), desk.state(get("b_side:1.1"))) == ("passed", "new")


def test_a_draft_stands_nowhere_in_the_course_and_watching_it_can_go_on(install: Install, tmp_path: Path) -> None:
    install(
        "tiny", {**DOUBLE, "l01_sums/e01_double/task.md": TASK.replace("\n\nWrite", "\n\nUnfinished: check\n\nWrite")}
    )
    draft, desk = get("tiny:1.1"), Desk(tmp_path / "desk")
    assert draft in drafts()
    assert desk.after(draft) == get("1.1")
    checks = SimpleNamespace(verdicts={draft: Verdict(exercise=draft.id, parts=[])}, begin=lambda *_, **__: False)
    watch = _Watch(draft, desk, None, None, checks)
    assert watch._body()[0], "a verdict, and what comes after it"
    watch._press("l")
    assert watch._body()[1] is None, "no line of the list is the draft's"
    watch._press("down")
    assert watch._at == get("1.1")
    watch._press("n")
    assert watch.exercise == get("1.1")


def test_finding_a_pack_runs_none_of_its_code(install: Install) -> None:
    install("tiny", {**DOUBLE, "__init__.py": "raise RuntimeError('I was run')"})
    assert get("tiny:1.1").title == "Double it"
    assert "zth_tiny" not in sys.modules


def test_its_solutions_are_closed_to_answers(install: Install) -> None:
    assert closed_packages() == ["zth"]
    install("tiny")
    assert closed_packages() == ["zth", "zth_tiny"]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("no_such_package", "offers 'no_such_package', and there is no such package. Install it again"),
        ("no_such_package.inside", "cannot be found (ModuleNotFoundError: No module named 'no_such_package')"),
        ("this", "is not a package with a folder of its own"),
        ("zth_bad:exercises", "no such package"),
    ],
)
def test_a_pack_that_leads_nowhere_is_told_and_hides_no_other(install: Install, value: str, why: str) -> None:
    install("tiny")
    install("bad", {}, value)
    assert why in told()["bad"]
    assert get("tiny:1.1") in exercises()
    with pytest.raises(ExerciseError, match="The pack 'bad' offers"):
        get("bad:1.1")


def test_two_packs_of_one_name_are_both_left_out(install: Install) -> None:
    install("tiny")
    install("tiny", {}, "zth_tiny", "other-tiny")
    assert "those of other-tiny and zth-tiny. Uninstall all but one." in told()["tiny"]
    assert packs() == [COURSE]


@pytest.mark.parametrize("name", ["Tiny", "1st", "ti-ny", "ti.ny"])
def test_a_name_that_no_file_could_begin_with_is_refused(install: Install, name: str) -> None:
    install(name)
    assert "a name has small letters, digits and _" in told()[name]


def test_an_unknown_pack_is_an_error_that_says_which_there_are(install: Install) -> None:
    install("tiny")
    with pytest.raises(ExerciseError, match="no pack 'tinny'; installed: tiny"):
        get("tinny:1.1")
    with pytest.raises(ExerciseError, match=r"no exercise 'tiny:1.2'.*tiny:1.1"):
        get("tiny:1.2")


@pytest.mark.parametrize(
    ("lost", "why"),
    [
        ("l01_sums/README.md", "there is no README.md"),
        ("l01_sums/e01_double/task.md", "there is no task.md"),
        ("l01_sums/e01_double/solution.py", "there is no solution.py"),
    ],
)
def test_a_folder_that_lacks_a_file_is_told(install: Install, lost: str, why: str) -> None:
    other = {"l02_more/README.md": "# Lecture 2: more\n", "l02_more/e01_x/task.md": TASK}
    other |= {f"l02_more/e01_x/{name}.py": "" for name in ("stub", "check", "solution")}
    (install("tiny", {**DOUBLE, **other}) / lost).unlink()
    assert why in told()["tiny:1.1"]
    assert [exercise.id for exercise in exercises()][-1] == "tiny:2.1"
    with pytest.raises(ExerciseError, match=why):
        get("tiny:1.1")


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("l01_sums/e01_double/task.md", "# only a title\n", "needs a '# Title'"),
        ("l01_sums/e01_double/task.md", TASK.replace("Write", "Video: 9:00-8:00\n\nWrite"), "cannot run from 9:00"),
    ],
)
def test_a_page_of_another_form_is_told(install: Install, path: str, text: str, why: str) -> None:
    install("tiny", {**DOUBLE, path: text})
    assert why in told()["tiny:1.1"]
    assert "tiny:1.1" not in [exercise.id for exercise in exercises()]


def test_a_page_that_is_not_text_is_told(install: Install) -> None:
    (install("tiny") / "l01_sums/README.md").write_bytes(b"# Lecture \xff\n")
    assert "is not UTF-8" in told()["tiny:1.1"]


def test_two_folders_of_one_number_are_told(install: Install) -> None:
    twin = {path.replace("e01_double", "e01_twice"): text for path, text in DOUBLE.items() if "e01" in path}
    install("tiny", {**DOUBLE, **twin})
    assert told()["tiny:1.1"].startswith("More than one folder is exercise tiny:1.1: l01_sums/e01_double and")
    with pytest.raises(ExerciseError, match="More than one folder"):
        get("tiny:1.1")


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module' .check.py, line 1."),
        ("\n\n1 / 0\n", "ZeroDivisionError: division by zero .check.py, line 3."),
        ("x = [\n", "SyntaxError: '.' was never closed .check.py, line 1."),
        ("raise SystemExit\n", "SystemExit .check.py, line 1."),
    ],
)
def test_a_check_that_cannot_be_imported_says_where(install: Install, check: str, why: str) -> None:
    install("tiny", {**DOUBLE, CHECK: check})
    with pytest.raises(ExerciseError, match=f"check.py of tiny:1.1 cannot be imported: {why}"):
        _ = get("tiny:1.1").parts


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ("", "no PARTS, a list of Parts"),
        ("PARTS = 3\n", "no PARTS"),
        ("PARTS = [1]\n", "no PARTS"),
        ("PARTS = []\n", "asks nothing"),
    ],
)
def test_a_check_that_asks_nothing_is_an_error(install: Install, check: str, why: str) -> None:
    install("tiny", {**DOUBLE, CHECK: check})
    with pytest.raises(ExerciseError, match=why):
        _ = get("tiny:1.1").parts


def test_a_solution_without_the_name_that_it_lists_is_an_error(install: Install) -> None:
    install("tiny", {**DOUBLE, "l01_sums/e01_double/solution.py": "__all__ = ['double']\n"})
    with pytest.raises(ExerciseError, match="lists 'double' in __all__ and does not have it"):
        _ = get("tiny:1.1").solution


def test_the_list_tells_what_is_broken_and_shows_the_rest(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    install("tiny")
    install("bad", {}, "no_such_package")
    assert main(["list"]) == 0
    printed = capsys.readouterr()
    assert "tiny:1.1" in printed.out
    assert "bad: The pack 'bad' offers 'no_such_package'" in printed.err


def test_a_list_with_a_pack_imports_nothing_slow(install: Install, tmp_path: Path) -> None:
    site = install("tiny").parent
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "from zth.cli import main\n"
        "main(['list'])\n"
        "print([name for name in ('torch', 'numpy', 'zth_tiny') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "tiny:1.1" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_fault_in_a_packs_own_code_is_not_called_ours(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    install("tiny", {**DOUBLE, "l01_sums/e01_double/measure.py": "def measure(lab):\n    {}['x']\n"})
    assert main(["measure", "tiny:1.1"]) == 2
    assert "A fault of the pack 'tiny', not of yours: KeyError: 'x' (measure.py, line 2)." in capsys.readouterr().err
    assert at_fault(ValueError("nobody's")) is None


def test_what_another_branch_left_is_no_exercise(install: Install) -> None:
    (install("tiny") / "l01_sums/e02_gone/__pycache__").mkdir(parents=True)
    assert not told()
    assert drafts() == []


def test_what_a_pack_needs_may_be_of_any_pack(install: Install) -> None:
    needs = TASK.replace("Write", "Needs: 2.1 (the counts), tiny:1.2\n\nWrite")
    install("tiny", {**DOUBLE, "l01_sums/e01_double/task.md": needs})
    assert get("tiny:1.1").task.needs == {"2.1": "the counts", "tiny:1.2": ""}
