"""The conditions around a right answer are really there, and a false alarm is found out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from zth.workbook import matrix
from zth.workbook.check import Limits, Part
from zth.workbook.exercise import Exercise, get
from zth.workbook.jail import Jail
from zth.workbook.matrix import CONDITIONS, Condition, under

ANSWER = """
import torch

def look(x, more):
    return [str(x.dtype), str(more["ids"].dtype), str(more["ys"][0].dtype), str(torch.ones(1).dtype),
            torch.get_num_threads()]
"""


@pytest.mark.parametrize(("dtype", "threads"), [("float32", 2), ("float64", 1)])
def test_a_condition_reaches_the_answer(dtype: str, threads: int, jail: Jail, tmp_path: Path) -> None:
    condition = Condition(dtype=dtype, threads=threads, compiled=False)
    with jail.servant(Limits()) as answer:
        answer.load(tmp_path / "answer.py", under(condition, ANSWER, ["look"]))
        seen = answer.look(torch.ones(2, dtype=torch.float64), {"ids": torch.tensor([1]), "ys": [torch.ones(1)]})
    assert seen == [f"torch.{dtype}", "torch.int64", f"torch.{dtype}", f"torch.{dtype}", threads]


def test_a_compiled_answer_is_compiled(jail: Jail, tmp_path: Path) -> None:
    # which functions are handed to the compiler; compiling itself takes a minute
    noted = "import torch\nseen = []\ntorch.compile = lambda f: seen.append(f.__name__) or f\n"
    source = f"{noted}def half(x): return x / 2\ndef other(x): return x\nclass Value: pass\n"
    for compiled, wanted in ((True, ["half"]), (False, [])):
        text = under(Condition(dtype="float32", threads=1, compiled=compiled), source, ["half", "Value"])
        with jail.servant(Limits()) as answer:
            answer.load(tmp_path / "answer.py", text)
            assert answer.seen == wanted
            assert answer.half(3.0) == 1.5


def test_a_false_alarm_is_found_out(jail: Jail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "CONDITIONS", CONDITIONS[1:2])
    exercise = get("1.1")
    assert all(proof.ok for proof in matrix.matrix(exercise, jail, lambda done, total: None))
    strict = [Part(name="f", ask=lambda answer: answer.f(1.0, 2.0, 3.0), cases=[()], accept=lambda got, wanted: "no")]
    monkeypatch.setattr(Exercise, "parts", property(lambda self: strict))
    found = list(matrix.matrix(exercise, jail, lambda done, total: None))
    assert [proof.ok for proof in found] == [False] * 4
    assert found[0].submission == "solution: float32, 2 threads"
    assert "must pass; f is wrong" in found[0].why
