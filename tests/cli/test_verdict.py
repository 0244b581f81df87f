"""A verdict on the screen: what is wrong first, and what only follows from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from zth.cli.verdict import print_verdict
from zth.workbook.exercise import get
from zth.workbook.verdict import PartVerdict, Verdict


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """shown(parts) -> the lines that are printed."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")

    def lines(*parts: PartVerdict) -> list[str]:
        print_verdict(Verdict(exercise="5.1", parts=parts), get("5.1"), Path("my-zth/answer.py"))
        return [line.strip() for line in capsys.readouterr().out.splitlines()]

    return lines


def test_what_is_inherited_names_where_it_began_and_is_counted(shown) -> None:
    lines = shown(
        PartVerdict(name="dprobs", state="passed"),
        PartVerdict(name="dcounts", state="wrong", mistake="dcounts: second path forgotten", says="Add the second."),
        PartVerdict(name="dh", state="inherited", follows=("dcounts",), says="`dh` follows from `dcounts`."),
        PartVerdict(name="dbnvar", state="wrong", says="Its own."),
        PartVerdict(name="dC", state="inherited", follows=("dcounts", "dbnvar")),
    )
    assert lines[2:6] == [
        "✗ dcounts  the known mistake: second path forgotten",
        "↳ dh  follows from dcounts",
        "✗ dbnvar  wrong",
        "↳ dC  follows from dcounts, dbnvar",
    ]
    assert "Add the second." in lines, "the first failure is explained"
    assert "Its own." not in lines
    assert lines[-1].startswith("Not yet: 1 of 5 parts, and 2 that will follow. Stuck: zth hint 5.1")


def test_without_inherited_parts_nothing_is_said_of_them(shown) -> None:
    lines = shown(PartVerdict(name="f", state="wrong"), PartVerdict(name="g", state="passed"))
    assert lines[-1].startswith("Not yet: 1 of 2 parts. Stuck")
