"""A mutation run finds what a check lets pass, and knows which survivors are explained."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from zth.errors import ExerciseError
from zth.workbook import mutation
from zth.workbook.check import Part
from zth.workbook.exercise import Exercise, exercises, get
from zth.workbook.jail import Jail
from zth.workbook.mutants import Mutant, mutants
from zth.workbook.mutation import Fate, Mutation, Outcome, explanations, lines_asked, mutate, rows, share_rejected


def fate(outcome: Outcome, said: str = "") -> Fate:
    mutant = Mutant(file="a.py", line=1, was="1", now="2", kind="Integer", source="2")
    return Fate(mutant=mutant, outcome=outcome, said=said)


def result(*fates: Fate, idle: tuple[str, ...] = ()) -> Mutation:
    return Mutation(exercise="1.1", places=200, fates=list(fates), idle=list(idle))


MANY = [fate("wrong")] * 97


def test_a_survivor_needs_an_explanation() -> None:
    assert result(*MANY, fate("named"), fate("survived", "the same for every list")).ok
    assert not result(*MANY, fate("named"), fate("survived")).ok


def test_the_share_is_of_all_and_of_those_that_are_not_equivalent() -> None:
    found = result(*MANY, *[fate("survived", "why")] * 6)
    assert found.ok  # each is explained; the share is a figure of the whole run
    other = result(*MANY, *[fate("survived")] * 3)
    assert not other.ok
    assert share_rejected([found, other]) == 194 / 203
    assert share_rejected([found, other], equivalent=False) == 194 / 197


def test_an_explanation_of_what_is_rejected_fails() -> None:
    assert not result(*MANY, idle=("a.py | 1 | 2",)).ok


def test_the_report_adds_up() -> None:
    found = result(fate("named"), fate("raised"), fate("wrong"), fate("stopped"), fate("survived", "why"))
    one = ("1.1", "200", "5", "4", "80.0 %", "100.0 %", *"11111")
    total = ("all", "400", "10", "8", "80.0 %", "100.0 %", *"22222")
    assert list(rows([found])) == [one]
    assert list(rows([found, found])) == [one, one, total]
    told = found.to_json()
    assert (told["mutants"], told["rejected"], told["named"], told["ok"]) == (5, 4, 1, True)


@pytest.fixture
def here(jail: Jail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge in this process, where a check can be replaced."""
    monkeypatch.setattr(mutation, "_jail", lambda: jail)
    monkeypatch.setattr(mutation, "map_processes", lambda function, tasks, told: [function(*task) for task in tasks])


@pytest.mark.usefixtures("here")
def test_a_check_that_lets_changes_pass_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    path = get("1.1").folder / "right/loops.py"
    few = mutants("right/loops.py", path.read_text(encoding="utf-8"), [7])
    monkeypatch.setattr(mutation, "all_mutants", lambda exercise: few)
    monkeypatch.setattr(mutation, "explanations", lambda exercise: {})
    told: list[tuple[int, int]] = []
    assert mutate(get("1.1"), 4, lambda done, total: told.append((done, total))).ok
    assert told[0] == (0, 4)
    lenient = [Part(name="f", ask=lambda answer: callable(answer.f), cases=[()])]
    monkeypatch.setattr(Exercise, "parts", property(lambda self: lenient))
    found = mutate(get("1.1"), 4, lambda done, total: None)
    assert (found.places, len(found.unexplained), found.ok) == (len(few), 4, False)


@pytest.mark.usefixtures("here")
def test_what_is_explained_may_stand_on_two_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same change is rejected where it stands first; where it stands again, nobody has asked."""
    twice = [
        Mutant(file="a.py", line=line, was="1", now="2", kind="Integer", source=f"f = {line}") for line in (1, 9)
    ]
    monkeypatch.setattr(mutation, "all_mutants", lambda exercise: twice)
    monkeypatch.setattr(mutation, "explanations", lambda exercise: {("a.py", "1", "2"): "The same."})
    assert mutate(get("1.1"), 1, lambda done, total: None).idle == []
    assert mutate(get("1.1"), 2, lambda done, total: None).idle == ["a.py | 1 | 2"]


@pytest.mark.usefixtures("here")
def test_a_change_in_the_library_reaches_the_check() -> None:
    name = "zth.autograd.numerical"
    source = Path(str(sys.modules[name].__file__)).read_text(encoding="utf-8")
    changed = source.replace("/ (2 * h)", "/ h")
    assert changed != source
    assert mutation.judge_mutants("1.1", [(name, changed), (name, source)]) == [
        ("named", "divided by h instead of 2h"),
        ("survived", ""),
    ]


def test_of_the_library_only_what_answers_is_changed() -> None:
    found = lines_asked(get("1.1"))
    assert set(found) == {"solution.py", "zth.autograd.numerical"}
    text = Path(str(sys.modules["zth.autograd.numerical"].__file__)).read_text(encoding="utf-8").splitlines()
    ran = "\n".join(text[line - 1] for line in found["zth.autograd.numerical"])
    assert "/ (2 * h)" in ran
    assert "import" not in ran
    assert len(found["zth.autograd.numerical"]) < len(text) / 2


def test_an_unreadable_explanation_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exercise = replace(get("1.1"), folder=tmp_path)
    assert explanations(exercise) == {}
    (tmp_path / "equivalent.toml").write_text('[[equivalent]]\nfile = "solution.py"\n')
    with pytest.raises(ExerciseError, match=r"equivalent\.toml cannot be read"):
        explanations(exercise)


@pytest.mark.parametrize("exercise", exercises(), ids=lambda exercise: exercise.id)
def test_explanations_speak_of_lines_that_there_are(exercise: Exercise) -> None:
    for (file, was, now), why in explanations(exercise).items():
        path = exercise.folder / file
        text = path.read_text(encoding="utf-8") if file.endswith(".py") else _library(file)
        lines = {line.strip() for line in text.splitlines()}
        assert set(was.split(" ⏎ ")) <= lines, (file, was)
        assert now != was
        assert why.endswith(".")


def _library(name: str) -> str:
    import importlib.util

    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


def test_of_the_solution_only_what_is_asked_for_is_changed() -> None:
    exercise = get("7.1")
    text = (exercise.folder / "solution.py").read_text(encoding="utf-8").splitlines()
    changed = {text[line - 1].split("(")[0] for line in lines_asked(exercise)["solution.py"]}
    assert {"def split_heads", "def join_heads", "def attention", "def gradients"} <= changed
    assert "def of_heads" in "\n".join(text)
    assert "def of_heads" not in changed  # it is for the experiment
