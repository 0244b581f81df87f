"""Hostile submissions, each a file in attacks/. Of each: it gains no mark, it changes nothing outside, and the judge
goes on. A promise that this machine cannot keep is skipped, with what it lacks.

Every attack is bounded, so that a defence that fails harms nothing else: children sleep and are few, files are small,
signals go to the attack's own parent. `TRIED` in its output shows that it ran; `GOT` is what it must never print.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

import zth
from zth.workbook import defences, wire
from zth.workbook.answer import KEPT_OUTPUT
from zth.workbook.check import Limits
from zth.workbook.exercise import Exercise, get
from zth.workbook.jail import Jail
from zth.workbook.judge import judge
from zth.workbook.marks import HOSTILE
from zth.workbook.verdict import Verdict
from zth.workbook.wire import _LENGTHS, MAX_FRAME, MAX_HEADER, pack

FEW = 24
ATTACKS = Path(__file__).with_name("attacks")
EXERCISE = get("1.1")
RIGHT = (EXERCISE.folder / "right" / "loops.py").read_text()


@pytest.fixture(scope="module")
def closed_jail() -> Iterator[Jail]:
    """As every other, but with fewer processes: so few that an attack need not start many to meet the limit."""
    with pytest.MonkeyPatch.context() as patched, Jail() as jail:
        patched.setattr("zth.workbook.jail.TASKS", FEW)
        jail.start_keeper()
        yield jail


@pytest.fixture
def attack(tmp_path: Path, closed_jail: Jail, monkeypatch: pytest.MonkeyPatch):
    """attack(name, promises, **targets) -> the verdict; what must hold after every attack has been asserted."""
    _limit(monkeypatch)
    desk = tmp_path / "grader"
    desk.mkdir()
    for name in ("marks.csv", "other.py"):
        (desk / name).write_text("secret of another")

    def submit(text: str) -> Verdict:
        path = tmp_path / EXERCISE.file_name
        path.write_text(text)
        return judge(EXERCISE, path, closed_jail)

    def run(name: str, *promises: str, before: str = "", adds: str = "", **targets: object) -> Verdict:
        broken = [each for each in closed_jail.promises() if each.name in promises and not each.kept]
        if broken:
            pytest.skip("; ".join(f"{each.name}: {each.by}" for each in broken))
        was = _seen(desk)
        verdict = submit(f"{before}\nTARGETS = {targets!r}\n{(ATTACKS / f'{name}.py').read_text()}\n{adds}")
        assert _seen(desk) == was
        assert "GOT" not in verdict.output
        assert "TRIED" in verdict.output
        assert submit(RIGHT).ok, "the next one is judged as if nothing had happened"
        return verdict

    return SimpleNamespace(run=run, desk=desk, submit=submit)


def _limit(monkeypatch: pytest.MonkeyPatch, seconds: float = 12.0, memory_mb: int = 512) -> None:
    monkeypatch.setattr(Exercise, "limits", property(lambda self: Limits(seconds=seconds, memory_mb=memory_mb)))


def _seen(folder: Path) -> list[tuple[str, bytes, int, int]]:
    files = sorted(folder.rglob("*"))
    return [(str(f), f.read_bytes(), f.stat().st_mode, f.stat().st_mtime_ns) for f in files if f.is_file()]


def _gains_nothing(verdict: Verdict) -> bool:
    return not verdict.ok and not any(part.ok for part in verdict.parts)


def test_every_attack_has_a_test_and_runs_nowhere_else() -> None:
    tests = Path(__file__).read_text()
    for path in ATTACKS.glob("*.py"):
        assert f'"{path.stem}"' in tests
        with pytest.raises(NameError):  # its first statement needs what only a test gives
            exec(compile(path.read_text(), path.name, "exec"), {})


def test_files_outside_cannot_be_read(attack) -> None:
    (attack.desk / "key").write_text("secret")
    files = [attack.desk / "marks.csv", attack.desk / "other.py", EXERCISE.folder / "check.py", EXERCISE.stub]
    files += [f"/proc/{os.getpid()}/environ", f"/proc/{os.getpid()}/mem", "/etc/shadow", Path(__file__)]
    folders = [str(folder) for folder in (attack.desk, attack.desk.parent, Path(__file__).parent)]
    verdict = attack.run("reads_outside", "files", files=[str(file) for file in files], folders=folders)
    assert _gains_nothing(verdict)


def test_files_outside_cannot_be_written_nor_their_modes_changed(attack, tmp_path: Path) -> None:
    files = [str(attack.desk / name) for name in ("marks.csv", "other.py")]
    folders = [attack.desk, tmp_path, Path(zth.__file__).parent, EXERCISE.folder, "/tmp", "/dev/shm", Path.home()]
    verdict = attack.run("writes_outside", "files", "modes", files=files, folders=[str(f) for f in folders])
    assert _gains_nothing(verdict)
    assert not any((Path(folder) / "planted.py").exists() for folder in folders)


def test_there_is_no_network(attack, tmp_path: Path) -> None:
    name = f"zth-test-{os.getpid()}"
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", tcp.getsockname()[1]))
        unix = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(2)]
        addresses = [str(tmp_path / "s"), *([f"\0{name}"] if sys.platform == "linux" else [])]
        for each, address in zip(unix, addresses, strict=False):
            each.bind(address)
            each.listen()
        for each in (listeners := [tcp, udp, *unix[: len(addresses)]]):
            each.setblocking(False)
        port = tcp.getsockname()[1]
        verdict = attack.run("network", "network", port=port, path=addresses[0], abstract=name)
        for each in listeners:
            with pytest.raises(BlockingIOError):  # nobody has called
                each.recv(1) if each is udp else each.accept()
    assert _gains_nothing(verdict)


def test_forks_are_few_and_end_with_the_answer(attack) -> None:
    attack.submit(RIGHT)  # the keeper is there
    before = set(psutil.Process().children(recursive=True))
    verdict = attack.run("forks", "processes", adds=RIGHT)
    assert not verdict.ok
    assert re.search(r"left \d+ processes running", verdict.trouble)
    refused = re.search(r"REFUSED (\d+)", verdict.output)
    assert refused is not None
    assert int(refused[1]) < FEW
    assert set(psutil.Process().children(recursive=True)) == before


def test_output_without_end_is_cut_and_the_disk_stays_free(attack, monkeypatch: pytest.MonkeyPatch) -> None:
    _limit(monkeypatch, seconds=3.0)
    verdict = attack.run("prints_without_end", "disk")
    assert "no answer within" in verdict.trouble
    assert len(verdict.output) <= KEPT_OUTPUT
    assert int(re.search(r"REFUSED (\d+)", verdict.output)[1]) <= 16  # of 4 MB each, on a disk of 64


def test_nothing_outlives_an_answer_that_ends_its_keeper(attack) -> None:
    seconds = 20 + os.getpid() / 1e7  # by which it is known
    attack.run("outlives_its_keeper", "time", seconds=seconds)
    left = [each for each in psutil.process_iter(["cmdline"]) if f"sleep({seconds})" in str(each.info["cmdline"])]
    assert not left


def test_the_parent_outlives_its_child(attack) -> None:
    verdict = attack.run("kills_its_parent", "signals", adds=RIGHT)
    assert verdict.ok, "nothing has happened: the rest of the file is judged like any other"


def test_the_solution_can_be_neither_imported_nor_read(attack) -> None:
    module = f"zth.workbook.{EXERCISE.folder.parent.name}.{EXERCISE.folder.name}.solution"
    verdict = attack.run(
        "reads_the_solution",
        "solutions",
        solution=str(EXERCISE.folder / "solution.py"),
        check=str(EXERCISE.folder / "check.py"),
        module=module,
        path=str(Path(zth.__file__).parents[1]),
    )
    assert _gains_nothing(verdict)


def test_an_import_of_zth_is_told_what_to_do(attack) -> None:
    part = attack.submit("from zth.autograd.numerical import forward_difference").first_failure
    assert part is not None
    assert "`zth` is closed while an answer is judged: write it yourself" in part.says


def test_a_patched_judge_is_another_process(attack) -> None:
    verdict = attack.run("patches_the_judge")
    assert "TRIED the servant" in verdict.output
    assert _gains_nothing(verdict)


def _frame(header: bytes, blob: bytes = b"") -> bytes:
    return _LENGTHS.pack(len(header), len(blob)) + header + blob


FRAMES = {
    "a verdict": b'{"ok": true, "passed": true, "parts": []}\n' * 20,
    "the end": b"",
    "an exception that is none": _frame(b'{"$": "dict", "v": [["raised", 5]]}'),
    "an exception without a type": _frame(b'{"$": "dict", "v": [["raised", {"$": "dict", "v": []}]]}'),
    "a value too many": _frame(b'{"$": "dict", "v": [["value", 1], ["raised", 2]]}'),
    "every answer at once": pack({"value": 12.0}) * 40,
    "a length without end": _LENGTHS.pack(2**63, 2**63),
    "a header too long": _LENGTHS.pack(MAX_HEADER + 1, 0),
    "a frame too long": _LENGTHS.pack(10, MAX_FRAME),
    "a depth without end": _frame(b"[" * 100_000),
    "one hash for all": _frame(
        b'{"$": "dict", "v": ['
        + b",".join(b'[{"$": "int", "v": "%x"}, 1]' % (k * (2**61 - 1)) for k in range(1, 2000))
        + b"]}"
    ),
    "a number of 100,000 digits": _frame(b'{"$": "dict", "v": [["value", ' + b"9" * 100_000 + b"]]}"),
    "a handle of nothing": _frame(b'{"$": "dict", "v": [["value", {"$": "handle", "v": [1e999, 2, 3]}]]}'),
    "a broken array": _frame(b'{"$": "dict", "v": [["value", {"$": "array", "v": "a0"}]]}', b"\x01" * 64),
}


@pytest.mark.parametrize("name", FRAMES)
def test_what_an_answer_writes_is_no_verdict(attack, name: str) -> None:
    verdict = attack.run("fakes_the_verdict", "files", frame=FRAMES[name], files=[str(attack.desk / "marks.csv")])
    assert _gains_nothing(verdict)


def test_folders_in_folders_are_removed(attack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _gains_nothing(attack.run("nests_folders"))
    monkeypatch.setattr(defences, "namespaces", lambda: ())  # no disk of its own: the folder is the judge's
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = tmp_path / EXERCISE.file_name
    path.write_text(f"TARGETS = 1\n{(ATTACKS / 'nests_folders.py').read_text()}")
    with Jail() as jail:
        assert "TRIED" in judge(EXERCISE, path, jail).output
    assert not list(tmp_path.glob("zth-answer-*"))


def test_many_processes_have_the_memory_of_one(attack, monkeypatch: pytest.MonkeyPatch) -> None:
    _limit(monkeypatch, memory_mb=128)
    verdict = attack.run("fills_the_memory", "memory", adds=RIGHT)
    assert not verdict.ok
    assert verdict.trouble == "your code's processes used more than 128 MB together"


def test_hidden_memory_counts(attack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Children map what the parent lets go of: no address space is near the limit, and their sum is beyond it."""
    _limit(monkeypatch, memory_mb=128)
    verdict = attack.run("hides_memory", "memory", adds=RIGHT)
    assert verdict.trouble == "your code's processes used more than 128 MB together"
    assert "REFUSED files in memory" in verdict.output
    assert "REFUSED sockets" in verdict.output


def test_small_frames_are_not_large_values(attack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_TOTAL", 6_000_000)
    verdict = attack.run("answers_with_much")
    assert _gains_nothing(verdict)
    assert verdict.trouble == "the answers are larger than 6 MB together"


def test_what_hides_that_it_patched_is_rejected(attack) -> None:
    verdict = attack.run("hides_that_it_patched", before=RIGHT)
    assert [part.ok for part in verdict.parts] == [True, True, True, False]
    assert verdict.kind in HOSTILE


def test_one_answer_sees_nothing_of_another(attack, tmp_path: Path) -> None:
    for _ in range(2):
        verdict = attack.run("leaves_a_message", "files", "network", shared=str(tmp_path / "message"))
        assert _gains_nothing(verdict)


def test_nothing_that_steers_a_terminal_is_shown(attack) -> None:
    verdict = attack.run("steers_the_terminal")
    assert _gains_nothing(verdict)
    shown = (
        str(verdict.to_json())
        + verdict.output
        + "".join(f"{part.got}{part.says}{part.difference}" for part in verdict.parts)
    )
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)
