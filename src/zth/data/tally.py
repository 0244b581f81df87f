"""What a text looks like: its characters, lines and kind, counted piece by piece in bounded memory."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["lines", "text"]

SHORT_LINE = 64
SHORT_SHARE = 0.9
LONGEST_COUNTED = 1000
SAMPLE = 600


class Tally:
    """Counts over a text that comes in pieces; a piece may end anywhere.

    >>> tally = Tally()
    >>> for piece in ("emma\\nol", "ivia\\nava"):
    ...     tally.add(piece)
    >>> tally.n_lines, tally.n_characters, tally.longest_line, tally.kind
    (3, 15, 6, 'lines')
    """

    def __init__(self) -> None:
        self.n_characters = 0
        self.sample = ""
        """The first characters."""
        self._counts = np.zeros(0x110000, np.int64)  # by code point
        self._line_lengths = np.zeros(LONGEST_COUNTED + 1, np.int64)  # by length; the last counts all beyond
        self._longest = 0
        self._open_line = 0  # characters since the last line end
        self._blank_run = 0  # blank lines since the last line with something in it
        self._blank_between = 0

    def add(self, text: str) -> None:
        """Count the next piece; its line ends are "\\n"."""
        if len(self.sample) < SAMPLE:
            self.sample += text[: SAMPLE - len(self.sample)]
        self.n_characters += len(text)
        if text.isascii():
            codes: NDArray[np.generic] = np.frombuffer(text.encode("ascii"), np.uint8)
        else:
            codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        counts = np.bincount(codes)
        self._counts[: len(counts)] += counts
        ends = np.flatnonzero(codes == ord("\n"))
        if len(ends) == 0:
            self._open_line += len(codes)
            return
        lengths = np.diff(ends, prepend=-1) - 1
        lengths[0] += self._open_line
        self._open_line = len(codes) - int(ends[-1]) - 1
        self._add_lines(lengths)

    def _add_lines(self, lengths: NDArray[np.int64]) -> None:
        self._line_lengths += np.bincount(np.minimum(lengths, LONGEST_COUNTED), minlength=LONGEST_COUNTED + 1)
        self._longest = max(self._longest, int(lengths.max()))
        filled = np.flatnonzero(lengths)
        if len(filled) == 0:
            self._blank_run += len(lengths)
            return
        last = int(filled[-1])
        self._blank_between += self._blank_run + last + 1 - len(filled)
        self._blank_run = len(lengths) - 1 - last

    @property
    def n_lines(self) -> int:
        """Lines, a last one without a line end included."""
        return int(self._all_lengths().sum())

    @property
    def longest_line(self) -> int:
        """In characters."""
        return max(self._longest, self._open_line)

    @property
    def median_line(self) -> int:
        """The median line length in characters, counted up to 1,000."""
        lengths = self._all_lengths().cumsum()
        return int(np.searchsorted(lengths, (lengths[-1] + 1) // 2))

    @property
    def characters(self) -> Counter[str]:
        """Character -> how often."""
        codes = np.flatnonzero(self._counts)
        return Counter({chr(code): int(self._counts[code]) for code in codes})

    @property
    def kind(self) -> Kind:
        """What the text seems to be.

        "lines" (one item a line) where there are two lines or more, none of them blank except at the end, and nine in
        ten have 64 characters or less; else "text", one long one.
        """
        lengths = self._all_lengths()
        n_lines = int(lengths.sum())
        blank_between = self._blank_between + (self._blank_run if self._open_line else 0)
        short = int(lengths[: SHORT_LINE + 1].sum())
        return "lines" if n_lines >= 2 and blank_between == 0 and short >= SHORT_SHARE * n_lines else "text"

    def _all_lengths(self) -> NDArray[np.int64]:
        lengths = self._line_lengths.copy()
        if self._open_line:
            lengths[min(self._open_line, LONGEST_COUNTED)] += 1
        return lengths
