"""bench/gpt.py: every row is made, at tiny sizes, with both sides in this process; the command."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from zth.models.gpt import GPTConfig

WORDS = [
    "the",
    "and",
    "of",
    "to",
    "in",
    "that",
    "with",
    "for",
    "his",
    "your",
    "not",
    "be",
    "me",
    "thou",
    "as",
    "will",
]


class Here:
    """A side in this process."""

    def __init__(self, make: Any, *arguments: Any) -> None:
        self.held = make(*arguments)

    def call(self, method: str, *arguments: Any) -> Any:
        return getattr(self.held, method)(*arguments)

    def peak_mb(self) -> float:
        return 1.0

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture
def gpt(modules, monkeypatch) -> ModuleType:
    import gpt

    monkeypatch.setattr(gpt, "Apart", Here)
    monkeypatch.setattr(gpt.sides, "steps_per_second", partial(gpt.sides.steps_per_second, seconds=0.01))
    return gpt


@pytest.fixture
def path(tmp_path: Path) -> str:
    draw = random.Random(1)
    text = "\n\n".join(". ".join(" ".join(draw.choices(WORDS, k=12)) for _ in range(9)) for _ in range(9))
    file = tmp_path / "own.txt"
    file.write_text(text)
    return str(file)


@pytest.fixture
def n_characters(path) -> int:
    return len(set(Path(path).read_text()))


def tiny_nano(gpt, n_characters: int) -> Any:
    return gpt.A.NanoSetting(
        vocab_size=n_characters,
        block_size=8,
        batch_size=2,
        n_layer=1,
        n_head=2,
        n_embd=8,
        max_iters=30,
        warmup_iters=4,
    )


def small(gpt, make: Any, *arguments: Any) -> Any:
    """The recipe is the real one; the net is not, and the batch."""
    task = make(*arguments).task
    options = {**task.options, "layers": 1, "heads": 2, "width": 8}
    return gpt.sides.Ours(replace(task, options=options, config=replace(task.config, batch_size=2)))


def effort(gpt, **changes: Any) -> Any:
    return replace(gpt.QUICK, **{"turns": 2, "piece": 2, **changes})


def test_time_and_dev(gpt, path, n_characters, monkeypatch) -> None:
    nano = tiny_nano(gpt, n_characters)
    monkeypatch.setattr(gpt.A, "LAPTOP", nano)
    monkeypatch.setattr(gpt.sides, "nano", partial(gpt.sides.nano, nano, path))
    monkeypatch.setattr(gpt.sides, "ours_on_text", partial(small, gpt, gpt.sides.ours_on_text, path))
    monkeypatch.setattr(gpt, "SHAKESPEARE_GOAL", 10.0)
    whole = effort(gpt, whole=True, seeds=(1, 2), shares=(1.0,))
    time, dev = gpt.trainings(whole, ["time", "dev"])
    assert (time.name, time.unit, time.target, time.missed) == ("time to 1.88", "s", 10, time.ratio < 10)
    assert "all 30 steps, dev " in time.note
    assert (dev.name, dev.unit, dev.most) == ("dev in B's time", "nats", 1.52)
    assert 1 < dev.baseline < 5
    assert 1 < dev.ours < 5
    assert dev.missed == (dev.ours > 1.52)  # how many steps fit into the time is the machine's matter
    assert (dev.peak_mb, dev.baseline_peak_mb) == (1.0, 1.0)


def test_a_goal_that_is_not_reached_is_missed(gpt, path, n_characters, monkeypatch) -> None:
    nano = tiny_nano(gpt, n_characters)
    monkeypatch.setattr(gpt.A, "LAPTOP", nano)
    monkeypatch.setattr(gpt.sides, "nano", partial(gpt.sides.nano, nano, path))
    monkeypatch.setattr(gpt.sides, "ours_on_text", partial(small, gpt, gpt.sides.ours_on_text, path))
    monkeypatch.setattr(gpt, "SHAKESPEARE_GOAL", 0.01)
    (row,) = gpt.trainings(effort(gpt, shares=(0.5, 1.0)), ["time"])
    assert row.missed
    assert row.note.startswith("0.01 not reached; ")
    assert row.note.count(" of its time") == 2


def test_makemore(gpt, monkeypatch) -> None:
    setting = gpt.C.MakemoreSetting(n_layer=1, n_head=2, n_embd=8, batch_size=4, max_iters=12)
    monkeypatch.setattr(gpt.C, "DEFAULTS", setting)
    monkeypatch.setattr(gpt.sides, "makemore", partial(gpt.sides.makemore, setting, 200))

    monkeypatch.setattr(gpt.sides, "ours_on_names", partial(small, gpt, gpt.sides.ours_on_names, setting, 200))
    monkeypatch.setattr(gpt, "NAMES_GOAL", 10.0)
    (row,) = gpt.makemore(effort(gpt, whole=True, names_shares=(1.0,)))
    assert (row.name, row.unit, row.target) == ("makemore transformer", "s", 3)
    assert "all 12 steps, test " in row.note
    assert 2 < float(row.note.split("test ")[1].split()[0]) < 4


def test_throughput(gpt, path, n_characters, monkeypatch) -> None:
    """The sides prove first that their models say the same."""
    nano = replace(tiny_nano(gpt, n_characters), max_iters=100)
    lecture = gpt.A.LectureSetting(vocab_size=n_characters, block_size=8, batch_size=2, n_embd=8, n_head=2, n_layer=1)
    for name, setting in {"ours_as_nano": nano, "nano": nano, "ours_as_lecture": lecture, "lecture": lecture}.items():
        monkeypatch.setattr(gpt.sides, name, partial(getattr(gpt.sides, name), setting, path))
    monkeypatch.setattr(gpt, "native_bfloat16", lambda: True)
    rows = gpt.throughput(effort(gpt))
    assert [row.name for row in rows] == [
        "throughput of B",
        "throughput of A, small",
        "throughput of B, ours in bfloat16",
    ]
    assert all(0 < row.ours < 1000 and row.target == 1.3 and row.unit == "ms" for row in rows)


def test_models_that_differ_make_no_row(gpt, path, n_characters, monkeypatch) -> None:
    import _gpt_sides

    changed = replace(_gpt_sides.nano_options(tiny_nano(gpt, n_characters)), mlp="relu")
    monkeypatch.setattr(_gpt_sides, "nano_options", lambda _: changed)
    with pytest.raises(AssertionError, match="differ"):
        _gpt_sides.ours_as_nano(tiny_nano(gpt, n_characters), path)


def test_sampling(gpt, monkeypatch) -> None:
    tiny = gpt.A.LectureSetting(vocab_size=20, block_size=16, n_embd=8, n_head=2, n_layer=2, dropout=0.2)
    monkeypatch.setattr(gpt.A, "LARGE", tiny)
    monkeypatch.setattr(gpt, "GPTConfig", partial(GPTConfig, block_size=16, layers=1, heads=2, width=8))
    monkeypatch.setattr(gpt.writers, "writer_of_ours", partial(gpt.writers.writer_of_ours, block_size=16, width=8))
    monkeypatch.setattr(gpt, "LENGTH", 20)
    rows = gpt.sampling(effort(gpt))
    assert [(row.name, row.target) for row in rows] == [("sampling lecture size", 10), ("sampling laptop", 5)]
    assert all(row.note.endswith(f"{1e3 / row.baseline:,.0f} characters a second") for row in rows)
    where = ("", ", in the block", ", past the block")
    rows = gpt.sampling(effort(gpt, whole=True))
    assert [row.name for row in rows] == [
        f"sampling {name}{at}" for name in ("lecture size", "laptop") for at in where
    ]


def test_writers_write_as_much_as_they_are_asked(gpt) -> None:
    setting = gpt.A.LectureSetting(vocab_size=20, block_size=16, n_embd=8, n_head=2, n_layer=2)
    theirs, ours = gpt.writers.LectureWriter(setting), gpt.writers.writer_as_lecture(setting)
    for n_context, n_new in ((1, 15), (16, 8), (5, 30)):
        assert theirs.write(n_context, n_new) == n_context + n_new
        assert ours.write(n_context, n_new) == n_context + n_new
        assert ours.write(n_context, n_new, 3) == n_context + n_new
    assert gpt.writers.lecture_of_our_size(GPTConfig()) == gpt.A.LectureSetting(
        vocab_size=27, block_size=128, n_embd=128, n_head=4, n_layer=4
    )


def test_writers_that_disagree_make_no_row(gpt) -> None:
    setting = gpt.A.LectureSetting(vocab_size=20, block_size=16, n_embd=8, n_head=2, n_layer=2)
    theirs, ours = Here(gpt.writers.LectureWriter, setting), Here(gpt.writers.writer_as_lecture, setting)
    gpt._agree(ours, theirs, 16)
    with torch.no_grad():
        ours.held.model.head.b[3] += 0.01
    with pytest.raises(AssertionError, match="2"):
        gpt._agree(ours, theirs, 16)


def test_batched_sampling(gpt, monkeypatch) -> None:
    monkeypatch.setattr(gpt, "GPTConfig", partial(GPTConfig, block_size=8))
    monkeypatch.setattr(gpt.writers, "writer_of_ours", partial(gpt.writers.writer_of_ours, block_size=8, width=8))
    (row,) = gpt.batched(effort(gpt))
    assert (row.name, row.target) == ("batched sampling, 64 streams", 10)
    assert 0 < row.ours < 1000  # ms for a character
    assert row.note.endswith("a second")


def test_the_command(gpt, monkeypatch, capsys) -> None:
    asked = []

    def measure(wanted: Any, effort: Any) -> Any:
        asked.append((list(wanted), effort))
        return [gpt.Row(name="x", ours=1.0, baseline=2.0, unit="s")]

    monkeypatch.setattr(gpt, "measure", measure)
    gpt.main(["--json"])
    gpt.main(["time", "dev", "--preset", "full", "--seeds", "2", "--json"])
    gpt.main(["--preset", "full", "--json"])
    (quick, _), (some, two), (full, three) = asked
    assert quick == ["throughput", "sampling", "batched", "makemore", "time"]
    assert (some, two.seeds, two.whole) == (["time", "dev"], (1, 2), True)
    assert (full, three.seeds) == ([*gpt.ROWS], (1, 2, 3))
    (row,) = json.loads(capsys.readouterr().out.split("\n]\n")[0] + "]")
    assert row["name"] == "x"
    assert "torch" in row["how"]


@pytest.mark.parametrize(("arguments", "told"), [(["tim"], "no row 'tim'"), (["--seeds", "0"], "at least 1; got 0")])
def test_a_wrong_command_says_so(gpt, capsys, arguments, told) -> None:
    with pytest.raises(SystemExit):
        gpt.main(arguments)
    assert told in capsys.readouterr().err


def test_measure_makes_the_rows_that_are_named(gpt, monkeypatch) -> None:
    for name in ("throughput", "sampling", "batched", "makemore"):
        monkeypatch.setattr(gpt, name, lambda effort, name=name: [name])
    monkeypatch.setattr(gpt, "trainings", lambda effort, wanted: [each for each in ("time", "dev") if each in wanted])
    assert gpt.measure(["dev", "sampling"], gpt.QUICK) == ["sampling", "dev"]
    assert gpt.measure(gpt.ROWS, gpt.QUICK) == [*gpt.ROWS]
