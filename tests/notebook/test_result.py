"""What a cell shows: nothing of a learner's becomes markup, and a plain terminal is told the same."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from zth.notebook.result import Hint, Result, Solution, as_calls
from zth.workbook.exercise import exercises, get
from zth.workbook.verdict import PartVerdict, Verdict

EVIL = "<script>alert('x')</script>\x1b[31m\" onmouseover=\"y"


class _Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []
        self.attributes: set[str] = set()
        self.said = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.open.append(tag)
        self.attributes |= {name for name, _ in attributes}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data


def result(*parts: PartVerdict, trouble: str = "", output: str = "") -> Result:
    verdict = Verdict(exercise="2.5", parts=parts, trouble=trouble, output=output)
    return Result(exercise=get("2.5"), verdict=verdict, next_move='Stuck: `hint("2.5")`')


WRONG = PartVerdict(
    name=EVIL, state="wrong", call=EVIL, got=EVIL, wanted=EVIL, difference=EVIL, mistake=EVIL, says=EVIL, place=EVIL
)


def test_nothing_of_a_learners_is_markup() -> None:
    shown = result(WRONG, trouble=EVIL, output=EVIL)
    tags = _Tags(shown._repr_html_() or "")
    assert set(tags.seen) <= {"div", "table", "tr", "td", "span", "pre", "code"}
    assert tags.attributes == {"style"}
    assert not tags.open
    assert tags.said.count("<script>alert('x')</script>\\x1b[31m") == 10
    assert "\x1b" not in repr(shown)


def test_a_failure_is_told_in_html_and_in_plain_text_alike() -> None:
    shown = result(
        PartVerdict(name="f", state="passed"),
        PartVerdict(
            name="g", state="wrong", call="g(2)", got="3", wanted="4", says="Look at `x < 2`.", place="line 1"
        ),
        PartVerdict(name="h", state="inherited", follows=("g",)),
        output="debug",
    )
    assert repr(shown) == (
        "2.5 F.cross_entropy\n  ✓ f\n  ✗ g  wrong\n  ↳ h  follows from g\n\n"
        "  called  g(2)\n  got     3\n  wanted  4\n  where   line 1\n\n  Look at `x < 2`.\n\n"
        "  Your code printed:\n    debug\n\n"
        'Not yet: 1 of 3 parts, and 1 that will follow. Stuck: `hint("2.5")`'
    )
    html = shown._repr_html_() or ""
    for words in ("g(2)", "follows from g", "Look at <code>x &lt; 2</code>.", "debug", "Not yet: 1 of 3 parts"):
        assert words in html
    assert shown._repr_markdown_() is None


@pytest.mark.parametrize(
    ("parts", "trouble", "colour"),
    [
        ([PartVerdict(name="f", state="passed")], "", "#2e9e5b"),
        ([PartVerdict(name="f", state="wrong")], "", "#d64545"),
        ([PartVerdict(name="f", state="unwritten")], "", "#c98a12"),
        ([PartVerdict(name="f", state="unreached")], "`f` gave no answer", "#d64545"),
    ],
)
def test_the_colour_says_how_it_is(parts: list[PartVerdict], trouble: str, colour: str) -> None:
    assert (result(*parts, trouble=trouble)._repr_html_() or "").startswith(
        f'<div style="border-left:4px solid {colour}'
    )


def test_many_right_parts_are_folded() -> None:
    right = [PartVerdict(name=f"part {i}", state="passed") for i in range(7)]
    assert "<details" in (result(*right)._repr_html_() or "")
    assert "<details" not in (result(*right, WRONG)._repr_html_() or "")


def test_every_hint_and_solution_can_be_shown() -> None:
    for exercise in exercises():
        hints = [Hint(exercise=exercise, number=number) for number in range(3)]
        for shown in (*hints, Solution(exercise=exercise)):
            assert shown._repr_html_() is None
            assert exercise.id in (shown._repr_markdown_() or "")
            assert exercise.id in repr(shown)


def test_commands_become_calls() -> None:
    assert (
        as_calls("`zth check 5.1`, zth measure 5.1, zth hint 2.1") == '`check("5.1")`, zth measure 5.1, hint("2.1")'
    )
