"""2.2: the lecture's figures, and how real wrong files are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from zth.runs import read
from zth.workbook.exercise import get
from zth.workbook.measure import measure

EXERCISE = get("2.2")


def test_the_experiment_meets_the_lecture(tmp_path: Path) -> None:
    record = read(measure(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    figures = {figure.name: figure for figure in record.figures}
    held = [figure for figure in figures.values() if figure.reference is not None]
    assert len(held) == 12
    assert [figure.name for figure in held if not figure.ok] == []
    leaky = figures["trigram, two dots: dev, counted as well (a leak)"].value
    assert leaky < figures["trigram, two dots: dev"].value
    assert any("loss on dev is infinite" in block.get("markdown", "") for block in record.blocks)


def test_the_courses_split_does_not_depend_on_the_seed_of_the_experiment(tmp_path: Path) -> None:
    record = read(measure(EXERCISE, preset="quick", seed=7, root=tmp_path).folder)
    assert all(figure.ok for figure in record.figures if figure.reference is not None)


@pytest.mark.parametrize(
    ("style", "old", "new", "parts", "mistake"),
    [
        # split alone looks right: the list that it spoils is the caller's
        ("lecture_style", "    words = words[:]\n", "", {"table"}, "shuffled in place"),
        ("lecture_style", "(N + 1)", "(N + 0)", {"losses"}, "not smoothed"),
        ("counters", "+ 1) / (total[c] + 27)", ") / total[c]", {"losses", "table"}, "log of 0"),
        ("lecture_style", "random.seed(seed)", "random.seed(42)", {"split", "table"}, "seed ignored"),
        ("numpy_class", "fit(train)", "fit(train + dev + test)", {"losses", "table"}, "counted on all the words"),
    ],
)
def test_slips_in_a_real_file_are_named(slip, style: str, old: str, new: str, parts: set[str], mistake: str) -> None:
    verdict = slip(EXERCISE, style, old, new)
    assert {part.name for part in verdict.parts if part.mistake == mistake} >= parts
