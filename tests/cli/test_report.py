from __future__ import annotations

import json
from pathlib import Path

import pytest

from zth.cli import main
from zth.runs import Run
from zth.workbook.desk import Desk
from zth.workbook.exercise import exercises, get


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    with Run.create(kind="measure", name="2.2", root=tmp_path / "runs", title="Split") as run:
        run.figure("dev loss [nats]", 2.45331, unit="nats", reference=2.4533, tolerance=5e-5)
        run.figure("test loss", float("inf"), unit="nats", reference=2.4584, better="lower")
    run = Run.create(kind="measure", name="2.3", root=tmp_path / "runs")
    with pytest.raises(ValueError, match="boom"), run:
        raise ValueError("boom [bold]")
    return tmp_path / "runs"


def test_it_says_where_the_page_is_and_what_the_figures_are(runs, tmp_path, capsys):
    assert main(["report", str(runs), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert (tmp_path / "out" / "index.html").is_file()
    assert (tmp_path / "out" / "index.html").as_uri() in printed
    for words in (
        "dev loss [nats]",
        "2.4533 nats",
        "as the course",
        "∞",
        "worse",
        "2.3 failed ValueError: boom [bold]",
    ):
        assert words in printed
    assert "1 as the course, 1 worse" in printed


def test_json_is_the_figures_file_and_the_desk(runs, desk, tmp_path, capsys):
    arguments = ["--out", str(tmp_path / "out"), "--desk", str(desk.folder), "--json"]
    assert main(["report", str(runs), *arguments]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["desk"] == json.loads((tmp_path / "out" / "desk.json").read_text(encoding="utf-8"))
    rows = printed["figures"]
    assert rows == json.loads((tmp_path / "out" / "figures.json").read_text(encoding="utf-8"))
    assert [(row["exercise"], row["verdict"], row["ok"]) for row in rows] == [
        ("2.2", "as the course", True),
        ("2.2", "worse", False),
    ]


def test_one_run_alone(runs, tmp_path, capsys):
    (folder,) = runs.glob("*2.2")
    assert main(["report", str(folder), "--out", str(tmp_path / "out")]) == 0
    assert "failed" not in capsys.readouterr().out


@pytest.mark.parametrize("make", [False, True], ids=["absent", "empty"])
def test_without_runs_the_next_move_is_said(tmp_path, capsys, make):
    if make:
        (tmp_path / "runs").mkdir()
    assert main(["report", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]) == 2
    assert "make tour" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written(runs, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["report", str(runs), "--out", str(tmp_path / "file")]) == 2
    assert "Choose another place with --out." in capsys.readouterr().err


def test_a_narrow_terminal_shows_each_figure_under_its_name(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    assert main(["report", str(runs), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "2.2 dev loss [nats]" in printed
    assert "  2.4533 nats" in printed


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path / "desk")
    desk.start(get("1.1"))
    desk.record_try(get("1.1"), ok=False)
    desk.record_try(get("1.1"), ok=True)
    return desk


def test_progress_stands_on_the_page(runs, desk, tmp_path, capsys):
    assert main(["report", str(runs), "--out", str(tmp_path / "out"), "--desk", str(desk.folder)]) == 0
    rows = json.loads((tmp_path / "out" / "desk.json").read_text(encoding="utf-8"))
    assert [(row["id"], row["state"], row["tries"]) for row in rows][:2] == [("1.1", "passed", 2), ("1.2", "new", 0)]
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert 'id="desk"' in page
    assert 'href="#measure-2.2"' in page


def test_a_desk_without_runs_is_enough(desk, tmp_path, capsys):
    assert main(["report", str(tmp_path / "none"), "--out", str(tmp_path / "out"), "--desk", str(desk.folder)]) == 0
    printed = capsys.readouterr().out
    assert f"1 of {len(exercises())} exercises passed\n" in printed
    assert "no figures" not in printed


def test_the_desk_of_this_folder_is_taken_by_itself(runs, desk, tmp_path, monkeypatch):
    desk.folder.rename(tmp_path / "my-zth")
    monkeypatch.chdir(tmp_path)
    assert main(["report", "--out", "out"]) == 0
    assert (tmp_path / "out" / "desk.json").is_file()


def test_nobody_who_has_not_begun_is_shown_an_empty_desk(runs, tmp_path, monkeypatch):
    (tmp_path / "my-zth").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["report", "--out", "out"]) == 0
    assert not (tmp_path / "out" / "desk.json").exists()


def test_a_desk_that_is_not_there_is_an_error(runs, tmp_path, capsys):
    assert main(["report", str(runs), "--out", str(tmp_path / "out"), "--desk", str(tmp_path / "none")]) == 2
    assert "There is no desk" in capsys.readouterr().err
