"""What `zth train` chooses for a text where nothing is said, and how it tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zth.data.sources import Corpus
from zth.models.protocol import config_class, model_class
from zth.models.size import Size
from zth.train.config import TrainConfig
from zth.train.examples import Text
from zth.train.job import Job
from zth.train.long_text import MOST_SCORED, LongText, in_blocks
from zth.train.origin import Origin

MOST_PASSES, LEAST_STEPS = 100, 200
"""A short text is not read over and over for longer than that: it is soon known by heart."""
SMALL = 250_000
"""Characters below which a long text is read so often that dropout helps."""
DROPOUT = 0.2
USUAL = Size(minutes=0)
"""The net of the config's defaults, and the recipe as it stands."""
FINETUNE_LR, FINETUNE_STEPS = 0.25, 0.25
"""Of what a fresh net gets: docs/log.md has the trials."""


def default_family(corpus: Corpus) -> str:
    """The model where none is named.

    >>> from zth.data.sources import load
    >>> default_family(load("names")), default_family(load("plays"))
    ('mlp', 'gpt')
    """
    return "mlp" if corpus.kind == "lines" else "gpt"


def fitted(
    family: str, corpus: Corpus | None, origin: Origin | None = None, minutes: float | None = None
) -> tuple[dict[str, Any], Mapping[str, Any] | None]:
    """Values for options of the model's config, and for TrainConfig; None for a model that counts.

    For one long text a budget of minutes says how large the net is. With an origin the options are its own, except
    that a shorter text may have a shorter block and more dropout; the rate is lower and the steps are fewer.

    >>> from zth.data.sources import load
    >>> fitted("gpt", load("names"))[1]["batch_size"], fitted("gpt", load("plays"))[1]["batch_size"]
    (64, 16)
    >>> fitted("gpt", load("plays"), minutes=0.05)[0]["layers"], fitted("gpt", load("plays"), minutes=15)[0]["layers"]
    (2, 5)
    """
    options, recipe = _usual(family, corpus, origin, minutes)
    if origin is None or recipe is None:
        return options, recipe
    return {**origin.options, **options}, {**recipe, **_gentle(origin, recipe)}


def _gentle(origin: Origin, recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The rate and the steps of a finetuning, from the origin's rate and a fresh net's steps."""
    steps = recipe.get("steps", TrainConfig().steps)
    return {"lr": origin.lr * FINETUNE_LR, "steps": max(1, round(steps * FINETUNE_STEPS))}


def _usual(
    family: str, corpus: Corpus | None, origin: Origin | None, minutes: float | None = None
) -> tuple[dict[str, Any], Mapping[str, Any] | None]:
    """As `fitted`, for a net that begins from nothing."""
    kind = model_class(family)
    if corpus is None or not in_blocks(corpus, family):
        return {}, getattr(kind, "recipe", None)
    n_train = n_learnt(corpus)
    size = _size(kind, n_train, minutes) if origin is None else USUAL
    usual = config_class(family)(**(origin.options if origin else size.options))
    recipe = {**getattr(kind, "text_recipe", {}), **size.recipe}
    block_size = fitting_block(n_train, usual.block_size)
    if origin and not origin.may_change("block_size", block_size):
        block_size = usual.block_size
    options = {**size.options, "block_size": block_size, "dropout": DROPOUT if n_train < SMALL else usual.dropout}
    most = MOST_PASSES * n_train // (recipe["batch_size"] * block_size)
    return options, {**recipe, "steps": min(recipe["steps"], max(LEAST_STEPS, most))}


def n_learnt(corpus: Corpus) -> int:
    """How many characters of one long text are its training part, about: the rest is dev."""
    return int(0.9 * corpus.tally().n_characters)


def _size(kind: type[Any], n_train: int, minutes: float | None) -> Size:
    """The largest that the budget and the text allow; without a budget none but the usual one."""
    sizes: Sequence[Size] = getattr(kind, "text_sizes", ())
    fits = [size for size in sizes if minutes is not None and size.minutes <= minutes and size.characters <= n_train]
    return fits[-1] if fits else USUAL


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
    lines = f"{tally.n_lines:,} line{'' if tally.n_lines == 1 else 's'}"
    seen = (
        f"{corpus.name}: {tally.n_characters:,} characters, {len(tally.characters)} different, in {lines}; "
        f"it is {'one item a line' if corpus.kind == 'lines' else 'one long text'}{_otherwise(corpus)}."
    )
    if corpus.skipped:
        n = len(corpus.skipped)
        seen += f" {n} file{'' if n == 1 else 's'} in it that {'is' if n == 1 else 'are'} no UTF-8 text: left out."
    text = job.text
    if not isinstance(text, LongText):
        return [seen, *_by_line(job, text)]
    data, known = text.data, set(job.origin.vocabulary.characters if job.origin else ())
    return [
        seen,
        f"It learns from the first {len(data.train):,} characters; {_measured(len(data.dev))} measure it.",
        *([data.about_only_in_dev] if set(data.only_in_dev) - known else []),
        *_beginning(job),
        _model(job, len(data.vocabulary)),
        _training(job, len(data.train)),
    ]


def _by_line(job: Job, text: Text) -> list[str]:
    sizes = [len(part) for part in vars(text.split).values()]
    parts = "{:,} lines, {:,} for dev, {:,} for test".format(*sizes)
    said = [f"{job.family} learns from it line by line: {parts}.", *_beginning(job)]
    if getattr(model_class(job.family), "recipe", None) is None:  # it counts
        return said
    config = job.config
    how_long = f"{config.steps:,} steps" if job.minutes is None else _minutes(job.minutes)
    return [*said, f"Training: {how_long}, {config.batch_size} examples a step, {config.optimizer}."]


def _otherwise(corpus: Corpus) -> str:
    """How to have it read in the other way, where the text did not come with one."""
    if corpus.origin != "named by its path":
        return ""
    return (
        f" (if it is {'one long text: --kind text' if corpus.kind == 'lines' else 'one item a line: --kind lines'})"
    )


def _minutes(minutes: float) -> str:
    """
    >>> _minutes(1), _minutes(0.5)
    ('1 minute', '0.5 minutes')
    """
    return f"{minutes:g} minute{'' if minutes == 1 else 's'}"


def _beginning(job: Job) -> list[str]:
    """Of a net that is finetuned: whose weights it has, which characters are new, and what is gentler, and why."""
    origin = job.origin
    if origin is None:
        return []
    new = origin.new_characters(job.text.vocabulary)
    shown = ", ".join(map(repr, new[:5])) + (", ..." if len(new) > 5 else "")
    knows = f"{len(new)} of {len(job.text.vocabulary)} characters are new to it, and start fresh: {shown}"
    said = [
        f"It begins with the weights of {origin.folder} ({origin.title}); "
        f"{knows if new else 'it knows all the characters'}."
    ]
    usual = {"steps": TrainConfig().steps, **(_usual(job.family, job.text.corpus, origin)[1] or {}), "lr": origin.lr}
    gentle = _gentle(origin, usual)
    kept = [name for name in ("lr", "steps") if getattr(job.config, name) == gentle[name]]
    if job.minutes is not None and "steps" in kept:
        kept.remove("steps")
    words = {"lr": "a rate of {:g} instead of {:g}", "steps": "{:,} steps instead of {:,}"}
    told = " and ".join(words[name].format(gentle[name], usual[name]) for name in kept)
    if told:
        said.append(f"Finetuning: {told}, since it knows much already and large steps would undo it.")
    return said


def _options(job: Job) -> Mapping[str, Any]:
    return job.origin.checked(job.family, job.options) if job.origin else job.options


def _measured(n_dev: int) -> str:
    """
    >>> _measured(1000), _measured(10**8)
    ('the last 1,000 (dev)', '1,048,576 of the last 100,000,000 (dev), evenly spread,')
    """
    spread = n_dev > MOST_SCORED
    return f"{MOST_SCORED:,} of the last {n_dev:,} (dev), evenly spread," if spread else f"the last {n_dev:,} (dev)"


def _model(job: Job, vocab_size: int) -> str:
    options = config_class(job.family)(**{**_options(job), "vocab_size": vocab_size})
    n = getattr(options, "n_parameters", None)
    size = f"{n:,} parameters, " if n is not None else ""
    dropout = f", dropout {options.dropout:g}" if options.dropout else ""
    said = f"Model: {job.family}, {size}looks {options.block_size} characters back{dropout}; it reads in blocks."
    if job.minutes is not None and job.origin is None:
        said += _why(job, job.minutes)
    return said


def _why(job: Job, minutes: float) -> str:
    """Why a net of this size, where it is the one that was chosen."""
    kind, n_train = model_class(job.family), n_learnt(job.text.corpus)
    if not fitted(job.family, job.text.corpus, minutes=minutes)[0].items() <= job.options.items():
        return ""
    if _size(kind, n_train, minutes) != _size(kind, 10**9, minutes):
        return " A larger one would soon know so short a text by heart."
    return " Larger nets take longer to become good, smaller ones stop earlier."


def _training(job: Job, n_train: int) -> str:
    config = job.config
    n_step = config.batch_size * int(config_class(job.family)(**_options(job)).block_size)
    what = f"blocks of {n_step // config.batch_size}, {config.batch_size} a step, {config.optimizer}"
    if job.minutes is not None:
        return f"Training: {what}, for {_minutes(job.minutes)}."
    passes = config.steps * n_step / n_train
    return f"Training: {config.steps:,} steps; {what}: {passes:.1f} times through the text. Or say --minutes M."
