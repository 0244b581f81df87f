"""zth compare: trainings side by side."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from zth.cli import main
from zth.data.sources import load, names
from zth.files import atomic_write
from zth.report.compare import collect, compare
from zth.runs import Run, read
from zth.train import TrainConfig
from zth.train.examples import Text
from zth.train.job import Job


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of two nets and a model that counts on one text, and of a net on another."""
    root = tmp_path_factory.mktemp("trained")
    for name, words in (("one", names()[:300]), ("two", names()[300:600])):
        (root / f"{name}.txt").write_text("\n".join(words))
    one, two = (Text.of(load(root / f"{name}.txt")) for name in ("one", "two"))
    base = TrainConfig(steps=60, lr=0.01)
    for text, family, options, seed in [
        (one, "mlp", {"hidden": 6, "embedding": 3}, 42),
        (one, "mlp", {"hidden": 12, "embedding": 3}, 43),
        (one, "ngram", {"order": 2}, 42),
        (two, "mlp", {"hidden": 6, "embedding": 3}, 42),
    ]:
        Job(text=text, family=family, options=options, config=base, seed=seed).start(root / "runs")
    return root


@pytest.fixture(autouse=True)
def runs(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    shutil.copytree(trained / "runs", tmp_path / "runs")
    return Path("runs")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["compare", *arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def of(text: str) -> list[str]:
    return [str(folder) for folder in sorted(Path("runs").glob("*")) if f"{text}.txt" in folder.name]


def figures(folder: str) -> dict[str, float]:
    return {figure.name: figure.value for figure in read(Path(folder)).figures}


def test_the_table_is_that_of_the_run_folders_best_first(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, *of("one"), "--json")
    assert code == 0
    (group,) = json.loads(out)
    rows: list[dict[str, Any]] = group["trainings"]
    assert [row["dev"] for row in rows] == sorted(figures(folder)["dev loss"] for folder in of("one"))
    for row in rows:
        told = figures(row["run"])
        assert [row["train"], row["test"], row["parameters"]] == [
            told["train loss"],
            told["test loss"],
            told["parameters"],
        ]
    by_size = {row["differs_in"].get("hidden"): row for row in rows}
    assert by_size[6]["differs_in"] == {"hidden": 6, "seed": 42}
    assert by_size[12]["differs_in"] == {"hidden": 12, "seed": 43}
    assert (by_size[6]["steps"], by_size[None]["steps"]) == (60, None)
    assert len(list(Path("runs").iterdir())) == 4  # JSON leaves nothing behind


def test_people_get_a_table_and_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *of("one"))
    assert (code, err) == (0, "")
    best = min(figures(folder)["dev loss"] for folder in of("one"))
    first = next(line for line in out.splitlines() if line.startswith("1 "))
    assert f"{best:.4f}" in first
    assert "hidden 12" in out
    assert all(folder in out for folder in of("one"))
    (folder,) = Path("runs").glob("*compare*")
    record = read(folder)
    assert (record.kind, record.status) == ("compare", "done")
    page = folder / "page" / "index.html"
    assert page.resolve().as_uri() in out
    assert "cannot be shown" not in page.read_text()
    (block,) = (block for block in record.blocks if block["kind"] == "plot")
    plot = json.loads((folder / block["file"]).read_text())
    # two nets, each against steps and against seconds, and a line for the model that counts
    assert len(plot["data"]) == 4
    assert {trace["xaxis"] for trace in plot["data"]} == {"x", "x2"}
    assert [shape["type"] for shape in plot["layout"]["shapes"]] == ["line", "line"]
    assert all(len(trace["x"]) == len(trace["y"]) > 2 for trace in plot["data"])


def test_other_texts_are_not_comparable(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 0
    assert "different texts" in out
    assert out.index("On one.txt") < out.index("On two.txt")
    (first, second) = compare(collect([Path("runs")])[0])
    assert (len(first.trainings), len(second.trainings)) == (3, 1)


def test_other_vocabularies_are_not_comparable(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(of("one")[0]) / "vocabulary.json"
    path.write_text(path.read_text().replace("z", "ž"))
    code, out, _ = run(capsys, *of("one"))
    assert code == 0
    assert "different texts or vocabularies" in out


def test_patterns_and_folders(capsys: pytest.CaptureFixture[str]) -> None:
    named = run(capsys, *of("one"), "--json")[1]
    assert run(capsys, "runs/*one.txt*", "--json")[1] == named
    assert run(capsys, "runs/*one.txt*", *of("one"), "--json")[1] == named  # none twice
    run(capsys, "runs")  # leaves a run of another kind there
    assert [len(group["trainings"]) for group in json.loads(run(capsys, "runs", "--json")[1])] == [3, 1]
    assert [len(group["trainings"]) for group in json.loads(run(capsys, "runs/*", "--json")[1])] == [3, 1]


def test_a_training_that_is_not_done_is_left_out_of_a_folder_and_refused_by_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = Path(of("two")[0])
    meta = json.loads((folder / "run.json").read_text())
    atomic_write(folder / "run.json", json.dumps({**meta, "status": "interrupted"}))
    code, out, err = run(capsys)
    assert code == 0
    assert "two.txt" not in out
    assert f"zth train --resume {folder}" in err.replace("\n", " ")
    code, _, err = run(capsys, str(folder))
    assert code == 2
    assert "not done (interrupted)" in err


def test_what_is_no_training(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with Run.create(kind="measure", name="2.2") as other:
        pass
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("")
    for arguments, words in [
        (("nowhere",), "not a run folder"),
        (("file.txt",), "run.json"),
        (("empty",), "no training that is done in empty"),
        (("runs/*gru*",), "No training fits runs/*gru*"),
        ((str(other.folder),), "not of zth train"),
        ((of("one")[0], "nowhere"), "not a run folder"),
    ]:
        code, out, err = run(capsys, *arguments)
        assert (code, out) == (2, ""), arguments
        assert words in err.replace("\n", " "), err
    assert not list(Path("runs").glob("*compare*"))


@pytest.mark.parametrize("name", ["vocabulary.json", "figures.json", "run.json"])
@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"kind": "train", "name": "x", "status": "done"}'])
def test_a_damaged_folder_is_said_and_hides_no_other(
    capsys: pytest.CaptureFixture[str], name: str, content: str | None
) -> None:
    folder = Path(of("one")[0])
    path = folder / name
    path.unlink() if content is None else path.write_text(content)
    code, out, err = run(capsys, str(folder))
    assert (code, out) == (2, "")
    assert str(folder) in err.replace("\n", "")
    assert "Traceback" not in err


def test_a_narrow_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "56")
    code, out, _ = run(capsys, *of("one"))
    assert code == 0
    table = out.split("\n1  ")[0]
    assert max(map(len, table.splitlines())) <= 56
    assert "test" not in table
