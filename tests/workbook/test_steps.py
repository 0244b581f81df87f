"""Parts that are lines of one calculation: asked once, blamed for what is theirs, judged as far as the code got."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zth.workbook.check import Mistake, Part, Step
from zth.workbook.exercise import Exercise, get
from zth.workbook.jail import Jail
from zth.workbook.judge import judge
from zth.workbook.verdict import Verdict

CASES = [(3.0,), (5.0,)]
"""chain(x): double = 2 * x; more = double + 1; square = more**2; half = double / 2; last = square - half."""


def _ask(answer: Any, x: float) -> Any:
    return answer.chain(x)


def _part(name: str, after: tuple[str, ...], cases: list[tuple[float]] = CASES) -> Part:
    return Part(
        name=name,
        ask=_ask,
        cases=cases,
        pick=lambda found: found.get(name),
        step=Step(variable=name, after=after, rule=lambda solution, given, x: getattr(solution, name)(given, x)),
    )


SOLUTION: dict[str, Callable[..., Any]] = {
    "double": lambda given, x: 2 * x,
    "more": lambda given, x: given["double"] + 1,
    "square": lambda given, x: given["more"] ** 2,
    "half": lambda given, x: given["double"] / 2,
    "last": lambda given, x: given["square"] - given["half"],
    "chain": lambda x: {
        "double": 2 * x,
        "more": 2 * x + 1,
        "square": (2 * x + 1) ** 2,
        "half": x,
        "last": (2 * x + 1) ** 2 - x,
    },
}
PARTS = [
    _part("double", ()),
    _part("more", ("double",)),
    _part("square", ("more",)),
    _part("half", ("double",)),
    _part("last", ("square", "half")),
]
MISTAKES = [
    Mistake(name="not squared", says="Square it.", instead={"square": lambda given, x: given["more"]}),
    Mistake(name="x halved", says="Halve double.", instead={"half": lambda given, x: x / 2}),
]
RIGHT = """
def chain(x):
    print("called")
    double = 2 * x
    more = double + 1
    square = more**2
    half = double / 2
    last = square - half
    return {"double": double, "more": more, "square": square, "half": half, "last": last}
"""


@pytest.fixture
def check(tmp_path: Path, jail: Jail, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Verdict]:
    """check(*changes) -> the verdict on RIGHT with each (old, new) of changes."""
    for name, value in (("parts", PARTS), ("mistakes", MISTAKES), ("solution", SOLUTION)):
        monkeypatch.setattr(Exercise, name, property(lambda self, value=value: value))

    def run(*changes: tuple[str, str]) -> Verdict:
        text = RIGHT
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path = tmp_path / "answer.py"
        path.write_text(text)
        return judge(get("1.1"), path, jail)

    return run


def told(verdict: Verdict) -> dict[str, tuple[str, ...]]:
    """Part -> its state, and the mistake that was recognised or the parts that it follows from."""
    return {part.name: (part.state, *filter(None, [part.mistake]), *part.follows) for part in verdict.parts}


def test_the_learners_code_is_called_once_for_each_case(check) -> None:
    verdict = check()
    assert verdict.ok
    assert verdict.output.count("called") == len(CASES)


def test_parts_with_other_cases_are_asked_by_themselves(check, monkeypatch: pytest.MonkeyPatch) -> None:
    other = [*PARTS, _part("half", ("double",), [(7.0,)])]
    monkeypatch.setattr(Exercise, "parts", property(lambda self: other))
    verdict = check()
    assert verdict.ok
    assert verdict.output.count("called") == len(CASES) + 1


def test_what_only_inherits_an_error_is_not_blamed(check) -> None:
    verdict = check(("double + 1", "double + 2"))
    assert told(verdict) == {
        "double": ("passed",),
        "more": ("wrong",),
        "square": ("inherited", "more"),
        "half": ("passed",),
        "last": ("inherited", "more"),
    }
    square = verdict.parts[2]
    assert square.says == "`square` follows from `more`; look there first."
    assert verdict.first_failure is verdict.parts[1]
    assert verdict.to_json()["parts"][2]["follows"] == ("more",)
    assert not verdict.ok


def test_what_is_wrong_by_itself_is_blamed_behind_another_error_and_recognised(check) -> None:
    verdict = check(("2 * x\n", "3 * x\n"), ("more**2", "more"), ("square - half", "square + half"))
    assert told(verdict) == {
        "double": ("wrong",),
        "more": ("inherited", "double"),
        "square": ("wrong", "not squared"),
        "half": ("inherited", "double"),
        "last": ("wrong",),
    }
    last = verdict.parts[4]  # held to the learner's own square and half: 10 and 4.5
    assert (last.got, last.wanted) == ("14.5", "5.5")
    assert "your own earlier results" in last.says


def test_an_inherited_error_names_where_it_began_each_place_once(check) -> None:
    verdict = check(("double + 1", "double + 2"), ("double / 2", "double / 4"))
    assert told(verdict)["half"] == ("wrong", "x halved")
    assert told(verdict)["last"] == ("inherited", "more", "half")
    assert "`more` and `half`" in verdict.parts[4].says


def test_a_line_that_is_right_in_spite_of_a_wrong_one_passes(check) -> None:
    assert told(check(("more**2", "(2 * x + 1) ** 2"), ("double + 1", "double + 2")))["square"] == ("passed",)


def test_a_difference_that_was_let_pass_is_let_pass_where_it_grows(check) -> None:
    # `more` is 7.00006 instead of 7, within its tolerance; `square` 49.0008 instead of 49, beyond its own
    assert check(("double + 1", "double + 1.00006")).ok
    assert told(check(("more**2", "more**2 + 0.0008")))["square"] == ("wrong",)


def test_an_error_is_inherited_through_a_line_that_was_let_pass(check) -> None:
    # 6.000065 instead of 6 is too far off; 7.000065 instead of 7 is not; its square is again
    verdict = check(("2 * x\n", "2 * x + 6.5e-5 * (x < 4)\n"))
    assert told(verdict)["double"] == ("wrong",)
    assert told(verdict)["more"] == ("passed",)
    assert told(verdict)["square"] == ("inherited", "double")


def test_a_line_may_be_right_in_one_case_and_inherit_in_another(check) -> None:
    verdict = check(("double + 1", "double + 2"), ("more**2", "more**2 if x > 4 else (2 * x + 1) ** 2"))
    assert told(verdict)["square"] == ("inherited", "more")


def test_an_error_must_be_inherited_in_every_case(check) -> None:
    # 0 instead of 7 in the first case; in the second, where `more` is right, `square` has an error of its own
    verdict = check(("double + 1", "(double + 1) * (x > 3)"), ("more**2", "more**2 + (x > 3)"))
    assert told(verdict)["square"] == ("wrong",)
    assert verdict.parts[2].wanted == "121"


@pytest.mark.parametrize("nothing", ["None", "..."])
def test_lines_that_are_not_written_yet_leave_the_others_to_be_judged(check, nothing: str) -> None:
    verdict = check(("double + 1\n", f"{nothing}\n"), ("more**2", "2 * x + 1"))
    assert told(verdict) == {
        "double": ("passed",),
        "more": ("unwritten",),
        "square": ("wrong", "not squared"),  # from the solution's `more`, there being no other
        "half": ("passed",),
        "last": ("inherited", "square"),
    }
    assert "`more` is not written yet" in verdict.parts[1].says


def test_where_the_code_raised_what_came_before_is_judged(check) -> None:
    verdict = check(("double + 1", "double + 2"), ("double / 2", "double / 0"))
    assert told(verdict) == {
        "double": ("passed",),
        "more": ("wrong",),
        "square": ("inherited", "more"),
        "half": ("raised",),
        "last": ("unreached",),
    }
    assert verdict.parts[3].place == "line 7, in chain: half = double / 0"


def test_variables_that_cannot_travel_leave_the_exception_alone(check) -> None:
    sparse = "__import__('torch').ones(2).to_sparse()"
    verdict = check(("double = 2 * x", f"double = {sparse}"), ("double / 2", "1 / 0"))
    assert [part.state for part in verdict.parts] == ["raised"] + 4 * ["unreached"]


def test_a_variable_that_was_still_to_change_is_not_judged(check) -> None:
    verdict = check(("more**2\n", "more\n    square *= more.nothing\n"))
    assert told(verdict)["square"] == ("raised",)
    verdict = check(("    half =", "    1 / 0\n    square += 0\n    half ="))
    assert told(verdict)["square"] == ("raised",)
    assert told(verdict)["more"] == ("passed",)


def test_an_exception_is_inherited_where_the_right_rule_could_do_no_better(check) -> None:
    verdict = check(("double + 1", "[double]"))
    assert told(verdict)["square"] == ("inherited", "more")
    assert told(verdict)["half"] == ("unreached",)


def test_an_exception_in_a_later_case_alone(check) -> None:
    verdict = check(("double / 2", "double / (5 - x)"))
    assert told(verdict) == {
        "double": ("passed",),
        "more": ("passed",),
        "square": ("passed",),
        "half": ("raised",),
        "last": ("unreached",),
    }


@pytest.mark.parametrize(
    ("old", "new", "state"),
    [
        ('return {"double": double, ', "return {", "unwritten"),
        ('    return {"double"', '    {"double"', "unwritten"),
        ('return {"double"', 'return 1, {"double"', "wrong"),
        ("double = 2 * x", "double = object()", "wrong"),
        ("double = 2 * x", "double = [[1.0], [1.0, 2.0]]", "wrong"),
        ("double = 2 * x", "double = float('nan')", "wrong"),
    ],
)
def test_clumsy_answers(check, old: str, new: str, state: str) -> None:
    verdict = check((old, new))
    assert verdict.parts[0].state == state
    assert not verdict.ok


def test_the_time_of_a_call_that_never_ends_is_up_for_all(check, monkeypatch: pytest.MonkeyPatch) -> None:
    from zth.workbook.check import Limits

    monkeypatch.setattr(Exercise, "limits", property(lambda self: Limits(seconds=1.0)))
    verdict = check(("half = double / 2", "while True: pass"))
    assert "`double` gave no answer within 1 s" in verdict.trouble
    assert {part.state for part in verdict.parts} == {"unreached"}
