"""A trained model to begin with: finetuning takes over its family, its options, its vocabulary and its weights.

Letters: V ids in a vocabulary.

The new text may have characters that the old one lacks. So the vocabulary grows, and ids change their places in it:
each row of a table, and each column of the last layer, follows its character. Those of new characters stay as a fresh
net has them. What the optimizer remembers is not taken over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from zth.data.vocab import Vocabulary, places
from zth.errors import ConfigError, RunError
from zth.models.protocol import CONFIG_FILE, LanguageModel, build, config_class
from zth.runs import read

VOCABULARY_FILE = "vocabulary.json"
FREE = ("dropout", "dropout_at")
"""Options that no weight depends on; `block_size` is one too for some nets, see `Origin.may_change`."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A trained net, and where it comes from."""

    folder: Path
    title: str
    """As in "gpt on plays"."""
    family: str
    options: Mapping[str, Any]
    """All fields of the family's config class."""
    vocabulary: Vocabulary
    sha256: str
    """Of the weights."""
    editions: tuple[str, ...]
    """Of the texts that it learnt from."""
    lr: float
    """The rate that it learnt with."""
    _tensors: Mapping[str, Tensor] = field(repr=False, compare=False)

    @classmethod
    def of(cls, folder: Path) -> Self:
        """The model in the run folder of a training, finished or not. Raises RunError for anything else."""
        record = read(folder)
        if record.kind != "train":
            raise RunError(f"{folder} is a run of zth {record.kind}, not a training.", "Name a folder of zth train.")
        if not (folder / CONFIG_FILE).is_file():
            raise RunError(
                f"{folder} has no model yet: its training is {record.status}.", f"Try: zth train --resume {folder}"
            )
        model = LanguageModel.load(folder)
        mixed = record.meta["config"].get("mixed")
        if mixed:
            raise RunError(f"{folder} is a mixture of several models.", "Name the folder of one of them.")
        if not isinstance(model, nn.Module):
            raise RunError(
                f"{folder} holds a {model.family}, which learns by counting: it has no weights to begin with.",
                "Name the folder of a net.",
            )
        return cls(
            folder=folder,
            title=str(record.meta["title"]),
            family=model.family,
            options=model.config(),
            vocabulary=load_vocabulary(folder),
            sha256=str(json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))["sha256"]),
            editions=tuple(str(entry["edition"]) for entry in record.meta["data"]),
            lr=float(record.meta["config"]["train"]["lr"]),
            _tensors=model.tensors(),
        )

    def facts(self) -> dict[str, Any]:
        """What a run folder keeps of it: config["from"]."""
        return {
            "run": str(self.folder.resolve()),
            "title": self.title,
            "sha256": self.sha256,
            "editions": list(self.editions),
        }

    def checked(self, family: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options of the net to finetune: its own, but for `options` where these may change.

        Raises ConfigError for another family, and for an option that the weights contradict.
        """
        if family != self.family:
            raise ConfigError(f"{self.folder} holds a {self.family}, not a {family}.", "Leave out --model.")
        for name, value in options.items():
            mine = self.options.get(name)
            if name != "vocab_size" and value != mine and not self.may_change(name, value):
                raise ConfigError(
                    f"{name} is {mine} in {self.folder}, and its weights are made for that; got {value}.",
                    f"Leave out --{name.replace('_', '-')}, or train anew: without --from.",
                )
        return {**self.options, **options}

    def may_change(self, name: str, value: Any) -> bool:
        """Whether the weights fit as well with this option changed, and mean the same.

        The block of a GPT with rotary positions may have any length; with learned ones each place has its row.
        """
        if name in FREE:
            return True
        return name == "block_size" and _shapes(self.family, {**self.options, name: value}) == {
            name: tuple(tensor.shape) for name, tensor in self._tensors.items()
        }

    def new_characters(self, vocabulary: Vocabulary) -> list[str]:
        """Those of `vocabulary` that the net never saw."""
        known = set(places(self.vocabulary, vocabulary))
        return [character for number, character in enumerate(vocabulary.characters) if number not in known]

    def into(self, net: nn.Module, vocabulary: Vocabulary) -> None:
        """Give a fresh net of the same family, made for `vocabulary`, these weights.

        Raises VocabularyError where `vocabulary` lacks a character of the old one (see zth.data.vocab.common).
        """
        axes = vocabulary_axes(self.family, self.options)
        where = places(self.vocabulary, vocabulary)
        with torch.no_grad():
            for name, tensor in net.state_dict().items():
                carry_over(self._tensors[name], tensor, axes[name], where)


def carry_over(old: Tensor, new: Tensor, axes: tuple[int, ...], where: list[int]) -> None:
    """Write `old` into `new`: along each of `axes`, entry i goes to place where[i]. The other places are left alone.

    >>> old, new = torch.tensor([[1.0, 2], [3, 4]]), torch.zeros(3, 2)
    >>> carry_over(old, new, (0,), [0, 2])
    >>> new.tolist()
    [[1.0, 2.0], [0.0, 0.0], [3.0, 4.0]]
    """
    if not axes:
        new.copy_(old)
        return
    indices = [torch.arange(n) for n in new.shape]
    for axis in axes:
        indices[axis] = torch.tensor(where)
    new[torch.meshgrid(*indices, indexing="ij")] = old.to(new.dtype)


def vocabulary_axes(family: str, options: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Tensor by name -> its axes that have one entry for each id: those that grow with the vocabulary.

    >>> axes = vocabulary_axes("mlp", {"hidden": 20})
    >>> [axes[name] for name in ("embedding.layers.0.C", "hidden.layers.0.W", "output.layers.0.W")]
    [(0,), (), (1,)]
    """
    size = int(options.get("vocab_size", 27))
    one, more = (_shapes(family, {**options, "vocab_size": n}) for n in (size, size + 1))
    return {
        name: tuple(axis for axis, (n, m) in enumerate(zip(shape, more[name], strict=True)) if n != m)
        for name, shape in one.items()
    }


def _shapes(family: str, options: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    try:
        net = build(family, config_class(family)(**options), generator=torch.Generator())
    except ConfigError:  # a size that no such net can have
        return {}
    return {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}


def load_vocabulary(folder: Path) -> Vocabulary:
    """The vocabulary of the model in a run folder. Raises RunError where there is none."""
    path = folder / VOCABULARY_FILE
    try:
        return Vocabulary.from_json(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise RunError(f"{folder} has no {path.name}.", "Name a folder of zth train.") from error
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}.", "Train again from the start.") from error
