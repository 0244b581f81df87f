"""3.1: the judge of trained nets, the measured story, and how real wrong files are told."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from zth.runs import read
from zth.workbook.exercise import get
from zth.workbook.jail import Jail
from zth.workbook.judge import judge
from zth.workbook.l03_mlp.e01_tuning import check, examination, solution
from zth.workbook.l03_mlp.e01_tuning import measure as experiment
from zth.workbook.measure import measure

EXERCISE = get("3.1")


def test_the_judge_asks_for_names_that_were_not_given() -> None:
    given, new = examination.given_and_new()
    assert len(given) == 25_626
    assert len(new) == examination.N_JUDGED
    # names are drawn with repeats, and popular ones stand in both; most are in one only
    assert len(set(new) - set(given)) > 0.8 * len(new)


def test_every_impression_has_its_words_and_its_mistake() -> None:
    told = {mistake.says for mistake in check.MISTAKES if "train" in mistake.instead}
    assert {seen for seen, says in examination.SAYS.items() if says not in told} == {"a wrong form"}
    assert examination.GOOD not in examination.SAYS


@pytest.mark.parametrize(
    "train",
    [
        lambda _words, _seed: (0, None),
        lambda _words, _seed: (17, None),
        lambda _words, _seed: (3.0, None),
        lambda _words, _seed: (3, lambda X: torch.full((len(X), 26), 1 / 26)),
        lambda _words, _seed: (3, lambda _: torch.full((27,), 1 / 27)),
    ],
)
def test_a_wrong_form_is_seen_first(train: object) -> None:
    assert examination.examine(train, 1) == {"seen": "a wrong form", "loss": 0.0}


def test_a_context_does_not_tell_the_target_of_the_one_before() -> None:
    def peeks(contexts: torch.Tensor) -> torch.Tensor:
        """In a name's order, a row's target is the last id of the next row; alone, a row says what it holds."""
        probs = torch.full((len(contexts), 27), 0.5 / 27)
        probs[torch.arange(len(contexts)), (contexts * torch.tensor([1, 5, 11])).sum(1) % 27] += 0.5
        if len(contexts) > 300:
            probs[5:-1] = 1e-6
            probs[torch.arange(5, len(contexts) - 1), contexts[6:, -1]] = 1 - 26e-6
        return probs

    assert examination.examine(lambda _words, _seed: (3, peeks), 1)["seen"] != examination.GOOD


def test_a_sure_and_wrong_net_has_a_loss_that_can_be_told() -> None:
    def predict(contexts: Tensor) -> Tensor:
        """Always "q" after a vowel, else "x"; it looks at the last two characters."""
        q = (contexts[:, -1] % 2 == 0) ^ (contexts[:, -2] % 2 == 0)
        return torch.nn.functional.one_hot(torch.where(q, 17, 24), 27).double()

    found = examination.examine(lambda _words, _seed: (3, predict), 1)
    assert found["seen"] == "worse than blind guessing"
    assert isinstance(found["loss"], float)
    assert 40 < found["loss"] <= 50
    assert math.isfinite(found["loss"])
    assert str(round(found["loss"], 4)) in check._accept(found, None)


def test_the_bound_lies_between_the_lecture_s_numbers_and_tuned_ones() -> None:
    tuned = examination.examine(solution.train, 1)
    assert tuned["seen"] == examination.GOOD
    assert isinstance(tuned["loss"], float)
    assert tuned["loss"] < examination.BOUND - 0.02  # not by a hair
    untuned = next(m for m in check.MISTAKES if m.name.startswith("the lecture's rate")).instead["train"]
    assert examination.examine(untuned, 1)["loss"] > examination.BOUND + 0.02  # type: ignore[operator]


def test_the_experiment_beats_the_lecture_s_challenge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "QUICK", (500, 4))
    record = read(measure(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    figures = {figure.name: figure for figure in record.figures}
    assert figures["trials"].value == 4
    assert figures["failed"].value == 0
    dev = figures["dev of the winner, trained longer"]
    assert dev.reference == 2.2
    assert dev.value < figures["best dev loss"].value < 2.6
    assert (record.folder / "study.journal").is_file()
    assert any(block.get("title") == "The winner's training" for block in record.blocks)


@pytest.mark.parametrize(
    ("old", "new", "part", "mistake"),
    [
        ("        for ch in w + \".\":", "        for ch in w:", "examples", "the end is not predicted"),
        ("torch.tensor([low, high], dtype=torch.float64).log10()", "low, high", "rates", "rates taken for exponents"),
        ("float(\"inf\")", "float(\"-inf\")", "best", ""),
        ("F.softmax(forward(contexts), dim=1)", "F.softmax(forward(contexts), dim=0)", "train",
         "softmax over the examples"),
        ("F.softmax(forward(contexts), dim=1)", "F.log_softmax(forward(contexts), dim=1)", "train",
         "logarithms returned"),
        ("lr = 6000, 64, 0.5", "lr = 300, 64, 90.0", "train", ""),
        ("        emb = C[contexts]\n", "        emb = C[contexts[:, -1:]].expand(-1, T, -1).contiguous()\n", "train",
         "a bigram"),
        ("lr = 6000, 64, 0.5", "lr = 20, 64, 0.001", "train", "a rate far too low"),
        ("forward(X[ix])", "forward(X[ix].flip(1))", "train", "trained on contexts turned around"),
    ],
)  # fmt: skip
def test_slips_in_a_real_file_are_named(
    tmp_path: Path, jail: Jail, old: str, new: str, part: str, mistake: str
) -> None:
    text = (EXERCISE.folder / "right" / "lecture_style.py").read_text()
    assert text.count(old) == 1
    text = text.replace(old, new)
    if "lr = 6000" not in old:  # far fewer steps: what these get wrong shows early
        text = text.replace("lr = 6000", "lr = 800")
    path = tmp_path / EXERCISE.file_name
    path.write_text(text)
    failure = judge(EXERCISE, path, jail).first_failure
    assert failure is not None
    assert failure.name == part
    if mistake:
        assert failure.mistake == mistake
    else:
        assert failure.says or failure.wanted
