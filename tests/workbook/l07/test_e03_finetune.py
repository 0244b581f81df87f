"""7.3: a corpus free of the dev text, the solution by hand and against torch, the measured story, and slips."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from zth.compare import FLOAT64, same
from zth.data import fetch, plays
from zth.data.leaks import leaking_lines, plain
from zth.data.sources import load
from zth.data.split import split_text
from zth.runs import read
from zth.workbook.exercise import get
from zth.workbook.l07_gpt.e03_finetune import check, measure, solution
from zth.workbook.measure import measure as run_measurement

EXERCISE = get("7.3")
SHARED = Path(os.environ.get("ZTH_DATA", "/nowhere")) / fetch.FILE


def test_no_dev_line_stands_in_the_corpus() -> None:
    """By another way than the library's: every run of 30 characters of the corpus is looked up among the lines.

    Of Tiny Shakespeare itself, where ZTH_DATA has it; else of what is rebuilt from the plays.
    """
    own = SHARED.is_file()
    dev = split_text(SHARED.read_text(encoding="utf-8") if own else plays.tiny_shakespeare())[1]
    lines = [plain(line) for line in dev.split("\n") if len(plain(line)) >= 30]
    assert len(lines) == 2101 if own else len(lines) > 2000
    corpus = plain(load("plays").text())
    begins = {line[:30] for line in lines}
    found = {corpus[i : i + 30] for i in range(len(corpus) - 29) if corpus[i : i + 30] in begins}
    assert [line for line in lines if line[:30] in found and line in corpus] == []
    assert leaking_lines(dev, load("plays").text()) == []
    two = [len(leaking_lines(dev, plays.play(stem))) for stem in ("the-taming-of-the-shrew", "the-tempest")]
    assert sum(two) == len(lines), "and the test can fail: each line stands in one of the two plays of dev"


def test_the_corpus_is_the_29_plays() -> None:
    others = [stem for stem in plays.stems() if stem not in plays.TINY]
    assert (len(plays.stems()), len(others)) == (38, 29)
    assert load("plays").text() == "\n".join(map(plays.play, others))


def test_leaks_by_hand() -> None:
    text = 89 * "x" + "\nTo be,  No"  # 100 characters: dev is the last ten
    assert solution.leaks(text, "or TO\nBE, yes", least=9) == []
    assert solution.leaks(text, "or TO\nBE,\n no", least=9) == ["To be,  No"]
    assert solution.leaks(text, "or TO\nBE,\n no", least=10) == [], "nine characters in the plain form"
    assert solution.leaks(text, "xxx xxx", least=1) == [], "a training line"


def test_a_net_carried_over_says_the_same_of_the_old_characters() -> None:
    """Where new characters have zero columns, the logits of the old ones are what they were, in their new places."""
    for weights, old, new in check._carried():
        carried = solution.carry_over(weights, old, new)
        ids, moved = solution.encode(old, old), solution.encode(old, new)

        def logits(w: solution.Weights, x: torch.Tensor) -> torch.Tensor:
            return torch.tanh(w["C"][x] @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"]

        assert same(logits(carried, moved)[:, moved], logits(weights, ids), FLOAT64)
        others = [i for i, character in enumerate(new) if character not in old]
        assert not logits(carried, moved)[:, others].any()
        assert not carried["C"][others].any()


def test_training_is_torchs_sgd_with_momentum_and_the_stubs() -> None:
    weights, corpus, _, steps, lr = check._trainings()[0]
    ids = solution.encode(corpus, "".join(sorted(set(corpus))))
    got, _ = solution.train(weights, ids, steps, lr)
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in weights.items()}
    optimizer = torch.optim.SGD(leaves.values(), lr=lr, momentum=0.9)
    for _ in range(steps):
        optimizer.zero_grad()
        h = torch.tanh(leaves["C"][ids[:-1]] @ leaves["W1"] + leaves["b1"])
        F.cross_entropy(h @ leaves["W2"] + leaves["b2"], ids[1:]).backward()
        optimizer.step()
    assert same(got, dict(leaves), check.TRAINED)
    stub: dict[str, object] = {}
    exec((EXERCISE.folder / "stub.py").read_text(), stub)
    assert same(stub["train"](weights, ids, steps, lr)[0], got, FLOAT64)  # type: ignore[operator]


def test_the_example_of_the_task() -> None:
    weights = check._weights("be", 1)
    assert solution.carry_over(weights, "be", "$be")["C"][0].tolist() == [0.0, 0.0, 0.0]
    assert solution.common("abe", "be$") == "$abe"


@pytest.mark.parametrize(
    ("style", "old", "new", "mistake"),
    [
        ("step_by_step", "if plain(line) in corpus:", "if line in corpus:", "only the corpus made plain"),
        ("step_by_step", "dev = text[int(0.9 * len(text)) :]", "dev = text", "all lines instead of dev lines"),
        ("step_by_step", "text[int(0.9 * len(text)) :]", "text[: int(0.1 * len(text))]", "dev from the wrong end"),
        ("step_by_step", "len(plain(line)) < least", "len(plain(line)) <= least", "more than least"),
        ("step_by_step", "len(plain(line)) < least", "len(line) < least", "length with all its spaces"),
        ("step_by_step", "len(leaks(text, play)) == 0", "len(leaks(text, play)) > 0", "the leaking plays"),
        ("step_by_step", "j = new.index(character)", "j = i", "carried over by index"),
        ("step_by_step", "        b2[j] =", "        b2[i] =", "last bias by index"),
        ("one_hot", "text.lower()", "text", "case kept"),
        ("one_hot", "steps // 4, lr / 4)[0]", "steps // 4, lr)[0]", "the same rate"),
        ("one_hot", "carry_over(pretrained,", "carry_over(weights,", "finetuned from the untrained weights"),
        ("one_hot", "pretraining + seconds)", "seconds)", "pretraining for free"),
        ("numpy_rows", "set(old + text)", "set(text)", "the new text's characters alone"),
        ("numpy_rows", "text[: int(0.9 * len(text))], new", "text, new", "finetuned on dev too"),
    ],
)
def test_slips_in_a_real_file_are_named(slip, style: str, old: str, new: str, mistake: str) -> None:
    failure = slip(EXERCISE, style, old, new).first_failure
    assert failure is not None
    assert failure.mistake == mistake


def test_the_experiment_in_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the text rebuilt from the plays, which needs no network; a few steps of a tiny net."""
    monkeypatch.delenv("ZTH_DATA", raising=False)
    monkeypatch.setenv("ZTH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(fetch, "URL", "http://127.0.0.1:9/input.txt")
    options = {"layers": 1, "heads": 2, "width": 16, "block_size": 16}
    small = replace(measure.QUICK, options=options, pretraining=24, finetuning=8, scored=500)
    monkeypatch.setattr(measure, "QUICK", small)
    record = read(run_measurement(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    figures = {figure.name: figure.value for figure in record.figures}
    assert figures["dev lines of 30 characters or more in the corpus"] == 0
    assert figures["finetuned minus scratch, equal finetuning steps"] < -0.1
    tables = {block["title"]: block["rows"] for block in record.blocks if block["kind"] == "table"}
    before = dict(tables["Dev loss of a piece before the first finetuning step"])
    assert before["by character"] < before["not at all: fresh weights"]
    assert [block["kind"] for block in record.blocks].count("plot") == 1
