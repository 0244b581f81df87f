"""models/gpt/config.py: what is refused, the presets, and the count of parameters."""

from __future__ import annotations

import pytest
import torch

from zth.errors import ConfigError
from zth.models.gpt import PRESETS, GPTConfig, GPTModel, preset
from zth.models.gpt.config import NAMES, SPACE
from zth.models.space import Between


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vocab_size": 1}, r"vocab_size must be at least 2; got 1"),
        ({"vocab_size": 0}, r"vocab_size must be a whole number from 1 up; got 0"),
        ({"block_size": 0}, r"block_size must be a whole number from 1 up; got 0"),
        ({"layers": 0}, r"layers must be a whole number from 1 up; got 0"),
        ({"heads": 2.0}, r"heads must be a whole number from 1 up; got 2\.0"),
        ({"width": -8}, r"width must be a whole number from 1 up; got -8"),
        ({"width": 130}, r"width 130 does not divide into 4 heads\. Try width=128"),
        ({"width": 3}, r"width 3 does not divide into 4 heads\. Try width=4"),
        ({"kv_heads": 3}, r"4 heads cannot share 3 kv_heads\. Use a divisor of 4"),
        ({"kv_heads": 8}, r"4 heads cannot share 8 kv_heads"),
        ({"kv_heads": 0}, r"kv_heads must be a whole number from 1 up; got 0"),
        ({"window": 0}, r"window must be a whole number from 1 up; got 0"),
        ({"mlp_width": True}, r"mlp_width must be a whole number from 1 up; got True"),
        ({"width": 12, "heads": 4}, r"Rotary positions turn pairs of numbers; a head has 3"),
        ({"dropout": 1.0}, r"dropout must be from 0 up and below 1; got 1\.0"),
        ({"dropout": float("nan")}, r"dropout must be .* got nan"),
        ({"softcap": 0.0}, r"softcap must be above 0; got 0\.0"),
        ({"softcap": float("inf")}, r"softcap must be above 0; got inf"),
        ({"positions": "rotory"}, r"There is no positions 'rotory'\. Did you mean rotary"),
        ({"mlp": "swish"}, r"There is no mlp 'swish'"),
        ({"norm": "batchnorm"}, r"There is no norm 'batchnorm'"),
        ({"biases": True}, r"There is no biases True"),
    ],
)
def test_refusals(changes, words) -> None:
    with pytest.raises(ConfigError, match=words):
        GPTConfig(**changes)


def test_odd_heads_are_fine_without_rotary_positions() -> None:
    assert GPTConfig(width=12, heads=4, positions="learned").head_size == 3


def test_presets_by_name() -> None:
    assert preset("laptop") == GPTConfig()
    assert preset("nano", vocab_size=65).vocab_size == 65
    with pytest.raises(ConfigError, match=r"There is no preset 'lectur'\. Did you mean lecture"):
        preset("lectur")


def test_the_lectures_preset() -> None:
    lecture = preset("lecture")
    sizes = (lecture.layers, lecture.heads, lecture.width, lecture.block_size, lecture.dropout, lecture.n_hidden)
    assert sizes == (6, 6, 384, 256, 0.2, 1536)


@pytest.mark.parametrize(
    ("name", "changes", "wanted"),
    [
        # LECTURES.md: 10.8M; the sum of the script's own layers
        ("lecture", {"vocab_size": 65}, 65 * 384 * 2 + 65 + 256 * 384 + 6 * (12 * 384**2 + 10 * 384) + 2 * 384),
        # as published with GPT-2's weights (Hugging Face: gpt2, gpt2-medium, gpt2-large, gpt2-xl)
        ("gpt2", {}, 124_439_808),
        ("gpt2-medium", {}, 354_823_168),
        ("gpt2-large", {}, 774_030_080),
        ("gpt2-xl", {}, 1_557_611_200),
    ],
)
def test_parameters_of_the_known(name, changes, wanted) -> None:
    assert preset(name, **changes).n_parameters == wanted


def test_parameters_are_counted_as_built(kind, make_options) -> None:
    options = make_options(kind)
    model = GPTModel(options, generator=torch.Generator().manual_seed(1))
    assert options.n_parameters == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("mlp", NAMES["mlp"])
@pytest.mark.parametrize("biases", NAMES["biases"])
@pytest.mark.parametrize("norm", NAMES["norm"])
def test_every_combination_is_counted_and_runs(mlp, biases, norm, make_options) -> None:
    for more in ({"mlp_width": 10}, {"norm_weights": True}, {"tie_weights": True, "init": "gpt2"}):
        options = make_options("laptop", mlp=mlp, biases=biases, norm=norm, **more)
        model = GPTModel(options, generator=torch.Generator().manual_seed(1))
        assert options.n_parameters == sum(p.numel() for p in model.parameters())
        assert model(torch.zeros(1, 2, dtype=torch.int64)).shape == (1, 2, 11)


def test_swiglu_has_about_as_many_parameters() -> None:
    for width in (32, 64, 128, 192, 384):
        gated, plain = (GPTConfig(width=width, mlp=mlp).n_parameters for mlp in ("swiglu", "gelu"))
        assert abs(gated / plain - 1) < 0.03


def test_whatever_the_tuner_may_try_is_allowed() -> None:
    for name, choice in SPACE.items():
        values = (choice.low, choice.high) if isinstance(choice, Between) else choice.values
        for value in values:
            for heads in SPACE["heads"].values:
                GPTConfig(**({"heads": heads} | {name: value}))
    for width in SPACE["width"].values:
        for heads in SPACE["heads"].values:
            GPTConfig(width=width, heads=heads)


def test_every_preset_names_only_options() -> None:
    for name in PRESETS:
        assert preset(name).block_size > 0
