"""The best trial's model, kept."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.errors import RunError
from zth.models import LanguageModel, evaluate
from zth.models.space import OneOf
from zth.train import TrainConfig
from zth.train.examples import Text
from zth.train.job import Job
from zth.train.tune import Study, tune
from zth.train.tune_winner import TRAINED, crown, forget_others


@pytest.fixture(scope="module")
def parts() -> Any:
    words = names()[:100]
    vocabulary = Vocabulary.of_lines(words)
    train, dev = windows(words[:80], vocabulary, 3), windows(words[80:], vocabulary, 3)
    return SimpleNamespace(vocabulary=vocabulary, train=train, dev=dev)


def study_of(parts: Any, keep: Path) -> Study:
    rates = {"lr": OneOf((1e-6, 1e-4, 0.03))}
    fixed = {"batchnorm": "none", "direct": False, "hidden": 8, "embedding": 4, "block_size": 3, "init": "fan-in"}
    fixed |= {"n_hidden": 1, "batch_size": 32, "schedule": "cosine", "weight_decay": 0.0}
    base = TrainConfig(steps=40)
    return tune("mlp", parts, base=base, fixed=fixed, space=rates, trials=6, workers=1, keep=keep, pruner="none")


def test_the_kept_model_is_the_one_that_was_judged(parts: Any, tmp_path: Path) -> None:
    study = study_of(parts, tmp_path)
    best = study.best.number
    assert evaluate(LanguageModel.load(tmp_path / f"trial-{best}"), *parts.dev) == study.best.dev
    forget_others(tmp_path, best)
    assert [path.name for path in tmp_path.iterdir()] == [f"trial-{best}"]


def test_crowned_it_is_a_training(parts: Any, text: Text, tmp_path: Path) -> None:
    study = study_of(parts, tmp_path / "kept")
    options = {"batchnorm": "none", "direct": False, "hidden": 8, "embedding": 4, "init": "fan-in"}
    job = Job(text=text, family="mlp", options=options, config=study.train_config())
    place = tmp_path / "kept" / f"trial-{study.best.number}"
    assert crown(job, tmp_path / "kept", 99, tmp_path, ["zth"]) is None, "another process has it"
    (place / TRAINED).write_text("{")
    with pytest.raises(RunError, match="Train it again: zth train"):
        crown(job, tmp_path / "kept", study.best.number, tmp_path, ["zth", "train"])
