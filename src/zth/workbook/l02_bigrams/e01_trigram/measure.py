"""2.1: is the trigram better than the bigram, and is the comparison fair?

Letters: N examples, V characters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import plotly.graph_objects as go
import torch
from torch import Tensor

from zth.data.vocab import Vocabulary
from zth.models import Descent, LanguageModel, NeuralNgramModel, NgramModel, evaluate
from zth.runs import Figure
from zth.sample import sample
from zth.workbook.l02_bigrams.kinds import BIGRAM, KINDS, TRIGRAM, Kind
from zth.workbook.measure import Lab

LAST_POSITION = 10
"""The letter up to which positions are shown one by one; few names are longer."""


@dataclass(frozen=True, kw_only=True)
class Counted:
    """An n-gram model, the examples that it was counted on, and its losses on them."""

    kind: Kind
    contexts: Tensor
    targets: Tensor
    model: NgramModel
    loss: float
    loss_with_one: float


def measure(lab: Lab) -> None:
    words = lab.corpus("names").lines()
    vocabulary = Vocabulary.of_lines(words)
    lab.run.text(
        "Does a second character of context make the guess of the next one better, and **is the comparison fair**? "
        f"All {len(words):,} names are counted, and the model is judged on the same names, as in the lecture."
    )
    counted = {kind: _count(kind, words, vocabulary) for kind in KINDS}
    bigram, true_trigram, trigram = counted.values()
    _tell_losses(lab, bigram, true_trigram, trigram)
    _compare_by_position(lab, words, bigram, true_trigram, trigram)
    _draw_counts(lab, vocabulary, bigram)
    nets = _train_nets(lab, bigram, trigram)
    counts = {"bigram": bigram.model, "trigram": trigram.model}
    _tell_samples(lab, vocabulary, {**counts, **{f"{name} net": net for name, net in nets.items()}})
    gain = bigram.loss_with_one - trigram.loss_with_one
    lab.run.text(
        f"**Answer.** Held to the same {len(bigram.targets):,} characters, the trigram is "
        f"{'better' if gain > 0 else 'worse'} by {abs(gain):.3f} nats a character (with +1). Against the "
        f"{true_trigram.loss_with_one:.3f} of one dot it would look like "
        f"{bigram.loss_with_one - true_trigram.loss_with_one:.3f}, which is not a fair comparison: different "
        "characters are guessed. One thing is still unfair: each model is judged on the names that it counted, and "
        "the trigram has 27 times as many numbers to remember them with. See 2.2."
    )


def _count(kind: Kind, words: Sequence[str], vocabulary: Vocabulary) -> Counted:
    contexts, targets = kind.examples(words, vocabulary)
    model = NgramModel.fit(contexts, targets, len(vocabulary))
    return Counted(
        kind=kind,
        contexts=contexts,
        targets=targets,
        model=model,
        loss=evaluate(model, contexts, targets),
        loss_with_one=evaluate(model.with_k(1), contexts, targets),
    )


def _tell_losses(lab: Lab, bigram: Counted, true_trigram: Counted, trigram: Counted) -> None:
    targets, vocab_size = bigram.targets, bigram.model.vocab_size
    unigram = evaluate(NgramModel.fit(bigram.contexts[:, :0], targets, vocab_size), bigram.contexts, targets)
    uniform = log(vocab_size)
    rows = [[each.kind.name, len(each.targets), each.loss, each.loss_with_one] for each in (bigram, trigram)]
    rows.append([true_trigram.kind.name, len(true_trigram.targets), true_trigram.loss, true_trigram.loss_with_one])
    lab.run.table(
        "Loss on the names that were counted, in nats per character",
        ["model", "characters predicted", "unsmoothed", "+1"],
        [["uniform", len(targets), uniform, None], ["unigram", len(targets), unigram, None], *rows],
    )
    _figure(lab, "uniform", uniform, 3.295837)
    _figure(lab, "unigram", unigram, 2.822726)
    references = [(228_146, 2.454014, 2.454577), (196_113, 2.061862, 2.093080), (228_146, 2.185743, 2.212582)]
    for each, (n, loss, loss_with_one) in zip((bigram, true_trigram, trigram), references, strict=True):
        name = each.kind.name
        lab.run.figure(f"{name}: characters predicted", len(each.targets), reference=n, source="lecture 2")
        _figure(lab, f"{name}: unsmoothed", each.loss, loss)
        _figure(lab, f"{name}: +1", each.loss_with_one, loss_with_one)


def _compare_by_position(
    lab: Lab, words: Sequence[str], bigram: Counted, true_trigram: Counted, trigram: Counted
) -> None:
    """The first letters are what one dot leaves out: show what they cost, and what is left without them."""
    position = torch.tensor([place for word in words for place in range(1, len(word) + 2)])
    losses = {each: _losses(each.model, each.contexts, each.targets) for each in (bigram, trigram)}
    first = position == 1
    at_first = losses[trigram][first].mean().item()
    others = {each: losses[each][~first].mean().item() for each in losses}
    lab.run.text(
        "With one dot in front the trigram's loss is lower because nothing predicts the first letters, and those are "
        f"the hardest: {at_first:.3f} nats each, for the bigram just as for the trigram, since both see dots alone. "
        "Leave the first letters out for all, and the comparison is fair again: the bigram has "
        f"{others[bigram]:.4f}, the trigram {others[trigram]:.4f} with two dots and {true_trigram.loss:.4f} with "
        "one: the same counts, asked for the same characters."
    )
    lab.run.figure("first letters", at_first, unit="nats")
    lab.run.figure("all but first letters: bigram", others[bigram], unit="nats")
    lab.run.figure("all but first letters: trigram", others[trigram], unit="nats")
    places = torch.arange(1, LAST_POSITION + 1)
    bars = [
        go.Bar(
            name=each.kind.name.partition(",")[0],
            x=places.tolist(),
            y=[losses[each][position == place].mean().item() for place in places],
            hovertemplate="character %{x}: %{y:.3f} nats",
        )
        for each in (bigram, trigram)
    ]
    figure = go.Figure(bars)
    figure.update_layout(barmode="group", height=360)
    figure.update_xaxes(title="which character of the name is predicted (1: the first letter)", dtick=1)
    figure.update_yaxes(title="mean loss (nats)", rangemode="tozero")
    lab.run.plot(
        "Where the second character of context helps",
        figure,
        "Unsmoothed counts. Nothing is gained at the first letter, which both guess from dots alone.",
    )


def _draw_counts(lab: Lab, vocabulary: Vocabulary, bigram: Counted) -> None:
    """The lecture's N, on a logarithmic scale: on a plain one a handful of cells outshine the rest."""
    N = bigram.model.counts.table()
    characters = list(vocabulary.characters)
    ticks = [0, 1, 2, 3]
    figure = go.Figure(
        go.Heatmap(
            z=(N + 1).log10().tolist(),
            x=characters,
            y=characters,
            customdata=N.tolist(),
            hovertemplate="%{y}%{x}: %{customdata:,} times<extra></extra>",
            colorbar={"title": "times", "tickvals": ticks, "ticktext": [f"{10**tick:,}" for tick in ticks]},
        )
    )
    figure.update_layout(height=560)
    figure.update_xaxes(title="next character", dtick=1, tickangle=0, tickfont={"size": 11}, showgrid=False)
    figure.update_yaxes(title="character", dtick=1, autorange="reversed", tickfont={"size": 11}, showgrid=False)
    first, second = (characters[i] for i in divmod(int(N.argmax()), len(characters)))
    lab.run.plot(
        "How often each character follows each",
        figure,
        f"The dot starts and ends a name. Most frequent: {first}{second}, {N.max().item():,} times; "
        f"{(N == 0).sum().item()} of the {N.numel()} pairs never occur.",
    )


def _train_nets(lab: Lab, bigram: Counted, trigram: Counted) -> dict[str, NeuralNgramModel]:
    """The same models by gradient descent, from random weights."""
    steps = {BIGRAM: 2_000, TRIGRAM: 5_000} if lab.quick else {BIGRAM: 20_000, TRIGRAM: 50_000}
    figure, nets, told = go.Figure(), {}, []
    for each in (bigram, trigram):
        net, curve = _train(lab, each, steps[each.kind])
        name = each.kind.name.partition(",")[0]
        nets[name] = net
        loss = evaluate(net, each.contexts, each.targets)
        lab.run.figure(f"{name} net, after {steps[each.kind]:,} steps", loss, unit="nats")
        told.append(
            f"the {name} net is {loss - each.loss:.4f} nats above its counts after {steps[each.kind]:,} steps"
        )
        shown = _spread_out(len(curve))
        for step in shown:
            lab.run.log(model=name, step=step, loss=curve[step - 1])
        style = {"color": each.kind.colour}
        figure.add_scatter(
            name=f"{name} net", x=shown, y=[curve[step - 1] for step in shown], mode="lines", line=style
        )
        figure.add_scatter(
            name=f"{name} counts",
            x=[1, max(steps.values())],
            y=[each.loss, each.loss],
            mode="lines",
            line={**style, "dash": "dot"},
        )
    figure.update_layout(height=380)
    figure.update_xaxes(title="step of gradient descent", type="log", dtick=1)
    figure.update_yaxes(title="loss on all names (nats)")
    lab.run.plot(
        "The nets approach their counts",
        figure,
        "Full batch, rate 50, W from a normal distribution. Dotted: the unsmoothed counts, the least possible.",
    )
    lab.run.text(
        f"The nets come near the counts from above: {', and '.join(told)}. A row of W learns only from the names "
        "that hold its context, and a rare context moves it little at each step; the trigram has many of those."
    )
    return nets


def _train(lab: Lab, counted: Counted, steps: int) -> tuple[NeuralNgramModel, list[float]]:
    """The net, and the loss before each step."""
    curve: list[float] = []

    def on_step(step: int, loss: float) -> None:
        curve.append(loss)
        if step % 50 == 0:
            lab.show(f"{counted.kind.name} net", step, steps)

    descent = Descent(steps=steps, seed=lab.seed)
    vocab_size = counted.model.vocab_size
    net = NeuralNgramModel.fit(counted.contexts, counted.targets, vocab_size, descent=descent, on_step=on_step)
    return net, curve


def _tell_samples(lab: Lab, vocabulary: Vocabulary, models: Mapping[str, LanguageModel]) -> None:
    drawn = [sample(model, vocabulary, n=10, seed=lab.seed) for model in models.values()]
    lab.run.table("Ten names from each, unsmoothed", list(models), [list(row) for row in zip(*drawn, strict=True)])
    lab.run.text("All draw with the same random numbers: where two models agree, their names begin alike.")


def _losses(model: NgramModel, contexts: Tensor, targets: Tensor) -> Tensor:
    """(N, T) contexts, (N,) targets -> (N,) what each prediction costs."""
    return -model.log_probs(contexts).gather(1, targets[:, None])[:, 0]


def _figure(lab: Lab, name: str, value: float, reference: float) -> Figure:
    return lab.run.figure(name, value, unit="nats", reference=reference, source="lecture 2", tolerance=5e-7)


def _spread_out(n: int) -> list[int]:
    """Steps 1 .. n, about thirty to a factor of ten: all that a logarithmic axis can show."""
    return sorted({min(n, round(10 ** (i / 30))) for i in range(30 * len(str(n)) + 1)})
