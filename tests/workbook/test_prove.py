"""`prove` finds what is wrong with a check, not only what is right with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from zth.workbook.check import Mistake, Part
from zth.workbook.exercise import Exercise, get
from zth.workbook.jail import Jail
from zth.workbook.prove import prove


def failures(jail: Jail) -> dict[str, str]:
    return {proof.submission: proof.why for proof in prove(get("1.1"), jail) if not proof.ok}


def test_a_check_that_accepts_everything_is_found_out(jail: Jail, monkeypatch: pytest.MonkeyPatch) -> None:
    lenient = [Part(name="f", ask=lambda answer: 1, cases=[()])]
    monkeypatch.setattr(Exercise, "parts", property(lambda self: lenient))
    found = failures(jail)
    assert "it passed" in found["stub"]
    assert "must be rejected; it passed" in found["mistake: sign of 1/c"]


def test_a_mistake_that_is_not_recognised_is_found_out(jail: Jail, monkeypatch: pytest.MonkeyPatch) -> None:
    blind = [Mistake(name="sign of 1/c", says="no", instead={})]
    monkeypatch.setattr(Exercise, "mistakes", property(lambda self: blind))
    found = failures(jail)
    assert found["mistake: sign of 1/c"].startswith("must be named; gradient said: at [1] got")
    assert found["mistakes"] == "1 of at least 6"


def test_a_right_answer_that_is_refused_is_found_out(jail: Jail, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = [Part(name="f", ask=lambda answer: answer.f(1.0, 2.0, 3.0), cases=[()], accept=lambda got, wanted: "no")]
    monkeypatch.setattr(Exercise, "parts", property(lambda self: strict))
    found = failures(jail)
    assert "must pass; f is wrong" in found["solution"]
    assert "must pass" in found["right: loops"]


def test_a_check_that_blames_a_line_for_what_it_inherits_is_found_out(
    jail: Jail, monkeypatch: pytest.MonkeyPatch
) -> None:
    exercise = get("5.1")
    parts, mistakes = exercise.parts, exercise.mistakes[:1]
    parts[1] = replace(parts[1], step=replace(parts[1].step, rule=lambda *_: 0.0))
    monkeypatch.setattr(Exercise, "parts", property(lambda self: parts))
    monkeypatch.setattr(Exercise, "mistakes", property(lambda self: mistakes))
    found = {proof.submission: proof.why for proof in prove(exercise, jail) if not proof.ok}
    assert found[f"mistake: {mistakes[0].name}"] == "must blame no other line; it blamed dprobs"
