"""zth tune, as a person types it."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from zth.cli import main
from zth.data.sources import names
from zth.runs import Run, find, metrics, read
from zth.train.tune import Study

SIMPLE = ("--batchnorm", "none", "--no-direct", "--n-hidden", "1", "--embedding", "4")
FAST = ("my.txt", "--steps", "40", *SIMPLE)
RANGE = ("--try", "hidden=4..12")
VERSE = "So we'll go no more a roving\nSo late into the night,\n\n"
NANO = ("--layers", "1", "--heads", "2", "--width", "16", "--steps", "20", "--workers", "1", "--json")


@pytest.fixture(autouse=True)
def _in_a_fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    Path("my.txt").write_text("\n".join(names()[:300]))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def tuned(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    code, out, err = run(capsys, "tune", *FAST, *RANGE, "--workers", "1", "--json", *more)
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    return found


def test_the_command_it_ends_with_gives_what_it_promises(capsys: pytest.CaptureFixture[str]) -> None:
    found = tuned(capsys, "--trials", "3")
    assert found["options"]["batchnorm"] == "none"
    assert 4 <= found["options"]["hidden"] <= 12
    code, out, _ = run(capsys, *found["command"][1:], "--json")
    assert code == 0
    losses = {row["name"]: row["value"] for row in json.loads(out)["figures"]}
    assert losses["dev loss"] <= found["dev"]  # zth train keeps the best of its looks, a trial ends with the last
    trained = read(Path(json.loads(out)["run"]))
    assert trained.meta["config"]["options"]["hidden"] == found["options"]["hidden"]


def test_the_run_folder_holds_the_study_and_makes_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "tune", *FAST, *RANGE, "--workers", "1", "--trials", "12")
    assert code == 0
    record, winner = find(Path("runs"))
    assert (record.kind, record.name, record.status) == ("tune", "my.txt-mlp", "done")
    assert (winner.kind, winner.name, winner.status) == ("train", "my.txt-mlp", "done")
    study = Study.read(record.folder / "study.journal")
    assert f"{study.best.dev:.4f}" in out
    assert " ".join(study.command(str(Path("my.txt").resolve()))) in out.replace("'", "")
    assert "What mattered most" in out
    assert run(capsys, "report")[0] == 0
    page = Path("report/index.html").read_text()
    assert page.count('class="plot"') == len(study.plots()) + 1 == 6  # and the winner's loss
    assert "cannot be shown" not in page


def test_the_winner_is_kept_as_a_training(capsys: pytest.CaptureFixture[str]) -> None:
    found = tuned(capsys, "--trials", "3")
    kept = read(Path(found["winner"]))
    losses = {figure.name: figure.value for figure in kept.figures}
    assert losses["dev loss"] == found["dev"]
    (study,) = Path(found["run"]).glob("kept/trial-*")  # those that were beaten are gone
    for name in ("model.safetensors", "model.json"):
        assert (study / name).read_bytes() == (kept.folder / name).read_bytes()
    rows = metrics(kept.folder)
    assert [row["step"] for row in rows] == [4 * tenth for tenth in range(1, 11)][: len(rows)]
    again = tuned(capsys, "--trials", "4")  # another study
    assert again["winner"] != found["winner"]
    assert run(capsys, "sample", found["winner"], "--n", "2")[0] == 0
    code, out, _ = run(capsys, "compare", found["winner"], again["winner"], "--json")
    assert code == 0
    assert sorted(each["dev"] for each in json.loads(out)[0]["trainings"]) == sorted([found["dev"], again["dev"]])


def test_a_study_of_one_long_text(capsys: pytest.CaptureFixture[str]) -> None:
    Path("verse.txt").write_text(20 * VERSE)
    code, out, err = run(capsys, "tune", "verse.txt", *NANO, "--trials", "3")
    assert code == 0, err
    found = json.loads(out)
    study = Study.read(Path(found["run"]) / "study.journal")
    assert (study.family, study.block_size) == ("gpt", 64)
    assert study.trials[0].options["block_size"] == 64
    assert study.trials[0].options["dropout"] == 0.2  # as zth train chooses for a short text
    assert set(study.space) >= {"block_size", "dropout", "positions", "lr", "lr_rest", "batch_size"}
    assert not {"layers", "heads", "width"} & set(study.space)
    kept = read(Path(found["winner"]))
    figures = {figure.name: figure.value for figure in kept.figures}
    assert figures["dev loss"] == found["dev"] == min(trial.dev for trial in study.done)
    assert math.isclose(figures["dev bits per character"], found["dev"] / math.log(2))
    assert len((kept.folder / "samples.txt").read_text()) == 601
    code, out, _ = run(capsys, *found["command"][1:], "--json")
    assert code == 0
    trained = read(Path(json.loads(out)["run"]))
    assert trained.meta["config"]["options"] == kept.meta["config"]["options"]
    assert trained.meta["config"]["train"] == kept.meta["config"]["train"]
    # zth train keeps the best of its looks, a trial ends with the last
    assert {figure.name: figure.value for figure in trained.figures}["dev loss"] <= found["dev"] + 1e-6


def test_names_as_one_long_text(capsys: pytest.CaptureFixture[str]) -> None:
    """--kind is said in the command, since the text does not show it."""
    flags = ["my.txt", "--kind", "text", "--block-size", "8", "--batch-size", "4", "--try", "dropout=0,0.1", *NANO]
    code, out, err = run(capsys, "tune", *flags, "--trials", "1")
    assert code == 0, err
    found = json.loads(out)
    assert found["command"][3:5] == ["--kind", "text"]
    assert read(Path(found["winner"])).meta["config"]["kind"] == "text"
    code, out, _ = run(capsys, "tune", "--resume", found["run"], "--trials", "2", "--json")
    assert code == 0
    assert len(Study.read(Path(found["run"]) / "study.journal").trials) == 2
    assert json.loads(out)["command"][3:5] == ["--kind", "text"]


def test_a_study_goes_on_with_more(capsys: pytest.CaptureFixture[str]) -> None:
    folder = tuned(capsys, "--trials", "2")["run"]
    code, _, err = run(capsys, "tune", "--resume", folder)
    assert code == 2
    assert "has its 2 trials" in err
    code, out, _ = run(capsys, "tune", "--resume", folder, "--trials", "4", "--json")
    assert code == 0
    figures = {row["name"]: row["value"] for row in json.loads(out)["figures"]}
    assert figures["trials"] == 4
    record = read(Path(folder))
    assert len(record.figures) == len({figure.name for figure in record.figures})  # not told twice
    code, _, err = run(capsys, "tune", "--resume", folder, "--hidden", "8")
    assert code == 2
    assert "Leave out --hidden" in err
    code, _, err = run(capsys, "tune", "--resume", folder, "--minutes", "0")
    assert code == 2
    assert "minutes must be above 0" in err


def test_commands_with_one_study_file_add_up(capsys: pytest.CaptureFixture[str]) -> None:
    tuned(capsys, "--trials", "2", "--study", "shared.journal")
    found = tuned(capsys, "--trials", "3", "--study", "shared.journal")
    assert {row["name"]: row["value"] for row in found["figures"]}["trials"] == 3
    assert len(Study.read(Path(found["run"]) / "study.journal").trials) == 3  # a copy, to keep


def test_what_cannot_be_done_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    Path("text.journal").write_text("once upon a time\n")
    tuned(capsys, "--trials", "1", "--study", "mlp.journal")
    Path("verse.txt").write_text(2 * VERSE)
    for arguments, words in [
        (("my.txt", "--model", "mpl"), "Did you mean mlp?"),
        (("my.txt", "--trials", "0"), "trials must be at least 1"),
        (("my.txt", "--minutes", "0"), "minutes must be above 0"),
        (("my.txt", "--minutes", "soon"), "--minutes"),
        (("my.txt", "--workers", "0"), "workers must be at least 1"),
        (("my.txt", "--steps", "0"), "steps must be a whole number"),
        (("my.txt", "--hiden", "3"), "Did you mean --hidden?"),
        (("my.txt", "--try", "hidden"), "--try hidden=100..400"),
        (("my.txt", "--try", "hidden=4..x"), "Write it as 64..512"),
        (("my.txt", "--try", "hiden=4..8"), "Did you mean hidden?"),
        (("my.txt", "--hidden", "0"), "hidden must be a whole number"),
        (("my.txt", "--pruner", "hard", "--trials", "1"), "There is no pruner"),
        (("nowhere.txt",), "nowhere.txt"),
        (("my.txt", "--trials", "1", "--study", "text.journal"), "not the journal of a study"),
        ((*FAST, "--hidden", "5", "--trials", "1", "--study", "mlp.journal"), "holds another study"),
        (("my.txt", "--model", "gru", "--trials", "1", "--study", "mlp.journal"), 'its family is "mlp", not "gru"'),
        (("verse.txt", "--block-size", "100", "--trials", "1"), "a block of 100 needs 101"),
        (("verse.txt", "--layers", "0"), "layers must be a whole number"),
        (("--resume", "nowhere"), "not a run folder"),
    ]:
        code, out, err = run(capsys, "tune", *arguments)
        assert (code, out) == (2, ""), arguments
        assert words in err.replace("\n", " "), (arguments, err)
        assert "Traceback" not in err


def test_only_studies_are_gone_on_with(capsys: pytest.CaptureFixture[str]) -> None:
    with Run.create(kind="train", name="names-mlp") as other:
        pass
    code, _, err = run(capsys, "tune", "--resume", str(other.folder))
    assert code == 2
    assert "not of zth tune" in err
    folder = Path(tuned(capsys, "--trials", "1")["run"])
    Path("my.txt").write_text("\n".join(names()[:299]))
    code, _, err = run(capsys, "tune", "--resume", str(folder), "--trials", "2")
    assert code == 2
    assert "no longer the text" in err


def test_a_narrow_terminal_shows_fewer_trials(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "44")
    code, out, _ = run(capsys, "tune", *FAST, *RANGE, "--workers", "1", "--trials", "3")
    assert code == 0
    table = out.split("The best one")[0]
    assert max(map(len, table.splitlines())) <= 44


def test_ctrl_c_leaves_a_study_that_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["my.txt", "--steps", "400", *SIMPLE, *RANGE, "--workers", "2", "--minutes", "5"]
    command = [sys.executable, "-m", "zth", "tune", *flags]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    folder = _wait_for_a_trial(child)
    os.killpg(child.pid, signal.SIGINT)  # as the terminal does: to all of them
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert f"zth tune --resume {folder}" in err.replace("\n", " ")
    assert "Traceback" not in err
    assert read(folder).status == "interrupted"
    _wait_until_nobody_is_left(child.pid)
    before = Study.read(folder / "study.journal")
    assert all(trial.state != "running" for trial in before.trials)
    trials = len(before.trials) + 1
    code, _, _ = run(capsys, "tune", "--resume", str(folder), "--trials", str(trials), "--json")
    assert code == 0
    after = Study.read(folder / "study.journal")
    assert len(after.trials) == trials
    assert after.trials[: len(before.trials)] == before.trials


def _wait_for_a_trial(child: subprocess.Popen[str]) -> Path:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and child.poll() is None:
        for journal in Path("runs").glob("*/study.journal"):
            if any(trial.state == "running" for trial in Study.read(journal).trials):
                return journal.parent
        time.sleep(0.05)
    child.kill()
    raise AssertionError(f"no trial has begun: {child.communicate()[1]}")


def _wait_until_nobody_is_left(group: int) -> None:
    """The server that workers were forked from notices that its parent has gone a moment later."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError("a process is left")
