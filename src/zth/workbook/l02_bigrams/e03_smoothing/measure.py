"""2.3: how much smoothing is best on dev, and what does test say, asked once?"""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go

from zth.data.split import split_lines
from zth.data.vocab import Vocabulary
from zth.models import NgramModel, evaluate
from zth.models.ngram import sweep
from zth.workbook.l02_bigrams.kinds import BIGRAM, KINDS, TRIGRAM, TRUE_TRIGRAM, Kind
from zth.workbook.measure import Lab

KS = [0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 2, 3, 5, 10]
REFERENCES = {
    BIGRAM: (0.3, 2.45297, 2.45796),
    TRUE_TRIGRAM: (0.2, 2.10215, 2.10727),
    TRIGRAM: (0.2, 2.22227, 2.22348),
}
"""The best k, its loss on dev, and the one loss on test."""


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """What tuning one kind of n-gram found."""

    train: dict[float, float]
    dev: dict[float, float]
    """The loss under each k."""
    test: float
    """The loss under the best k of dev, the only one that test was asked for."""

    @property
    def best(self) -> float:
        return min(self.dev, key=self.dev.__getitem__)


def measure(lab: Lab) -> None:
    words = lab.corpus("names").lines()
    vocabulary = Vocabulary.of_lines(words)
    lab.run.text(
        "The lecture adds 1 to every count. **Is 1 the best?** Train is counted, dev chooses k among "
        f"{len(KS)} values from {KS[0]:g} to {KS[-1]:g}, and then test is asked once, for that k."
    )
    split = split_lines(words)
    tuned = {}
    for kind in lab.track(KINDS, "smoothing"):
        train, dev, test = (kind.examples(part, vocabulary) for part in (split.train, split.dev, split.test))
        model = NgramModel.fit(*train, len(vocabulary))
        losses = {"train": sweep(model, KS, *train), "dev": sweep(model, KS, *dev)}
        best = min(losses["dev"], key=losses["dev"].__getitem__)
        tuned[kind] = Tuned(**losses, test=evaluate(model.with_k(best), *test))
        for k in KS:
            lab.run.log(model=kind.name, k=k, train=losses["train"][k], dev=losses["dev"][k])
    _tell(lab, tuned)
    _draw_losses(lab, tuned)
    _draw_valleys(lab, tuned)
    _answer(lab, tuned)


def _tell(lab: Lab, tuned: dict[Kind, Tuned]) -> None:
    rows = [[kind.name, each.best, each.dev[1], each.dev[each.best], each.test] for kind, each in tuned.items()]
    lab.run.table(
        "The best k, and losses in nats per character",
        ["model", "best k", "dev at k = 1", "dev at the best k", "test at the best k"],
        rows,
    )
    for kind, (k, dev, test) in REFERENCES.items():
        each = tuned[kind]
        lab.run.figure(f"{kind.name}: best k", each.best, reference=k, source="lecture 2")
        for name, value, reference in (("dev", each.dev[each.best], dev), ("test", each.test, test)):
            lab.run.figure(
                f"{kind.name}: {name} at the best k",
                value,
                unit="nats",
                reference=reference,
                source="lecture 2",
                tolerance=5e-6,
            )


def _draw_losses(lab: Lab, tuned: dict[Kind, Tuned]) -> None:
    figure = go.Figure()
    for kind, each in tuned.items():
        for part, losses, dash in (("dev", each.dev, "solid"), ("train", each.train, "dot")):
            figure.add_scatter(
                name=f"{kind.name}: {part}",
                x=KS,
                y=[losses[k] for k in KS],
                mode="lines",
                line={"color": kind.colour, "dash": dash},
                hovertemplate="k = %{x}: %{y:.4f} nats",
            )
        figure.add_scatter(
            x=[each.best],
            y=[each.dev[each.best]],
            mode="markers",
            marker={"color": kind.colour, "size": 10},
            showlegend=False,
            hovertemplate=f"{kind.name}: best k = %{{x}}<extra></extra>",
        )
    figure.update_layout(height=420)
    figure.update_xaxes(title="k, added to every count", type="log", dtick=1)
    figure.update_yaxes(title="loss (nats)")
    lab.run.plot(
        "Loss against smoothing",
        figure,
        "Dotted: on train less smoothing is always better. Solid: on dev there is a best k, marked with a dot.",
    )


def _draw_valleys(lab: Lab, tuned: dict[Kind, Tuned]) -> None:
    figure = go.Figure()
    for kind, each in tuned.items():
        lowest = each.dev[each.best]
        figure.add_scatter(
            name=kind.name,
            x=KS,
            y=[1000 * (each.dev[k] - lowest) for k in KS],
            mode="lines+markers",
            line={"color": kind.colour},
            hovertemplate="k = %{x}: %{y:.2f}",
        )
    figure.update_layout(height=360)
    figure.update_xaxes(title="k, added to every count", type="log", dtick=1)
    figure.update_yaxes(title="above the lowest dev loss (0.001 nats)", range=[-1, 30])
    lab.run.plot(
        "How much a wrong k costs on dev",
        figure,
        "The same curves near their lowest points. The bigram hardly cares.",
    )


def _answer(lab: Lab, tuned: dict[Kind, Tuned]) -> None:
    bigram, trigram = tuned[BIGRAM], tuned[TRIGRAM]
    won = {kind: each.dev[1] - each.dev[each.best] for kind, each in tuned.items()}
    lab.run.figure("bigram: gained on dev over +1", won[BIGRAM], unit="nats")
    lab.run.figure("trigram, two dots: gained on dev over +1", won[TRIGRAM], unit="nats")
    smallest = all(min(each.train, key=each.train.__getitem__) == KS[0] for each in tuned.values())
    lab.run.text(
        f"**Answer.** Dev chooses k = {bigram.best:g} for the bigram and {trigram.best:g} for the trigram. Over +1 "
        f"that gains {won[BIGRAM]:.4f} and {won[TRIGRAM]:.4f} nats on dev: k matters "
        f"{won[TRIGRAM] / won[BIGRAM]:.0f} times as much where 27 times as many cells share the same names. "
        + (f"Train would have chosen k = {KS[0]:g}, the smallest, for all three. " if smallest else "")
        + f"Test, asked once, says {bigram.test:.5f} and {trigram.test:.5f}: the trigram is ahead by "
        f"{bigram.test - trigram.test:.3f}."
    )
