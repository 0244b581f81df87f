from __future__ import annotations

import math
from typing import Any

import pytest
from torch import nn

from zth.errors import ConfigError
from zth.models.protocol import model_class, trainable
from zth.train import TrainConfig

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"steps": 0}, "steps must be a whole number from 1 up; got 0"),
    ({"steps": 2.5}, "steps must be a whole number"),
    ({"steps": True}, "steps must be a whole number"),
    ({"batch_size": -1}, "batch_size must be a whole number from 1 up"),
    ({"warmup_steps": -1}, "warmup_steps must be a whole number from 0 up"),
    ({"steps": 5, "warmup_steps": 6}, "6 warmup_steps are more than all 5 steps"),
    ({"lr": math.nan}, "lr must be a number above 0; got nan"),
    ({"lr": 0.0}, "lr must be a number above 0"),
    ({"lr": math.inf}, "lr must be a number above 0"),
    ({"weight_decay": -0.1}, "weight_decay must be a number from 0 up"),
    ({"beta1": 1.0}, "beta1 must be from 0 up to below 1"),
    ({"beta2": math.nan}, "beta2 must be from 0 up to below 1"),
    ({"ema": 1.0}, "ema must be from 0 up to below 1"),
    ({"drop_at": 1.5}, "drop_at must be from 0 to 1"),
    ({"drop_to": -0.1}, "drop_to must be from 0 to 1"),
    ({"schedule": "inverse", "drop_to": 0.0}, "never falls to 0"),
    ({"optimizer": "adam"}, "There is no optimizer 'adam'. Did you mean adamw?"),
    ({"lr_rest": 0.0}, "lr_rest must be a number above 0"),
    ({"clip": -1.0}, "clip must be a number from 0 up"),
    ({"cooldown": 0.0}, "cooldown must be above 0, up to 1"),
    ({"cooldown": math.nan}, "cooldown must be above 0"),
    ({"schedule": "cosin"}, "Did you mean cosine?"),
    ({"backend": "gpu"}, "Known: auto, autograd, engine"),
]


@pytest.mark.parametrize(("values", "words"), WRONG)
def test_what_makes_no_sense_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**values)
    assert words in str(caught.value)


def test_the_bounds_themselves_are_allowed() -> None:
    TrainConfig(steps=1, batch_size=1, warmup_steps=1, drop_at=0, drop_to=0, beta1=0, beta2=0, ema=0)
    TrainConfig(drop_at=1, drop_to=1, cooldown=1, clip=0)


@pytest.mark.parametrize("family", trainable())
def test_the_recipe_of_every_family_is_one(family: str) -> None:
    recipe = getattr(model_class(family), "recipe", None)
    assert (recipe is not None) == issubclass(model_class(family), nn.Module)
    for each in (recipe, getattr(model_class(family), "text_recipe", None)):
        if each:
            TrainConfig(**each)
