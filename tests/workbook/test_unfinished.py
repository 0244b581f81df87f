"""From the template to a finished exercise: each step is open until it is done, and what is there must hold."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from zth.cli import main
from zth.cli import prove as command
from zth.workbook.exercise import Exercise, get
from zth.workbook.jail import Jail
from zth.workbook.new_exercise import make
from zth.workbook.prove import LEAST_MISTAKES, LEAST_RIGHT_ANSWERS
from zth.workbook.unfinished import proofs, steps

from .conftest import DOUBLE, TASK, Install

FOLDER = "l01_sums/e01_double/"
STUB, SOLUTION, CHECK = (DOUBLE[f"{FOLDER}{name}.py"] for name in ("stub", "solution", "check"))
WRONG = "".join(
    f"    Mistake(name='adds {n}', says='no', instead={{'double': lambda x: x + {n}}}),\n" for n in range(3, 8)
)


@pytest.fixture
def draft(install: Install) -> Exercise:
    """A fresh exercise of an installed pack."""
    package = install("tiny", {"__init__.py": ""})
    offer = '[project.entry-points."zth.exercises"]\ntiny = "zth_tiny"\n'
    (package.parent / "pyproject.toml").write_text(offer)
    return make("Double it", 1, project=package.parent).exercise


def write(exercise: Exercise, name: str, text: str) -> Exercise:
    """Another text for one file -> the exercise, as the next command would find it."""
    (exercise.folder / name).parent.mkdir(exist_ok=True)
    (exercise.folder / name).write_text(text, encoding="utf-8")
    for module in [module for module in sys.modules if module.startswith("zth_tiny.")]:
        del sys.modules[module]
    return Exercise(exercise.folder, exercise.pack)


def open_steps(exercise: Exercise) -> list[str]:
    return [step.place for step in steps(exercise) if not step.done]


def test_step_by_step_to_the_end(draft: Exercise) -> None:
    todo = [step.place for step in steps(draft)]
    assert open_steps(draft) == todo
    text = (draft.folder / "task.md").read_text()
    unfinished = text.splitlines()[2]
    assert unfinished.startswith("Unfinished: `zth prove tiny:1.1`")
    draft = write(draft, "task.md", TASK.replace("\n\n", f"\n\n{unfinished}\n\n", 1))
    assert open_steps(draft) == [place for place in todo if place not in ("task.md: statement", "task.md: hints")]
    draft = write(draft, "solution.py", SOLUTION)
    assert open_steps(draft)[0] == "stub.py"
    draft = write(draft, "stub.py", STUB)
    assert open_steps(draft)[0] == "check.py: PARTS"
    draft = write(draft, "check.py", CHECK)
    assert (open_steps(draft)[0], _found(draft, "check.py: MISTAKES")) == (
        "check.py: MISTAKES",
        f"1 of at least {LEAST_MISTAKES}",
    )
    draft = write(draft, "check.py", _all_mistakes())
    assert open_steps(draft)[0] == "right/"
    for number in range(LEAST_RIGHT_ANSWERS):
        draft = write(draft, f"right/way_{number}.py", "def double(x):\n    return x + x\n")
    assert open_steps(draft) == ["measure.py", "../README.md", "task.md"]
    (draft.folder / "measure.py").unlink()
    draft = write(draft, "../README.md", "# Lecture 1: sums\n")
    assert open_steps(draft) == ["task.md"]
    assert open_steps(write(draft, "task.md", TASK)) == []
    assert get("tiny:1.1").task.unfinished is False


def _all_mistakes() -> str:
    head, _, tail = CHECK.partition("MISTAKES = [")
    return f"{head}MISTAKES = [\n    {tail.strip().removesuffix(']')},\n{WRONG}]\n"


def _found(exercise: Exercise, place: str) -> str:
    return next(step.found for step in steps(exercise) if step.place == place)


@pytest.mark.parametrize(
    ("name", "text", "place", "found"),
    [
        ("solution.py", "x = [\n", "solution.py", "cannot be imported: SyntaxError"),
        ("solution.py", f"# TODO: more\n{SOLUTION}", "solution.py", "TODO is left"),
        ("stub.py", "def double(x)\n", "stub.py", "it cannot be run: expected ':' (line 1)"),
        ("stub.py", "def triple(x):\n    pass\n", "stub.py", "lacks double"),
        ("check.py", "1 / 0\n", "check.py: PARTS", "ZeroDivisionError"),
    ],
)
def test_a_step_says_what_is_in_the_way(draft: Exercise, name: str, text: str, place: str, found: str) -> None:
    draft = write(draft, "solution.py", SOLUTION)
    draft = write(draft, name, text)
    assert place in open_steps(draft)
    assert found in _found(draft, place)


def test_nothing_is_proved_before_there_is_a_question(draft: Exercise, jail: Jail) -> None:
    assert proofs(draft, jail) == []


def test_what_is_there_must_hold(draft: Exercise, jail: Jail) -> None:
    for name, text in (("solution.py", SOLUTION), ("stub.py", STUB)):
        draft = write(draft, name, text)
    draft = write(draft, "check.py", CHECK.replace("MISTAKES = [", "MISTAKES = [] and ["))
    draft = write(draft, "right/wrong.py", "def double(x):\n    return x\n")
    made = {proof.submission: proof.ok for proof in proofs(draft, jail)}
    assert made == {"stub": True, "solution": True, "right: wrong": False}


def test_an_exercise_whose_own_code_fails_is_a_proof_that_fails(install: Install, jail: Jail) -> None:
    install("tiny", {**DOUBLE, f"{FOLDER}solution.py": "__all__ = ['double']\n\n\ndef double(x):\n    return x.no\n"})
    (proof,) = proofs(get("tiny:1.1"), jail)
    assert not proof.ok
    assert proof.why.startswith(
        "its own code failed: AttributeError: 'int' object has no attribute 'no' (solution.py, "
    )
    install("other", {**DOUBLE, f"{FOLDER}check.py": "import no_such_module\n"})
    (proof,) = proofs(get("other:1.1"), jail)
    assert "check.py of other:1.1 cannot be imported" in proof.why


def test_the_command_shows_the_next_step_and_tells_by_its_exit_code(
    draft: Exercise, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["prove", "tiny:1.1"]) == 3
    printed = capsys.readouterr()
    assert "tiny:1.1 Double it  unfinished" in printed.out
    assert "Next: say what is asked" in printed.out
    assert "10 steps to do" in printed.err
    assert main(["prove", "tiny:1.1", "--json"]) == 3
    assert '"submission": "to do: solution.py"' in capsys.readouterr().out
    assert main(["list"]) == 0
    assert "tiny:1.1 Double it is being written: zth prove tiny:1.1" in capsys.readouterr().out
    monkeypatch.setattr(command, "exercises", list)
    assert main(["prove"]) == 3


def test_broken_exercises_fail_the_proof_of_all(
    install: Install, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install("bad", {}, "no_such_package")
    monkeypatch.setattr(command, "exercises", list)
    assert main(["prove"]) == 1
    assert "no such package" in capsys.readouterr().err


def test_a_draft_that_is_tried_says_what_it_lacks(
    draft: Exercise, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["start", "tiny:1.1"]) == 0
    assert main(["check", "tiny:1.1"]) == 2
    assert "asks nothing: its PARTS are empty" in capsys.readouterr().err
