from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zth.data.tally import SAMPLE, Tally


def tally_of(*pieces: str) -> Tally:
    tally = Tally()
    for piece in pieces:
        tally.add(piece)
    return tally


@given(st.lists(st.text("ab\né😀", max_size=9), max_size=8))
def test_it_counts_as_one_who_holds_the_whole_text(pieces: list[str]) -> None:
    text = "".join(pieces)
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    lengths = sorted(map(len, lines))
    tally = tally_of(*pieces)
    assert tally.n_characters == len(text)
    assert tally.characters == Counter(text)
    assert tally.n_lines == len(lines)
    assert tally.longest_line == max(lengths, default=0)
    assert tally.median_line == (lengths[(len(lengths) - 1) // 2] if lengths else 0)
    assert tally.kind == tally_of(text).kind


def test_lines_beyond_what_is_counted_by_length() -> None:
    tally = tally_of("x" * 5000 + "\n", "y" * 3000)
    assert (tally.n_lines, tally.longest_line, tally.median_line) == (2, 5000, 1000)


def test_the_sample_is_the_beginning() -> None:
    tally = tally_of("ab", "c" * 2 * SAMPLE, "d")
    assert tally.sample == "ab" + "c" * (SAMPLE - 2)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("lines", "emma\nolivia\nava"),
        ("lines", "emma\nolivia\n"),
        ("lines", "emma\nolivia\n\n\n"),
        ("lines", "short\n" * 9 + "x" * 100 + "\n"),
        ("text", "short\n" * 8 + "x" * 100 + "\n"),
        ("text", "emma"),
        ("text", ""),
        ("text", "First Citizen:\nSpeak.\n\nAll:\nSpeak, speak.\n"),
        ("text", "emma\n\nolivia"),
        ("text", ("a line of prose that goes on and on until the margin makes it stop " * 2 + "\n") * 5),
    ],
)
def test_what_a_text_seems_to_be(kind: str, text: str) -> None:
    assert tally_of(text).kind == kind
    assert tally_of(*text).kind == kind
