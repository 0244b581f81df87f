from __future__ import annotations

from pathlib import Path

import pytest
import torch

from zth.data.sources import load
from zth.errors import DataError
from zth.train import examples as file
from zth.train.examples import Text


def test_the_courses_numbers() -> None:
    text = Text.of(load("names"))
    assert [len(part) for part in vars(text.split).values()] == [25_626, 3_203, 3_204]
    assert [len(pair[1]) for pair in vars(text.examples("mlp", block_size=3)).values()] == [182_625, 22_655, 22_866]


def test_whole_lines_hold_the_same_predictions(text: Text) -> None:
    lines, windows = text.examples("gru", block_size=16), text.examples("mlp", block_size=3)
    for part in ("train", "dev", "test"):
        targets = getattr(lines, part)[1]
        assert torch.equal(targets[targets >= 0], getattr(windows, part)[1])


def test_a_long_text_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "play.txt"
    path.write_text("\n\n".join(f"{speaker}: I am No. {n}." for n, speaker in enumerate("ABCDEFGHIJKL")))
    text = Text.of(load(path, kind="text"))
    assert text.vocabulary.boundary == "\n"
    assert len(text.split.train) == 9


def test_too_short(tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text("a\nb\n")
    with pytest.raises(DataError, match=r"short\.txt cannot be learnt from: 2 lines cannot be split"):
        Text.of(load(path))


def test_too_long(text: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "MOST_BYTES", 10_000)
    with pytest.raises(DataError, match="as examples of 8 they would take"):
        text.examples("mlp", block_size=8)
