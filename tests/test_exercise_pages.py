"""The pages of the exercises in docs are those that their folders make; what a stale one needs is `make pages`."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from zth.workbook.exercise import get

ROOT = Path(__file__).parents[1]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = script("exercise_pages")
VERDICTS, FIGURES = PAGES.load("verdicts.json"), PAGES.load("figures.json")


def test_what_the_judge_said_is_of_the_checks_as_they_are() -> None:
    assert [exercise.id for exercise in PAGES.stale(VERDICTS)] == [], "make pages"
    assert set(VERDICTS) == {exercise.id for exercise in PAGES.course()}


def test_the_pages_are_those_of_the_folders() -> None:
    made = PAGES.pages(VERDICTS, FIGURES)
    there = {path.name: path.read_text(encoding="utf-8") for path in PAGES.DOCS.glob("*.md")}
    assert sorted(there) == sorted(made)
    assert [name for name, text in made.items() if there[name] != text] == [], "make pages"


@pytest.mark.parametrize("exercise", PAGES.course(), ids=lambda exercise: exercise.id)
def test_a_page_is_whole(exercise) -> None:
    text = PAGES.page(exercise, VERDICTS[exercise.id], FIGURES.get(exercise.id, {}))
    assert text.count("<details") == text.count("</details>") == 3
    assert all(hint in text for hint in exercise.task.hints)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(re.sub(r"\\\||`[^`]*`", "", line).count("|") in (4, 6) for line in rows)  # no text breaks its row
    told = {row["mistake"] for row in VERDICTS[exercise.id]["mistakes"]}
    assert told == {mistake.name for mistake in exercise.mistakes}


def test_a_change_of_the_check_makes_a_page_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exercise = get("1.1")
    before = PAGES.digest(exercise)
    for path in exercise.folder.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    copied = type(exercise)(tmp_path, exercise.pack)
    assert PAGES.digest(copied) == before
    (tmp_path / "measure.py").write_text("")
    assert PAGES.digest(copied) == before
    (tmp_path / "check.py").write_text("")
    assert PAGES.digest(copied) != before


def test_what_is_gone_is_taken_away_and_what_is_the_same_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PAGES, "DOCS", tmp_path)
    assert list(PAGES.write({"1.1.md": "a", "1.2.md": "b"})) == ["1.1.md", "1.2.md"]
    assert list(PAGES.write({"1.1.md": "a", "1.3.md": "c"})) == ["1.2.md", "1.3.md"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.1.md", "1.3.md"]


def test_every_page_gets_its_place_in_the_navigation() -> None:
    nav = script("docs_nav")
    made = nav._with_pages({"Exercises": "exercises/index.md"}, ROOT / "docs")
    first, *lectures = made["Exercises"]
    assert first == "exercises/index.md"
    pages = [page for lecture in lectures for pages in lecture.values() for page in pages]
    assert pages == [f"exercises/{exercise.id}.md" for exercise in PAGES.course()]
    assert nav._with_pages({"Home": "index.md"}, ROOT / "docs") == {"Home": "index.md"}
