"""What `zth train` chooses for a text where nothing is said, and how it tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zth.data.sources import Corpus
from zth.models.protocol import config_class, model_class
from zth.train.job import Job
from zth.train.long_text import LongText, in_blocks

MOST_PASSES, LEAST_STEPS = 100, 200
"""A short text is not read over and over for longer than that: it is soon known by heart."""
SMALL = 250_000
"""Characters below which a long text is read so often that dropout helps."""
DROPOUT = 0.2


def default_family(corpus: Corpus) -> str:
    """The model where none is named.

    >>> from zth.data.sources import load
    >>> default_family(load("names")), default_family(load("plays"))
    ('mlp', 'gpt')
    """
    return "mlp" if corpus.kind == "lines" else "gpt"


def fitted(family: str, corpus: Corpus | None) -> tuple[dict[str, Any], Mapping[str, Any] | None]:
    """Values for options of the model's config, and for TrainConfig; None for a model that counts.

    >>> from zth.data.sources import load
    >>> fitted("gpt", load("names"))[1]["batch_size"], fitted("gpt", load("plays"))[1]["batch_size"]
    (64, 8)
    """
    kind = model_class(family)
    if corpus is None or not in_blocks(corpus, family):
        return {}, getattr(kind, "recipe", None)
    usual, recipe = config_class(family)(), dict(getattr(kind, "text_recipe", {}))
    n_train = int(0.9 * corpus.tally().n_characters)
    block_size = fitting_block(n_train, usual.block_size)
    options = {"block_size": block_size, "dropout": DROPOUT if n_train < SMALL else usual.dropout}
    most = MOST_PASSES * n_train // (recipe["batch_size"] * block_size)
    return options, {**recipe, "steps": min(recipe["steps"], max(LEAST_STEPS, most))}


def fitting_block(n_train: int, usual: int) -> int:
    """The largest power of two that fits eight times into the text, between 4 and `usual`.

    >>> fitting_block(10**6, 128), fitting_block(500, 128), fitting_block(5, 128)
    (128, 32, 4)
    """
    block_size = usual
    while block_size > 4 and 8 * block_size > n_train:
        block_size //= 2
    return block_size


def chosen(job: Job) -> list[str]:
    """What was looked at, and what is done with it and why: some lines for people."""
    corpus, tally = job.text.corpus, job.text.corpus.tally()
    seen = (
        f"{corpus.name}: {tally.n_characters:,} characters, {len(tally.characters)} different, in "
        f"{tally.n_lines:,} lines; it is {'one item a line' if corpus.kind == 'lines' else 'one long text'}."
    )
    text = job.text
    if not isinstance(text, LongText):
        n = [len(part) for part in vars(text.split).values()]
        how = f"{job.family} learns from it line by line: {n[0]:,} lines, {n[1]:,} for dev, {n[2]:,} for test."
        return [seen, how]
    data = text.data
    return [
        seen,
        f"It learns from the first {len(data.train):,} characters; the last {len(data.dev):,} (dev) measure it.",
        *([data.about_only_in_dev] if data.only_in_dev else []),
        _model(job, len(data.vocabulary)),
        _training(job, len(data.train)),
    ]


def _model(job: Job, vocab_size: int) -> str:
    options = config_class(job.family)(**{**job.options, "vocab_size": vocab_size})
    n = getattr(options, "n_parameters", None)
    size = f"{n:,} parameters, " if n is not None else ""
    dropout = f", dropout {options.dropout:g}" if options.dropout else ""
    return f"Model: {job.family}, {size}looks {options.block_size} characters back{dropout}; it reads in blocks."


def _training(job: Job, n_train: int) -> str:
    config = job.config
    n_step = config.batch_size * int(config_class(job.family)(**job.options).block_size)
    what = f"blocks of {n_step // config.batch_size}, {config.batch_size} a step, {config.optimizer}"
    if job.minutes is not None:
        return f"Training: {what}, for {job.minutes:g} minutes."
    passes = config.steps * n_step / n_train
    return f"Training: {config.steps:,} steps; {what}: {passes:.1f} times through the text. Or say --minutes M."
