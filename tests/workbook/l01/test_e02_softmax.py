"""1.2: mistakes made in a learner's own way are named, strange results are survived, and the measurement holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from zth.runs import Record, read
from zth.workbook.exercise import get
from zth.workbook.jail import Jail
from zth.workbook.judge import PartVerdict, Verdict, judge
from zth.workbook.measure import measure

EXERCISE = get("1.2")
RIGHT = (EXERCISE.folder / "right" / "closures.py").read_text(encoding="utf-8")
STUB = EXERCISE.stub.read_text(encoding="utf-8")

Check = Callable[[str], Verdict]


@pytest.fixture
def check(tmp_path: Path, jail: Jail) -> Check:
    def run(text: str) -> Verdict:
        path = tmp_path / EXERCISE.file_name
        path.write_text(text, encoding="utf-8")
        return judge(EXERCISE, path, jail)

    return run


def changed(old: str, new: str) -> str:
    """A right answer in the lecture's style, with one line of it changed."""
    assert RIGHT.count(old) == 1, (RIGHT.count(old), old)
    return RIGHT.replace(old, new)


def failure(verdict: Verdict) -> PartVerdict:
    found = verdict.first_failure
    assert found is not None
    return found


# The check's own mistakes are made on an engine of its own; these are made on a learner's.
@pytest.mark.parametrize(
    ("old", "new", "part", "mistake"),
    [
        ("self.grad += out.grad * out.data", "self.grad = out.grad * out.data", "exp", "the last use wins"),
        ("self.grad += out.grad / self.data", "self.grad = out.grad / self.data", "log", "the last use wins"),
        (
            "            self.grad += out.grad\n            other.grad += out.grad\n",
            "            self.grad = out.grad\n            other.grad = out.grad\n",
            "x + y",
            "the last use wins",
        ),
        ("other.grad += out.grad * self.data", "other.grad = out.grad * self.data", "x * y", "the last use wins"),
        ("self.grad += out.grad * out.data", "self.grad += out.data", "exp", "the gradient from above is forgotten"),
        ("self.grad += out.grad * n * ", "self.grad += n * ", "x ** n", "the gradient from above is forgotten"),
        (
            "out = Value(math.exp(self.data), (self,))",
            "out = Value(math.exp(self.data))",
            "exp",
            "the operands are forgotten",
        ),
        (
            "out = Value(math.log(self.data), (self,))",
            "return math.log(self.data)",
            "log",
            "a plain number comes out",
        ),
        ("self.grad += out.grad * out.data", "self.grad += out.grad * self.data", "exp", "exp: slope x"),
        ("out.grad / self.data", "out.grad / out.data", "log", "log: one over the result"),
        ("math.log(self.data)", "math.log10(self.data)", "log", "log: another base"),
        ("out.grad * n * self.data ** (n - 1)", "out.grad * (n * self.data ** n - 1)", "x ** n", "power: brackets"),
        ("n * self.data ** (n - 1)", "self.data ** (n - 1)", "x ** n", "power: the factor n is missing"),
        (
            "self * as_value(other) ** -1",
            "self * as_value(other).data ** -1",
            "x / y",
            "division: only the numerator",
        ),
        ("return as_value(other) - self", "return self - other", "2 - x", "2 - x the wrong way round"),
        ("return as_value(other) / self", "return self / other", "2 / x", "2 / x the wrong way round"),
        ("    def __radd__(", "    def forgotten(", "2 + x, 2 * x", "no number on the left"),
        ("        self.grad = 1\n", "", "x + y", "no gradient to begin with"),
        ("denominator = sum(counts)", "denominator = 1", "softmax", "softmax: not divided by the sum"),
        (
            "denominator = sum(counts)",
            "denominator = sum(c.data for c in counts)",
            "softmax",
            "softmax: the sum left the graph",
        ),
        ("-probs[label].log()", "probs[label].log()", "nll", "nll: the minus is missing"),
    ],
)
def test_a_learners_own_mistake_is_named(check: Check, old: str, new: str, part: str, mistake: str) -> None:
    found = failure(check(changed(old, new)))
    assert (found.name, found.mistake) == (part, mistake)


def test_turns_too_early_are_named_whatever_the_order_of_a_set(check: Check) -> None:
    old = RIGHT[RIGHT.index("        order, seen = [], set()") : RIGHT.index("def as_value")]
    new = (
        "        self.grad, queue, seen = 1, [self], {self}\n"
        "        for node in queue:\n"
        "            node.back and node.back()\n"
        "            fresh = node.children - seen\n"
        "            seen |= fresh\n"
        "            queue.extend(fresh)\n\n\n"
    )
    found = failure(check(changed(old, new)))
    assert (found.name, found.mistake) == ("backward", "a node's turn comes too early")


def test_a_wrong_gradient_is_shown_with_its_formula(check: Check) -> None:
    found = failure(check(changed("return as_value(other) - self", "return self - other")))
    assert found.call == "2 - x  at x = 5"
    assert found.got == "{'value': 3, 'x.grad': 1}"
    assert found.wanted == "{'value': -3, 'x.grad': -1}"


def test_the_stub_passes_what_it_brings_and_names_the_first_thing_to_write(check: Check) -> None:
    verdict = check(STUB)
    assert [part.state for part in verdict.parts[:4]] == ["passed", "passed", "passed", "unwritten"]
    assert "`exp` is not written yet" in failure(verdict).says
    assert verdict.trouble == ""


def test_a_half_written_answer_passes_its_half(check: Check) -> None:
    verdict = check(changed("    return -probs[label].log()", "    ..."))
    states = {part.name: part.state for part in verdict.parts}
    assert states.pop("nll") == states.pop("the loss of logits") == "unwritten"
    assert set(states.values()) == {"passed"}


@pytest.mark.parametrize(
    "result", ["None", "7", "'seven'", "[1, 2]", "[]", "{}", "object()", "(x for x in 'ab')", "..."]
)
def test_strange_results_are_verdicts(check: Check, result: str) -> None:
    """Whatever an operation or a function returns, the judge compares and does not stumble."""
    methods = ("add", "mul", "neg", "sub", "pow", "truediv", "radd", "rmul", "rsub", "rtruediv")
    everywhere = "".join(f"Value.__{name}__ = lambda self, *_: {result}\n" for name in methods)
    everywhere += f"Value.exp = Value.log = lambda self: {result}\n"
    functions = f"def softmax(logits): return {result}\ndef nll(probs, label): return {result}\n"
    for text in (everywhere, functions, everywhere + functions):
        verdict = check(f"{RIGHT}\n{text}")
        assert not verdict.ok
        assert verdict.trouble == ""
        assert failure(verdict).state in ("wrong", "raised", "unwritten")


def test_softmax_of_plain_numbers_is_not_enough(check: Check) -> None:
    text = (
        "import numpy as np\ndef softmax(logits):\n    e = np.exp([x.data for x in logits])\n    return e / e.sum()\n"
    )
    found = failure(check(f"{RIGHT}\n{text}"))
    assert (found.name, found.state) == ("softmax", "wrong")
    assert re.search("probs", found.wanted)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    run = measure(EXERCISE, preset="quick", seed=42, root=tmp_path_factory.mktemp("runs"))
    return read(run.folder)


def test_every_figure_with_a_reference_meets_it(record: Record) -> None:
    judged = {figure.name: figure.ok for figure in record.figures if figure.reference is not None}
    assert judged == dict.fromkeys(judged, True)
    assert {f"gradient at logit {i}" for i in range(4)} <= set(judged)
    assert {"largest difference from PyTorch", "moons: training accuracy"} <= set(judged)


def test_the_gradient_is_the_courses(record: Record) -> None:
    measured = [figure.value for figure in record.figures if figure.name.startswith("gradient at logit")]
    assert [f"{value:.10f}" for value in measured] == [
        "0.0417725705",
        "0.8390245075",
        "0.0056533027",
        "-0.8864503806",
    ]


def test_the_picture_shows_the_same_gradients(record: Record) -> None:
    (picture,) = (block for block in record.blocks if block["kind"] == "svg")
    for text in ("logit 3", "grad 0.04177", "grad 0.839", "grad 0.005653", "grad -0.8865", "loss", "data 2.176"):
        assert f">{text}<" in picture["markup"]


def test_both_plots_of_the_moons_are_drawn(record: Record) -> None:
    plots = [block for block in record.blocks if block["kind"] == "plot"]
    assert len(plots) == 2
    assert all((record.folder / plot["file"]).is_file() for plot in plots)
