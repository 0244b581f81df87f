"""What is chosen for a text where nothing is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from zth.data.sources import load
from zth.models.gpt import GPTConfig
from zth.models.gpt.sizes import TEXT_SIZES
from zth.models.size import Size
from zth.train import TrainConfig
from zth.train.chosen import chosen, default_family, fitted, fitting_block
from zth.train.job import Job
from zth.train.long_text import read_for

LINE = "It is a truth universally acknowledged, that a single man\n\n"


@pytest.mark.parametrize(("n", "block_size"), [(1, 4), (63, 4), (64, 8), (1023, 64), (1024, 128), (10**9, 128)])
def test_blocks_fit_eight_times(n: int, block_size: int) -> None:
    assert fitting_block(n, 128) == block_size


def test_short_texts_get_dropout_and_fewer_steps(tmp_path: Path) -> None:
    options, training = fitted("gpt", load("plays"))
    assert (options, training["steps"]) == ({"block_size": 128, "dropout": 0.0}, 3000)
    path = tmp_path / "short.txt"
    path.write_text(4 * LINE)
    corpus = load(path)
    assert default_family(corpus) == "gpt"
    options, training = fitted("gpt", corpus)
    assert (options, training["steps"]) == ({"block_size": 16, "dropout": 0.2}, 200)
    TrainConfig(**training)
    assert fitted("mlp", corpus) == fitted("mlp", None)
    assert fitted("ngram", corpus) == ({}, None)


@pytest.mark.parametrize("size", TEXT_SIZES)
def test_the_minutes_choose_the_size(size: Size) -> None:
    """The longer, the larger; and what is chosen makes a model and a training."""
    corpus = load("plays")
    options, training = fitted("gpt", corpus, minutes=size.minutes)
    assert {**options, **size.options} == options
    assert {**training, **size.recipe} == training
    GPTConfig(vocab_size=65, **options)
    TrainConfig(**training)
    before = [each.minutes for each in TEXT_SIZES if each.minutes < size.minutes]
    if before:
        assert fitted("gpt", corpus, minutes=size.minutes - 1e-6) == fitted("gpt", corpus, minutes=before[-1])


def test_sizes_grow() -> None:
    numbers = [GPTConfig(vocab_size=65, **size.options).n_parameters for size in TEXT_SIZES]
    assert numbers == sorted(numbers)
    assert fitted("gpt", load("plays"), minutes=TEXT_SIZES[3].minutes) == fitted("gpt", load("plays"))


def test_a_short_text_gets_no_large_net(tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text(400 * LINE)
    assert fitted("gpt", load(path), minutes=60)[0].get("width") is None
    assert fitted("gpt", load(path), minutes=0.01)[0]["width"] == 64


def test_what_is_said(tmp_path: Path) -> None:
    path = tmp_path / "my.txt"
    path.write_text(20 * LINE + "Ω")
    corpus = load(path)
    job = Job(
        text=read_for(corpus, "gpt"),
        family="gpt",
        options={"block_size": 16},
        config=TrainConfig(steps=10, batch_size=8),
    )
    said = chosen(job)
    assert (
        said[0]
        == f"my.txt: {20 * 59 + 1:,} characters, {len(set(LINE)) + 1} different, in 41 lines; it is one long text "
        "(if it is one item a line: --kind lines)."
    )
    assert said[1].startswith("It learns from the first 1,062 characters; the last 119 (dev)")
    assert said[2].startswith("1 character occurs in dev alone ('Ω')")
    assert said[3].endswith("looks 16 characters back; it reads in blocks.")
    assert f"10 steps; blocks of 16, 8 a step, adamw: {1280 / 1062:.1f} times through" in said[4]
    by_line = Job(text=read_for(load("names"), "mlp"), family="mlp", options={}, config=TrainConfig())
    assert chosen(by_line)[2] == "Training: 20,000 steps, 32 examples a step, adamw."
    assert chosen(by_line)[1] == "mlp learns from it line by line: 25,626 lines, 3,203 for dev, 3,204 for test."
    chosen_for = replace(job, minutes=0.05, options=fitted("gpt", corpus, minutes=0.05)[0])
    assert "Larger nets take longer" in chosen(chosen_for)[3]
    assert "Larger nets" not in chosen(replace(chosen_for, options={**chosen_for.options, "width": 32}))[3]
    too_short = replace(chosen_for, minutes=60, options=fitted("gpt", corpus, minutes=60)[0])
    assert "would soon know so short a text by heart" in chosen(too_short)[3]


def test_what_a_folder_leaves_out_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(20 * LINE)
    (tmp_path / "b.txt").write_bytes("für Elise".encode("latin-1"))
    corpus = load(tmp_path, kind="text")
    job = Job(text=read_for(corpus, "gpt"), family="gpt", options={"block_size": 16}, config=TrainConfig())
    assert "1 file in it that is no UTF-8 text: left out." in chosen(job)[0]
