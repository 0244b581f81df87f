from __future__ import annotations

import hashlib
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from zth.data import own
from zth.errors import DataError


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def refusal(path: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        own.look(path)
    assert caught.value.next_move
    return caught.value


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Characters and line ends are cut in two."""
    monkeypatch.setattr(own, "PIECE", 3)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"emma\nolivia\n", "emma\nolivia\n"),
        ("Zoë 語😀\n".encode(), "Zoë 語😀\n"),
        (b"\xef\xbb\xbfafter the mark", "after the mark"),
        (b"ab\r\ncd\r\n\r\nef\rgh", "ab\ncd\n\nef\ngh"),
    ],
)
def test_a_file_is_read_as_text(data: bytes, text: str, tmp_path: Path) -> None:
    path = write(tmp_path / "own.txt", data)
    found = own.look(path)
    assert own.read(found.files) == text
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.tally.n_characters == len(text)
    assert found.tally.sample == text


def test_a_big_file_is_never_held_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "big.txt", b"one line of many, all alike\n" * 2_400_000)
    assert path.stat().st_size > 64e6
    seen: list[tuple[int, int]] = []
    tracemalloc.start()
    found = own.look(path, progress=lambda done, total: seen.append((done, total)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.tally.n_lines == 2_400_000
    assert peak < 32e6
    assert seen[-1] == (path.stat().st_size,) * 2
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_folder_is_its_files_in_order(tmp_path: Path) -> None:
    write(tmp_path / "b.txt", b"second")
    write(tmp_path / "a" / "z.md", b"first\n")
    write(tmp_path / "c" / "deep" / "x", b"third")
    write(tmp_path / ".git" / "HEAD", b"hidden")
    write(tmp_path / "a" / ".hidden.txt", b"hidden")
    write(tmp_path / "empty.txt", b"")
    picture = write(tmp_path / "picture.png", b"\x89PNG\0\0")
    latin = write(tmp_path / "old.txt", b"caf\xe9")
    link = tmp_path / "broken"
    link.symlink_to("nowhere")
    found = own.look(tmp_path)
    assert own.read(found.files) == "first\n\nsecond\nthird"
    assert found.skipped == tuple(sorted([picture, latin, link]))
    assert found.sha256 == hashlib.sha256(b"first\n\nsecond\nthird").hexdigest()
    assert found.tally.n_characters == len("first\n\nsecond\nthird")


def test_a_folder_without_text(tmp_path: Path) -> None:
    assert "holds no UTF-8 text." in refusal(tmp_path).problem
    write(tmp_path / "picture.png", b"\x89PNG\0\0")
    assert "(1 files are no text)" in refusal(tmp_path).problem


@pytest.mark.parametrize("name", ["missing.txt", "missing/deep.txt", "file/below.txt"])
def test_missing(name: str, tmp_path: Path) -> None:
    write(tmp_path / "file", b"x")
    assert refusal(tmp_path / name).problem == f"There is no file or folder {tmp_path / name}."


def test_a_near_name_is_suggested(tmp_path: Path) -> None:
    write(tmp_path / "shopping.txt", b"x")
    assert refusal(tmp_path / "shoping.txt").next_move == "Did you mean shopping.txt?"


@pytest.mark.parametrize("data", [b"", b" \n\t\n", b"\xef\xbb\xbf"])
def test_empty(data: bytes, tmp_path: Path) -> None:
    assert refusal(write(tmp_path / "a.txt", data)).problem == f"{tmp_path / 'a.txt'} is empty."


@pytest.mark.usefixtures("small_pieces")
def test_binary_with_the_place(tmp_path: Path) -> None:
    assert "binary (a NUL byte at offset 7)" in refusal(write(tmp_path / "a.txt", b"ELF 123\0\1")).problem


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize(
    ("data", "byte", "offset"),
    [
        (b"caf\xe9 au lait", "e9", 3),
        ("ééé".encode() + b"\xff", "ff", 6),
        (b"\xef\xbb\xbfabc\xfe", "fe", 6),
        (b"abcd\xe8\xaa", "e8", 4),  # the file ends inside a character
        (b"ab\xe8\xaaX", "e8", 2),  # so does this piece, and the next one shows that it was none
    ],
)
def test_not_utf8_with_the_place(data: bytes, byte: str, offset: int, tmp_path: Path) -> None:
    error = refusal(write(tmp_path / "a.txt", data))
    assert f"not UTF-8: byte 0x{byte} at offset {offset}." in error.problem
    assert "iconv -f WINDOWS-1252" in error.next_move


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le"])
def test_utf16_is_called_by_its_name(encoding: str, tmp_path: Path) -> None:
    mark = "" if encoding == "utf-16" else "\ufeff"  # Python writes it itself in the first case
    data = f"{mark}hello".encode(encoding)
    error = refusal(write(tmp_path / "a.txt", data))
    assert "is UTF-16" in error.problem
    assert "iconv -f UTF-16" in error.next_move


def test_a_pipe_and_a_device_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        assert "neither a file nor a folder" in refusal(path).problem
    write(tmp_path / "a.txt", b"text")
    assert own.look(tmp_path).files == (tmp_path / "a.txt",)


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.txt", b"text")

    def refused(self: Path, *_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    with monkeypatch.context() as patched:  # root, who may run this, is refused nothing
        patched.setattr(Path, "open", refused)
        assert refusal(path).problem == f"No permission to read {path}."
        assert "holds no UTF-8 text (1 files" in refusal(tmp_path).problem
    with monkeypatch.context() as patched:
        patched.setattr(Path, "stat", refused)
        assert refusal(path).problem == f"No permission to read {path}."
    with monkeypatch.context() as patched:
        patched.setattr(os, "access", lambda *_: False)
        assert refusal(tmp_path).problem == f"No permission to read {tmp_path}."


def test_a_disk_that_fails_and_a_name_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is no path" in refusal(Path("a\0b")).problem
    assert "cannot be read: File name too long" in refusal(tmp_path / ("x" * 5000)).problem
    path = write(tmp_path / "a.txt", b"text")

    def broken(*_: Any, **__: Any) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", broken)
    assert "cannot be read: Input/output error" in refusal(path).problem
