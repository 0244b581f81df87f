"""What a tuner tries: the options of the model and those of the training, as one space of names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from torch import nn

from zth.errors import ConfigError, did_you_mean
from zth.models.protocol import config_class, model_class
from zth.models.space import Between, OneOf, Space
from zth.train.config import TrainConfig

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.distributions import BaseDistribution

Options = dict[str, Any]

# A rate that is best for plain gradient descent is a hundred times that of AdamW, whose steps are normalised; and the
# decay of AdamW is multiplied with the rate, where that of "sgd" is a term of the gradient (the paper's).
TRAIN_SPACE: dict[str, Space] = {
    "sgd": {
        "lr": Between(low=0.03, high=1.0),
        "weight_decay": Between(low=1e-7, high=1e-3),
        "batch_size": OneOf((16, 32, 64, 128)),
        "schedule": OneOf(("step", "cosine", "linear")),
    },
    "adamw": {
        "lr": Between(low=3e-4, high=3e-2),
        "weight_decay": Between(low=1e-4, high=0.3),
        "batch_size": OneOf((32, 64, 128, 256)),
        "schedule": OneOf(("step", "cosine", "linear")),
    },
    "muon": {
        "lr": Between(low=3e-3, high=0.1),
        "lr_rest": Between(low=0.05, high=1.0),
        "batch_size": OneOf((32, 64, 128)),
        "cooldown": Between(low=0.2, high=1.0, log=False),
    },
}
"""By the optimizer; a lower end of the decay stands for none at all."""


def search_space(
    family: str,
    base: TrainConfig,
    *,
    width: int,
    fixed: Mapping[str, Any] | None = None,
    space: Mapping[str, Between | OneOf] | None = None,
) -> Space:
    """What is tried for a family: its own space and that of the training, `space` before both, without `fixed`.

    `width` is that of the contexts at hand: no longer `block_size` is tried. Raises ConfigError for an unknown
    option, a fixed value that the model or the training refuses, and where nothing is left to try.

    >>> found = search_space("mlp", TrainConfig(), width=5, fixed={"batchnorm": "none", "lr": 0.1})
    >>> sorted(found)
    ['batch_size', 'block_size', 'direct', 'embedding', 'hidden', 'init', 'n_hidden', 'schedule', 'weight_decay']
    >>> found["block_size"].high
    5
    """
    fixed, space = dict(fixed or {}), dict(space or {})
    known = {*_model_options(family), *_train_options(family)}
    for name in (*fixed, *space):
        if name not in known:
            raise ConfigError(f"There is no option {name!r} of {family} to tune.", did_you_mean(name, known))
    for name in fixed.keys() & space.keys():
        raise ConfigError(f"{name} cannot be fixed and tried.", "Say one of the two.")
    optimizer = str(fixed.get("optimizer", base.optimizer))
    training = TRAIN_SPACE.get(optimizer, {}) if _train_options(family) else {}
    whole = {**model_class(family).space, **training, **space}
    left = {name: whole[name] for name in sorted(whole) if name not in fixed}
    for name, longest in (("block_size", width), ("order", width + 1)):
        if name in left:
            left[name] = _no_longer(left[name], longest)
    if not left:
        raise ConfigError(f"Every option of {family} is fixed: there is nothing to tune.", "Fix fewer.")
    for end in (_low, _high):  # what the model or the training refuses is said now, not by every trial
        options = {**fixed, **{name: end(each) for name, each in left.items()}}
        make_configs(family, base, options)
    return left


def widest(family: str, fixed: Mapping[str, Any], space: Mapping[str, Between | OneOf]) -> int:
    """How long contexts must be, so that every option can be tried.

    >>> widest("mlp", {}, {}), widest("mlp", {"block_size": 5}, {}), widest("ngram", {}, {})
    (8, 5, 6)
    """
    tried = {**model_class(family).space, **space, **fixed}
    for name, more in (("order", 1), ("block_size", 0)):
        if name in tried:
            each = tried[name]
            values = each.values if isinstance(each, OneOf) else [each.high if isinstance(each, Between) else each]
            if not all(type(value) is int for value in values):
                raise ConfigError(f"{name} is a whole number; got {values[0]!r}.", f"As in --try {name}=3..8")
            return max(int(value) for value in values) - more
    return int(config_class(family)().block_size)


def make_configs(
    family: str,
    base: TrainConfig,
    options: Mapping[str, Any],
    *,
    vocab_size: int = 27,
    block_size: int | None = None,
) -> tuple[Any, TrainConfig]:
    """Options of both kinds -> the model's config, and the training's.

    `base.steps` counts steps of `base.batch_size`: another size of batch gets as many examples, and so fewer steps
    where batches are larger. Where a model reads one long text in blocks, `block_size` says of which length, and
    another length gets as many characters. Raises ConfigError as the two configs do.

    >>> base = TrainConfig(steps=1000, batch_size=32)
    >>> model, train = make_configs("mlp", base, {"hidden": 64, "batch_size": 128})
    >>> model.hidden, train.steps, train.batch_size
    (64, 250, 128)
    >>> make_configs("gpt", base, {"block_size": 64}, block_size=128)[1].steps
    2000
    """
    of_model = {name: value for name, value in options.items() if name in _model_options(family)}
    of_train = {name: value for name, value in options.items() if name not in of_model}
    model = config_class(family)(**of_model, vocab_size=vocab_size)
    factor = base.batch_size / of_train.get("batch_size", base.batch_size)
    if block_size is not None:
        factor *= block_size / model.block_size
    if "steps" not in of_train:
        of_train["steps"] = max(1, round(base.steps * factor))
        of_train.setdefault("warmup_steps", round(base.warmup_steps * factor))
    return model, replace(base, **of_train)


def defaults(family: str, base: TrainConfig, space: Space, usual: Mapping[str, Any] | None = None) -> Options:
    """What a person gets who says nothing, moved into the space: the first trial, to compare with.

    `usual` goes before the defaults of the model's config. An option whose default is none of those listed is left
    to chance.

    >>> space = {"hidden": Between(low=64, high=512), "lr": Between(low=0.5, high=1.0), "direct": OneOf((True,))}
    >>> defaults("mlp", TrainConfig(lr=0.1), space)
    {'hidden': 200, 'lr': 0.5}
    """
    found: Options = {field.name: field.default for field in fields(config_class(family))}
    found.update({field.name: getattr(base, field.name) for field in fields(base)} | dict(usual or {}))
    made: Options = {}
    for name, each in space.items():
        if isinstance(each, Between):
            made[name] = min(max(found[name], each.low), each.high)
        elif any(found[name] == value and type(found[name]) is type(value) for value in each.values):
            made[name] = found[name]
    return made


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """The space as Optuna has it.

    >>> distributions({"hidden": Between(low=64, high=512)})
    {'hidden': IntDistribution(high=512, log=True, low=64, step=1)}
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    made: dict[str, BaseDistribution] = {}
    for name, each in space.items():
        if isinstance(each, OneOf):
            made[name] = CategoricalDistribution(each.values)
        elif each.whole:
            made[name] = IntDistribution(int(each.low), int(each.high), log=each.log)
        else:
            made[name] = FloatDistribution(each.low, each.high, log=each.log)
    return made


def suggest(trial: Trial, name: str, each: Between | OneOf) -> Any:
    """A value for one option of an Optuna trial."""
    if isinstance(each, OneOf):
        return trial.suggest_categorical(name, each.values)
    if each.whole:
        return trial.suggest_int(name, int(each.low), int(each.high), log=each.log)
    return trial.suggest_float(name, each.low, each.high, log=each.log)


def tidy(options: Mapping[str, Any]) -> Options:
    """Rates with the three digits that a person would type: what is trained, told and written on a command line.

    >>> tidy({"lr": 0.0083777776, "hidden": 200})
    {'lr': 0.00838, 'hidden': 200}
    """
    return {name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in options.items()}


def parse_range(text: str) -> Between | OneOf:
    """What a person may write for a range: two ends, or a list.

    >>> parse_range("64..512"), parse_range("0.1..1")
    (Between(low=64, high=512, log=True), Between(low=0.1, high=1.0, log=True))
    >>> parse_range("tanh,relu"), parse_range("true,false")
    (OneOf(values=('tanh', 'relu')), OneOf(values=(True, False)))
    """
    low, dots, high = text.partition("..")
    if not dots:
        return OneOf(tuple(parse_value(part) for part in text.split(",")))
    ends = [parse_value(low), parse_value(high)]
    if not all(type(end) in (int, float) for end in ends):
        raise ConfigError(f"A range is two numbers; got {text!r}.", "Write it as 64..512, or as a list: 64,128,256")
    if not all(type(end) is int for end in ends):
        ends = [float(end) for end in ends]
    return Between(low=ends[0], high=ends[1], log=ends[0] > 0)


def parse_value(text: str) -> Any:
    """A word as the value that it means.

    >>> [parse_value(word) for word in ("8", "1e-3", "true", "none")]
    [8, 0.001, True, 'none']
    """
    word = text.strip()
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def as_plain(space: Space) -> dict[str, Any]:
    """The space as JSON holds it, to tell whether two are the same.

    >>> as_plain({"hidden": Between(low=64, high=512), "direct": OneOf((True, False))})
    {'direct': [True, False], 'hidden': {'low': 64, 'high': 512, 'log': True}}
    """
    return {
        name: list(each.values) if isinstance(each, OneOf) else {"low": each.low, "high": each.high, "log": each.log}
        for name, each in sorted(space.items())
    }


def from_plain(space: Mapping[str, Any]) -> dict[str, Between | OneOf]:
    """The inverse of `as_plain`.

    >>> from_plain({"direct": [True, False]})
    {'direct': OneOf(values=(True, False))}
    """
    return {name: OneOf(tuple(each)) if isinstance(each, list) else Between(**each) for name, each in space.items()}


def _model_options(family: str) -> set[str]:
    return {field.name for field in fields(config_class(family))} - {"vocab_size"}


def _train_options(family: str) -> set[str]:
    """None for a model that counts."""
    return {field.name for field in fields(TrainConfig)} if issubclass(model_class(family), nn.Module) else set()


def _no_longer(each: Between | OneOf, longest: int) -> Between | OneOf:
    if isinstance(each, Between):
        return replace(each, low=min(each.low, longest), high=min(each.high, longest))
    kept = tuple(value for value in each.values if isinstance(value, int) and value <= longest)
    return OneOf(kept or each.values[:1])


def _low(each: Between | OneOf) -> Any:
    return each.values[0] if isinstance(each, OneOf) else each.low


def _high(each: Between | OneOf) -> Any:
    return each.values[-1] if isinstance(each, OneOf) else each.high
