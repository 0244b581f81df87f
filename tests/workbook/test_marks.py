"""Verdicts and weights -> points."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from zth.workbook.exercise import get
from zth.workbook.handout import Assigned
from zth.workbook.marks import how_long, is_late, judged, lateness, unjudged
from zth.workbook.submissions import Submission
from zth.workbook.verdict import PartVerdict, State, Verdict

EXERCISE = get("1.1")
NAMES = [part.name for part in EXERCISE.parts]


def verdict(*states: State, trouble: str = "") -> Verdict:
    parts = [
        PartVerdict(name=name, state=state, says="" if state == "passed" else f"about {name}")
        for name, state in zip(NAMES, states, strict=False)
    ]
    return Verdict(exercise="1.1", parts=parts, trouble=trouble)


def rest(state: State) -> list[State]:
    return [state] * (len(NAMES) - 1)


def test_each_part_that_passed_gives_its_share() -> None:
    mark = judged(Assigned(exercise=EXERCISE, points=6), "ada", verdict("wrong", *rest("passed")))
    assert mark.points == pytest.approx(6 * (len(NAMES) - 1) / len(NAMES))
    assert (mark.state, mark.passed, mark.of) == ("judged", len(NAMES) - 1, 6)
    assert mark.says == f"{NAMES[0]}: about {NAMES[0]}"


def test_weights_count_and_thirds_sum_to_the_whole() -> None:
    weights = dict.fromkeys(NAMES, 1 / 3)
    assert (
        judged(Assigned(exercise=EXERCISE, weights=weights), "ada", verdict("passed", *rest("passed"))).points == 10
    )
    heavy = Assigned(exercise=EXERCISE, points=8, weights={NAMES[0]: 3.0 * (len(NAMES) - 1)})
    assert judged(heavy, "ada", verdict("passed", *rest("wrong"))).points == pytest.approx(6)


def test_an_inherited_error_costs_all_unless_the_teacher_says_otherwise() -> None:
    told = verdict("wrong", *rest("inherited"))
    assert judged(Assigned(exercise=EXERCISE), "ada", told).points == 0
    mark = judged(Assigned(exercise=EXERCISE, inherited=0.5), "ada", told)
    assert mark.points == pytest.approx(5 * (len(NAMES) - 1) / len(NAMES))


def test_what_came_before_the_end_counts_but_nothing_after_foul_play() -> None:
    stopped = judged(Assigned(exercise=EXERCISE), "ada", verdict("passed", *rest("unreached"), trouble="too slow"))
    assert stopped.state == "stopped"
    assert stopped.points == pytest.approx(10 / len(NAMES))
    told = verdict("passed", *rest("unreached"), trouble="patched torch")
    early = judged(Assigned(exercise=EXERCISE), "ada", replace(told, kind="patched"))
    assert (early.state, early.points) == ("rejected", 0)
    rejected = judged(Assigned(exercise=EXERCISE), "ada", verdict("passed", *rest("passed"), trouble="patched torch"))
    assert (rejected.state, rejected.points, rejected.note) == ("rejected", 0, "patched torch")


def test_parts_without_a_verdict_were_not_reached() -> None:
    mark = judged(Assigned(exercise=EXERCISE), "ada", verdict("raised"))
    assert [part.state for part in mark.parts] == ["raised", *rest("unreached")]
    assert sum(part.of for part in mark.parts) == pytest.approx(10)


def test_a_row_without_a_verdict_has_its_parts_and_no_points() -> None:
    mark = unjudged(Assigned(exercise=EXERCISE), "ada", "missing", "not handed in")
    assert (mark.points, mark.of, len(mark.parts), mark.says) == (0, 10, len(NAMES), "not handed in")


def test_late_is_after_the_last_moment_or_what_the_platform_calls_late() -> None:
    due = datetime(2026, 12, 1, tzinfo=UTC)
    at = Submission(student="ada", handed_in=due)
    after = Submission(student="bob", handed_in=due + timedelta(seconds=1))
    assert not is_late(at, due)
    assert lateness(after, due) == timedelta(seconds=1)
    assert not is_late(after, None)
    assert is_late(Submission(student="cy", said_late=True), None)
    assert lateness(Submission(student="dora"), due) is None


@pytest.mark.parametrize(("minutes", "words"), [(0, "0 min"), (59, "59 min"), (61, "1 h 1 min"), (1500, "1 d 1 h")])
def test_how_long(minutes: int, words: str) -> None:
    assert how_long(timedelta(minutes=minutes)) == words
