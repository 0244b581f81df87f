"""zth mix: what it prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zth.cli import main
from zth.data.sources import load, names
from zth.runs import find
from zth.train import TrainConfig
from zth.train.examples import Text
from zth.train.job import Job


@pytest.fixture(autouse=True)
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that count, in runs/."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    Path("my.txt").write_text("\n".join(names()[:300]))
    for order in (2, 3):
        options = {"order": order, "k": 0.1}
        Job(text=Text.of(load("my.txt")), family="ngram", options=options, config=TrainConfig()).start(Path("runs"))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def folders() -> list[str]:
    return [str(record.folder) for record in find(Path("runs"))]


def test_says_who_counts_how_much_and_what_to_try_next(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "mix", *folders())
    made = folders()[-1]
    assert code == 0
    for words in (
        "weight",
        "dev alone",
        "dev without it",
        "dev loss",
        "test loss",
        f"zth sample {made}",
        "zth compare",
    ):
        assert words in out
    assert all(Path(folder).name in out for folder in folders())
    code, lines, _ = run(capsys, "sample", made, "--n", "3", "--json")
    assert (code, len(json.loads(lines))) == (0, 3)
    code, table, _ = run(capsys, "compare", "--json")
    (group,) = json.loads(table)
    assert (code, group["trainings"][0]["model"]) == (0, "mixture")


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "mix", *folders(), "--equal", "--json", "--runs", "other")
    made = json.loads(out)
    assert (code, Path(made["run"]).parent.name) == (0, "other")
    assert {"dev loss", "test loss", "parameters"} <= {figure["name"] for figure in made["figures"]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((), "two trainings or more; got 0"), (("runs",), "got 1"), (("nowhere", "too"), "nowhere is not a run folder")],
)
def test_says_what_it_needs(arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "mix", *arguments)
    assert (code, out) == (2, "")
    assert words in " ".join(err.split())
