"""2.4: are loss and gradient the same without one-hot, and how much time and memory does it save?

Letters: N examples, R rows of W, V characters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
import torch
import torch.nn.functional as F
from torch import Tensor

from zth.compare import largest_difference
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.models.neural_ngram import example_gradient, index_logits, one_hot_logits, table_gradient
from zth.models.ngram import Counts, ngram_keys
from zth.seeds import stream
from zth.workbook.l02_bigrams.costs import Work, one_thread, peak_bytes, seconds
from zth.workbook.l02_bigrams.e04_no_one_hot.solution import gradient
from zth.workbook.measure import Lab

ONE_HOT, MADE_ONCE, INDEX, BY_HAND = "one-hot", "one-hot, made once", "index", "index, by hand"
COLOURS = {ONE_HOT: "#e0812f", MADE_ONCE: "#b8871b", INDEX: "#6574dc", BY_HAND: "#2aa18f"}
LONGEST = 3
"""Characters of context in the largest net: 27**3 = 19,683 rows."""
MB = 1e6


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A net and its examples."""

    W: Tensor
    contexts: Tensor
    ys: Tensor

    def ways(self) -> dict[str, Work]:
        """Each way to the loss and dW (BY_HAND: dW alone)."""
        W, contexts, ys = self.W, self.contexts, self.ys
        xs = ngram_keys(contexts, W.shape[1])
        xenc = F.one_hot(xs, len(W)).to(W.dtype)
        return {
            ONE_HOT: lambda: example_gradient(W, contexts, ys, logits_of=one_hot_logits),
            MADE_ONCE: lambda: example_gradient(W, contexts, ys, logits_of=lambda leaf, _: xenc @ leaf),
            INDEX: lambda: example_gradient(W, contexts, ys, logits_of=index_logits),
            BY_HAND: lambda: gradient(W, xs, ys),
        }


def measure(lab: Lab) -> None:
    words = lab.corpus("names").lines()
    vocabulary = Vocabulary.of_lines(words)
    lab.run.text(
        "A one-hot row times `W` is a row of `W`. Does the net that **indexes** its rows have the same loss and the "
        "same gradient, and how much time and memory does it save? One step is the forward and the backward pass, in "
        "float32, on one thread."
    )
    contexts, ys = windows(words, vocabulary, 1)
    with one_thread():
        _compare_results(lab, contexts, ys, len(vocabulary))
    by_examples = _vary_examples(lab, contexts, ys, len(vocabulary))
    by_rows = _vary_rows(lab, words, vocabulary)
    lab.run.text(
        f"**Answer.** {_told(by_examples)} {_told(by_rows)} A one-hot row grows with `W`; a number that says which "
        "row stays one number. That is why a net with a large vocabulary begins with a table that is looked up, an "
        "embedding."
    )


def _compare_results(lab: Lab, contexts: Tensor, ys: Tensor, vocab_size: int) -> None:
    """The same W, all names: four ways to one loss and one gradient."""
    counts = Counts.of(contexts, ys, vocab_size).table()
    ways: dict[str, Callable[[Tensor], tuple[Tensor | None, Tensor]]] = {
        "xenc @ W": lambda W: example_gradient(W, contexts, ys, logits_of=one_hot_logits),
        "W[xs]": lambda W: example_gradient(W, contexts, ys, logits_of=index_logits),
        "W[xs], dW by hand": lambda W: (None, gradient(W, contexts[:, 0], ys)),
        "the table of counts": lambda W: table_gradient(W, counts.to(W.dtype)),
    }
    W = torch.randn(vocab_size, vocab_size, generator=stream(lab.seed, "init"))
    loss, dW = example_gradient(W.double(), contexts, ys, logits_of=one_hot_logits)
    rows, errors = [], {}
    for name, way in ways.items():
        found, exact = way(W.double())
        apart, errors[name] = largest_difference(exact, dW), largest_difference(way(W)[1], dW)
        rows.append([name, None if found is None else found.item(), f"{apart:.1g}", f"{errors[name]:.1g}"])
        if name != "xenc @ W":
            lab.run.figure(f"{name}: dW apart from one-hot's", apart, reference=0, source="float64", tolerance=1e-12)
    title = f"One random W, all {len(ys):,} bigrams: loss {loss.item():.6f}, gradients up to {dW.abs().max():.2g}"
    lab.run.table(title, ["way", "loss (nats)", "error of dW in float64", "error of dW in float32"], rows)
    if errors["W[xs]"] > 3 * errors["xenc @ W"]:
        lab.run.text(
            f"In float32 the gradient by index is {errors['W[xs]'] / errors['xenc @ W']:.0f} times less exact. The "
            f"most used row is a sum of {counts.sum(1).max().item():,} small numbers: added one by one they lose "
            "digits that a matrix product, which adds in blocks, keeps. Smaller batches suffer less."
        )
    trained = (counts + 1).log()  # the net at its end: softmax of these rows is what counting with +1 gives
    for name, logits_of in (("xenc @ W", one_hot_logits), ("W[xs]", index_logits)):
        value = F.cross_entropy(logits_of(trained, contexts), ys).item()
        source = "lecture 2, counted with +1"
        name = f"{name}: loss at W = log(N + 1)"
        lab.run.figure(name, value, unit="nats", reference=2.454577, source=source, tolerance=5e-7)


def _vary_examples(lab: Lab, contexts: Tensor, ys: Tensor, vocab_size: int) -> list[Cost]:
    """The bigram's W, more and more examples."""
    sizes = [1_000, 10_000, 100_000, len(ys)] if lab.quick else [1_000, 3_000, 10_000, 30_000, 100_000, len(ys)]
    W = torch.randn(vocab_size, vocab_size, generator=stream(lab.seed, "init"))
    settings = [Setting(W=W, contexts=contexts[:n], ys=ys[:n]) for n in sizes]
    costs = [_cost(lab, setting) for setting in lab.track(settings, "batch sizes")]
    lab.run.table(
        f"One step against the number of examples; W has {vocab_size} rows",
        ["examples", *(f"{way} (ms)" for way in COLOURS), f"{ONE_HOT} (MB)", f"{INDEX} (MB)"],
        [[cost.n, *(1e3 * cost.seconds[way] for way in COLOURS), *_megabytes(cost)] for cost in costs],
    )
    figure = _figure(sizes, {way: [1e3 * cost.seconds[way] for cost in costs] for way in COLOURS})
    figure.update_xaxes(title="examples")
    figure.update_yaxes(title="time of a step (ms)")
    lab.run.plot(
        f"Time of a step against the examples, W of {vocab_size} rows",
        figure,
        "“Made once” leaves out the making of the one-hot rows, as in a program that keeps them; “by hand” is this "
        "exercise's gradient, without autograd and without the loss.",
    )
    _tell_savings(lab, costs[-1])
    return costs


def _vary_rows(lab: Lab, words: Sequence[str], vocabulary: Vocabulary) -> list[Cost]:
    """More and more characters of context, and so more and more rows in W."""
    n = 1_000 if lab.quick else 2_000
    settings = []
    for length in range(1, LONGEST + 1):
        contexts, ys = windows(words[:n], vocabulary, length)
        W = torch.randn(len(vocabulary) ** length, len(vocabulary), generator=stream(lab.seed, "init"))
        settings.append(Setting(W=W, contexts=contexts[:n], ys=ys[:n]))
    costs = [_cost(lab, setting) for setting in lab.track(settings, "rows of W")]
    lab.run.table(
        f"One step against the rows of W; {n:,} examples",
        [
            "rows of W",
            f"{ONE_HOT} (ms)",
            f"{INDEX} (ms)",
            f"{ONE_HOT} (MB)",
            f"{INDEX} (MB)",
            "one-hot rows alone (MB)",
        ],
        [
            [
                cost.n_rows,
                1e3 * cost.seconds[ONE_HOT],
                1e3 * cost.seconds[INDEX],
                *_megabytes(cost),
                cost.one_hot / MB,
            ]
            for cost in costs
        ],
    )
    sizes = [cost.n_rows for cost in costs]
    for what, ways, y_title in (
        ("Time", {way: [1e3 * cost.seconds[way] for cost in costs] for way in COLOURS}, "time of a step (ms)"),
        ("Memory", {way: [cost.peak[way] / MB for cost in costs] for way in (ONE_HOT, INDEX)}, "at its highest (MB)"),
    ):
        figure = _figure(sizes, ways)
        figure.update_xaxes(title="rows of W", type="log", tickvals=sizes, ticktext=[f"{rows:,}" for rows in sizes])
        figure.update_yaxes(title=y_title, type="log", dtick=1)
        caption = "One, two and three characters of context. Both axes are logarithmic."
        lab.run.plot(f"{what} of a step against the rows of W, {n:,} examples", figure, caption)
    _tell_savings(lab, costs[-1])
    return costs


def _figure(x: Sequence[int], lines: Mapping[str, Sequence[float]]) -> go.Figure:
    """A line for each way, in its colour."""
    figure = go.Figure()
    for way, y in lines.items():
        figure.add_scatter(name=way, x=list(x), y=list(y), mode="lines+markers", line={"color": COLOURS[way]})
    figure.update_layout(height=380)
    return figure


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a step costs each way."""

    n: int
    n_rows: int
    seconds: dict[str, float]
    peak: dict[str, int]
    """Bytes, of ONE_HOT and INDEX."""

    @property
    def one_hot(self) -> int:
        """Bytes of the one-hot rows: int64 as F.one_hot makes them, then float32 for the product."""
        return self.n * self.n_rows * (8 + 4)


def _cost(lab: Lab, setting: Setting) -> Cost:
    ways = setting.ways()
    n, n_rows = len(setting.ys), len(setting.W)
    cost = Cost(
        n=n,
        n_rows=n_rows,
        seconds=seconds(ways, rounds=3 if lab.quick else 15),
        peak={way: peak_bytes(ways[way]) for way in (ONE_HOT, INDEX)},
    )
    for way, taken in cost.seconds.items():
        lab.run.log(examples=n, rows=n_rows, way=way, seconds=taken, peak_bytes=cost.peak.get(way, 0))
    return cost


def _tell_savings(lab: Lab, cost: Cost) -> None:
    what = f"{cost.n:,} examples, {cost.n_rows:,} rows"
    lab.run.figure(f"time: one-hot / index, {what}", _faster(cost), unit="x", better="higher")
    lab.run.figure(f"memory: one-hot / index, {what}", _smaller(cost), unit="x", better="higher")


def _told(costs: Sequence[Cost]) -> str:
    """The last, largest setting in a sentence."""
    cost = costs[-1]
    return (
        f"With {cost.n_rows:,} rows in `W` and {cost.n:,} examples, a step by one-hot takes {_times(_faster(cost))} "
        f"the time of a step by index ({_times(cost.seconds[MADE_ONCE] / cost.seconds[INDEX])} if the one-hot rows "
        f"are made once and kept), and {_times(_smaller(cost))} its memory."
    )


def _times(ratio: float) -> str:
    return f"{ratio:.0f} times" if ratio >= 10 else f"{ratio:.1f} times"


def _faster(cost: Cost) -> float:
    return cost.seconds[ONE_HOT] / cost.seconds[INDEX]


def _smaller(cost: Cost) -> float:
    return cost.peak[ONE_HOT] / cost.peak[INDEX]


def _megabytes(cost: Cost) -> list[float]:
    return [cost.peak[way] / MB for way in (ONE_HOT, INDEX)]
