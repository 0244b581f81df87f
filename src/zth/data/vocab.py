"""Characters <-> ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zth.errors import ConfigError, VocabularyError

DOT = "."
LINE_END = "\n"


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The V characters that a model knows; a character's id is its index.

    `boundary` is the character that starts and ends a line, always id 0; empty where the text is one long one.

    >>> vocabulary = Vocabulary.of_lines(["emma", "ava"])
    >>> vocabulary.characters
    ('.', 'a', 'e', 'm', 'v')
    >>> vocabulary.encode("eva"), vocabulary.decode([2, 4, 1])
    ([2, 4, 1], 'eva')
    """

    characters: tuple[str, ...]
    boundary: str = ""

    def __post_init__(self) -> None:
        if any(len(character) != 1 for character in self.characters):
            raise VocabularyError(f"A vocabulary holds single characters; got {self.characters!r:.80}.")
        if len(set(self.characters)) != len(self.characters):
            raise VocabularyError(f"A vocabulary holds each character once; got {self.characters!r:.80}.")
        if self.boundary and self.characters[:1] != (self.boundary,):
            raise VocabularyError(f"The boundary {self.boundary!r} must have id 0; got {self.characters!r:.80}.")

    @classmethod
    def of_lines(cls, lines: Iterable[str]) -> Vocabulary:
        """The boundary as id 0, then every character of the lines in code point order.

        The boundary is ".", as in the course; where a line holds a "." of its own it is the line end, which none can
        hold: the end of a sentence must not look like the end of the line.

        >>> Vocabulary.of_lines(["b.c.", "a"]).characters
        ('\\n', '.', 'a', 'b', 'c')
        """
        found = set("".join(lines))
        if LINE_END in found:
            raise VocabularyError("A line holds a line end.", "Split the text first: text.splitlines()")
        boundary = LINE_END if DOT in found else DOT
        return cls(characters=(boundary, *sorted(found)), boundary=boundary)

    @classmethod
    def of_text(cls, text: str) -> Vocabulary:
        """Every character of one long text, in code point order; no boundary.

        >>> Vocabulary.of_text("to be").characters
        (' ', 'b', 'e', 'o', 't')
        """
        return cls(characters=tuple(sorted(set(text))))

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> list[int]:
        """A text of length n -> n ids. Raises VocabularyError for a character that is not known.

        >>> Vocabulary.of_lines(["ab"]).encode("abc")
        Traceback (most recent call last):
        ...
        zth.errors.VocabularyError: 'c' (position 2) is not in the vocabulary of 3 characters '.ab'. ...
        """
        try:
            return [self._ids[character] for character in text]
        except KeyError:
            raise self._unknown(text) from None

    def encode_array(self, text: str) -> NDArray[np.int64]:
        """A text of length n -> (n,) int64 ids, in one pass of NumPy; for texts of megabytes. Raises as `encode`.

        >>> Vocabulary.of_lines(["ab"]).encode_array("ab").tolist()
        [1, 2]
        """
        if text.isascii():
            ids = self._table.take(np.frombuffer(text.encode("ascii"), np.uint8))
        else:
            codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
            ids = self._table.take(codes, mode="clip")
        if ids.size and ids.min() < 0:
            raise self._unknown(text)
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """Ids (a list, an array or a tensor) -> text. Raises VocabularyError for an id outside 0 .. V - 1."""
        numbers: list[int] = ids.tolist() if hasattr(ids, "tolist") else list(ids)
        for place, number in enumerate(numbers):
            if not 0 <= number < len(self):
                raise VocabularyError(
                    f"Ids lie in 0 .. {len(self) - 1}; got {number} (position {place}).",
                    "Is this the vocabulary that the ids were made with?",
                )
        return "".join([self.characters[number] for number in numbers])

    def to_json(self) -> dict[str, str]:
        """What `from_json` reads back.

        >>> Vocabulary.from_json(Vocabulary.of_lines(["ab"]).to_json()) == Vocabulary.of_lines(["ab"])
        True
        """
        return {"characters": "".join(self.characters), "boundary": self.boundary}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Vocabulary:
        """Raises VocabularyError where `value` is not what `to_json` gave."""
        try:
            return cls(characters=tuple(value["characters"]), boundary=str(value["boundary"]))
        except (KeyError, TypeError) as error:
            raise VocabularyError(f"Not a saved vocabulary: {value!r:.80}.", "Save it with to_json().") from error

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {character: number for number, character in enumerate(self.characters)}

    @cached_property
    def _table(self) -> NDArray[np.int64]:
        """Code point -> id, or -1; the last entry stands for all code points beyond."""
        codes = [ord(character) for character in self.characters]
        table = np.full(max([*codes, 255]) + 2, -1, np.int64)
        table[codes] = np.arange(len(codes))
        return table

    def _unknown(self, text: str) -> VocabularyError:
        place = next(n for n, character in enumerate(text) if character not in self._ids)
        known = repr("".join(self.characters))
        return VocabularyError(
            f"{text[place]!r} (position {place}) is not in the vocabulary of {len(self)} characters {known:.80}.",
            "Make the vocabulary from all the text, or leave that character out.",
        )


def common(old: Vocabulary, new: Vocabulary) -> Vocabulary:
    """Every character of the two, in the order that a vocabulary has; ids of either are others in it (see `places`).

    Raises ConfigError where one is of lines and the other of one long text.

    >>> common(Vocabulary.of_text("to be"), Vocabulary.of_text("bet $")).characters
    (' ', '$', 'b', 'e', 'o', 't')
    """
    if bool(old.boundary) != bool(new.boundary):
        kinds = ["items, one a line" if each.boundary else "one long text" for each in (old, new)]
        raise ConfigError(
            f"One vocabulary is of {kinds[0]}, the other of {kinds[1]}.",
            f"Say --kind {'lines' if old.boundary else 'text'}, to read the new text as the old one was read.",
        )
    if not old.boundary:
        return Vocabulary.of_text("".join(old.characters + new.characters))
    return Vocabulary.of_lines(["".join(each.characters[1:]) for each in (old, new)])


def places(old: Vocabulary, new: Vocabulary) -> list[int]:
    """For each id of `old`, the id that `new` has for it: of the same character, and of the boundary the boundary.

    Raises VocabularyError where `new` lacks a character of `old`.

    >>> places(Vocabulary.of_text("to be"), Vocabulary.of_text("to be $"))
    [0, 2, 3, 4, 5]
    >>> old, new = Vocabulary.of_lines(["ab"]), Vocabulary.of_lines(["a.b."])
    >>> old.characters, new.characters, places(old, new)  # the old "." ends a line, the new one a sentence
    (('.', 'a', 'b'), ('\\n', '.', 'a', 'b'), [0, 2, 3])
    """
    skipped = 1 if old.boundary and new.boundary else 0
    return [0] * skipped + new.encode("".join(old.characters[skipped:]))
