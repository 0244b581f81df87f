"""Run folders of trainings: what they hold, and that stopping changes nothing."""

from __future__ import annotations

import fcntl
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from zth.errors import ConfigError, RunError
from zth.models import LanguageModel, evaluate
from zth.runs import Record, metrics, read
from zth.train import TrainConfig, running
from zth.train import job as file
from zth.train.checkpoint import FILE
from zth.train.examples import Text
from zth.train.job import Job
from zth.train.loop import steps_per_second
from zth.train.origin import load_vocabulary
from zth.train.resume import resume
from zth.train.running import Progress

SMALL = {
    "mlp": {"hidden": 20},
    "wavenet": {"hidden": 12, "embedding": 6, "block_size": 4},
    "gru": {"hidden": 12, "embedding": 6},
    "rnn": {"hidden": 12, "embedding": 6},
}


def job(text: Text, family: str = "mlp", **more: Any) -> Job:
    config = {"steps": 60, "lr": 0.01, "batch_size": 16, **more.pop("config", {})}
    return Job(text=text, family=family, options=SMALL.get(family, {}), config=TrainConfig(**config), **more)


def after(n: int) -> Callable[[], bool]:
    """Wants to stop when it is asked for the n-th time."""
    asked = iter(range(n))
    return lambda: next(asked, None) is None


def stopped(text: Text, root: Path, n: int, family: str = "mlp", **more: Any) -> Path:
    with pytest.raises(KeyboardInterrupt):
        job(text, family, stop=after(n), **more).start(root)
    (folder,) = root.iterdir()
    return folder


def figures(record: Record) -> dict[str, float]:
    return {figure.name: figure.value for figure in record.figures if figure.name != "seconds"}


def rows(folder: Path) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "seconds"} for row in metrics(folder)]


def test_what_the_folder_holds(text: Text, tmp_path: Path) -> None:
    told: list[Progress] = []
    folder = job(text, show=told.append).start(tmp_path, command=["zth", "train"]).folder
    record = read(folder)
    assert (record.kind, record.name, record.status) == ("train", "some-names.txt-mlp", "done")
    settings = record.meta["config"]
    assert Path(settings["data"]).is_absolute()
    assert settings["data"].endswith("some-names.txt")
    assert (settings["kind"], settings["model"], settings["backend"]) == ("lines", "mlp", "engine")
    assert settings["options"]["vocab_size"] == len(text.vocabulary)
    assert TrainConfig(**settings["train"]) == TrainConfig(steps=60, lr=0.01, batch_size=16, precision="float32")
    assert record.meta["data"][0]["sha256"] == text.corpus.sha256
    names = {path.name for path in folder.iterdir()}
    assert names >= {"model.json", "model.safetensors", "vocabulary.json", "samples.txt", "metrics.jsonl"}
    assert FILE not in names
    assert not any(name.startswith(".") for name in names)
    assert len((folder / "samples.txt").read_text().splitlines()) == 20
    assert load_vocabulary(folder) == text.vocabulary
    named = figures(record)
    assert set(named) == {"train loss", "dev loss", "test loss", "dev bits per character", "parameters", "steps"}
    assert math.isclose(named["dev bits per character"], named["dev loss"] / math.log(2))
    model = LanguageModel.load(folder)
    examples = text.examples("mlp", block_size=3)
    for part, value in list(figures(record).items())[:3]:
        assert evaluate(model, *getattr(examples, part.split()[0])) == value
    assert [block["kind"] for block in record.blocks].count("plot") == 1
    assert (told[-1].step, told[-1].steps, told[-1].left, told[-1].folder) == (60, 60, 0.0, folder)
    assert math.isfinite(told[0].loss)


def test_metrics_and_the_best_model(text: Text, tmp_path: Path) -> None:
    folder = job(text, config={"steps": 400, "lr": 0.05, "schedule": "constant"}).start(tmp_path).folder
    found = metrics(folder)
    assert [row["step"] for row in found] == list(range(2, 401, 2))
    looks = [row for row in found if "dev" in row]
    assert [row["step"] for row in looks] == list(range(20, 401, 20))
    best = min(row["dev"] for row in looks)
    assert looks[-1]["dev"] > best, "with so few names it learns by heart"
    assert figures(read(folder))["dev loss"] == best
    assert all(row["lr"] == 0.05 for row in found)


@pytest.mark.parametrize(
    ("family", "backend"),
    [("mlp", "engine"), ("mlp", "autograd"), ("wavenet", "engine"), ("gru", "autograd"), ("rnn", "autograd")],
)
def test_stopped_and_resumed_equals_never_stopped(
    family: str, backend: str, text: Text, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "LINES", 20)  # lines of 3 steps: some stops lie between two
    monkeypatch.setattr(running, "LOOKS", 4)
    config = {"backend": backend, "ema": 0.9}
    whole = job(text, family, config=config).start(tmp_path / "whole").folder
    folder = stopped(text, tmp_path / "parts", 3, family, config=config)
    assert read(folder).status == "interrupted"
    for n in (1, 4):
        with pytest.raises(KeyboardInterrupt):
            resume(folder, stop=after(n))
    assert resume(folder).folder == folder
    assert rows(folder) == rows(whole)
    assert figures(read(folder)) == figures(read(whole))
    assert (folder / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert (folder / "samples.txt").read_text() == (whole / "samples.txt").read_text()


def test_what_was_written_behind_the_last_checkpoint_is_written_again(text: Text, tmp_path: Path) -> None:
    """A power failure: lines of metrics.jsonl that no checkpoint knows of, the last of them cut."""
    whole = job(text).start(tmp_path / "whole").folder
    folder = stopped(text, tmp_path / "parts", 10)
    with (folder / "metrics.jsonl").open("a") as lines:
        lines.write('{"step": 59, "loss": 9.0}\n{"step": 6')
    (folder / ".model.safetensors.abcd1234").write_text("half")
    resume(folder)
    assert rows(folder) == rows(whole)
    assert not list(folder.glob(".*"))


def test_stopped_before_the_first_step_is_over(text: Text, tmp_path: Path) -> None:
    folder = stopped(text, tmp_path, 0)
    assert (folder / FILE).exists()
    resume(folder)
    assert read(folder).status == "done"


def test_models_that_count(text: Text, tmp_path: Path) -> None:
    for family, loss in (("ngram", "train loss"), ("kneser-ney", "dev loss")):
        record = read(job(text, family).start(tmp_path / family).folder)
        assert record.meta["config"]["train"] is None
        assert 1.5 < figures(record)[loss] < 3
        assert len(metrics(record.folder)) == 1
        assert len((record.folder / "samples.txt").read_text().splitlines()) == 20
    with pytest.raises(ConfigError, match="has no learning rate"):
        job(text, "ngram").sweep()


def test_a_sweep_of_the_learning_rate(text: Text) -> None:
    sweep = job(text).sweep()
    assert 1e-4 < sweep.suggestion < 0.1


def test_minutes_become_steps(text: Text, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "steps_per_second", lambda *_, **__: 100.0)
    record = read(job(text, minutes=0.01, config={"warmup_steps": 60}).start(tmp_path).folder)
    assert record.meta["config"]["train"]["steps"] == int(100 * 60 * 0.01 * file.SPARE) == 57
    assert record.meta["config"]["train"]["warmup_steps"] == 57
    assert metrics(record.folder)[-1]["step"] == 57
    for minutes in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ConfigError, match="minutes must be above 0"):
            job(text, minutes=minutes).start(tmp_path)


def test_the_speed_is_measured_on_a_copy(make: Any) -> None:
    net, examples = make("mlp")
    before = [p.clone() for p in net.parameters()]
    assert steps_per_second(net, examples, TrainConfig(), seconds=0.05) > 10
    assert all(map(torch.equal, before, net.parameters()))


def test_a_training_that_diverges_stops(text: Text, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="The training diverged: at step"):
        job(text, config={"optimizer": "sgd", "lr": 1e12}).start(tmp_path)
    (folder,) = tmp_path.iterdir()
    assert read(folder).status == "failed"


def change(folder: Path, **config: Any) -> None:
    meta = json.loads((folder / "run.json").read_text())
    meta["config"].update(config)
    (folder / "run.json").write_text(json.dumps(meta))


def test_what_cannot_be_resumed(text: Text, tmp_path: Path) -> None:
    folder = stopped(text, tmp_path, 5)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RunError, match="Another process is at work in"):
            resume(folder)
    meta = json.loads((folder / "run.json").read_text())
    change(folder, options={**meta["config"]["options"], "hidden": 21})
    with pytest.raises(RunError, match=r"saved net does not fit: hidden\.layers\.0\.W"):
        resume(folder)
    change(folder, options={"nonsense": 1})
    with pytest.raises(RunError, match=r"run.json is damaged"):
        resume(folder)
    change(folder, options=meta["config"]["options"], train={**meta["config"]["train"], "steps": 0})
    with pytest.raises(RunError, match="damaged: steps must be"):
        resume(folder)
    change(folder, train=meta["config"]["train"])
    (folder / FILE).write_bytes(b"")
    with pytest.raises(RunError, match="is damaged"):
        resume(folder)
    (folder / FILE).unlink()
    with pytest.raises(RunError, match="to go on with"):
        resume(folder)
    with pytest.raises(RunError, match="not a run folder"):
        resume(tmp_path)
    with pytest.raises(RunError, match="not a run folder"):
        resume(tmp_path / "nowhere")


def test_done_or_foreign_runs_and_another_text(text: Text, text_file: Path, tmp_path: Path) -> None:
    done = job(text, config={"steps": 1}).start(tmp_path / "done").folder
    with pytest.raises(RunError, match=r"is done\. Draw from it: zth sample"):
        resume(done)
    folder = stopped(text, tmp_path / "parts", 5)
    other = tmp_path / "other.txt"
    other.write_text(text_file.read_text() + "zoe\n")
    change(folder, data=str(other))
    with pytest.raises(RunError, match="no longer the text"):
        resume(folder)
    meta = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**meta, "kind": "measure"}))
    with pytest.raises(RunError, match="a run of zth measure, not a training"):
        resume(folder)


def test_losses_are_those_of_fit(text: Text, tmp_path: Path) -> None:
    """A line's loss is the mean of its batches'."""
    from zth.models.protocol import build, config_class
    from zth.seeds import stream
    from zth.train import fit

    folder = job(text, config={"steps": 400}).start(tmp_path).folder
    options = config_class("mlp")(vocab_size=len(text.vocabulary), **SMALL["mlp"])
    net = build("mlp", options, generator=stream(42, "init"))
    pair = text.examples("mlp", block_size=3).train
    losses = fit(net, pair, TrainConfig(steps=400, lr=0.01, batch_size=16), seed=42)
    assert [row["loss"] for row in metrics(folder)] == np.mean(losses.reshape(200, 2), axis=1).tolist()


def test_a_folder_without_vocabulary(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"has no vocabulary\.json"):
        load_vocabulary(tmp_path)
    (tmp_path / "vocabulary.json").write_text("{")
    with pytest.raises(RunError, match="cannot be read"):
        load_vocabulary(tmp_path)
