from __future__ import annotations

import random

import pytest

from zth.data.sources import names
from zth.data.split import split_lines, split_text
from zth.errors import ConfigError, DataError


def test_it_is_the_courses_split() -> None:
    words = names()
    random.seed(42)  # as the course does it
    random.shuffle(words)
    split = split_lines(names())
    assert (split.train, split.dev, split.test) == (words[:25626], words[25626:28829], words[28829:])
    assert [len(part) for part in (split.train, split.dev, split.test)] == [25626, 3203, 3204]


def test_it_leaves_the_list_and_the_global_generator_alone() -> None:
    words = [str(n) for n in range(50)]
    before, state = list(words), random.getstate()
    split = split_lines(words, seed=7)
    assert words == before
    assert random.getstate() == state
    assert sorted(split.train + split.dev + split.test) == sorted(words)
    assert split == split_lines(words, seed=7)
    assert split != split_lines(words, seed=8)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5])
def test_too_few_lines(n: int) -> None:
    with pytest.raises(DataError, match=f"{n} lines cannot be split"):
        split_lines(["a"] * n)


def test_tiny_shakespeare_is_cut_as_in_lecture_7() -> None:
    train, dev = split_text("x" * 1_115_394)
    assert (len(train), len(dev)) == (1_003_854, 111_540)


def test_a_text_is_cut_in_order() -> None:
    assert split_text("abcdefgh", dev_fraction=0.25) == ("abcdef", "gh")


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_a_fraction_that_is_none(fraction: float) -> None:
    with pytest.raises(ConfigError, match="between 0 and 1"):
        split_text("abc", fraction)


@pytest.mark.parametrize("text", ["", "a"])
def test_too_short_a_text(text: str) -> None:
    with pytest.raises(DataError, match="cannot be split"):
        split_text(text)
