from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.errors import DataError, VocabularyError

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def test_the_names_have_the_courses_ids() -> None:
    vocabulary = Vocabulary.of_lines(names())
    assert "".join(vocabulary.characters) == ".abcdefghijklmnopqrstuvwxyz"
    assert len(vocabulary) == 27
    assert vocabulary.encode(".az") == [0, 1, 26]
    assert vocabulary.boundary == "."


def test_a_text_has_no_boundary() -> None:
    vocabulary = Vocabulary.of_text("hello\nworld.")
    assert "".join(vocabulary.characters) == "\n.dehlorw"
    assert vocabulary.boundary == ""


def test_a_dot_in_a_line_makes_the_line_end_the_boundary() -> None:
    vocabulary = Vocabulary.of_lines(["J. S. Bach", "Anna"])
    assert vocabulary.boundary == vocabulary.characters[0] == "\n"
    assert vocabulary.decode(vocabulary.encode("J. S.")) == "J. S."


def test_a_line_with_a_line_end_is_no_line() -> None:
    with pytest.raises(VocabularyError, match="holds a line end"):
        Vocabulary.of_lines(["a\nb"])


@given(TEXTS)
def test_encode_both_ways_and_decode_give_the_text_back(text: str) -> None:
    vocabulary = Vocabulary.of_text(text)
    assert vocabulary.decode(vocabulary.encode(text)) == text
    array = vocabulary.encode_array(text)
    assert array.dtype == np.int64
    assert array.tolist() == vocabulary.encode(text)
    assert vocabulary.decode(array) == vocabulary.decode(torch.from_numpy(array)) == text


@pytest.mark.parametrize("stranger", ["z", "é", chr(257 + ord("a")), "語", "😀", "\x00", "\U0010ffff"])
@pytest.mark.parametrize("known", ["ab", "abç", "ab😎"])
def test_a_stranger_is_named_with_its_place(stranger: str, known: str) -> None:
    vocabulary = Vocabulary.of_text(known)
    for encode in (vocabulary.encode, vocabulary.encode_array):
        with pytest.raises(VocabularyError) as caught:
            encode(f"ab{stranger}a")
        assert f"{stranger!r} (position 2)" in caught.value.problem
        assert caught.value.next_move
        assert isinstance(caught.value, DataError)


@pytest.mark.parametrize("ids", [[0, 3], [0, -1], np.array([2, 99])])
def test_decode_refuses_ids_outside(ids: list[int]) -> None:
    with pytest.raises(VocabularyError, match=r"0 \.\. 2; got (3|-1|99) \(position 1\)"):
        Vocabulary.of_text("abc").decode(ids)


@given(st.lists(TEXTS.map(lambda text: text.replace("\n", ""))))
def test_json_and_back(lines: list[str]) -> None:
    vocabulary = Vocabulary.of_lines(lines)
    again = Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())))
    assert again == vocabulary
    assert hash(again) == hash(vocabulary)


@pytest.mark.parametrize(
    "saved",
    [
        {},
        {"characters": "ab"},
        {"characters": None, "boundary": ""},
        {"characters": "aab", "boundary": ""},
        {"characters": "a.", "boundary": "."},
        {"characters": ["ab"], "boundary": ""},
    ],
)
def test_a_damaged_one_is_refused(saved: dict[str, object]) -> None:
    with pytest.raises(VocabularyError):
        Vocabulary.from_json(saved)


def test_it_is_frozen() -> None:
    vocabulary = Vocabulary.of_text("ab")
    with pytest.raises(dataclasses.FrozenInstanceError):
        vocabulary.characters = ("x",)  # type: ignore[misc]
