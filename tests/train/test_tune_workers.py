"""Several processes at one study."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.errors import ZthError
from zth.models.space import Between
from zth.train import TrainConfig
from zth.train.tune import tune
from zth.train.tune_journal import load
from zth.train.tune_workers import DEATHS, Crew

COMMAND = """
import sys
import threading
from pathlib import Path
import torch
from zth.train import tune_workers
sys.path.insert(0, {folder!r})
from {module} import small
other, mine, journal = map(Path, sys.argv[1:])
real = tune_workers.train_once
def once(*args):
    mine.touch()
    while not other.exists():  # both are at a trial at the same time
        pass
    return real(*args)
tune_workers.train_once = once
small(journal, workers=1)
"""


def small(journal: Path, *, steps: int = 1500, **more: Any) -> Any:
    words = names()[:300]
    vocabulary = Vocabulary.of_lines(words)
    train, dev = windows(words[:200], vocabulary, 4), windows(words[200:], vocabulary, 4)
    return tune(
        "mlp",
        SimpleNamespace(vocabulary=vocabulary, train=train, dev=dev),
        base=TrainConfig(steps=steps, batch_size=16),
        fixed={"batchnorm": "none", "n_hidden": 1, "direct": False, "hidden": 8},
        space={"embedding": Between(low=2, high=6)},
        trials=8,
        journal=journal,
        **more,
    )


def at_work(journal: Path) -> list[int]:
    return [t.user_attrs["worker"]["pid"] for t in load(journal).trials if "worker" in t.user_attrs]


def test_two_commands_share_a_study(tmp_path: Path) -> None:
    journal = tmp_path / "study.journal"
    code = COMMAND.format(folder=str(Path(__file__).parent), module=Path(__file__).stem)
    flags = [tmp_path / "a", tmp_path / "b"]
    commands = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", code, *map(str, [*pair, journal])], stderr=-1)
        for pair in (flags, flags[::-1])
    ]
    said = [command.communicate(timeout=60)[1] for command in commands]
    assert said == [b"", b""]
    study = small(journal, workers=1)  # has nothing left to do
    assert [trial.state in ("done", "pruned") for trial in study.trials] == [True] * 8
    assert len({trial.number for trial in study.trials}) == 8
    assert len({tuple(trial.options.items()) for trial in study.trials}) == 8  # neither repeated the other's
    assert set(at_work(journal)) == {command.pid for command in commands}


def test_a_process_that_dies_takes_one_trial_with_it(tmp_path: Path) -> None:
    journal = tmp_path / "study.journal"
    killed: list[int] = []

    def kill_one(what: str, done: int, total: int) -> None:
        running = [t for t in load(journal).trials if t.state.name == "RUNNING" and "worker" in t.user_attrs]
        if running and not killed:
            killed.append(running[0].user_attrs["worker"]["pid"])
            os.kill(killed[0], signal.SIGKILL)

    study = small(journal, steps=15_000, workers=2, show=kill_one)
    assert killed
    assert len(study.trials) == 8
    failed = [trial for trial in study.trials if trial.state == "failed"]
    # it may have finished that trial between our look and the blow, but not more than that one is lost
    assert len(failed) <= 1
    assert all("ended with code -9" in trial.error for trial in failed)
    assert set(at_work(journal)) > set(killed)


class Process:
    """One that ends at once."""

    def __init__(self, code: int, pid: int) -> None:
        self.exitcode, self.pid = code, pid

    def start(self) -> None: ...

    def is_alive(self) -> bool:
        return self.exitcode == 0 and self.pid == 3  # the third stays at work

    def join(self, seconds: float) -> None:
        self.pid = 0


class Context:
    """Starts processes that end with these codes, one after the other."""

    def __init__(self, *codes: int) -> None:
        self.codes, self.n_started = codes, 0

    def Event(self) -> threading.Event:  # noqa: N802 (multiprocessing's name)
        return threading.Event()

    def Process(self, **_: Any) -> Process:  # noqa: N802
        self.n_started += 1
        return Process(self.codes[min(self.n_started, len(self.codes)) - 1], self.n_started)


class Notes:
    """A ledger that notes who died."""

    def __init__(self) -> None:
        self.dead: list[int] = []

    def died(self, pid: int, why: str) -> None:
        self.dead.append(pid)

    def trials(self) -> list[Any]:
        return []


def test_who_dies_is_replaced_and_who_is_done_is_not() -> None:
    context, notes = Context(-9, 0, 0), Notes()
    crew: Any = Crew(context, None, 2)  # type: ignore[arg-type]
    assert crew.look_after(notes)
    assert (context.n_started, notes.dead) == (3, [1])
    assert crew.look_after(notes)
    assert (context.n_started, notes.dead) == (3, [1])
    crew.end()
    assert not crew.look_after(notes)


def test_a_study_whose_processes_die_and_die_is_given_up() -> None:
    crew: Any = Crew(Context(-9), None, 1)  # type: ignore[arg-type]
    for _ in range(DEATHS - 1):
        assert crew.look_after(Notes())
    with pytest.raises(ZthError, match="10 processes of the study died"):
        crew.look_after(Notes())
