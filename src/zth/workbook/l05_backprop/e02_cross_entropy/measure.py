"""5.2: the one expression against the long way and autograd: how far apart, who is nearer to the truth, how fast.

Letters: n examples, V characters.
"""

from __future__ import annotations

from statistics import mean

import plotly.graph_objects as go
import torch
import torch.nn.functional as F
from torch import Tensor

from zth.backprop import atoms, fused
from zth.backprop.atoms import Intermediates, Parameters
from zth.seeds import stream
from zth.workbook.l02_bigrams.costs import Work, one_thread, peak_bytes, seconds
from zth.workbook.l05_backprop.differences import BATCH, batch, compare
from zth.workbook.measure import Lab
from zth.workbook.names import parts

STEP = 2.0**-29
"""How far apart two neighbours in float32 are just below 1/32, the largest that an entry can be with 32 examples."""
KB = 1e3

GRAPH, LONG, FUSED, BUILT_IN = "autograd, spelled out", "eight steps", "one expression", "autograd, F.cross_entropy"
WAYS = (GRAPH, LONG, FUSED, BUILT_IN)
ORANGE, GREY, BLUE = "#e8710a", "#808080", "#4c8bf5"


def measure(lab: Lab) -> None:
    lab.corpus("names")
    lab.run.text(
        "From the loss back to the logits autograd walks the way of 5.1, step by step. On paper the steps collapse: "
        "`dlogits = (softmax(logits) - one_hot(yb)) / n`. **How far apart are the two, which one is right where they "
        "differ, and what does the short way save?** The net is lecture 5's, untrained, on batches of 32 examples."
    )
    with one_thread():
        nearer = _compare(lab)
        _show(lab)
    share = _time(lab)
    lab.run.text(
        f"**Answer.** In float32 they differ in the last digit or two, and it is the long way that is off: the one "
        f"expression is {nearer:.1f} times as near to the truth. From the logits it takes {100 * share:.0f} % of the "
        "time that autograd needs for the spelled out loss. What cancels on paper is neither computed nor rounded."
    )


def long_way(logits: Tensor, yb: Tensor) -> Tensor:
    """Forward from the logits as in `atoms.forward`, and back by 5.1's eight functions."""
    norm_logits = logits - logits.max(1, keepdim=True).values
    counts = norm_logits.exp()
    counts_sum = counts.sum(1, keepdim=True)
    counts_sum_inv = counts_sum**-1
    probs = counts * counts_sum_inv
    dprobs = atoms.dprobs(atoms.dlogprobs(probs.log(), yb), probs)
    dcounts_sum = atoms.dcounts_sum(atoms.dcounts_sum_inv(dprobs, counts), counts_sum)
    dnorm_logits = atoms.dnorm_logits(atoms.dcounts(dprobs, counts_sum_inv, dcounts_sum), counts)
    return atoms.dlogits(dnorm_logits, atoms.dlogit_maxes(dnorm_logits), logits)


def spelled_out(logits: Tensor, yb: Tensor) -> Tensor:
    """The lecture's loss as in `atoms.forward`, for autograd."""
    norm_logits = logits - logits.max(1, keepdim=True).values
    counts = norm_logits.exp()
    logprobs = (counts * counts.sum(1, keepdim=True) ** -1).log()
    return -logprobs[torch.arange(len(yb)), yb].mean()


def by_built_in(logits: Tensor, yb: Tensor) -> Tensor:
    """What autograd makes of F.cross_entropy."""
    leaf = logits.detach().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(leaf, yb), leaf)[0]


def _gradients(t: Intermediates) -> tuple[dict[str, Tensor], Tensor]:
    """dlogits each way; the truth, in float64 from the same logits."""
    (by_graph,) = torch.autograd.grad(t.loss, t.logits)
    by_function = by_built_in(t.logits, t.yb)
    with torch.no_grad():
        long, short = long_way(t.logits, t.yb), fused.dlogits(t.logits, t.yb)
    truth = fused.dlogits(t.logits.detach().double(), t.yb)
    return {GRAPH: by_graph, LONG: long, FUSED: short, BUILT_IN: by_function}, truth


def _compare(lab: Lab) -> float:
    """Each batch's largest difference from autograd, and in float32 from the truth; -> long way's error / fused's."""
    apart = compare(lab, "dlogits", _gradients, ours=FUSED, reference=5e-9, tolerance=2 * STEP)
    lab.run.text(
        "The truth is the one expression in float64, at the logits that float32 had. An entry of dlogits is at most "
        f"1/32, and there float32's numbers are {STEP:.1e} apart: the lecture's 5e-9 are two or three such steps."
    )
    ratio = mean(apart.truth[LONG]) / mean(apart.truth[FUSED])
    lab.run.figure("error of the eight steps / of the one expression", ratio, unit="x", better="higher")
    return ratio


def _show(lab: Lab) -> None:
    """The lecture's picture of dlogits: who is pulled, who is pushed."""
    t = batch(Parameters.draw(stream(lab.seed, "init")), stream(lab.seed, "batches"))
    forces = (BATCH * fused.dlogits(t.logits, t.yb)).detach()  # in units of 1/n: a probability, minus 1 at the target
    lab.run.figure("largest sum of a row of n * dlogits", forces.sum(1).abs().max().item())
    characters = parts(3).vocabulary.characters
    asked = [parts(3).vocabulary.decode(context) for context in t.xb.tolist()]
    came = [characters[y] for y in t.yb.tolist()]
    top = forces.max().item()
    figure = go.Figure(
        go.Heatmap(
            z=forces.tolist(),
            x=list(characters),
            y=[f"{i + 1}: {context} → {y}" for i, (context, y) in enumerate(zip(asked, came, strict=True))],
            zmin=-top,
            zmax=top,
            colorscale=[[0, ORANGE], [0.5, GREY], [1, BLUE]],
            hovertemplate="%{y}: %{x} %{z:.3f}<extra></extra>",
            colorbar={"title": "n · dlogits", "tickvals": [-top, 0, top], "ticktext": ["below 0", "0", f"{top:.2f}"]},
        )
    )
    figure.update_layout(height=640)
    figure.update_xaxes(title="logit", dtick=1, tickangle=0, tickfont={"size": 11}, showgrid=False)
    figure.update_yaxes(autorange="reversed", dtick=1, tickfont={"size": 10}, showgrid=False)
    certain = forces.min(1).values.max().item() + 1
    lab.run.plot(
        "The gradient at the logits of 32 examples",
        figure,
        "Each row is an example. Going down the gradient, the character that came (orange) is pulled up, all others "
        "(blue) are pushed down, each by the probability that it was given; a row sums to 0. The target's pull is 1 "
        f"minus its own probability, which here is at most {certain:.2f}: the net has learnt nothing yet.",
    )


def _time(lab: Lab) -> float:
    """From logits to dlogits, each way, for more and more characters; -> the time of FUSED / GRAPH in the lecture."""
    shapes = [(32, 27), (32, 1_000)] if lab.quick else [(32, 27), (1_024, 27), (32, 1_000), (32, 50_257)]
    rows, shares = [], []
    for n, V in lab.track(shapes, "shapes"):
        g = stream(lab.seed, "times")
        logits, yb = torch.randn(n, V, generator=g), torch.randint(V, (n,), generator=g)
        ways = _ways_from_logits(logits, yb)
        taken = seconds(ways, rounds=100 if n * V < 100_000 else 10)
        shares.append(taken[FUSED] / taken[GRAPH])
        for way, work in ways.items():
            rows.append([f"{n:,} × {V:,}", way, 1e6 * taken[way], taken[way] / taken[FUSED], peak_bytes(work) / KB])
        lab.run.log(n=n, V=V, **taken)
    lab.run.table(
        "From the logits to dlogits, float32, one thread: median time, and memory at its highest",
        ["logits", "way", "time (µs)", "times the one expression's", "memory (kB)"],
        rows,
    )
    lab.run.figure("time: autograd, spelled out / one expression", 1 / shares[0], unit="x", better="higher")
    return shares[0]


def _ways_from_logits(logits: Tensor, yb: Tensor) -> dict[str, Work]:
    """All but the last have to go forward to the loss first; the softmax is all that the last needs."""

    def by_graph() -> Tensor:
        leaf = logits.detach().requires_grad_()
        return torch.autograd.grad(spelled_out(leaf, yb), leaf)[0]

    return {
        GRAPH: by_graph,
        LONG: lambda: long_way(logits, yb),
        BUILT_IN: lambda: by_built_in(logits, yb),
        FUSED: lambda: fused.dlogits(logits, yb),
    }
