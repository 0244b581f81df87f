from __future__ import annotations

from pathlib import Path

from zth.report import sections
from zth.report.select import natural
from zth.runs import Record


def record(
    name: str, status: str = "done", started: str = "2026-01-01", kind: str = "measure", title: str = ""
) -> Record:
    meta = {"kind": kind, "name": name, "status": status, "started": started, "title": title}
    return Record(folder=Path(f"{started}_{kind}-{name}"), meta=meta, figures=[], blocks=[])


def test_exercises_are_in_the_order_of_their_numbers_and_before_trainings():
    names = ["10.1", "train-b", "2.1", "1.2", "9.4", "1.1", "2.10"]
    records = [record(name, kind="train" if name.startswith("train") else "measure") for name in names]
    assert [section.record.name for section in sections(records)] == [
        "1.1",
        "1.2",
        "2.1",
        "2.10",
        "9.4",
        "10.1",
        "train-b",
    ]


def test_the_newest_done_run_is_shown_whatever_order_they_come_in():
    old, new = record("1.1", started="2026-01-01"), record("1.1", started="2026-02-01")
    for records in ([old, new], [new, old]):
        (section,) = sections(records)
        assert section.record is new
        assert section.unfinished == ()


def test_a_newer_failure_stands_beside_the_done_run_and_an_older_one_is_forgotten():
    older = record("1.1", "failed", "2025-01-01")
    done = record("1.1", "done", "2026-01-01")
    failed = record("1.1", "failed", "2026-02-01")
    running = record("1.1", "running", "2026-03-01")
    (section,) = sections([running, failed, done, older])
    assert section.record is done
    assert section.unfinished == (failed, running)


def test_without_a_done_run_the_newest_is_shown():
    first, last = record("1.1", "failed", "2026-01-01"), record("1.1", "interrupted", "2026-02-01")
    (section,) = sections([first, last])
    assert section.record is last


def test_runs_of_one_second_are_told_apart_by_their_folders_count():
    records = [record("1.1") for _ in range(3)]
    folders = ["x_measure-1.1-10", "x_measure-1.1", "x_measure-1.1-2"]
    records = [
        Record(folder=Path(name), meta=each.meta, figures=[], blocks=[])
        for name, each in zip(folders, records, strict=True)
    ]
    assert sections(records)[0].record.folder.name == "x_measure-1.1-10"


def test_the_same_name_of_another_kind_is_another_section():
    assert len(sections([record("2.3"), record("2.3", kind="train")])) == 2


def test_titles():
    def title(name: str, title: str, kind: str = "measure") -> tuple[str, str, str]:
        (section,) = sections([record(name, title=title, kind=kind)])
        return section.number, section.title, section.full_title

    assert title("2.3", "2.3 Tune it") == ("2.3", "Tune it", "2.3 Tune it")
    assert title("2.3", "2.3: Tune it") == ("2.3", "Tune it", "2.3 Tune it")
    assert title("2.3", "2.30 is a number") == ("2.3", "2.30 is a number", "2.3 2.30 is a number")
    assert title("2.3", "") == ("2.3", "Measure", "2.3 Measure")
    assert title("my-names", "", kind="train") == ("", "Train my-names", "Train my-names")


def test_a_name_of_many_digits_is_no_danger():
    assert natural("9" * 5000) != natural("8" * 5000)


def test_a_packs_exercise_has_its_whole_id_as_its_number():
    (section,) = sections([record("sampling:1.1", title="sampling:1.1 Who may be drawn")])
    assert (section.number, section.title) == ("sampling:1.1", "Who may be drawn")
    (other,) = sections([record("train-1.1", title="")])
    assert other.number == ""
