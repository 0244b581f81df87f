"""bench/grade.py: a class of every kind of file, no two the same, and what is extrapolated."""

from __future__ import annotations

import ast
import random
from pathlib import Path
from types import ModuleType

import pytest

from zth.workbook.exercise import get


@pytest.fixture
def bench(modules) -> ModuleType:
    import grade

    return grade


def test_a_class_has_every_kind_and_no_file_twice(bench: ModuleType, tmp_path: Path) -> None:
    exercises = [get("1.1"), get("5.2")]
    kinds = bench.make_class(tmp_path / "class", exercises, 40, seed=1)
    assert set(kinds) == {*bench.KINDS, "loop"}
    assert kinds["loop"] == 1
    assert sum(kinds.values()) == 40 * 2 + 1  # the loop took another's place
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "class").rglob("*.py")]
    stubs = {exercise.stub.read_text(encoding="utf-8") for exercise in exercises}
    others = [text for text in texts if text not in stubs]
    assert len(set(others)) == len(others) > 60


def test_a_mistake_is_python_and_another_program(bench: ModuleType) -> None:
    text = get("5.2").right_answers[0].read_text(encoding="utf-8")
    wrong = bench.with_a_mistake(text, random.Random(1))
    assert ast.dump(ast.parse(wrong)) != ast.dump(ast.parse(text))
    assert ast.unparse(ast.parse("x = 1")) == bench.with_a_mistake("x = 1", random.Random(1))


def test_what_is_not_measured_is_extrapolated_with_its_loops(bench: ModuleType) -> None:
    found = bench.Graded(seconds=30.0, judged=180, per_check={})
    row = bench._whole_class(found, 20, [get("5.2")], workers=2)
    assert row.ours == 300 + 5 * get("5.2").limits.seconds / 2
    assert "extrapolated from 30.0 s for 20 students" in row.note
    whole = bench._whole_class(found, 200, [get("5.2")], workers=2)
    assert (whole.ours, whole.missed) == (30, False)
    assert bench._whole_class(bench.Graded(seconds=601, judged=1, per_check={}), 200, [get("5.2")], 2).missed
