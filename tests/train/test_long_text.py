"""One long text: the loss of it by hand, and trainings on it that stop and go on."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from zth.data.sources import load
from zth.data.stream import Ids
from zth.errors import ConfigError, DataError
from zth.models import LanguageModel
from zth.models.gpt import GPTModel, preset
from zth.runs import metrics, read
from zth.seeds import stream
from zth.train import TrainConfig, Trainer
from zth.train import running as file
from zth.train.batches import Passage
from zth.train.examples import Text
from zth.train.finder import find_lr
from zth.train.job import Job
from zth.train.long_text import LOOKED_AT, LongExamples, LongText, part_loss, read_for, whole_loss
from zth.train.resume import resume
from zth.train.running import Progress

NANO = {"layers": 1, "heads": 2, "width": 16, "block_size": 8}
VERSE = "So we'll go no more a roving\nSo late into the night,\n\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "verse.txt"
    path.write_text(20 * VERSE + "Ω\n")
    return path


@pytest.fixture
def text(path: Path) -> LongText:
    return LongText.of(load(path))


def job(text: LongText, **more: Any) -> Job:
    config = {"steps": 40, "batch_size": 4, "optimizer": "muon", "lr": 0.02, "schedule": "trapezoid", "clip": 1.0}
    options = {**NANO, "dropout": 0.1}
    return Job(text=text, family="gpt", options=options, config=TrainConfig(**config), **more)  # type: ignore[arg-type]


def after(n: int) -> Callable[[], bool]:
    asked = iter(range(n))
    return lambda: next(asked, None) is None


def model_of(vocab_size: int) -> GPTModel:
    options = preset("nano", **NANO, vocab_size=vocab_size, output_init="same")
    return GPTModel(options, generator=stream(3, "init"))


def by_hand(model: GPTModel, ids: Tensor, begins: list[int], width: int) -> float:
    """The mean over blocks of `width` from `begins` on, character by character."""
    losses = []
    with torch.no_grad():
        for begin in begins:
            block = ids[begin : begin + width + 1]
            losses += [F.cross_entropy(model(block[None, :t])[0, -1], block[t]).item() for t in range(1, len(block))]
    return float(np.mean(losses))


def test_losses_by_hand() -> None:
    ids = torch.from_numpy(np.random.default_rng(1).integers(0, 5, 100))
    part, model = Ids([ids.numpy().astype(np.uint8)]), model_of(5)
    assert math.isclose(whole_loss(model, part, 8), by_hand(model, ids, list(range(0, 99, 8)), 8), rel_tol=1e-5)
    assert part_loss(model, part, 8) == whole_loss(model, part, 8), "a short part is measured whole"
    evenly = by_hand(model, ids, [0, 45, 91], 8)
    assert math.isclose(part_loss(model, part, 8, n_characters=24), evenly, rel_tol=1e-5)


def test_of_a_very_long_dev_part_a_bounded_one_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = Ids([np.random.default_rng(1).integers(0, 5, 300).astype(np.uint8)])
    examples, model = LongExamples(train=Passage(ids=ids, block_size=8), dev=ids), model_of(5)
    assert examples.dev_loss(model) == whole_loss(model, ids, 8)
    monkeypatch.setattr("zth.train.long_text.MOST_SCORED", 40)
    assert examples.dev_loss(model) == examples.losses(model)["dev"] == part_loss(model, ids, 8, 40)
    assert examples.dev_loss(model) != whole_loss(model, ids, 8)


def test_looks_take_a_twentieth_of_the_time() -> None:
    ids = Ids([np.zeros(10**6, np.uint8)])
    examples = LongExamples(train=Passage(ids=ids, block_size=128), dev=ids)
    steps = examples.steps_between_looks(8)
    assert 0.04 < LOOKED_AT / (3 * steps * 8 * 128) <= 0.05  # a step goes through its characters three times


def test_which_text_is_read_how(path: Path) -> None:
    assert isinstance(read_for(load(path), "gpt"), LongText)
    assert isinstance(read_for(load(path), "mlp"), Text)
    assert isinstance(read_for(load(path, kind="lines"), "gpt"), Text)


def test_texts_that_cannot_be_learnt_from(text: LongText, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"learn from; a block of 2000 needs 2001\. Use a longer text, or --block-size"
    ):
        text.examples("gpt", block_size=2000)
    path = tmp_path / "a.txt"
    path.write_text("a" * 100)
    with pytest.raises(DataError, match="nothing but 'a': there is nothing to predict"):
        LongText.of(load(path))


def test_a_trainer_reads_the_blocks_of_its_step(text: LongText) -> None:
    """The first loss is that of the first batch of Blocks, with the weights as they began."""
    model = model_of(len(text.vocabulary))
    passage = Passage(ids=text.data.train, block_size=8)
    x, y = passage.blocks(batch_size=4, seed=9).batch(0)
    with torch.no_grad():
        wanted = F.cross_entropy(model(x).flatten(0, 1), y.flatten()).item()
    trainer = Trainer(model, passage, TrainConfig(steps=3, batch_size=4), seed=9)
    assert trainer.backend == "autograd"
    assert math.isclose(trainer.run(3)[0], wanted, rel_tol=1e-4)
    with pytest.raises(ConfigError, match="engine cannot read one long text"):
        Trainer(model, passage, TrainConfig(backend="engine"))


def test_the_learning_rate_finder_reads_blocks_too(text: LongText) -> None:
    passage = Passage(ids=text.data.train, block_size=8)
    sweep = find_lr(model_of(len(text.vocabulary)), passage, TrainConfig(optimizer="muon", batch_size=4), steps=20)
    assert np.isfinite(sweep.losses).all()
    assert sweep.lrs[0] <= sweep.suggestion <= sweep.lrs[-1]


def test_what_the_folder_holds(text: LongText, tmp_path: Path) -> None:
    folder = job(text).start(tmp_path / "runs").folder
    record, losses = read(folder), [row["loss"] for row in metrics(folder)]
    figures = {figure.name: figure for figure in record.figures}
    assert record.meta["config"]["kind"] == "text"
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.5
    model = LanguageModel.load(folder)
    dev = figures["dev loss"].value
    assert dev == whole_loss(model, text.data.dev, 8) == min(row["dev"] for row in metrics(folder) if "dev" in row)
    assert math.isclose(figures["dev bits per character"].value, dev / math.log(2))
    assert "test loss" not in figures
    assert len((folder / "samples.txt").read_text()) == 601


def test_stopped_and_resumed_equals_never_stopped(
    text: LongText, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Muon, clipping, dropout and the cool-down; and a sample on the way changes nothing."""
    monkeypatch.setattr(file, "LINES", 12)
    monkeypatch.setattr(file, "LOOKS", 4)
    whole = job(text).start(tmp_path / "whole").folder
    monkeypatch.setattr(file, "GLIMPSE_EVERY", 0.0)
    told: list[Progress] = []
    with pytest.raises(KeyboardInterrupt):
        job(text, stop=after(3), show=told.append).start(tmp_path / "parts")
    (folder,) = (tmp_path / "parts").iterdir()
    for n in (1, 4):
        with pytest.raises(KeyboardInterrupt):
            resume(folder, stop=after(n), show=told.append)
    resume(folder, show=told.append)
    rows = [[{**row, "seconds": 0} for row in metrics(each)] for each in (folder, whole)]
    assert rows[0] == rows[1]
    for name in ("model.safetensors", "samples.txt"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes()
    assert any(progress.glimpse for progress in told)
    assert not all(progress.glimpse for progress in told)
