"""Which lines of a text stand in a corpus: a model that has read what it is measured by tells nothing."""

from __future__ import annotations

LEAST = 30
"""Characters of a line that does not stand in two texts by chance: "How now! what's the matter?" has 27."""


def plain(text: str) -> str:
    """Lower case, and one space for any run of whitespace: editions differ in both.

    >>> plain("Whiles  thou\\n art ")
    'whiles thou art'
    """
    return " ".join(text.lower().split())


def leaking_lines(text: str, corpus: str, *, least: int = LEAST) -> list[str]:
    """The lines of `text` that stand anywhere in `corpus`, as a part of a line or over several ones, too.

    Both are compared in their plain form; lines of fewer than `least` characters in it are passed over.

    >>> leaking_lines("To be, or not to be\\nThat is", "... TO BE,\\nor not to be: that is", least=10)
    ['To be, or not to be']
    """
    read = plain(corpus)
    lines = ((line, plain(line)) for line in text.split("\n"))
    return [line for line, words in lines if len(words) >= least and words in read]
