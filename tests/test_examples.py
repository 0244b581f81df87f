"""Every example runs, and prints what its text promises."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from zth.workbook.exercise import exercises
from zth.workbook.pack import COURSE

EXAMPLES = Path(__file__).parents[1] / "examples"
PRINTS = {
    "softmax_by_hand.py": "gradient [0.0418, 0.839, 0.0057, -0.8865]",
    "names_by_counting.py": "dev loss 2.2223 nats a character",
    "scalar_gpt.py": " 1000 names  loss 2.31",
}


def test_every_example_is_tried() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(PRINTS)


@pytest.mark.parametrize("name", sorted(PRINTS))
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(EXAMPLES / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert PRINTS[name] in done.stdout


def test_the_code_in_the_readme_runs(tmp_path: Path) -> None:
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2.222")


def test_the_readme_lists_every_exercise_by_its_title() -> None:
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    for exercise in (each for each in exercises() if each.pack == COURSE):
        assert f"| {exercise.id} | {exercise.task.title} |" in readme
