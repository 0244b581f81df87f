"""7.3: does pretraining on the 29 plays help on Tiny Shakespeare, at equal finetuning steps and at equal work in all?

The same net everywhere, with the common vocabulary, so that a step costs the same in each training.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import mean, stdev

import plotly.graph_objects as go
import torch
from torch import Tensor

from zth.data import plays
from zth.data.leaks import LEAST, leaking_lines, plain
from zth.data.split import split_text
from zth.data.stream import Ids
from zth.data.vocab import Vocabulary, common, places
from zth.models.gpt import GPTModel, preset
from zth.seeds import stream
from zth.train import TrainConfig, Trainer
from zth.train.batches import Passage
from zth.train.chosen import FINETUNE_LR
from zth.train.long_text import part_loss, whole_loss
from zth.train.origin import carry_over, vocabulary_axes
from zth.workbook.measure import Lab

PRETRAIN, FINETUNE, SCRATCH = "pretrained on the plays", "finetuned", "from scratch"
COLOURS = {PRETRAIN: "#b0b4c0", FINETUNE: "#2aa18f", SCRATCH: "#d0703c"}
RATES = (1.0, 0.1)
"""Finetuning rates beside the default, as factors of the usual one."""
LOOKS = 8
ONE_SEED = 0.03
"""Nats by which two trainings may differ for their seeds alone; where there are several, their own spread is used."""

State = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Size:
    """The net, and how long it is trained."""

    options: dict[str, int]
    batch_size: int
    pretraining: int
    finetuning: int
    seeds: int
    scored: int
    """Dev characters that a look is measured on."""


QUICK = Size(
    options={"layers": 2, "heads": 2, "width": 64, "block_size": 32},
    batch_size=16,
    pretraining=120,
    finetuning=40,
    seeds=1,
    scored=4_000,
)
FULL = Size(
    options={"layers": 4, "heads": 4, "width": 128, "block_size": 128},
    batch_size=8,
    pretraining=1_500,
    finetuning=500,
    seeds=3,
    scored=12_000,
)


@dataclass(frozen=True, kw_only=True)
class Texts:
    """What travels to the trainings: the vocabularies' characters, and ids in bytes."""

    vocabulary: str
    pretraining: bytes
    """The whole corpus, in ids of its own vocabulary."""
    pretraining_vocabulary: str
    train: bytes
    dev: bytes


@dataclass(frozen=True, kw_only=True)
class Training:
    """One of them: which text, how long, how fast, and from which weights."""

    what: str
    seed: int
    steps: int
    lr: float
    begin: State | None = None


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What came of it."""

    training: Training
    dev: float
    """Of the whole dev part; in quick form of a piece of it."""
    seconds: float
    looks: list[tuple[int, float]]
    """Step and dev loss of a piece."""
    state: State = field(repr=False)


def measure(lab: Lab) -> None:
    size = QUICK if lab.quick else FULL
    lab.run.text(
        "A net has read 29 other plays, and goes on with Tiny Shakespeare in fewer steps at a lower rate. Is its "
        "**dev loss lower than from scratch**, at equal finetuning steps, and where scratch may do as many steps as "
        "pretraining and finetuning together? A step costs the same in each: it is the same net and the same batch."
    )
    texts = _texts(lab)
    seeds = range(lab.seed, lab.seed + size.seeds)
    lr = usual_lr()
    both = size.pretraining + size.finetuning
    first = [Training(what=PRETRAIN, seed=seed, steps=size.pretraining, lr=lr) for seed in seeds]
    first += [Training(what=SCRATCH, seed=seed, steps=n, lr=lr) for seed in seeds for n in (both, size.finetuning)]
    done = lab.parallel(trained, [(texts, size, each) for each in first], "pretraining, and from scratch")
    pretrained = [each for each in done if each.training.what == PRETRAIN]
    scratch = [each for each in done if each.training.what == SCRATCH]
    factors = [FINETUNE_LR] if lab.quick else [FINETUNE_LR, *RATES]
    second = [
        Training(what=FINETUNE, seed=each.training.seed, steps=size.finetuning, lr=lr * factor, begin=each.state)
        for factor in factors
        for each in (pretrained if factor == FINETUNE_LR else pretrained[:1])
    ]
    finetuned = lab.parallel(trained, [(texts, size, each) for each in second], "finetuning")
    usual = [each for each in finetuned if each.training.lr == lr * FINETUNE_LR]
    _tell_losses(lab, texts, size, pretrained, usual, scratch)
    _tell_carrying(lab, texts, size, pretrained[0])
    if not lab.quick:
        _tell_rates(lab, lr, [each for each in finetuned if each.training.seed == lab.seed])
    _draw(lab, size, pretrained[0], usual[0], [each for each in scratch if each.training.seed == lab.seed])


def usual_lr() -> float:
    """The rate of the GPT's recipe for a long text."""
    return float(GPTModel.text_recipe["lr"])


def _texts(lab: Lab) -> Texts:
    """Both corpora; and which plays hold dev lines."""
    text, corpus = lab.corpus("shakespeare").text(), lab.corpus("plays").text()
    train, dev = split_text(text)
    n_long = sum(len(plain(line)) >= LEAST for line in dev.split("\n"))
    rows = [
        [stem.replace("-", " "), len(leaking_lines(dev, plays.play(stem)))]
        for stem in lab.track(plays.TINY, "looking for leaks")
    ]
    n_leaks = len(leaking_lines(dev, corpus))
    lab.run.figure(f"dev lines of {LEAST} characters or more in the corpus", n_leaks, reference=0, source="7.3")
    lab.run.table(
        f"Where the {n_long:,} dev lines of {LEAST} characters or more stand",
        ["play", "dev lines in it"],
        [*rows, [f"the 29 others together: the corpus, {len(corpus):,} characters", n_leaks]],
    )
    old = Vocabulary.of_text(corpus)
    both = common(old, Vocabulary.of_text(text))
    return Texts(
        vocabulary="".join(both.characters),
        pretraining_vocabulary="".join(old.characters),
        pretraining=_bytes(corpus, old),
        train=_bytes(train, both),
        dev=_bytes(dev, both),
    )


def _bytes(text: str, vocabulary: Vocabulary) -> bytes:
    return vocabulary.encode_array(text).astype("uint8").tobytes()


def _ids(data: bytes) -> Ids:
    return Ids([torch.frombuffer(bytearray(data), dtype=torch.uint8).numpy()])


def net_of(size: Size, vocab_size: int, seed: int) -> GPTModel:
    """Fresh."""
    return GPTModel(preset("laptop", vocab_size=vocab_size, **size.options), generator=stream(seed, "init"))


def carried(state: State, texts: Texts, size: Size, seed: int, *, by_index: bool = False) -> GPTModel:
    """A net for the common vocabulary with the pretrained weights; new characters stay as they begin."""
    old, new = (Vocabulary(characters=tuple(each)) for each in (texts.pretraining_vocabulary, texts.vocabulary))
    net = net_of(size, len(new), seed)
    where = list(range(len(old))) if by_index else places(old, new)
    axes = vocabulary_axes("gpt", net.config())
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            carry_over(state[name], tensor, axes[name], where)
    return net


def trained(texts: Texts, size: Size, training: Training) -> Trained:
    """Train, and look at the dev loss now and then."""
    pretraining = training.what == PRETRAIN
    text = _ids(texts.pretraining if pretraining else texts.train)
    dev = _ids(texts.dev)
    vocabulary = texts.pretraining_vocabulary if pretraining else texts.vocabulary
    if training.begin is None:
        net = net_of(size, len(vocabulary), training.seed)
    else:
        net = carried(training.begin, texts, size, training.seed)
    recipe = {**GPTModel.text_recipe, "steps": training.steps, "lr": training.lr, "batch_size": size.batch_size}
    passage = Passage(ids=text, block_size=net.block_size)
    trainer = Trainer(net, passage, TrainConfig(**recipe), seed=training.seed)
    looks, seconds = [], 0.0
    while trainer.step < training.steps:
        started = time.perf_counter()
        trainer.run(min(max(1, training.steps // LOOKS), training.steps - trainer.step))
        seconds += time.perf_counter() - started
        if not pretraining:  # a net with the plays' own vocabulary cannot read each character of dev
            looks.append((trainer.step, part_loss(net, dev, net.block_size, size.scored)))
    last = float("nan") if pretraining else _dev_loss(net, dev, size)
    return Trained(training=training, dev=last, seconds=seconds, looks=looks, state=net.state_dict())


def _dev_loss(net: GPTModel, dev: Ids, size: Size) -> float:
    """Of all of dev where there is time."""
    return whole_loss(net, dev, net.block_size) if size.seeds > 1 else part_loss(net, dev, net.block_size, 20_000)


def _tell_losses(
    lab: Lab,
    texts: Texts,
    size: Size,
    pretrained: Sequence[Trained],
    finetuned: Sequence[Trained],
    scratch: Sequence[Trained],
) -> None:
    """The comparison, and the answer."""
    short, long = (
        [each for each in scratch if each.training.steps == n]
        for n in (size.finetuning, size.pretraining + size.finetuning)
    )
    rows = []
    for name, steps, of, before in (
        ("pretrained, then finetuned", f"{size.pretraining:,} + {size.finetuning:,}", finetuned, pretrained),
        ("from scratch, equal finetuning steps", f"{size.finetuning:,}", short, None),
        ("from scratch, equal work in all", f"{size.pretraining + size.finetuning:,}", long, None),
    ):
        seconds = mean(each.seconds for each in of) + (mean(each.seconds for each in before) if before else 0)
        rows.append([name, steps, with_error([each.dev for each in of]), f"{seconds:.0f}"])
    lab.run.table(
        f"Dev loss, nats a character, {size.seeds} seed{'s' if size.seeds > 1 else ''}",
        ["training", "steps", "dev loss", "seconds, measured"],
        rows,
    )
    lab.run.figure("finetuned: dev loss", mean(each.dev for each in finetuned), unit="nats", better="lower")
    gains = {}
    for name, of in (("equal finetuning steps", short), ("equal work in all", long)):
        apart = [a.dev - b.dev for a, b in zip(finetuned, of, strict=True)]
        gains[name] = apart
        lab.run.figure(f"finetuned minus scratch, {name}", mean(apart), unit="nats", better="lower")
    passes = size.batch_size * size.options["block_size"] * (size.pretraining + size.finetuning) / len(texts.train)
    lab.run.text(_answer(gains, passes))


def _answer(gains: dict[str, list[float]], passes: float) -> str:
    steps, work = gains.values()
    better = "the plays taught more" if mean(work) < 0 else "the text itself taught more"
    noise = 2 * stdev(work) / len(work) ** 0.5 if len(work) > 1 else ONE_SEED
    if abs(mean(work)) < noise:
        better = "neither taught more, as far as these seeds can tell"
    often = f"{passes:.1f} times" if passes >= 1 else f"not even once ({passes:.2f} times)"
    return (
        f"**Answer.** Finetuned minus scratch is {with_error(steps)} nats at equal finetuning steps. That alone says "
        "little: the finetuned net has worked longer. Where scratch may work as long as pretraining and finetuning "
        f"together, it is {with_error(work)}: in the same time {better}. Scratch went through its text {often} "
        "meanwhile. The more often it has to, the more it learns by heart, and the more other plays are worth."
    )


def with_error(losses: Sequence[float]) -> str:
    """The mean, and the standard error where there are several."""
    if len(losses) == 1:
        return f"{losses[0]:.3f}"
    return f"{mean(losses):.3f} ± {stdev(losses) / len(losses) ** 0.5:.3f}"


def _tell_carrying(lab: Lab, texts: Texts, size: Size, pretrained: Trained) -> None:
    """Before any finetuning: the same weights carried over rightly, wrongly, and none."""
    dev, seed = _ids(texts.dev), pretrained.training.seed
    nets = {
        "by character": carried(pretrained.state, texts, size, seed),
        "by index": carried(pretrained.state, texts, size, seed, by_index=True),
        "not at all: fresh weights": net_of(size, len(texts.vocabulary), seed),
    }
    losses = {name: part_loss(net, dev, net.block_size, size.scored) for name, net in nets.items()}
    new = [each for each in texts.vocabulary if each not in texts.pretraining_vocabulary]
    lab.run.table(
        "Dev loss of a piece before the first finetuning step",
        ["weights carried over", "dev loss"],
        [[name, round(loss, 3)] for name, loss in losses.items()],
    )
    lab.run.text(
        f"The text adds {', '.join(map(repr, new)) or 'no character'} to the {len(texts.pretraining_vocabulary)} "
        "characters of the corpus. Each that is new moves all behind it by one: rows carried over by index are each "
        "the neighbour's."
    )


def _tell_rates(lab: Lab, lr: float, finetuned: Sequence[Trained]) -> None:
    ordered = sorted(finetuned, key=lambda each: -each.training.lr)
    lab.run.table(
        "Finetuning at several rates, one seed",
        ["rate", "of the pretraining's", "dev loss"],
        [[f"{each.training.lr:g}", f"{each.training.lr / lr:g}", round(each.dev, 3)] for each in ordered],
    )


def _draw(lab: Lab, size: Size, pretrained: Trained, finetuned: Trained, scratch: Sequence[Trained]) -> None:
    figure = go.Figure()
    for each, name, shift in [
        (finetuned, "finetuned, behind its pretraining", pretrained.training.steps),
        *((each, f"from scratch, {each.training.steps:,} steps", 0) for each in scratch),
    ]:
        steps, losses = zip(*each.looks, strict=True)
        dash = "dot" if each.training.what == SCRATCH and each.training.steps == size.finetuning else "solid"
        figure.add_scatter(
            name=name,
            x=[step + shift for step in steps],
            y=list(losses),
            mode="lines+markers",
            line={"color": COLOURS[each.training.what], "dash": dash},
        )
    figure.update_layout(height=380)
    figure.update_xaxes(title="steps in all, pretraining included", rangemode="tozero")
    figure.update_yaxes(title="dev loss of a piece, nats")
    lab.run.plot(
        "Dev loss against the work in all",
        figure,
        "The finetuned net begins where its pretraining ended: what was done before counts.",
    )
