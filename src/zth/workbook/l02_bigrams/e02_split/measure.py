"""2.2: train, dev and test: how good are the models on names that they have not seen?"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from statistics import mean, stdev

import plotly.graph_objects as go

from zth.data.split import Split, split_lines
from zth.data.vocab import Vocabulary
from zth.models import NgramModel, evaluate
from zth.workbook.l02_bigrams.kinds import BIGRAM, KINDS, TRIGRAM, Kind
from zth.workbook.measure import Lab

PARTS = ("train", "dev", "test")
COURSE_SEED = 42
SIZES = {"train": 25_626, "dev": 3_203, "test": 3_204}
REFERENCES = {
    "bigram": (2.4548, 2.4533, 2.4584),
    "trigram, one dot": (2.0966, 2.1187, 2.1234),
    "trigram, two dots": (2.2156, 2.2365, 2.2373),
}
Losses = dict[str, float]
"""By part."""


def measure(lab: Lab) -> None:
    words = lab.corpus("names").lines()
    vocabulary = Vocabulary.of_lines(words)
    lab.run.text(
        "How good are bigram and trigram on names that they have **not** seen? The names are shuffled with the "
        f"course's seed, {COURSE_SEED}, and split 80/10/10; train alone is counted, with +1."
    )
    split = split_lines(words, COURSE_SEED)
    for part in PARTS:
        lab.run.figure(f"{part}: names", len(_words(split, part)), reference=SIZES[part], source="lecture 2")
    losses = {kind: _losses(kind, split, vocabulary) for kind in KINDS}
    _tell_losses(lab, losses)
    others = _other_splits(lab, words, vocabulary)
    _draw_gaps(lab, losses, others)
    _tell_leaks(lab, split, vocabulary)
    bigram, trigram = losses[BIGRAM], losses[TRIGRAM]
    dev = _of_dev(others)
    lab.run.text(
        f"**Answer.** On dev the trigram has {trigram['dev']:.4f}, the bigram {bigram['dev']:.4f}: on unseen names "
        f"it is {'still better' if trigram['dev'] < bigram['dev'] else 'worse'}, by "
        f"{abs(bigram['dev'] - trigram['dev']):.3f} nats. It knows the names of train better than others: dev costs "
        f"it {trigram['dev'] - trigram['train']:+.4f}, and {mean(dev[TRIGRAM]):+.4f} on average over other splits, "
        f"above 0 in {_above(dev[TRIGRAM])}. For the bigram that is {bigram['dev'] - bigram['train']:+.4f}, on "
        f"average {mean(dev[BIGRAM]):+.4f}, and above 0 in {_above(dev[BIGRAM])}: a single split says little about "
        "so small a gap."
    )


def _words(split: Split, part: str) -> list[str]:
    words: list[str] = getattr(split, part)
    return words


def _losses(kind: Kind, split: Split, vocabulary: Vocabulary, *, k: float = 1) -> Losses:
    """Counted on train; the loss on each part."""
    model = NgramModel.fit(*kind.examples(split.train, vocabulary), len(vocabulary), k=k)
    return {part: evaluate(model, *kind.examples(_words(split, part), vocabulary)) for part in PARTS}


def _tell_losses(lab: Lab, losses: dict[Kind, Losses]) -> None:
    rows = [[kind.name, *(losses[kind][part] for part in PARTS)] for kind in losses]
    lab.run.table("Loss with +1, in nats per character", ["model", *PARTS], rows)
    for kind, references in REFERENCES.items():
        found = next(each for each in losses if each.name == kind)
        for part, reference in zip(PARTS, references, strict=True):
            lab.run.figure(
                f"{kind}: {part}",
                losses[found][part],
                unit="nats",
                reference=reference,
                source="lecture 2",
                tolerance=5e-5,
            )


def _other_splits(lab: Lab, words: Sequence[str], vocabulary: Vocabulary) -> dict[Kind, list[Losses]]:
    """The gap from train to each part, split after split: what of it is the models', and what is luck."""
    seeds = range(lab.seed + 1, lab.seed + 1 + (8 if lab.quick else 60))
    gaps: dict[Kind, list[Losses]] = {kind: [] for kind in KINDS}
    for seed in lab.track(seeds, "other splits"):
        split = split_lines(words, seed)
        for kind in KINDS:
            losses = _losses(kind, split, vocabulary)
            gaps[kind].append({part: losses[part] - losses["train"] for part in PARTS})
            lab.run.log(seed=seed, model=kind.name, **losses)
    lab.run.table(
        f"Dev loss above train over {len(seeds)} other splits, in nats",
        ["model", "mean", "standard deviation", "splits where it is above"],
        [[kind.name, mean(dev), stdev(dev), _above(dev)] for kind, dev in _of_dev(gaps).items()],
    )
    return gaps


def _of_dev(gaps: dict[Kind, list[Losses]]) -> dict[Kind, list[float]]:
    return {kind: [gap["dev"] for gap in gaps[kind]] for kind in gaps}


def _above(gaps: Sequence[float]) -> str:
    return f"{sum(gap > 0 for gap in gaps)} of {len(gaps)}"


def _draw_gaps(lab: Lab, losses: dict[Kind, Losses], others: dict[Kind, list[Losses]]) -> None:
    bars = [
        go.Bar(
            name=part,
            x=[kind.name for kind in KINDS],
            y=[losses[kind][part] - losses[kind]["train"] for kind in KINDS],
            error_y={
                "type": "data",
                "array": [stdev(gap[part] for gap in others[kind]) for kind in KINDS],
                "thickness": 1.5,
            },
            hovertemplate="%{x}: %{y:+.4f} nats",
        )
        for part in ("dev", "test")
    ]
    figure = go.Figure(bars)
    figure.update_layout(barmode="group", height=360)
    figure.update_yaxes(title="loss above train (nats)")
    lab.run.plot(
        "How much worse on unseen names",
        figure,
        f"The split of seed {COURSE_SEED}. The whiskers are one standard deviation over other splits.",
    )


def _tell_leaks(lab: Lab, split: Split, vocabulary: Vocabulary) -> None:
    """What goes wrong without smoothing, and what a leak would have shown."""
    contexts, targets = TRIGRAM.examples(split.dev, vocabulary)
    model = NgramModel.fit(*TRIGRAM.examples(split.train, vocabulary), len(vocabulary))
    unseen = int((model.log_probs(contexts).gather(1, targets[:, None]) == -inf).sum())
    loss = evaluate(model, contexts, targets)
    leaked = Split(train=split.train + split.dev + split.test, dev=split.dev, test=split.test)
    clean, leaky = (_losses(TRIGRAM, each, vocabulary)["dev"] for each in (split, leaked))
    lab.run.text(
        f"Why +1: {unseen} of dev's {len(targets):,} trigrams never occur in train. Unsmoothed, their probability is "
        f"0, and the trigram's loss on dev is {'infinite' if loss == inf else f'{loss:.4f}'}. And why train alone "
        f"may be counted: with dev and test counted too, dev would seem to cost {leaky:.4f} instead of {clean:.4f}."
    )
    lab.run.figure("trigrams of dev that train never showed", unseen, unit="examples")
    lab.run.figure("trigram, two dots: dev, counted as well (a leak)", leaky, unit="nats")
