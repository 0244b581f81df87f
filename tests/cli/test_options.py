from __future__ import annotations

from dataclasses import dataclass, fields

from cyclopts import Group

from zth.cli.options import field_docs, flag, flags
from zth.models.protocol import config_class, trainable
from zth.train import TrainConfig


@dataclass(frozen=True, kw_only=True)
class Base:
    a: int = 1
    """Of
    the base."""
    b: float = 2.0


@dataclass(frozen=True, kw_only=True)
class Derived(Base):
    b: float = 3.0
    """Of the derived."""
    c: bool = False


def test_docs_of_fields_come_from_the_source() -> None:
    assert field_docs(Derived) == {"a": "Of the base.", "b": "Of the derived."}


def test_every_option_of_every_model_says_what_it_is() -> None:
    for config in [TrainConfig, *map(config_class, trainable())]:
        shown = {field.name for field in fields(config)} - {"vocab_size"}
        missing = shown - set(field_docs(config))
        assert not missing, config


def test_flags_of_several_configs_with_other_defaults() -> None:
    made = flags("Made", Group("g"), (Derived, {"b": 9.0}, ("a",)), (TrainConfig, {"lr": 0.5}, ("steps",)))
    values = made()
    assert (values.b, values.c, values.lr) == (9.0, False, 0.5)
    names = {field.name for field in fields(made)}
    assert "a" not in names
    assert "steps" not in names
    assert flag("batch_size") == "--batch-size"
