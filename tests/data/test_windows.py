from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zth.data.sources import names
from zth.data.split import split_lines
from zth.data.vocab import Vocabulary
from zth.data.windows import IGNORED, padded_lines, windows
from zth.errors import ConfigError, VocabularyError


def by_hand(lines: list[str], vocabulary: Vocabulary, block_size: int, leading: int) -> list[tuple[list[int], int]]:
    """What the docstring says, one character at a time."""
    found: list[tuple[list[int], int]] = []
    for line in lines:
        ids = [0] * leading + vocabulary.encode(line) + [0]
        found += [(ids[t - block_size : t], ids[t]) for t in range(block_size, len(ids))]
    return found


@given(
    lines=st.lists(st.text("abcé😀", max_size=6), max_size=6),
    block_size=st.integers(1, 5),
    data=st.data(),
)
def test_they_are_what_a_loop_gives(lines: list[str], block_size: int, data: st.DataObject) -> None:
    leading = data.draw(st.integers(0, block_size))
    vocabulary = Vocabulary.of_lines(["abcé😀"])
    contexts, targets = windows(lines, vocabulary, block_size, leading=leading)
    wanted = by_hand(lines, vocabulary, block_size, leading)
    assert contexts.shape == (len(wanted), block_size)
    assert targets.shape == (len(wanted),)
    assert contexts.dtype == targets.dtype == torch.int64
    assert list(zip(contexts.tolist(), targets.tolist(), strict=True)) == wanted


def test_all_names_are_predicted_from_their_first_to_their_end() -> None:
    words = names()
    vocabulary = Vocabulary.of_lines(words)
    for block_size in (1, 3, 8):
        contexts, targets = windows(words, vocabulary, block_size)
        assert contexts.shape == (228_146, block_size)
        assert int((targets == 0).sum()) == 32_033
    assert len(windows(words, vocabulary, 2, leading=1)[0]) == 196_113  # lecture 2's true trigrams


def test_the_split_has_the_courses_examples() -> None:
    words = names()
    vocabulary, split = Vocabulary.of_lines(words), split_lines(words)
    for block_size in (3, 8):
        parts = [windows(part, vocabulary, block_size) for part in (split.train, split.dev, split.test)]
        assert [len(targets) for _, targets in parts] == [182_625, 22_655, 22_866]


def test_emma_as_lecture_3_prints_her() -> None:
    vocabulary = Vocabulary.of_lines(names())
    contexts, targets = windows(["emma"], vocabulary, 3)
    shown = [
        f"{vocabulary.decode(c)}>{vocabulary.decode([t])}" for c, t in zip(contexts, targets.tolist(), strict=True)
    ]
    assert shown == ["...>e", "..e>m", ".em>m", "emm>a", "mma>."]


def test_lines_with_dots_keep_them_apart_from_the_boundary() -> None:
    lines = ["a.b", "c."]
    vocabulary = Vocabulary.of_lines(lines)
    contexts, targets = windows(lines, vocabulary, 1)
    assert vocabulary.decode(targets) == "a.b\nc.\n"
    assert vocabulary.decode(contexts[:, 0]) == "\na.b\nc."


@pytest.mark.parametrize("block_size", [0, -1])
def test_no_block(block_size: int) -> None:
    with pytest.raises(ConfigError, match=f"block_size must be 1 or more; got {block_size}"):
        windows(["ab"], Vocabulary.of_lines(["ab"]), block_size)


@pytest.mark.parametrize("leading", [-1, 3])
def test_leading_outside(leading: int) -> None:
    with pytest.raises(ConfigError, match=f"leading .* got {leading}"):
        windows(["ab"], Vocabulary.of_lines(["ab"]), 2, leading=leading)


def test_a_vocabulary_without_boundary() -> None:
    with pytest.raises(ConfigError, match="boundary"):
        windows(["ab"], Vocabulary.of_text("ab"), 2)


@pytest.mark.parametrize(
    ("line", "words"),
    [("bxb", "'x' (position 1)"), ("b.b", "holds '.', the boundary, at 1"), ("b\nb", r"'\n' (position 1)")],
)
def test_a_line_that_does_not_fit_is_named(line: str, words: str) -> None:
    with pytest.raises(VocabularyError) as caught:
        windows(["aa", line], Vocabulary.of_lines(["ab"]), 2)
    assert caught.value.problem.startswith("Line 2 (")
    assert words in caught.value.problem
    assert caught.value.next_move


# ---- whole lines


def test_padded_lines_hold_the_predictions_of_windows() -> None:
    lines = names()[:300]
    vocabulary = Vocabulary.of_lines(lines)
    ids, targets = padded_lines(lines, vocabulary)
    assert ids.shape == targets.shape == (300, 1 + max(map(len, lines)))
    for line, row, after in zip(lines, ids.tolist(), targets.tolist(), strict=True):
        wanted = vocabulary.encode(line)
        padding = len(row) - len(wanted) - 1
        assert row == [0, *wanted, *[0] * padding]
        assert after == [*wanted, 0, *[IGNORED] * padding]


@pytest.mark.parametrize("longest", [2, 3, 5, 6, 9, 100])
def test_a_long_line_goes_on_in_rows_and_every_character_counts_once(longest: int) -> None:
    lines = ["abcdefghijklmnopqrstuvwxyz", "abc", "", "abcdefghi"]
    vocabulary = Vocabulary.of_lines(lines)
    ids, targets = padded_lines(lines, vocabulary, longest)
    assert ids.shape[1] == min(longest, 27)
    counted = targets != IGNORED
    assert vocabulary.decode(targets[counted]) == ".".join(lines) + "."
    assert int(counted.sum()) == sum(len(line) + 1 for line in lines)
    for row, after in zip(ids.tolist(), targets.tolist(), strict=True):
        for t, target in enumerate(after[:-1]):
            if target > 0:
                assert row[t + 1] == target, "an id is the target of the one before it"
        at = next(t for t, target in enumerate(after) if target != IGNORED)
        assert at == 0 or at >= ids.shape[1] // 2, "no target without half a row before it"


def test_no_lines_and_wrong_lines() -> None:
    vocabulary = Vocabulary.of_lines(["ab"])
    assert [tuple(part.shape) for part in padded_lines([], vocabulary)] == [(0, 1), (0, 1)]
    with pytest.raises(VocabularyError, match="Line 2"):
        padded_lines(["a", "c"], vocabulary)
    with pytest.raises(ConfigError, match="longest must be 2 or more; got 1"):
        padded_lines(["a"], vocabulary, 1)
    with pytest.raises(ConfigError, match="boundary"):
        padded_lines(["a"], Vocabulary.of_text("ab"))
