"""What another process tells, as the judge takes it: never a pattern, never what steers a terminal."""

from __future__ import annotations

import pytest

from zth.workbook import answer
from zth.workbook.answer import Raised, Trouble, legible

TOLD: dict[str, object] = {"type": "E", "bases": [], "message": "m", "frames": [], "note": "", "values": {}}


@pytest.mark.parametrize(
    "told",
    [
        *(5, None, {}, {"type": "E"}, {**TOLD, "bases": 2, "frames": 4}),
        *({**TOLD, "note": "{message.__class__}"}, {**TOLD, "note": ["walled"]}, {**TOLD, "values": 3}),
        {**TOLD, "note": "unreadable", "values": {"type": "list"}},
    ],
)
def test_an_exception_that_is_none_is_a_forgery(told: object) -> None:
    error = answer._raised(told)
    assert isinstance(error, Trouble)
    assert error.kind == "forged"


def test_what_a_servant_says_itself_is_said_in_the_language_of_the_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {**TOLD, "message": "[Errno 13] {type.__class__}", "note": "walled"}
    told["values"] = {"message": told["message"]}
    error = answer._raised(told)
    assert isinstance(error, Raised)
    assert error.message == "[Errno 13] {type.__class__}"
    assert error.words == f"{error.message} (an answer may write in its own folder only, and has no network)"
    monkeypatch.setenv("ZTH_LANG", "de")
    error = answer._raised(told)
    assert isinstance(error, Raised)
    assert error.words.endswith("(eine Antwort darf nur in ihren eigenen Ordner schreiben und hat kein Netzwerk)")
    assert "durch den Kanal des Prüfers kam etwas anderes" in str(answer._raised(5))


def test_an_exception_is_told_legibly() -> None:
    told = {"type": "E\x1b", "bases": ["\x07"], "message": "\x1b[2J\nnext", "frames": [[1, "f\r", "\x9b"]]}
    error = answer._raised(TOLD | told)
    assert isinstance(error, Raised)
    assert (error.type_name, error.bases, error.message) == (r"E\x1b", [r"\x07"], "\\x1b[2J\nnext")
    assert error.frames == [(1, r"f\r", r"\x9b")]
    assert error.words == error.message
    assert legible("ä ∂ 😀\t\u202eetadpu") == "ä ∂ 😀\t\\u202eetadpu"
