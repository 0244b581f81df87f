"""2.5: F.cross_entropy against the lecture's four lines: same result, stability, what is kept, time and memory.

Letters: N examples, V characters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
import torch
import torch.nn.functional as F
from torch import Tensor

from zth.compare import largest_difference
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.models.neural_ngram import example_gradient, index_logits, spelled_out_loss
from zth.models.ngram import Counts
from zth.seeds import stream
from zth.workbook.l02_bigrams.costs import kept_bytes, one_thread, peak_bytes, seconds
from zth.workbook.measure import Lab

Loss = Callable[[Tensor, Tensor], Tensor]
MB = 1e6
SHOWN = (5, 20, 60, 100, 1_000, 10_000)
"""Sizes of logits in the table; the plot has more."""
TICKS = (1, 10, 100, 1_000, 10_000)


def measure(lab: Lab) -> None:
    words = lab.corpus("names").lines()
    vocabulary = Vocabulary.of_lines(words)
    contexts, ys = windows(words, vocabulary, 1)
    lab.run.text(
        "The lecture spells the loss out: exp, sum, divide, log. `F.cross_entropy` gives the same number. **Why "
        "prefer it?** Three reasons are put to the test: it is stable at large logits, it makes fewer intermediate "
        "results, and it is faster."
    )
    with one_thread():
        _compare_results(lab, contexts, ys, len(vocabulary))
        survives, behind = _find_limits(lab)
        error = _grow_logits(lab, len(vocabulary), behind)
    costs = _vary_examples(lab, contexts, ys, len(vocabulary))
    spelled, fused = costs[-1][SPELLED], costs[-1][FUSED]
    lab.run.text(
        f"**Answer.** Spelled out, the loss is no number any more once a logit passes {survives:.1f}; with logits "
        f"of up to {SHOWN[-1]:,} `F.cross_entropy` was off by a relative {error:.0e} at most. For {spelled.n:,} "
        f"examples both passes take {1e3 * fused.seconds:.3g} ms instead of {1e3 * spelled.seconds:.3g}, and at most "
        f"{fused.peak / MB:.3g} MB at a time instead of {spelled.peak / MB:.3g}. Between the passes autograd keeps "
        f"{fused.n_kept} tensors instead of {spelled.n_kept}, but only one of them is large either way: "
        f"{fused.kept / MB:.3g} MB instead of {spelled.kept / MB:.3g}."
    )


def stable_loss(logits: Tensor, ys: Tensor) -> Tensor:
    """(N, V) logits, (N,) ys -> (): this exercise's answer, written out."""
    shifted = logits - logits.max(1, keepdim=True).values
    logprobs = shifted - shifted.exp().sum(1, keepdim=True).log()
    return -logprobs[torch.arange(len(ys)), ys].mean()


def softmax_then_log(logits: Tensor, ys: Tensor) -> Tensor:
    """The half-way house: a stable softmax, and then its logarithm."""
    return -F.softmax(logits, dim=1)[torch.arange(len(ys)), ys].log().mean()


SPELLED, HALF_WAY, STABLE, FUSED = (
    "spelled out",
    "stable softmax, then log",
    "shifted, spelled out",
    "F.cross_entropy",
)
WAYS: dict[str, Loss] = {
    SPELLED: spelled_out_loss,
    HALF_WAY: softmax_then_log,
    STABLE: stable_loss,
    FUSED: F.cross_entropy,
}
COLOURS = {SPELLED: "#e0812f", HALF_WAY: "#c2567a", STABLE: "#2aa18f", FUSED: "#6574dc"}
SYMBOLS = {SPELLED: "circle", HALF_WAY: "diamond", STABLE: "square", FUSED: "cross"}


def _compare_results(lab: Lab, contexts: Tensor, ys: Tensor, vocab_size: int) -> None:
    trained = (Counts.of(contexts, ys, vocab_size).table() + 1).float().log()
    W = torch.randn(vocab_size, vocab_size, generator=stream(lab.seed, "init")).double()
    _, dW = example_gradient(W, contexts, ys, loss_of=F.cross_entropy)
    for name in (SPELLED, FUSED):
        lab.run.figure(
            f"{name}: loss at W = log(N + 1)",
            WAYS[name](index_logits(trained, contexts), ys).item(),
            unit="nats",
            reference=2.454577,
            source="lecture 2, counted with +1",
            tolerance=5e-7,
        )
    _, spelled_dW = example_gradient(W, contexts, ys, loss_of=spelled_out_loss)
    apart = largest_difference(spelled_dW, dW)
    name = "random W: gradients apart"
    lab.run.figure(name, apart, reference=0, source="F.cross_entropy, float64", tolerance=1e-12)


def _find_limits(lab: Lab) -> tuple[float, float]:
    """Spelled out in float32: the largest logit that the loss survives, and how far the right one may lie behind."""
    largest = _last_finite(lambda x: spelled_out_loss(torch.tensor([[x, 0.0]]), torch.tensor([0])))
    behind = _last_finite(lambda x: spelled_out_loss(torch.tensor([[0.0, -x]]), torch.tensor([1])))
    lab.run.figure(
        "spelled out: largest logit that it survives",
        largest,
        reference=88.7228,
        source="ln 3.4028e38, float32's largest",
        tolerance=5e-5,
    )
    lab.run.figure("spelled out: how far the right logit may lie behind", behind)
    lab.run.text(
        f"Spelled out, there are two cliffs. A logit above {largest:.1f} has an exp of inf, and inf / inf is not a "
        f"number. And where the right character lies more than {behind:.1f} behind the best one, its probability is "
        "rounded to 0, and log(0) makes the loss infinite. A shift by the largest logit saves from the first cliff "
        "alone; from the second, only a logarithm that is taken on paper."
    )
    return largest, behind


def _last_finite(loss_at: Callable[[float], Tensor]) -> float:
    """The largest x in 0 .. 1000 at which the loss is finite, by bisection."""
    low, high = 0.0, 1000.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if loss_at(middle).isfinite() else (low, middle)
    return low


def _grow_logits(lab: Lab, vocab_size: int, behind: float) -> float:
    """The relative error of each way as the logits grow, against float64; -> the largest of F.cross_entropy."""
    n, per_decade = 200, 12
    generator = stream(lab.seed, "logits")
    directions = 2 * torch.rand(n, vocab_size, generator=generator) - 1
    ys = torch.randint(vocab_size, (n,), generator=generator)
    sizes = [10 ** (i / per_decade) for i in range(4 * per_decade + 1)]
    errors: dict[str, list[float]] = {name: [] for name in WAYS}
    for size in sizes:
        logits = size * directions
        truth = F.cross_entropy(logits.double(), ys).item()
        for name, loss in WAYS.items():
            errors[name].append(abs(loss(logits, ys).item() - truth) / truth)
        lab.run.log(logits=size, **{name: errors[name][-1] for name in WAYS})
    rows = [[f"{size:,}", *(_loss_text(loss(size * directions, ys)) for loss in WAYS.values())] for size in SHOWN]
    lab.run.table(f"Loss in float32 of {n} examples with random logits between -size and size", ["size", *WAYS], rows)
    lab.run.plot(
        "Error of the loss as the logits grow",
        _errors_figure(sizes, errors),
        "Against float64 on the same logits. A line that climbs to the top has become infinite, or not a number. "
        f"From a size of {behind / 2:.0f} on, the right logit can lie {behind:.0f} behind.",
    )
    for name in (STABLE, FUSED):
        lab.run.figure(f"{name}: largest relative error, logits up to {SHOWN[-1]:,}", max(errors[name]))
    return max(errors[FUSED])


def _errors_figure(sizes: Sequence[float], errors: dict[str, list[float]]) -> go.Figure:
    bottom, top = 1e-9, 1.0  # no error has no logarithm, and what is not finite no place: they go to the edges
    figure = go.Figure()
    for name, values in errors.items():
        ends = next((i + 1 for i, value in enumerate(values) if not math.isfinite(value)), len(values))
        heights = [max(value, bottom) if math.isfinite(value) else top for value in values[:ends]]
        figure.add_scatter(
            name=name,
            x=list(sizes[:ends]),
            y=heights,
            mode="lines+markers",
            line={"color": COLOURS[name]},
            marker={"symbol": SYMBOLS[name], "size": 6},
        )
    figure.update_layout(height=400)
    figure.update_xaxes(title="size of the logits", type="log", tickvals=TICKS, ticktext=[f"{x:,}" for x in TICKS])
    powers = [-9, -7, -5, -3, -1]
    figure.update_yaxes(
        title="relative error",
        type="log",
        tickvals=[*(10.0**power for power in powers), top],
        ticktext=["none", *(f"1e{power}" for power in powers[1:]), "not finite"],
    )
    return figure


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What the loss and its gradient at (N, V) logits cost."""

    n: int
    seconds: float
    peak: int
    """Bytes at the highest; the logits themselves are left out."""
    kept: int
    """Bytes that autograd keeps between the two passes."""
    n_kept: int


def _vary_examples(lab: Lab, contexts: Tensor, ys: Tensor, vocab_size: int) -> list[dict[str, Cost]]:
    sizes = [1_000, 10_000, 100_000, len(ys)] if lab.quick else [1_000, 3_000, 10_000, 30_000, 100_000, len(ys)]
    W = torch.randn(vocab_size, vocab_size, generator=stream(lab.seed, "init"))
    costs = [_costs(lab, W[contexts[:n, 0]], ys[:n]) for n in lab.track(sizes, "batch sizes")]
    lab.run.table(
        f"Loss and gradient at {sizes[-1]:,} x {vocab_size} logits ({4 * sizes[-1] * vocab_size / MB:.3g} MB)",
        ["way", "tensors kept", "kept (MB)", "memory at its highest (MB)", "time (ms)"],
        [[name, cost.n_kept, cost.kept / MB, cost.peak / MB, 1e3 * cost.seconds] for name, cost in costs[-1].items()],
    )
    figure = go.Figure()
    for name in TIMED:
        times = [1e3 * cost[name].seconds for cost in costs]
        figure.add_scatter(name=name, x=sizes, y=times, mode="lines+markers", line={"color": COLOURS[name]})
    figure.update_layout(height=380)
    figure.update_xaxes(title="examples")
    figure.update_yaxes(title="time of both passes (ms)")
    lab.run.plot("Time of the loss and its gradient", figure, "Float32, one thread; medians of runs that take turns.")
    spelled, fused = costs[-1][SPELLED], costs[-1][FUSED]
    for name, ratio in (
        ("time", spelled.seconds / fused.seconds),
        ("memory at its highest", spelled.peak / fused.peak),
        ("kept for the way back", spelled.kept / fused.kept),
    ):
        lab.run.figure(f"{name}: spelled out / F.cross_entropy", ratio, unit="x", better="higher")
    return costs


TIMED = (SPELLED, STABLE, FUSED)


def _costs(lab: Lab, logits: Tensor, ys: Tensor) -> dict[str, Cost]:
    leaf = logits.requires_grad_()
    work = {name: lambda loss=WAYS[name]: torch.autograd.grad(loss(leaf, ys), leaf) for name in TIMED}
    times = seconds(work, rounds=3 if lab.quick else 15)
    found = {}
    for name in TIMED:
        kept = kept_bytes(lambda loss=WAYS[name]: loss(leaf, ys), [leaf, ys])  # type: ignore[misc]
        found[name] = Cost(
            n=len(ys), seconds=times[name], peak=peak_bytes(work[name]), kept=sum(kept), n_kept=len(kept)
        )
        lab.run.log(
            examples=len(ys), way=name, seconds=times[name], peak_bytes=found[name].peak, kept_bytes=sum(kept)
        )
    return found


def _loss_text(loss: Tensor) -> str:
    value = loss.item()
    return "not a number" if math.isnan(value) else "infinite" if math.isinf(value) else f"{value:.6g}"
