from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from zth.data import fetch
from zth.errors import DataError

TEXT = b"First Citizen:\nBefore we proceed any further, hear me speak.\n" * 5000
SHA256 = hashlib.sha256(TEXT).hexdigest()

DOWNLOAD = """
import sys
from zth.data import fetch
fetch.URL, fetch.SHA256 = sys.argv[1:]
print(fetch.download())
"""


class Server(ThreadingHTTPServer):
    """Answers the nth request in the nth way of `ways`, and all further ones in the last."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.ways = ["whole"]
        self.n_requests = 0
        self.half_is_out = threading.Event()
        self.go_on = threading.Event()

    def handle_error(self, *_: Any) -> None:
        """A client that was killed is part of the plan."""


class Answer(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        way = self.server.ways[min(self.server.n_requests, len(self.server.ways) - 1)]
        self.server.n_requests += 1
        if way.isdigit():
            self.send_error(int(way))
            return
        text = b"something else" if way == "wrong" else TEXT
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        half = len(text) // 2
        self.wfile.write(text[:half])
        self.wfile.flush()
        self.server.half_is_out.set()
        if way == "wait":
            self.server.go_on.wait(30)
        if way != "cut":
            self.wfile.write(text[half:])

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(fetch, "URL", f"http://127.0.0.1:{server.server_port}/input.txt")
        monkeypatch.setattr(fetch, "SHA256", SHA256)
        monkeypatch.setattr(fetch, "N_BYTES", len(TEXT))
        yield server
        server.go_on.set()
        server.shutdown()


def failure() -> DataError:
    with pytest.raises(DataError, match="could not be downloaded") as caught:
        fetch.download()
    assert fetch.URL in caught.value.next_move
    return caught.value


def another_process() -> subprocess.Popen[str]:
    command = [sys.executable, "-c", DOWNLOAD, fetch.URL, fetch.SHA256]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_it_comes_whole_and_only_once(server: Server, alone: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert fetch.in_cache() is None
    seen: list[tuple[int, int]] = []
    path = fetch.download(lambda done, total: seen.append((done, total)))
    assert path == fetch.in_cache() == alone / fetch.FILE
    assert path.read_bytes() == TEXT
    assert [item.name for item in alone.iterdir()] == [fetch.FILE]
    assert seen[-1] == (len(TEXT), len(TEXT))
    assert len(seen) > 3
    assert fetch.download() == path
    assert server.n_requests == 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("trouble", ["cut", "wrong"])
def test_one_bad_answer_is_asked_again(server: Server, trouble: str) -> None:
    server.ways = [trouble, "whole"]
    assert fetch.download().read_bytes() == TEXT
    assert server.n_requests == 2


@pytest.mark.parametrize(
    ("trouble", "reason", "n_requests"),
    [
        ("cut", "the connection broke off", 3),
        ("wrong", "what came has another checksum", 3),
        ("404", "the server answered 404", 1),
        ("503", "the server answered 503", 1),
    ],
)
def test_bad_answers_leave_nothing_and_the_next_call_works(
    server: Server, alone: Path, trouble: str, reason: str, n_requests: int
) -> None:
    server.ways = [trouble]
    assert failure().problem.endswith(f"{reason}.")
    assert server.n_requests == n_requests
    assert list(alone.iterdir()) == []
    server.ways = ["whole"]
    assert fetch.download().read_bytes() == TEXT


def test_nobody_there() -> None:
    assert failure().problem.endswith("no connection to its server.")


def test_no_answer(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "SILENT_SECONDS", 0.05)
    server.ways = ["wait"]
    assert "no connection" in failure().problem or "no answer in time" in failure().problem


def test_killed_halfway_it_leaves_nothing_under_the_name(server: Server, alone: Path) -> None:
    server.ways = ["wait", "whole"]
    process = another_process()
    assert server.half_is_out.wait(30)
    process.kill()
    process.communicate()
    assert fetch.in_cache() is None
    assert not (alone / fetch.FILE).exists()
    assert fetch.download().read_bytes() == TEXT


def test_two_processes_fetch_at_once(server: Server, alone: Path) -> None:
    server.ways = ["wait"]  # neither is done before both have begun
    both = [another_process(), another_process()]
    while server.n_requests < 2 and all(process.poll() is None for process in both):
        server.half_is_out.wait(0.01)
        server.half_is_out.clear()
    server.go_on.set()
    for process in both:
        printed, complaint = process.communicate(timeout=60)
        assert (process.returncode, complaint) == (0, "")
        assert printed.strip() == str(alone / fetch.FILE)
    assert server.n_requests == 2
    assert [item.name for item in alone.iterdir()] == [fetch.FILE]
    assert fetch.in_cache() == alone / fetch.FILE


def test_a_damaged_cache_is_not_used_but_replaced(server: Server, alone: Path) -> None:
    alone.mkdir()
    (alone / fetch.FILE).write_bytes(TEXT[:-1])
    assert fetch.in_cache() is None
    assert fetch.download().read_bytes() == TEXT
    assert server.n_requests == 1


def test_a_cache_that_cannot_be_written(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ZTH_CACHE", str(tmp_path / "file" / "cache"))
    assert f"the cache {tmp_path / 'file' / 'cache'} cannot be written" in failure().problem
    assert server.n_requests == 0


def test_the_cache_is_the_systems_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import pooch

    monkeypatch.setenv("ZTH_CACHE", "~/elsewhere")
    assert fetch.cache_folder() == Path.home() / "elsewhere"
    monkeypatch.delenv("ZTH_CACHE")
    assert fetch.cache_folder() == Path(pooch.os_cache("zth"))


@pytest.mark.parametrize("name", ["tinyshakespeare.txt", "input.txt"])
def test_the_folder_of_zth_data(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "SHA256", SHA256)
    assert fetch.in_data_folder() is None
    monkeypatch.setenv("ZTH_DATA", str(tmp_path))
    assert fetch.in_data_folder() is None
    (tmp_path / name).write_bytes(TEXT)
    assert fetch.in_data_folder() == tmp_path / name
    (tmp_path / name).write_bytes(TEXT + b"x")
    with pytest.raises(DataError) as caught:
        fetch.in_data_folder()
    assert f"{tmp_path / name} is not Tiny Shakespeare" in caught.value.problem
    assert hashlib.sha256(TEXT + b"x").hexdigest()[:12] in caught.value.problem
    assert SHA256[:12] in caught.value.problem
    assert f"zth data show {tmp_path / name}" in caught.value.next_move


def test_zth_data_that_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZTH_DATA", str(tmp_path / "nothing"))
    with pytest.raises(DataError, match=r"ZTH_DATA names .*nothing, which is no folder"):
        fetch.in_data_folder()


def test_it_asks_for_the_courses_file() -> None:
    # from lecture 7; the fixture of this folder has replaced URL itself
    assert fetch.SHA256 == "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
    assert fetch.N_BYTES == 1_115_394
    source = Path(os.fspath(fetch.__file__)).read_text()
    assert '"https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"' in source
