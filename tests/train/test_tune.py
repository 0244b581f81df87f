"""A study on a few hundred names: its budget, its memory, and what it does with trials that go wrong."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.errors import ConfigError, RunError, ZthError
from zth.models.protocol import build, evaluate
from zth.models.space import Between, OneOf
from zth.runs import Run, read
from zth.seeds import stream
from zth.train import TrainConfig, fit
from zth.train import tune_workers as workers_module
from zth.train.tune import Study, tune

BASE = TrainConfig(steps=60, batch_size=16)
SMALL = {"hidden": Between(low=4, high=16), "embedding": Between(low=2, high=6)}
FIXED = {"batchnorm": "none", "n_hidden": 1, "direct": False}


@pytest.fixture(scope="module")
def parts() -> Any:
    words = names()[:300]
    vocabulary = Vocabulary.of_lines(words)
    train, dev = windows(words[:200], vocabulary, 4), windows(words[200:], vocabulary, 4)
    return SimpleNamespace(vocabulary=vocabulary, train=train, dev=dev)


def small(parts: Any, **more: Any) -> Study:
    return tune("mlp", parts, **{"base": BASE, "fixed": FIXED, "space": SMALL, "workers": 1, **more})


def told(study: Study) -> list[Any]:
    """What must be equal in two studies that are the same; of numbers the order alone, seconds are the machine's."""
    return [(trial.state, trial.options, trial.dev, trial.curve) for trial in study.trials]


def test_the_same_seed_gives_the_same_trials(parts: Any) -> None:
    once, again, other = small(parts, trials=13), small(parts, trials=13), small(parts, trials=3, seed=43)
    assert len(once.trials) == 13
    assert told(once) == told(again)
    assert [trial.options for trial in other.trials[1:]] != [trial.options for trial in once.trials[1:3]]


def test_the_first_trial_is_the_defaults(parts: Any) -> None:
    (first,) = small(parts, trials=1).trials
    assert (first.options["lr"], first.options["schedule"]) == (TrainConfig().lr, TrainConfig().schedule)
    assert first.options["hidden"] == 16  # 200 is beyond the space


def test_an_interrupted_study_goes_on_as_if_it_had_never_stopped(
    parts: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = workers_module.train_once, 0

    def interrupted(setting: Any, options: Any, look: Any, tick: Any, keep: Any) -> float:
        nonlocal calls
        calls += 1
        if calls not in (3, 12):
            return float(real(setting, options, look, tick, keep))

        def looked(tenth: int, dev: float) -> None:
            look(tenth, dev)
            if tenth >= 4:
                raise KeyboardInterrupt

        return float(real(setting, options, looked, tick, keep))

    monkeypatch.setattr(workers_module, "train_once", interrupted)
    journal = tmp_path / "study.journal"
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            small(parts, trials=13, journal=journal)
    assert len(Study.read(journal).trials) == 10
    gone_on = small(parts, trials=13, journal=journal)
    monkeypatch.undo()
    assert told(gone_on) == told(small(parts, trials=13))


def test_what_was_being_trained_when_time_was_up_is_asked_for_again(parts: Any, tmp_path: Path) -> None:
    journal = tmp_path / "study.journal"
    nothing = small(parts, minutes=1e-9, journal=journal)
    assert nothing.trials == []
    with pytest.raises(RunError, match="No trial of the study is done"):
        _ = nothing.best
    assert told(small(parts, trials=2, journal=journal)) == told(small(parts, trials=2))


def test_a_trial_is_a_training(parts: Any) -> None:
    study = small(parts, trials=4)
    options = study.model_config()
    model: Any = build("mlp", options, generator=stream(study.seed, "init"))
    X, Y = parts.train
    fit(model, (X[:, -options.block_size :], Y), study.train_config(), seed=study.seed)
    assert evaluate(model, *parts.dev) == study.best.dev
    assert study.best_options == {**FIXED, **study.best.options}
    assert study.train_config(steps=7).steps == 7


def test_a_larger_batch_gets_as_many_examples(parts: Any) -> None:
    study = small(parts, trials=1, fixed={**FIXED, "batch_size": 64})
    assert study.train_config().steps * 64 == BASE.steps * BASE.batch_size


def test_what_promises_nothing_is_pruned_in_the_second_half(parts: Any) -> None:
    hopeless = {**SMALL, "lr": OneOf((1e-8, 0.01))}
    study = small(parts, trials=16, space=hopeless)
    pruned = [trial for trial in study.trials if trial.state == "pruned"]
    assert all(5 <= max(trial.curve) < 10 for trial in pruned)
    late = [trial.state for trial in study.trials[6:] if trial.options["lr"] == 1e-8]  # five must be done before
    assert late
    assert set(late) == {"pruned"}
    assert study.best.options["lr"] == 0.01
    without = small(parts, trials=16, space=hopeless, pruner="none")
    assert {trial.state for trial in without.trials} == {"done"}


def test_a_trial_that_diverges_is_not_the_best(parts: Any) -> None:
    wild = {**SMALL, "lr": OneOf((1e38, 0.1))}
    study = small(parts, trials=6, base=TrainConfig(steps=60, optimizer="sgd", lr=0.1), space=wild)
    diverged = [trial for trial in study.trials if trial.options["lr"] == 1e38]
    assert diverged
    assert {trial.state for trial in diverged} == {"pruned"}
    assert math.isfinite(study.best.dev)


def test_a_trial_that_crashes_leaves_the_others(parts: Any) -> None:
    study = small(parts, trials=8, space={**SMALL, "hidden": OneOf((8, 10**13))})  # 10**13: more than any memory
    states = {trial.options["hidden"]: set() for trial in study.trials}
    for trial in study.trials:
        states[trial.options["hidden"]].add(trial.state)
    assert states == {8: {"done"}, 10**13: {"failed"}} or states == {8: {"done", "pruned"}, 10**13: {"failed"}}
    assert all("memory" in trial.error for trial in study.trials if trial.state == "failed")
    with pytest.raises(ZthError, match="All of 5 trials failed"):
        small(parts, trials=9, fixed={**FIXED, "hidden": 10**13}, space={"embedding": Between(low=2, high=6)})


def test_a_model_that_counts_is_tuned_too(parts: Any) -> None:
    study = tune("ngram", parts, trials=12, workers=1)
    by_hand = {order: tune("ngram", parts, fixed={"order": order}, trials=12, workers=1).best.dev for order in (2, 5)}
    assert study.best.dev <= min(by_hand.values()) + 0.05
    assert set(study.space) == {"order", "k"}
    assert study.command()[:5] == ["zth", "train", "names", "--model", "ngram"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "needs a budget"),
        ({"trials": 0}, "trials must be at least 1"),
        ({"minutes": 0}, "minutes must be above 0"),
        ({"minutes": math.nan}, "minutes must be above 0"),
        ({"trials": 1, "workers": 0}, "workers must be at least 1"),
        ({"trials": 1, "fixed": {"hiden": 3}}, "Did you mean hidden"),
        ({"trials": 1, "fixed": {"hidden": 0}, "space": {}}, "hidden must be a whole number"),
        ({"trials": 1, "space": {"lr": Between(low=-1, high=1, log=False)}}, "lr must be a number above 0"),
        ({"trials": 1, "fixed": {"lr": 0.1}, "space": {"lr": OneOf((0.1,))}}, "cannot be fixed and tried"),
        ({"trials": 1, "pruner": "media"}, "Did you mean median"),
    ],
)
def test_bad_budgets_and_options(parts: Any, more: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        small(parts, **more)


def test_a_study_tells_its_story(parts: Any, tmp_path: Path) -> None:
    study = small(parts, trials=14)
    with Run.create(kind="tune", name="names-mlp", root=tmp_path) as run:
        study.write(run)
    record = read(run.folder)
    figures = {figure.name: figure.value for figure in record.figures}
    assert figures["best dev loss"] == min(trial.dev for trial in study.trials if trial.state == "done")
    assert figures["trials"] == 14
    assert figures["pruned"] == sum(trial.state == "pruned" for trial in study.trials)
    (table,) = (block for block in record.blocks if block["kind"] == "table")
    assert table["rows"][0][1] == study.best.dev
    titles = [block["title"] for block in record.blocks if block["kind"] == "plot"]
    assert titles == [plot.title for plot in study.plots()]
    assert "What mattered most" in titles
    assert math.isclose(sum(study.importances().values()), 1)
