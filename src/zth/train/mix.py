"""`zth mix`: trained models -> a run folder with the average of what they say; `zth.train` says what it holds.

Letters: K models, N predictions in the dev part.

How much each model counts is fitted on the dev part: K numbers, where a net fits hundreds of thousands on the train
part. The dev loss of a mixture has therefore seen dev, as that of every model has that was chosen by it; the test
part is asked once, at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from zth.data import sources
from zth.data.stream import windows_in_order
from zth.data.vocab import Vocabulary
from zth.errors import RunError
from zth.files import write_json
from zth.models.mixture import MixtureModel, best_weights, mixed, target_log_probs
from zth.models.protocol import LanguageModel
from zth.runs import Record, Run, metrics, read
from zth.train.examples import Examples, Pair, Text
from zth.train.long_text import LongExamples, LongText
from zth.train.origin import VOCABULARY_FILE, load_vocabulary
from zth.train.telling import tell_losses, tell_samples

TABLE, COLUMNS = "The models in it", ("run", "model", "weight", "dev alone", "dev without it")
MOST_WEIGHED = 2**17
"""Characters of a long text's dev part that the weights are fitted on."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A run folder of `zth train`, with its model."""

    record: Record
    model: LanguageModel
    vocabulary: Vocabulary
    sha256: str
    """Of the text."""
    n_parameters: int
    seconds: float
    """Of its training."""

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Raises RunError for a run of another kind, one that is not done, and a damaged one."""
        record = read(folder)
        if record.kind != "train":
            raise RunError(
                f"{folder} is a run of zth {record.kind}, not of zth train.", "Name run folders of zth train."
            )
        if record.status != "done":
            raise RunError(
                f"The training in {folder} is not done ({record.status}).", f"Go on: zth train --resume {folder}"
            )
        try:
            (data,) = record.meta["data"]
            return cls(
                record=record,
                model=LanguageModel.load(folder),
                vocabulary=load_vocabulary(folder),
                sha256=str(data["sha256"]),
                n_parameters=int(record.meta["config"]["n_parameters"]),
                seconds=float(metrics(folder)[-1]["seconds"]),
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise RunError(f"{folder} is no training as zth train leaves it: {error}.", "Train again.") from error

    @property
    def folder(self) -> Path:
        return self.record.folder


def mix(folders: Sequence[Path], root: Path, *, equal: bool = False, seed: int = 42, command: list[str]) -> Run:
    """The models in `folders` as one, in a fresh run folder under `root`.

    With `equal` all count the same, else as much as is best on the dev part. Raises RunError for fewer than two
    folders, one that is named twice, and models that did not learn from one text with one vocabulary.
    """
    if len(folders) < 2:
        raise RunError(f"A mixture takes two trainings or more; got {len(folders)}.", "zth mix RUN RUN ...")
    parts = [Part.of(folder) for folder in folders]
    _check_alike(parts)
    text = _text_of(parts[0])
    examples = text.examples("mixture", block_size=parts[0].model.block_size)
    said = torch.stack([target_log_probs(part.model, *_dev_of(examples)) for part in parts])  # (K, N)
    weights = _weighed(said, equal=equal)
    model = MixtureModel([part.model for part in parts], weights)
    with _create(parts, weights, text, root, seed, command) as run:
        model.save(run.folder)
        how = "all alike" if equal else "as is best on the dev part, which so was seen once more"
        run.text(f"The average of what {len(parts)} models say, each weighed {how}.")
        losses = tell_losses(run, model, examples)
        run.log(step=0, loss=losses["train"], seconds=sum(part.seconds for part in parts), dev=losses["dev"])
        run.figure("parameters", sum(part.n_parameters for part in parts))
        run.table(TABLE, COLUMNS, _rows(parts, weights, said, equal=equal))
        tell_samples(run, model, text, seed)
    return run


def _create(
    parts: Sequence[Part], weights: Sequence[float], text: Text | LongText, root: Path, seed: int, command: list[str]
) -> Run:
    corpus, settings = text.corpus, parts[0].record.meta["config"]
    recipe = [f"{weight:.2f} {part.model.family}" for part, weight in zip(parts, weights, strict=True)]
    run = Run.create(
        kind="train",
        name=f"{corpus.name}-mixture",
        title=f"mixture of {len(parts)} models on {corpus.name}",
        root=root,
        seed=seed,
        command=command,
        config={
            "data": settings["data"],
            "kind": settings["kind"],
            "model": "mixture",
            "options": {"parts": " + ".join(recipe)},
            "mixed": [str(part.folder.resolve()) for part in parts],
            "train": None,
            "backend": None,
            "n_parameters": sum(part.n_parameters for part in parts),
        },
    )
    run.data(corpus.edition, corpus.sha256)
    write_json(run.folder / VOCABULARY_FILE, text.vocabulary.to_json())
    return run


def _rows(parts: Sequence[Part], weights: Sequence[float], said: Tensor, *, equal: bool) -> list[list[Any]]:
    """What each model is worth: its own dev loss, and that of the mixture of all others, made in the same way."""
    rows = []
    for k, part in enumerate(parts):
        others = torch.cat([said[:k], said[k + 1 :]])
        rest = -float(mixed(list(others), _weighed(others, equal=equal)).mean())
        rows.append([part.folder.name, part.model.family, weights[k], -float(said[k].mean()), rest])
    return rows


def _weighed(said: Tensor, *, equal: bool) -> list[float]:
    """(K, N) log-probabilities -> the K weights."""
    return [1 / len(said)] * len(said) if equal else best_weights(said)


def _check_alike(parts: Sequence[Part]) -> None:
    """Raises RunError unless what the models say can be averaged and compared."""
    first, places = parts[0], {}
    for part in parts:
        where = part.folder.resolve()
        if where in places:
            raise RunError(f"{part.folder} is named twice.", "Name each training once: its weight is fitted.")
        places[where] = part
        if part.sha256 != first.sha256:
            raise RunError(
                f"{part.folder} learnt from another text than {first.folder}.", "Mix models of one text: zth compare"
            )
        if part.vocabulary.to_json() != first.vocabulary.to_json():
            raise RunError(
                f"{part.folder} has another vocabulary than {first.folder}: one reads lines, the other blocks of a "
                "long text.",
                "Mix models that read alike: zth compare",
            )
        if not first.vocabulary.boundary and part.model.block_size != first.model.block_size:
            raise RunError(
                f"{part.folder} reads blocks of {part.model.block_size} characters, {first.folder} of "
                f"{first.model.block_size}.",
                "Mix models of one --block-size.",
            )


def _text_of(part: Part) -> Text | LongText:
    """What it learnt from, read again. Raises RunError where that is no longer the same."""
    settings = part.record.meta["config"]
    corpus = sources.load(settings["data"], kind=settings["kind"])
    if corpus.sha256 != part.sha256:
        raise RunError(
            f"{corpus.name} is no longer the text that {part.folder} was trained on.",
            "Put that back, or train again.",
        )
    text = Text.of(corpus, part.vocabulary) if part.vocabulary.boundary else LongText.of(corpus, part.vocabulary)
    if text.vocabulary.to_json() != part.vocabulary.to_json():
        raise RunError(f"{part.folder} has another vocabulary than {corpus.name} now gives.", "Train again.")
    return text


def _dev_of(examples: Examples | LongExamples) -> Pair:
    """(B, T) ids and (B, T) targets of the dev part; of a long text a bounded number, evenly spread."""
    if isinstance(examples, Examples):
        return examples.dev
    ids, block_size = examples.dev, examples.train.block_size
    if len(ids) <= block_size:
        return next(iter(windows_in_order(ids, block_size)))
    n_blocks = max(1, min(MOST_WEIGHED, len(ids)) // block_size)
    begins = np.linspace(0, len(ids) - block_size - 1, n_blocks).astype(np.int64)
    rows = torch.from_numpy(ids.rows(begins, block_size + 1))
    return rows[:, :-1], rows[:, 1:]
