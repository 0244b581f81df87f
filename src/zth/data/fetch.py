"""Tiny Shakespeare: found in ZTH_DATA, in the cache, or downloaded into it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from zth.data.own import Progress, unreadable
from zth.errors import DataError

URL = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
N_BYTES = 1_115_394
FILE = "tinyshakespeare.txt"
ALSO_NAMED = "input.txt"

CONNECT_SECONDS = 4.0  # without a network the answer is wanted now
SILENT_SECONDS = 15.0
ATTEMPTS = 3


def cache_folder() -> Path:
    """`ZTH_CACHE`, or this user's cache folder of this system; it need not exist yet."""
    import pooch

    chosen = os.environ.get("ZTH_CACHE")
    return Path(chosen).expanduser() if chosen else Path(pooch.os_cache("zth"))


def in_data_folder() -> Path | None:
    """The file in the folder that `ZTH_DATA` names, if any. Raises DataError where it is another edition."""
    chosen = os.environ.get("ZTH_DATA")
    if not chosen:
        return None
    folder = Path(chosen).expanduser()
    if not folder.is_dir():
        raise DataError(f"ZTH_DATA names {folder}, which is no folder.", "Set it to a folder with data, or unset it.")
    for path in (folder / FILE, folder / ALSO_NAMED):
        if path.is_file():
            got = _sha256(path)
            if got != SHA256:
                raise DataError(
                    f"{path} is not Tiny Shakespeare: its sha256 is {got[:12]}..., wanted {SHA256[:12]}...",
                    f"Put the right file there, or use yours under its own name: zth data show {path}",
                )
            return path
    return None


def in_cache() -> Path | None:
    """The downloaded file, if it is there and whole."""
    path = cache_folder() / FILE
    return path if path.is_file() and _sha256(path) == SHA256 else None


def download(progress: Progress | None = None) -> Path:
    """Fetch the file into the cache, or find it there -> its path. Raises DataError that says why it could not.

    It is written under another name beside its place, and renamed when its checksum is right: what breaks off leaves
    nothing behind, and several processes may fetch at once.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # zth's own commands do the talking
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return Path(
                pooch.retrieve(
                    URL,
                    f"sha256:{SHA256}",
                    fname=FILE,
                    path=cache_folder(),
                    downloader=lambda url, file, _: _get(url, file, progress),
                )
            )
        except (ValueError, requests.exceptions.ChunkedEncodingError) as error:
            # it broke off, or came damaged: another try may well be better
            if attempt == ATTEMPTS:
                raise _failed(error) from error
        except OSError as error:  # requests' exceptions are OSErrors too
            raise _failed(error) from error
    raise AssertionError(ATTEMPTS)


def _get(url: str, file: str, progress: Progress | None) -> None:
    """The transfer itself. pooch's own leaves connections open when one fails."""
    import requests

    with (
        requests.get(url, stream=True, timeout=(CONNECT_SECONDS, SILENT_SECONDS)) as answer,
        Path(file).open("wb") as out,
    ):
        answer.raise_for_status()
        done = 0
        for piece in answer.iter_content(2**16):
            out.write(piece)
            done += len(piece)
            if progress:
                progress(min(done, N_BYTES), N_BYTES)


def _failed(error: Exception) -> DataError:
    import requests.exceptions as trouble

    if isinstance(error, trouble.ChunkedEncodingError):
        reason = "the connection broke off"
    elif isinstance(error, trouble.Timeout):
        reason = "no answer in time"
    elif isinstance(error, trouble.HTTPError):
        reason = f"the server answered {getattr(error.response, 'status_code', 'with an error')}"
    elif isinstance(error, trouble.RequestException):
        reason = "no connection to its server"
    elif isinstance(error, OSError):
        reason = f"the cache {cache_folder()} cannot be written: {error.strerror or error}"
    else:
        reason = "what came has another checksum"
    return DataError(
        f"Tiny Shakespeare could not be downloaded: {reason}.", f"Fetch {URL} into a folder and set ZTH_DATA to it."
    )


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error) from error
