"""Several processes, started by torchrun itself: they learn what one learns, and outlive each other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from zth.data.sources import load
from zth.errors import ConfigError, DataError
from zth.runs import metrics, read
from zth.train import TrainConfig
from zth.train.checkpoint import Checkpoint
from zth.train.distributed import World, joined
from zth.train.job import Job
from zth.train.long_text import read_for
from zth.train.resume import resume

CLOSE = 1e-5
"""Relative, over 160 steps: float32 gradients are summed in another order. Measured: below 1e-6."""
TINY: dict[str, Any] = {"layers": 1, "heads": 2, "width": 8, "block_size": 16, "dropout": 0.0}
STEPS: dict[str, Any] = {
    "steps": 160, "batch_size": 8, "optimizer": "muon", "lr": 0.02, "beta2": 0.95, "clip": 1.0, "ema": 0.9,
    "schedule": "linear", "drop_to": 0.1, "precision": "float32",
}  # fmt: skip
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "100"}


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """ "text": a long one, that is read in blocks; "lines": lines of different lengths, that are padded."""
    folder = tmp_path_factory.mktemp("texts")
    words = ["the", "cat", "sat", "on", "a", "mat", "and", "saw", "one", "more", "hat", "was", "it", "red"]
    rows = [" ".join(words[i * j % 13] for j in range(1, 4 + i % 9)) for i in range(200)]
    paths = {name: folder / f"{name}.txt" for name in ("text", "lines")}
    for path in paths.values():
        path.write_text("\n".join(rows))
    return paths


def training(path: Path, runs: Path, **more: Any) -> list[str]:
    """The command, behind torchrun's."""
    said = {**TINY, **STEPS, **more, "kind": path.stem, "model": "gpt", "runs": runs}
    flags = [part for key, value in said.items() for part in (f"--{key.replace('_', '-')}", str(value))]
    return ["-m", "zth", "train", str(path), *flags]


def finished(command: Sequence[str]) -> str:
    """What it prints. None of its processes stays behind."""
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def killed(command: Sequence[str], runs: Path, *kills: tuple[int, int]) -> tuple[int, str]:
    """(n, rank): kill that worker by signal 9 after n steps -> torchrun's exit code, what was printed."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=ENVIRONMENT
    ) as job:
        for n_steps, rank in kills:
            while sum(len(metrics(folder)) for folder in runs.glob("*")) < n_steps and job.poll() is None:
                time.sleep(0.02)
            children = psutil.Process(job.pid).children() if job.poll() is None else []
            for child in children:
                if child.status() != psutil.STATUS_ZOMBIE and child.environ()["RANK"] == str(rank):
                    child.kill()
        printed, _ = job.communicate(timeout=120)
    return job.returncode, printed


def alone(path: Path, root: Path, *, stop_after: int | None = None) -> Path:
    """The same training in this one process -> its run folder; stopped, where it is asked that often."""
    asked = iter(range(stop_after or 0))
    job = Job(
        text=read_for(load(str(path), kind=path.stem), "gpt"),  # type: ignore[arg-type]
        family="gpt",
        options=TINY,
        config=TrainConfig(**STEPS),
        stop=lambda: stop_after is not None and next(asked, None) is None,
    )
    with nullcontext() if stop_after is None else pytest.raises(KeyboardInterrupt):
        job.start(root)
    return only(root)


def only(runs: Path) -> Path:
    (folder,) = runs.iterdir()
    return folder


def rows(folder: Path) -> np.ndarray[Any, Any]:
    assert read(folder).status == "done"
    return np.array([[row["step"], row["loss"], row.get("dev", 0.0)] for row in metrics(folder)])


def test_killed_workers(texts: dict[str, Path], tmp_path: Path) -> None:
    """The leader is killed, its lock stays, torchrun starts them again; then the other one is, which ends the job.

    What they leave one process goes on with. The lines are padded and in pieces: the mean is over all targets.
    """
    runs = tmp_path / "runs"
    command = [*TORCHRUN, "--max-restarts", "1", *training(texts["lines"], runs, accumulate=2)]
    code, printed = killed(command, runs, (40, 0), (100, 1))
    folder = only(runs)
    assert code == 1, printed
    assert printed.count("zth: ") == 2, "each survivor, in one line"
    assert "zth: Process 1 of 2: another one has gone, so the training cannot go on." in printed
    assert f"torchrun has started the processes again; they go on in {folder}" in printed
    assert "zth: Process 0 of 2: another one has gone, so the training cannot go on." in printed
    assert printed.count("learns from it line by line") == 1, "rank 0 alone speaks"
    assert f"zth train --resume {folder}" in printed
    assert read(folder).status == "failed"
    assert Checkpoint.load(folder).step >= 40
    resume(folder)
    np.testing.assert_allclose(rows(folder), rows(alone(texts["lines"], tmp_path / "alone")), rtol=CLOSE)


def test_what_one_process_began_two_go_on_with(texts: dict[str, Path], tmp_path: Path) -> None:
    folder = alone(texts["text"], tmp_path / "runs", stop_after=20)
    step = metrics(folder)[-1]["step"]
    assert 0 < step < STEPS["steps"]
    printed = finished([*TORCHRUN, "-m", "zth", "train", "--resume", str(folder), "--json"])
    assert printed.count('"figures"') == 1, "rank 0 alone speaks"
    assert json.loads(printed[printed.index("{") : printed.rindex("}") + 1])["run"] == str(folder)
    np.testing.assert_allclose(rows(folder), rows(alone(texts["text"], tmp_path / "alone")), rtol=CLOSE)


def test_one_process_alone() -> None:
    with joined({}) as world:
        assert (world.rank, world.size, world.leads, world.device.type) == (0, 1, True, "cpu")
    with pytest.raises(DataError, match=r"^No such text\.$"), World().together():
        raise DataError("No such text.")
    with (
        pytest.raises(ConfigError, match="torchrun's variables make no sense: 'RANK'"),
        joined({"TORCHELASTIC_RUN_ID": "none"}),
    ):
        pass
