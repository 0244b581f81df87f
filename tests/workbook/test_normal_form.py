"""Two files of one form are one program; everything else is told apart."""

from __future__ import annotations

import re

import pytest

from zth.workbook.exercise import get
from zth.workbook.normal_form import imports_of_zth, normal_form

ONE = '''"""My answer."""
import torch
import torch.nn.functional as F

def helper(x, *, scale=1):
    """Scale."""
    return x * scale

class Net:
    def __init__(self, weight):
        self.weight = weight

    def __call__(self, x):
        out = helper(x @ self.weight, scale=2)
        return F.relu(out)

def loss(net: Net, xs, ys) -> float:
    """The loss."""
    total: float = 0.0
    for x, y in zip(xs, ys):
        def one():
            nonlocal total
            total += F.cross_entropy(net(x), y)
        try:
            one()
        except ValueError as error:
            raise RuntimeError from error
    return [total / n for n in (len(xs),)][0]
'''
TWO = """import torch as t
from torch.nn import functional

class Net:
    def __init__(self, w): self.w = w
    def __call__(self, data):
        result = multiplied(data @ self.w, by=2)  # twice
        return t.nn.functional.relu(result)

def loss(model, inputs, targets):
    s = 0.0
    for a, b in zip(inputs, targets):
        def step():
            nonlocal s
            s += functional.cross_entropy(model(a), b)
        try:
            step()
        except ValueError as e:
            raise RuntimeError from e
    return [s / count for count in (len(inputs),)][0]

def multiplied(what, *, by=1):
    return what * by
"""
NAMES = ["Net", "loss"]


def test_names_order_comments_annotations_and_imports_do_not_matter() -> None:
    assert normal_form(ONE, names=NAMES) == normal_form(TWO, names=NAMES) is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("s += functional", "s -= functional"),
        ("by=2", "by=3"),
        ("model(a), b)", "model(b), a)"),
        ("functional.relu", "functional.gelu"),
        ("except ValueError", "except TypeError"),
        ("self.w = w", "self.w = -w"),
        ("what * by", "by * what"),
        ("def loss", "def error"),
    ],
)
def test_what_the_program_does_matters(old: str, new: str) -> None:
    assert TWO.count(old) == 1
    assert normal_form(TWO, names=NAMES) != normal_form(TWO.replace(old, new), names=NAMES)


METHODS = """class Net:
    def step(self, *, rate):
        return rate
    def run(self):
        return self.step(rate=2)
"""
MATCH = """def loss(x):
    match x:
        case [first, *others]: return first, others
        case {"a": 1, **more}: return more
        case int() as number: return number
"""


@pytest.mark.parametrize(
    ("source", "names"),
    [(METHODS, {"rate": "lr"}), (MATCH, {"first": "a", "others": "b", "more": "c", "number": "d"})],
)
def test_names_of_a_methods_parameters_and_of_patterns_do_not_matter(source: str, names: dict[str, str]) -> None:
    other = source
    for old, new in names.items():
        other = re.sub(rf"\b{old}\b", new, other)
    assert normal_form(source, names=NAMES) == normal_form(other, names=NAMES) is not None


def test_which_helper_is_called_matters() -> None:
    helpers = "def f(x): return x + 1\ndef g(x): return x * 2\n"
    one, two = (normal_form(f"{helpers}def loss(x): return {name}(x)\n", names=NAMES) for name in "fg")
    assert one != two


def test_what_the_stub_held_does_not_count() -> None:
    stub = "import math\nchars = 'abc'\nclass V:\n    def a(self):\n        return 1\n    def b(self):\n        ...\n"
    form = normal_form(stub.replace("...", "return math.pi"), stub)
    alone = normal_form("import math as m\nclass V:\n    def b(self):\n        return m.pi\n", "class V: pass")
    assert form == alone is not None
    assert normal_form(stub, stub) is None


@pytest.mark.parametrize("source", ["", "def f(:", "\0", "(" * 3000, "-" * 100_000 + "1", "'\\d'"])
def test_what_is_no_program_has_no_form(source: str) -> None:
    assert normal_form(source) is None


def test_each_right_answer_of_an_exercise_has_a_form_of_its_own() -> None:
    exercise = get("5.2")
    stub = exercise.stub.read_text(encoding="utf-8")
    forms = {
        normal_form(path.read_text(encoding="utf-8"), stub, exercise.solution) for path in exercise.right_answers
    }
    assert len(forms) == len(exercise.right_answers)
    assert None not in forms


def test_imports_of_zth_are_seen_wherever_they_stand() -> None:
    source = "import zthx, os.path\ndef f():\n    import zth.layers as l, zth\n    from zth.autograd import Value\n"
    assert imports_of_zth(source) == ["zth", "zth.autograd", "zth.layers"]
    assert imports_of_zth("from . import zth") == imports_of_zth("def f(:") == []
