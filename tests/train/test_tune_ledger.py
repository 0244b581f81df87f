"""The journal of a study: what may be in the file, and what becomes of trials whose process is gone."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from zth.errors import ConfigError, RunError
from zth.models.space import Between
from zth.train.tune import Study
from zth.train.tune_ledger import Ledger
from zth.train.tune_space import tidy

HOST = socket.gethostname()
SPACE = {"lr": Between(low=0.1, high=1.0)}
ABOUT = {"family": "mlp", "space": {"lr": [0.1, 1.0]}}


def opened(path: Path, **more: Any) -> Ledger:
    return Ledger.open(path, **{"about": ABOUT, "space": SPACE, "seed": 42, **more})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "study.journal"


def test_two_ledgers_of_one_file_see_each_others_trials(path: Path) -> None:
    here, there = opened(path), opened(path)
    first, second = here.ask(), there.ask()
    assert (first.number, second.number) == (0, 1)
    here.done(first, 2.5)
    there.failed(second, "broken")
    for ledger in (here, there):
        assert [(t.number, t.state, t.error) for t in ledger.trials()] == [(0, "done", ""), (1, "failed", "broken")]


def test_of_two_trials_in_the_same_state_the_first_word_counts(path: Path) -> None:
    here, there = opened(path), opened(path)
    trial = here.ask()
    here.done(trial, 2.5)
    there.pruned(trial)
    there.stopped(trial)
    assert [t.state for t in there.trials()] == ["done"]
    assert there.ask().number == 1  # nothing was queued to be tried again


def test_a_trial_whose_process_has_ended_is_asked_for_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zth.train.tune_ledger._worker", lambda: {"host": HOST, "pid": 2**22 + 1, "since": 0.0})
    trial = opened(path).ask()
    monkeypatch.undo()
    again = opened(path).ask()
    assert again.number > trial.number
    assert again.params == trial.params
    assert [t.options for t in opened(path).trials()] == [tidy(again.params)]


def test_a_trial_of_a_living_process_or_of_another_machine_is_left_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = opened(path).ask()
    monkeypatch.setattr(
        "zth.train.tune_ledger._worker", lambda: {"host": "elsewhere", "pid": 2**22 + 1, "since": 0.0}
    )
    theirs = opened(path).ask()
    other = opened(path).ask()
    assert len({mine.number, theirs.number, other.number}) == 3
    assert [t.state for t in opened(path).trials()] == ["running"] * 3


def test_a_surplus_trial_never_was(path: Path) -> None:
    ledger = opened(path)
    ledger.done(ledger.ask(), 2.5)
    trial = ledger.ask()
    assert ledger.place(trial) == 1
    ledger.surplus(trial)
    assert ledger.n_counted() == 1
    assert ledger.place(ledger.ask()) == 1


def test_half_a_line_at_the_end_is_cut_off_and_the_study_goes_on(path: Path) -> None:
    ledger = opened(path)
    ledger.done(ledger.ask(), 2.5)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"op_code":4,"worker_i')
    assert [t.dev for t in opened(path).trials()] == [2.5]
    assert path.read_bytes() == whole
    opened(path).ask()
    assert len(opened(path).trials()) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"once upon a time\n",
        b'{"step": 1, "loss": 2.5}\n',
        b'[{"op_code": 0, "worker_id": "x"}]\n',
        b'{"op_code": 0, "worker_id": "x"}\n',
        b'{"op_code": 0, "worker_id": "x", "study_name": "zth"}\n{"half',
        bytes(range(256)),
    ],
)
def test_a_file_that_is_no_study_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "study.journal"
    path.write_bytes(content)
    with pytest.raises(RunError, match="not the journal of a study"):
        opened(path)
    with pytest.raises(RunError, match="not the journal of a study"):
        Study.read(path)
    assert path.read_bytes() == content


def test_a_study_of_somebody_elses_is_refused(tmp_path: Path) -> None:
    import optuna
    from optuna.storages.journal import JournalFileBackend

    path = tmp_path / "study.journal"
    storage = optuna.storages.JournalStorage(JournalFileBackend(str(path)))
    storage.create_new_study([optuna.study.StudyDirection.MINIMIZE], "theirs")
    before = path.read_bytes()
    with pytest.raises(RunError, match="not the journal of a study"):
        opened(path)
    assert path.read_bytes() == before


def test_another_study_is_refused_in_words(path: Path) -> None:
    opened(path)
    with pytest.raises(RunError, match=r'its family is "mlp", not "gru"'):
        opened(path, about={**ABOUT, "family": "gru"})
    with pytest.raises(ConfigError, match="Did you mean halving"):
        opened(path, pruner="halvin")


def test_places_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        opened(tmp_path / "file" / "study.journal")
    with pytest.raises(RunError, match="cannot be read"):
        opened(tmp_path)
    with pytest.raises(RunError, match="There is no study"):
        Study.read(tmp_path / "nowhere")


def test_what_is_written_is_json_a_line(path: Path) -> None:
    ledger = opened(path)
    ledger.look(ledger.ask(), 1, float("nan"))
    assert all(isinstance(json.loads(line), dict) for line in path.read_text().splitlines())
    assert list(path.parent.iterdir()) == [path]


def test_a_process_that_nobody_has_buried_has_ended_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    since = psutil.Process(child.pid).create_time()
    monkeypatch.setattr("zth.train.tune_ledger._worker", lambda: {"host": HOST, "pid": child.pid, "since": since})
    trial = opened(path).ask()
    monkeypatch.undo()
    assert [t.number for t in opened(path).trials()] == [trial.number]
    child.kill()
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    assert opened(path).trials() == []
    child.communicate()
