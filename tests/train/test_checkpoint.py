from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from zth.errors import RunError
from zth.train.checkpoint import FILE, Checkpoint


def checkpoint() -> Checkpoint:
    tensors = {"net.W": torch.randn(3, 4), "losses": torch.empty(0, dtype=torch.float64), "n": torch.tensor(7)}
    return Checkpoint(step=12, seconds=0.25, best_step=0, best_dev=math.inf, tensors=tensors)


def test_there_and_back(tmp_path: Path) -> None:
    saved = checkpoint()
    saved.save(tmp_path)
    back = Checkpoint.load(tmp_path)
    assert (back.step, back.seconds, back.best_step, back.best_dev) == (12, 0.25, 0, math.inf)
    assert back.tensors.keys() == saved.tensors.keys()
    assert all(torch.equal(back.tensors[name], tensor) for name, tensor in saved.tensors.items())
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_none(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=f"has no {FILE}"):
        Checkpoint.load(tmp_path)


@pytest.mark.parametrize("cut", [0, 10, 300, -1])
def test_one_that_was_cut_short(cut: int, tmp_path: Path) -> None:
    checkpoint().save(tmp_path)
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(RunError, match="is damaged"):
        Checkpoint.load(tmp_path)


def test_one_with_a_flipped_bit(tmp_path: Path) -> None:
    checkpoint().save(tmp_path)
    path = tmp_path / FILE
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(RunError, match="not those that were saved"):
        Checkpoint.load(tmp_path)


def test_one_with_another_step(tmp_path: Path) -> None:
    checkpoint().save(tmp_path)
    path = tmp_path / FILE
    data = path.read_bytes()
    assert data.count(b'step\\": 12') == 1
    path.write_bytes(data.replace(b'step\\": 12', b'step\\": 99'))
    with pytest.raises(RunError, match="not those that were saved"):
        Checkpoint.load(tmp_path)


def test_a_file_of_somebody_else(tmp_path: Path) -> None:
    save_file({"x": torch.ones(1)}, tmp_path / FILE)
    with pytest.raises(RunError, match="is damaged"):
        Checkpoint.load(tmp_path)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be written"):
        checkpoint().save(tmp_path / "nowhere")
