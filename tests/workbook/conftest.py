"""What the tests of all exercises share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zth.workbook.exercise import Exercise
from zth.workbook.jail import Jail
from zth.workbook.judge import judge
from zth.workbook.verdict import Verdict


@pytest.fixture
def slip(tmp_path: Path, jail: Jail) -> Callable[[Exercise, str, str, str], Verdict]:
    """slip(exercise, style, old, new) -> the verdict on a right answer in which `old`, which stands there once, is
    replaced by `new`: how real files go wrong, which need not be how our own mistakes are written."""

    def judged(exercise: Exercise, style: str, old: str, new: str) -> Verdict:
        text = (exercise.folder / "right" / f"{style}.py").read_text()
        assert text.count(old) == 1, old
        path = tmp_path / exercise.file_name
        path.write_text(text.replace(old, new))
        return judge(exercise, path, jail)

    return judged
