"""Lines of a text that stand in a corpus."""

from __future__ import annotations

import pytest

from zth.data.leaks import leaking_lines, plain

LINE = "The quality of mercy is not strain'd,"


@pytest.mark.parametrize(
    ("corpus", "leaks"),
    [
        (LINE, True),
        (f"...{LINE}...", True),
        (LINE.upper(), True),
        (LINE.replace(" is ", "\r\n  is\t"), True),
        (LINE.replace("mercy", "pity"), False),
        ("", False),
    ],
)
def test_a_line_is_found_wherever_it_stands(corpus: str, leaks: bool) -> None:
    text = f"It droppeth as the gentle rain from heaven\n\n  {LINE} \n"
    assert leaking_lines(text, corpus) == ([f"  {LINE} "] if leaks else [])


def test_short_lines_are_nobodys() -> None:
    assert leaking_lines("Exeunt.\n" + LINE, "Exeunt. " + LINE) == [LINE]
    assert leaking_lines("Exeunt.\nExeunt.", "exeunt. all", least=7) == ["Exeunt."] * 2, "each time it stands there"
    assert leaking_lines("Exeunt.", "exeunt. all", least=8) == []


def test_plain() -> None:
    assert plain(" \tÀ  LA\n\nmode ") == "à la mode"
