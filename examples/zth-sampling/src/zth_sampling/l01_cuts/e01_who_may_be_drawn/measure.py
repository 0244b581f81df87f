"""sampling:1.1: what do the cuts do to names, and what do they cost?"""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go

from zth.data.split import split_lines
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.models import KneserNeyModel, NgramModel, evaluate
from zth.sample import sample
from zth.workbook.measure import Lab

ORDER, JUDGE_ORDER = 3, 5
PS = (1.0, 0.98, 0.95, 0.9, 0.8, 0.7, 0.5)
BLUE, ORANGE = "#6574dc", "#e0812f"


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What one p gives: the judge's loss of the names, and how many of them are different, and new."""

    p: float
    loss: float
    different: float
    new: float


def measure(lab: Lab) -> None:
    names = lab.corpus("names").lines()
    split, vocabulary = split_lines(names), Vocabulary.of_lines(names)
    writer = NgramModel.fit(*windows(split.train, vocabulary, ORDER - 1), vocab_size=len(vocabulary), k=0.2)
    judge = KneserNeyModel.fit(*windows(split.train, vocabulary, JUDGE_ORDER - 1), vocab_size=len(vocabulary))
    real = evaluate(judge, *windows(split.dev, vocabulary, JUDGE_ORDER - 1))
    n = 1_000 if lab.quick else 20_000
    lab.run.text(
        f"A trigram writes {n:,} names for each p. **How much like names are they?** A judge that looks further, "
        f"Kneser-Ney over {JUDGE_ORDER} characters, reads them: the lower its loss, the more they look like the "
        f"names that it knows. Real names that it has not seen have {real:.3f}."
    )
    found = []
    for p in lab.track(PS, "p"):
        drawn = sample(writer, vocabulary, n=n, seed=lab.seed, top_p=p, max_length=30)
        known = set(split.train)
        found.append(
            Drawn(
                p=p,
                loss=evaluate(judge, *windows(drawn, vocabulary, JUDGE_ORDER - 1)),
                different=len(set(drawn)) / n,
                new=sum(name not in known for name in drawn) / n,
            )
        )
        lab.run.log(p=p, loss=found[-1].loss, different=found[-1].different, new=found[-1].new)
    _tell(lab, found, real)


def _tell(lab: Lab, found: list[Drawn], real: float) -> None:
    lab.run.table(
        "What is cut, and what it costs",
        ["p", "judge's loss", "different", "not in train"],
        [[each.p, each.loss, f"{each.different:.0%}", f"{each.new:.0%}"] for each in found],
    )
    figure = go.Figure()
    for name, colour, values in (
        ("judge's loss", BLUE, [each.loss for each in found]),
        ("different names", ORANGE, [each.different for each in found]),
    ):
        axis = "y" if name == "judge's loss" else "y2"
        figure.add_scatter(name=name, x=[each.p for each in found], y=values, yaxis=axis, line={"color": colour})
    figure.update_layout(
        height=360,
        xaxis={"title": "p"},
        yaxis={"title": "loss (nats a character)"},
        yaxis2={"title": "share", "overlaying": "y", "side": "right", "tickformat": ".0%", "rangemode": "tozero"},
    )
    lab.run.plot("The price of a cut", figure, "From right to left: the names get likelier, and fewer.")
    whole, least = found[0], found[-1]
    lab.run.figure("judge's loss: real names, not seen", real, unit="nats")
    lab.run.figure("judge's loss: all drawn (p = 1)", whole.loss, unit="nats")
    lab.run.figure(f"judge's loss: p = {least.p}", least.loss, unit="nats")
    lab.run.figure(f"different names: p = {least.p} / p = 1", least.different / whole.different, unit="x")
