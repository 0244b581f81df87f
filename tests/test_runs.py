"""The run folder: written whole or not at all, read back as it was, honest about how it ended."""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import stat
import threading
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from zth import machine
from zth.errors import RunError
from zth.files import atomic_write, dumps, write_json
from zth.runs import Figure, Run, find, metrics, read


def make(root: Path, name: str = "2.2", kind: str = "measure") -> Run:
    return Run.create(kind=kind, name=name, root=root, title="A title", seed=7, config={"preset": "quick"})


# ---- figures


@pytest.mark.parametrize(
    ("value", "better", "tolerance", "verdict", "ok"),
    [
        (2.0, "equal", 0.0, "as the course", True),
        (2.1, "equal", 0.1 + 1e-12, "as the course", True),
        (1.9, "equal", 0.05, "worse", False),
        (2.1, "equal", 0.05, "worse", False),
        (1.9, "lower", 0.05, "better", True),
        (2.1, "lower", 0.05, "worse", False),
        (2.1, "higher", 0.05, "better", True),
        (1.9, "higher", 0.05, "worse", False),
        (1.97, "lower", 0.05, "as the course", True),
        (math.inf, "lower", 0.05, "worse", False),
        (math.inf, "higher", 0.05, "better", True),
        (math.nan, "equal", 0.05, "worse", False),
        (math.nan, "lower", 0.05, "worse", False),
    ],
)
def test_verdict_beside_a_reference_of_two(value, better, tolerance, verdict, ok):
    figure = Figure(name="n", value=value, reference=2.0, better=better, tolerance=tolerance)
    assert (figure.verdict, figure.ok) == (verdict, ok)


def test_without_a_reference_a_figure_is_measured_and_an_expected_infinity_is_met():
    assert (Figure(name="n", value=1).verdict, Figure(name="n", value=1).ok) == ("measured", None)
    assert Figure(name="n", value=math.inf, reference=math.inf).verdict == "as the course"


# ---- writing and reading back


def test_what_is_written_is_read_back(tmp_path):
    with make(tmp_path) as run:
        run.data("names", "0a30")
        run.data("names", "0a30")
        run.text("Is it better?")
        run.table("T", ["a", "b"], [[1, 2.5], ["x", None]])
        run.plot("A plot: é / x", go.Figure(go.Scatter(y=[1, 2])), "look")
        run.svg("G", "<svg/>")
        figure = run.figure(
            "inf", math.inf, unit="nan", reference=2.4533, source="-inf", better="lower", tolerance=1e-4
        )
        run.log(step=0, loss=math.inf)
        run.log(step=1, loss=2.5)
    record = read(run.folder)
    assert (record.kind, record.name, record.status) == ("measure", "2.2", "done")
    assert record.figures == [figure]  # its texts stay texts even where they spell a number
    assert record.meta["data"] == [{"edition": "names", "sha256": "0a30"}]
    assert record.meta["config"] == {"preset": "quick"}
    assert record.meta["seed"] == 7
    assert record.meta["seconds"] >= 0
    assert [block["kind"] for block in record.blocks] == ["text", "table", "plot", "svg", "figure"]
    assert record.blocks[1]["rows"] == [[1, 2.5], ["x", None]]
    plot = json.loads((run.folder / record.blocks[2]["file"]).read_text())
    assert plot["data"][0]["y"] == [1, 2]
    lines = (run.folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"step": 0, "loss": "inf"}, {"step": 1, "loss": 2.5}]


def test_the_figures_file_holds_the_row_that_others_read(tmp_path):
    with make(tmp_path) as run:
        run.figure("dev loss", np.float32(2.5), unit="nats", reference=2.5)
    (row,) = json.loads((run.folder / "figures.json").read_text())
    assert {"name", "value", "unit", "reference", "source", "verdict", "ok"} <= set(row)
    assert (row["value"], row["ok"]) == (2.5, True)


def test_versions_and_machine_are_noted(tmp_path):
    meta = read(make(tmp_path).folder).meta
    assert set(meta["versions"]) == {"python", "zth", "torch", "numpy"}
    assert meta["versions"]["numpy"] == np.__version__
    assert meta["machine"]["cores"] >= 1
    assert meta["machine"]["memory_gib"] > 0


def test_a_run_says_how_it_ended(tmp_path):
    run = make(tmp_path)
    assert read(run.folder).status == "running"
    with pytest.raises(ValueError, match="boom"), run:
        raise ValueError("boom")
    assert (read(run.folder).status, read(run.folder).meta["error"]) == ("failed", "ValueError: boom")
    run = make(tmp_path)
    with pytest.raises(KeyboardInterrupt), run:
        raise KeyboardInterrupt
    assert (read(run.folder).status, read(run.folder).meta["error"]) == ("interrupted", "KeyboardInterrupt")


def test_what_was_told_before_a_failure_stays(tmp_path):
    run = make(tmp_path)
    run.figure("n", 1.0)
    with pytest.raises(ValueError, match="boom"), run:
        raise ValueError("boom")
    assert [figure.value for figure in read(run.folder).figures] == [1.0]


def test_two_runs_of_one_second_have_two_folders(tmp_path):
    folders = {make(tmp_path).folder for _ in range(5)}
    assert len(folders) == 5


def test_names_make_harmless_folders(tmp_path):
    run = make(tmp_path, name="../../etc/<passwd> " + "long" * 100)
    assert run.folder.parent == tmp_path
    run.plot("../../x" + "long" * 100, go.Figure())
    assert len(list((run.folder / "plots").iterdir())) == 1
    assert read(run.folder).name.startswith("../../etc")


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="Cannot write a run folder"):
        make(tmp_path / "file")


# ---- finding


def test_find_gives_the_oldest_first_and_skips_what_is_no_run(tmp_path):
    made = [make(tmp_path, name=name).folder for name in ("9.1", "1.1", "5.1")]
    for n, folder in enumerate(made):
        meta = json.loads((folder / "run.json").read_text())
        write_json(folder / "run.json", {**meta, "started": f"2026-01-0{n + 1}"})
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes.txt").write_text("not a run")
    assert [record.folder for record in find(tmp_path)] == made
    assert [record.folder for record in find(made[1])] == [made[1]]


def test_find_where_there_is_nothing(tmp_path):
    assert find(tmp_path) == []
    with pytest.raises(RunError, match=r"There is no folder .*make tour"):
        find(tmp_path / "none")


def test_a_damaged_folder_does_not_hide_the_others(tmp_path):
    good, bad = make(tmp_path, name="1.1"), make(tmp_path, name="1.2")
    (bad.folder / "page.json").write_text('[{"kind": "te')
    found = {record.folder: record for record in find(tmp_path)}
    assert found[good.folder].status == "running"
    assert found[bad.folder].status == "damaged"
    assert "cannot be read" in found[bad.folder].meta["error"]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("run.json", "{"),
        ("run.json", "3"),
        ("run.json", "{}"),
        ("run.json", '{"kind": "measure", "name": "1.1"}'),
        ("run.json", b"\xff\xfe"),
        ("figures.json", '[{"name": "n"}]'),
        ("figures.json", "[3]"),
        (
            "figures.json",
            '[{"name":"n","value":"x","unit":"","reference":null,"source":"","better":"","tolerance":0}]',
        ),
        ("page.json", "null"),
        ("page.json", "[" * 100_000),
    ],
)
def test_a_damaged_file_is_named_with_its_folder(tmp_path, file, content):
    run = make(tmp_path)
    (run.folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RunError, match="cannot be read") as caught:
        read(run.folder)
    assert str(run.folder) in caught.value.problem
    assert caught.value.next_move


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(RunError, match=r"it has no run\.json"):
        read(tmp_path)
    run = make(tmp_path)
    (run.folder / "figures.json").unlink()
    with pytest.raises(RunError, match=r"it has no figures\.json"):
        read(run.folder)


# ---- the pen


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file.json"
    atomic_write(path, "old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        atomic_write(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "file"
    texts = ["a" * 200_000, "b" * 100_000]
    atomic_write(path, texts[0])
    done = threading.Event()

    def write() -> None:
        for n in range(60):
            atomic_write(path, texts[n % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(path.read_text())
    writer.join()
    assert seen <= set(texts)
    assert seen


def test_a_written_file_has_the_rights_that_the_user_chose(tmp_path):
    before = os.umask(0o027)
    try:
        atomic_write(tmp_path / "file", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_half_a_character_is_written_as_its_escape(tmp_path):
    write_json(tmp_path / "file.json", {"sample": "a\ud800b"})
    assert json.loads((tmp_path / "file.json").read_text(encoding="utf-8")) == {"sample": "a\ud800b"}


def test_json_of_what_measurements_hold():
    value = {
        1: np.float32(0.5),
        "array": np.array([[1, 2], [3, 4]]),
        "nan": math.nan,
        "bad": -np.inf,
        "path": Path("a"),
        "flag": np.bool_(True),
        "none": None,
        "tuple": (1, "é"),
    }
    assert json.loads(dumps(value)) == {
        "1": 0.5,
        "array": [[1, 2], [3, 4]],
        "nan": "nan",
        "bad": "-inf",
        "path": "a",
        "flag": True,
        "none": None,
        "tuple": [1, "é"],
    }


def test_json_of_tensors():
    import torch

    assert dumps({"loss": torch.tensor(2.5), "rows": torch.eye(2)}, indent=None) == (
        '{"loss": 2.5, "rows": [[1.0, 0.0], [0.0, 1.0]]}'
    )


def test_a_package_that_is_not_there_is_said_so(monkeypatch):
    def none(_name: str) -> str:
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(importlib.metadata, "version", none)
    assert machine.versions()["torch"] == "not installed"


# ---- going on


def test_metrics_come_back_as_they_were_logged(tmp_path: Path) -> None:
    run = make(tmp_path)
    assert metrics(run.folder) == []
    run.log(step=1, loss=math.inf, name="text")
    run.log(step=2, loss=math.nan)
    with (run.folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 3, "lo')
    found = metrics(run.folder)
    assert found[0] == {"step": 1, "loss": math.inf, "name": "text"}
    assert math.isnan(found[1]["loss"])
    assert len(found) == 2
    for damage in ("[1]\n", "x\n"):
        (run.folder / "metrics.jsonl").write_text(damage)
        with pytest.raises(RunError, match="cannot be read"):
            metrics(run.folder)


def test_rewind_drops_what_came_later(tmp_path: Path) -> None:
    run = make(tmp_path)
    for step in (1, 2, 3):
        run.log(step=step)
    with (run.folder / "metrics.jsonl").open("a") as file:
        file.write('{"st')
    run.rewind(2)
    run.log(step=5)
    assert [row["step"] for row in metrics(run.folder)] == [1, 2, 5]


def test_reopen_goes_on(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.figure("half", 0.5)
    run.text("begun")
    run.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert read(run.folder).status == "interrupted"
    meta = json.loads((run.folder / "run.json").read_text())
    (run.folder / "run.json").write_text(json.dumps({**meta, "seconds": 100.0}))
    (run.folder / ".figures.json.abcd_123").write_text("half a file")
    with Run.reopen(run.folder) as again:
        assert read(run.folder).status == "running"
        again.figure("whole", 1.0)
    record = read(run.folder)
    assert [figure.name for figure in record.figures] == ["half", "whole"]
    assert [block["kind"] for block in record.blocks] == ["figure", "text", "figure"]
    assert (record.status, "error" in record.meta) == ("done", False)
    assert 100 <= record.meta["seconds"] < 110
    assert not list(run.folder.glob(".*"))
    with pytest.raises(RunError, match="is not a run folder"):
        Run.reopen(tmp_path)
