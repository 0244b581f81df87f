"""What has been judged is kept, and only used for what it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from zth.errors import RunError
from zth.workbook.exercise import Exercise, get
from zth.workbook.journal import Judged, basis, open_journal
from zth.workbook.normal_form import Form
from zth.workbook.pack import Pack
from zth.workbook.verdict import PartVerdict, Verdict

VERDICT = Verdict(
    exercise="1.1",
    parts=[
        PartVerdict(name="f", state="inherited", says="a\u2028b \ud800", follows=("g", "h")),
        PartVerdict(name="g", state="passed"),
    ],
    trouble="t",
    seconds=1.5,
)
JUDGED = Judged(
    student="ada\n",
    exercise="1.1",
    source="s",
    basis="b",
    verdict=VERDICT,
    form=Form(digest="d", nodes=3),
    imports=["zth"],
)


def find(path: Path, judged: Judged = JUDGED) -> Judged | None:
    with open_journal(path) as journal:
        return journal.find(judged.student, judged.exercise, judged.source, judged.basis)


def test_what_was_written_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    with open_journal(path) as journal:
        journal.add(JUDGED)
        assert journal.find("ada\n", "1.1", "s", "b") is JUDGED
    found = find(path)
    assert found is not None
    assert found.verdict is not None
    assert found.verdict.parts[1] == VERDICT.parts[1]
    assert replace(found.verdict.parts[0], says="") == replace(VERDICT.parts[0], says="")
    assert replace(found, verdict=None) == replace(JUDGED, verdict=None)


@pytest.mark.parametrize("change", [{"student": "bob"}, {"exercise": "1.2"}, {"source": "x"}, {"basis": "x"}])
def test_another_file_or_another_check_is_judged_anew(tmp_path: Path, change: dict[str, str]) -> None:
    path = tmp_path / "j.jsonl"
    with open_journal(path) as journal:
        journal.add(JUDGED)
    assert find(path) is not None
    assert find(path, replace(JUDGED, **change)) is None


def test_the_last_line_counts_and_a_fault_of_ours_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    with open_journal(path) as journal:
        journal.add(JUDGED)
        journal.add(replace(JUDGED, verdict=None, fault="died"))
    assert find(path) is None


def test_a_torn_line_costs_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    with open_journal(path) as journal:
        journal.add(JUDGED)
    whole = path.read_bytes()
    path.write_bytes(whole + b"[1, 2]\n{}\n\xff\xfe\n" + whole[: len(whole) // 2])
    other = replace(JUDGED, student="bob")
    with open_journal(path) as journal:
        journal.add(other)
    assert find(path) is not None
    assert find(path, other) is not None


def test_two_at_once_are_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    with open_journal(path), pytest.raises(RunError, match="Another zth grade"), open_journal(path):
        pass
    with pytest.raises(RunError, match="cannot be written"), open_journal(tmp_path / "none" / "j.jsonl"):
        pass


def test_the_basis_names_versions_and_differs_by_exercise() -> None:
    assert basis(get("1.1")) != basis(get("1.2"))
    assert basis(get("1.1")).startswith("zth ")


def test_the_basis_of_a_packs_exercise_has_the_packs_library(tmp_path: Path) -> None:
    exercise = Exercise(tmp_path / "l01_x" / "e01_y", Pack("mine", "mine", tmp_path))
    exercise.folder.mkdir(parents=True)
    (tmp_path / "library.py").write_text("A = 1\n")
    before = basis.__wrapped__(exercise)
    (tmp_path / "library.py").write_text("A = 2\n")
    assert basis.__wrapped__(exercise) != before
