"""A disk that is full in the middle of a write: what was saved before is whole, and a training goes on from it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from zth.data.sources import load
from zth.errors import RunError
from zth.models import LanguageModel
from zth.runs import metrics, read
from zth.train import TrainConfig, long_text
from zth.train import running as file
from zth.train.checkpoint import FILE, Checkpoint
from zth.train.job import Job
from zth.train.long_text import LongText
from zth.train.resume import resume

VERSE = "So we'll go no more a roving\nSo late into the night,\n\n"
NANO = {"layers": 1, "heads": 2, "width": 16, "block_size": 8}


@pytest.fixture
def text(tmp_path: Path) -> LongText:
    path = tmp_path / "verse.txt"
    path.write_text(20 * VERSE)
    return LongText.of(load(path))


@pytest.fixture(autouse=True)
def _few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "LINES", 4)
    monkeypatch.setattr(file, "LOOKS", 4)
    monkeypatch.setattr(long_text, "LOOKED_AT", 2)  # looks at every line, however few the steps


def job(text: LongText, **more: Any) -> Job:
    config = TrainConfig(steps=12, batch_size=2, optimizer="muon", lr=0.02)
    return Job(text=text, family="gpt", options=NANO, config=config, **more)


class FullDisk:
    """In place of os.fsync: the n-th write and all after it find no room; half of what they wrote is on disk."""

    def __init__(self, n: int) -> None:
        self.left = n

    def __call__(self, handle: int) -> None:
        self.left -= 1
        if self.left < 0:
            os.ftruncate(handle, os.fstat(handle).st_size // 2)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def told(folder: Path) -> tuple[Any, ...]:
    rows = [{**row, "seconds": 0} for row in metrics(folder)]
    figures = [(figure.name, figure.value) for figure in read(folder).figures if figure.name != "seconds"]
    return rows, figures, (folder / "model.safetensors").read_bytes(), (folder / "samples.txt").read_bytes()


def test_wherever_it_strikes_the_training_goes_on_as_if_nothing_had_been(
    text: LongText, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = told(job(text).start(tmp_path / "whole").folder)
    struck = 0
    for n in range(8, 60, 4):  # eight writes are those up to the first checkpoint
        root = tmp_path / str(n)
        with monkeypatch.context() as patch:
            patch.setattr("zth.files.os.fsync", FullDisk(n))
            try:
                job(text).start(root)
                break  # so many writes a training does not have
            except RunError as error:
                struck += 1
                assert "No space left on device" in error.problem  # noqa: PT017
                assert "Free some space" in error.next_move  # noqa: PT017
        (folder,) = root.iterdir()
        assert not list(folder.glob(".*.????????")), "no half of a file is left"
        Checkpoint.load(folder)  # whole
        resume(folder)
        assert told(folder) == whole
    assert struck >= 6


CHILD = """
import resource, sys
from zth.cli import main
from zth.train import checkpoint, long_text, running
running.LINES, running.LOOKS, long_text.LOOKED_AT = 4, 4, 2
save, n_saved = checkpoint.Checkpoint.save, 0
def limited(self, folder):
    global n_saved
    n_saved += 1
    if n_saved == 3:  # files end in the middle of this one
        size = (folder / checkpoint.FILE).stat().st_size // 2
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    save(self, folder)
checkpoint.Checkpoint.save = limited
sys.exit(main(sys.argv[1:]))
"""


def test_a_limit_of_the_system_in_the_middle_of_a_checkpoint(text: LongText, tmp_path: Path) -> None:
    assert text.corpus.path is not None
    words = [word for name, value in NANO.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    flags = ["--steps", "12", "--batch-size", "2", "--runs", str(tmp_path / "runs")]
    command = [sys.executable, "-c", CHILD, "train", str(text.corpus.path), *words, *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (folder,) = (tmp_path / "runs").iterdir()
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    said = " ".join(done.stderr.split())
    assert said.count("zth: ") == 1
    assert "The checkpoint cannot be written" in said
    assert f"zth train --resume {folder}" in said
    assert Checkpoint.load(folder).step == 3
    assert LanguageModel.load(folder).vocab_size == len(text.vocabulary)
    assert read(folder).status == "failed"
    resume(folder)
    assert read(folder).status == "done"


def test_checkpoints_that_are_cut_or_foreign(text: LongText, tmp_path: Path) -> None:
    asked = iter([False, False])
    with pytest.raises(KeyboardInterrupt):
        job(text, stop=lambda: next(asked, True)).start(tmp_path / "runs")
    (folder,) = (tmp_path / "runs").iterdir()
    saved = (folder / FILE).read_bytes()
    for wrong in (b"", saved[:100], saved[:-7], b"once upon a time\n" * 9):
        (folder / FILE).write_bytes(wrong)
        with pytest.raises(RunError, match=r"is damaged: .*Train again from the start"):
            resume(folder)
    save_file({"x": torch.ones(1)}, folder / FILE)
    with pytest.raises(RunError, match="is damaged"):
        resume(folder)
    good = Checkpoint(step=3, seconds=0.0, best_step=3, best_dev=3.0, tensors={"net.embedding.W": torch.ones(2, 2)})
    good.save(folder)  # a checkpoint of zth's, of another net
    with pytest.raises(RunError, match=r"The saved net does not fit: .*with the model and the options"):
        resume(folder)
    (folder / FILE).write_bytes(saved)
    resume(folder)
    assert read(folder).status == "done"
