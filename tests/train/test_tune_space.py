"""What is tried, and how a set of options becomes two configs and a command line."""

from __future__ import annotations

import math
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import pytest

from zth.errors import ConfigError
from zth.models.protocol import config_class, model_class, trainable
from zth.models.space import Between, OneOf
from zth.train import TrainConfig
from zth.train.tune_ledger import Trial
from zth.train.tune_space import (
    TRAIN_SPACE,
    as_plain,
    defaults,
    from_plain,
    make_configs,
    parse_range,
    search_space,
    widest,
)
from zth.train.tune_study import Study, importances

BASE = TrainConfig(steps=100)


@pytest.mark.parametrize("family", trainable())
@pytest.mark.parametrize("optimizer", sorted(TRAIN_SPACE))
def test_every_family_has_a_space_whose_ends_and_defaults_are_valid(family: str, optimizer: Any) -> None:
    base = TrainConfig(steps=100, optimizer=optimizer, lr=0.01)
    space = search_space(family, base, width=widest(family, {}, {}))
    assert set(model_class(family).space) <= set(space)
    assert from_plain(as_plain(space)) == space
    made = defaults(family, base, space)
    model, train = make_configs(family, base, made)
    for name, value in made.items():
        assert {**asdict(model), **asdict(train)}[name] == value
    if not hasattr(config_class(family)(), "order"):
        assert space.keys() >= TRAIN_SPACE[optimizer].keys()


def test_what_is_fixed_is_not_tried_and_what_is_asked_for_is() -> None:
    space = search_space("mlp", BASE, width=8, fixed={"hidden": 50}, space={"ema": OneOf((0.0, 0.99))})
    assert "hidden" not in space
    assert space["ema"] == OneOf((0.0, 0.99))
    sgd = search_space("mlp", BASE, width=8, fixed={"optimizer": "sgd"})
    assert sgd["lr"] == TRAIN_SPACE["sgd"]["lr"]


def test_no_context_is_longer_than_those_at_hand() -> None:
    assert search_space("mlp", BASE, width=2)["block_size"] == Between(low=2, high=2, log=False)
    assert search_space("wavenet", BASE, width=8)["block_size"] == OneOf((8,))
    order = search_space("ngram", BASE, width=3)["order"]
    assert isinstance(order, Between)
    assert order.high == 4
    assert widest("mlp", {}, {"block_size": OneOf((2, 12))}) == 12
    with pytest.raises(ConfigError, match="block_size is a whole number"):
        widest("mlp", {}, {"block_size": OneOf(("a", "b"))})


def test_options_that_do_not_exist_or_are_refused() -> None:
    with pytest.raises(ConfigError, match="Did you mean schedule"):
        search_space("mlp", BASE, width=8, fixed={"shedule": "step"})
    with pytest.raises(ConfigError, match="no option 'lr' of ngram"):
        search_space("ngram", BASE, width=8, fixed={"lr": 0.1})
    with pytest.raises(ConfigError, match="no schedule 'cosin'"):
        search_space("mlp", BASE, width=8, space={"schedule": OneOf(("cosin", "step"))})
    everything = dict.fromkeys(TRAIN_SPACE["adamw"], 0.1) | dict.fromkeys(model_class("mlp").space, 1)
    with pytest.raises(ConfigError, match="nothing to tune"):
        search_space("mlp", BASE, width=8, fixed=everything)


@pytest.mark.parametrize("text", ["1..x", "a..b", "5..2", "..3"])
def test_ranges_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_range(text)


def test_ranges_from_zero_are_even() -> None:
    assert parse_range("0..0.3") == Between(low=0.0, high=0.3, log=False)
    assert parse_range("0..4") == Between(low=0, high=4, log=False)


def test_the_command_says_what_differs_from_what_zth_train_would_do_anyway() -> None:
    trial = Trial(number=0, state="done", options={"hidden": 64, "lr": 0.003}, dev=2.1, curve={}, seconds=1.0)
    study = Study(
        family="mlp",
        base=TrainConfig(steps=500),
        fixed={"direct": True, "batchnorm": "none"},
        space={"hidden": Between(low=8, high=64), "lr": Between(low=0.001, high=0.01)},
        vocab_size=27,
        seed=7,
        trials=[trial],
    )
    words = study.command("my.txt")
    assert words[:5] == ["zth", "train", "my.txt", "--model", "mlp"]
    assert set(pairwise(words)) >= {
        ("--hidden", "64"),
        ("--steps", "500"),
        ("--seed", "7"),
    }
    assert "--direct" in words
    assert "--lr" not in words  # 0.003 is zth train's own
    assert "--vocab-size" not in words


def test_importance_finds_the_option_that_matters() -> None:
    space = {"lr": Between(low=0.01, high=1.0), "hidden": Between(low=8, high=64), "direct": OneOf((False, True))}
    trials = [
        Trial(
            number=i,
            state="done" if i % 3 else "pruned",
            options={"lr": 10 ** (-2 * (i * 0.618 % 1)), "hidden": 8 + i * 7 % 57, "direct": bool(i % 2)},
            dev=2 + abs(math.log10(0.1) + 2 * (i * 0.618 % 1)),  # least at lr = 0.1
            curve={},
            seconds=1.0,
        )
        for i in range(60)
    ]
    shares = importances(trials, space)
    assert next(iter(shares)) == "lr"
    assert shares["lr"] > 0.6
    assert math.isclose(sum(shares.values()), 1)
    assert importances(trials[:9], space) == {}
