"""Your own texts: a UTF-8 file, or a folder of them, read in pieces of bounded size."""

from __future__ import annotations

import codecs
import difflib
import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from zth.data.tally import Tally
from zth.errors import DataError

PIECE = 2**20

Progress = Callable[[int, int], None]
"""Told how much of how much has been read or downloaded, about in bytes."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a path of yours holds."""

    files: tuple[Path, ...]
    """The text files; their texts are joined by line ends."""
    skipped: tuple[Path, ...]
    """Files of a folder that are no UTF-8 text."""
    sha256: str
    """Of the bytes: of a file what `sha256sum` prints, of a folder's files joined by line ends."""
    tally: Tally


def look(path: Path, *, also: Sequence[str] = (), progress: Progress | None = None) -> Found:
    """Check and count a file or folder, holding no more than some megabytes of it at a time.

    In a folder every file below it counts, in the order of the names; hidden ones (.git) do not, and those that are
    no UTF-8 text are skipped. Raises DataError for what is missing (`also` has names to suggest then), empty, binary,
    not UTF-8, unreadable, neither file nor folder, or a folder without text.
    """
    mode = _mode(path, also)
    if stat.S_ISDIR(mode):
        files, skipped = _texts_below(path)
        if not files:
            others = f" ({len(skipped)} files are no text)" if skipped else ""
            raise DataError(f"The folder {path} holds no UTF-8 text{others}.", "Name a folder with text files in it.")
    elif stat.S_ISREG(mode):
        files, skipped = (path,), ()
    else:
        raise DataError(
            f"{path} is neither a file nor a folder (a pipe, socket or device).", "Write the text to a file first."
        )
    digest, tally = hashlib.sha256(), Tally()
    done, n_bytes = 0, sum(file.stat().st_size for file in files)
    for number, file in enumerate(files):
        if number:
            digest.update(b"\n")
            tally.add("\n")
        for piece in pieces(file, digest.update):
            tally.add(piece)
            done += len(piece)
            if progress:
                progress(min(done, n_bytes), n_bytes)
    if not "".join(tally.characters).strip():
        raise DataError(f"{path} is empty.", "Name a file with text in it.")
    return Found(files=files, skipped=skipped, sha256=digest.hexdigest(), tally=tally)


def read(files: Sequence[Path]) -> str:
    """The texts of `files`, joined by line ends. Raises DataError as `look` does."""
    return "".join(joined(files))


def joined(files: Sequence[Path]) -> Iterator[str]:
    """`read`, piece by piece."""
    for number, file in enumerate(files):
        if number:
            yield "\n"
        yield from pieces(file)


def pieces(path: Path, on_bytes: Callable[[bytes], object] = lambda _: None) -> Iterator[str]:
    """The text of one file piece by piece, line ends as "\\n", without a byte order mark.

    `on_bytes` sees every byte as it lies on disk. Raises DataError for binary, not UTF-8, unreadable.
    """
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")(), translate=True)
    offset = 0
    try:
        with path.open("rb") as file:
            while True:
                raw = file.read(PIECE)
                on_bytes(raw)
                data = raw.removeprefix(codecs.BOM_UTF8) if offset == 0 else raw
                offset += len(raw) - len(data)
                _refuse_binary(path, data, offset)
                pending = len(decoder.getstate()[0])
                try:
                    text = decoder.decode(data, final=not raw)
                except UnicodeDecodeError as error:
                    raise _undecodable(path, error.object[error.start], offset - pending + error.start) from None
                yield text
                if not raw:
                    return
                offset += len(data)
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> DataError:
    """What to say when the system refuses a file."""
    if isinstance(error, PermissionError):
        return DataError(f"No permission to read {path}.", "Allow it (chmod u+r), or copy the file.")
    return DataError(f"{path} cannot be read: {error.strerror or error}.", "Check the path and the disk.")


def _mode(path: Path, also: Sequence[str]) -> int:
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        near = difflib.get_close_matches(path.name, [*also, *_neighbours(path)], n=1)
        known = f"Known names: {', '.join(also)}." if also else "Check the path."
        move = f"Did you mean {near[0]}?" if near else known
        raise DataError(f"There is no file or folder {path}.", move) from None
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:  # a NUL character in the path
        raise DataError(f"{str(path)!r} is no path: {error}.", "Check the path.") from None


def _neighbours(path: Path) -> list[str]:
    try:
        return sorted(item.name for item in path.parent.iterdir())[:1000]
    except OSError:
        return []


def _texts_below(folder: Path) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """The text files under a folder, and those that are none; empty ones are in neither."""
    if not os.access(folder, os.R_OK | os.X_OK):
        raise unreadable(folder, PermissionError())
    texts: list[Path] = []
    skipped: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=lambda error: skipped.append(Path(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".") and not _is_run(Path(place) / name)]
        for path in (Path(place) / name for name in names if not name.startswith(".")):
            try:
                if not path.is_file():
                    skipped.append(path)
                elif sum(map(len, pieces(path))):  # to the end: what is no text may show late
                    texts.append(path)
            except (DataError, OSError):
                skipped.append(path)
    return tuple(sorted(texts)), tuple(sorted(skipped))


def _is_run(folder: Path) -> bool:
    """A run folder of zth: what it says of a text is no part of it, and changes with every training."""
    return (folder / "run.json").is_file()


def _refuse_binary(path: Path, data: bytes, offset: int) -> None:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and offset == 0:
        raise DataError(f"{path} is UTF-16; wanted UTF-8.", _convert(path, "UTF-16"))
    nul = data.find(b"\0")
    if nul >= 0:
        raise DataError(
            f"{path} is binary (a NUL byte at offset {offset + nul:,}); wanted text.", "Name a plain text file."
        )


def _undecodable(path: Path, byte: int, offset: int) -> DataError:
    return DataError(
        f"{path} is not UTF-8: byte 0x{byte:02x} at offset {offset:,}.",
        f"If it is in an older Western encoding: {_convert(path, 'WINDOWS-1252')}",
    )


def _convert(path: Path, encoding: str) -> str:
    return f"iconv -f {encoding} -t UTF-8 '{path}' > '{path.stem}-utf8.txt'"
