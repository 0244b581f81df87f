"""6.2: are the convolutions' logits the tree's, and how much time does it save to compute each node once?

Letters: B texts, T ids in each, V characters; a window is as long as the net's context.
"""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go
import torch
from torch import Tensor

from zth.compare import largest_difference
from zth.models import WaveNetConfig, WaveNetModel, evaluate
from zth.models.protocol import IGNORED, evaluating
from zth.seeds import stream
from zth.train import fit
from zth.workbook.l02_bigrams.costs import Work
from zth.workbook.l06_wavenet.e02_dilated_convolutions.solution import all_positions, of_model
from zth.workbook.l06_wavenet.e02_dilated_convolutions.ways import (
    by_length,
    grow,
    lines,
    multiplications,
    seconds,
    windows_of,
)
from zth.workbook.l06_wavenet.measure import recipe
from zth.workbook.measure import Lab
from zth.workbook.names import parts

TREE, CONVOLUTION = "a tree for each window", "each node once"
COLOURS = {TREE: "#e0812f", CONVOLUTION: "#2aa18f"}


def measure(lab: Lab) -> None:
    lab.corpus("names")
    lab.run.text(
        "The tree of lecture 6 scores one window; the same weights as dilated causal convolutions score all "
        "positions of a text in one pass. Are the logits **equal**, and how much **time** does that save? Times are "
        "processor seconds of one thread."
    )
    model = _trained(lab)
    with evaluating(model):
        _compare(lab, model)
        names = _time_names(lab, model)
        lengths = _vary_length(lab, model)
    deeper = _vary_context(lab)
    lab.run.text(_answer(names, lengths, deeper))


def _trained(lab: Lab) -> WaveNetModel:
    """The lecture's last net, trained a little: its BatchNorms should have statistics of names to work with."""
    model = WaveNetModel(WaveNetConfig(), generator=stream(lab.seed, "init"))
    fit(model, parts(8).train, recipe(500 if lab.quick else 5_000), seed=lab.seed)
    return model.eval()


def _compare(lab: Lab, model: WaveNetModel) -> None:
    """All positions of all dev names, three ways, in float32 and float64."""
    words = _words(lab)
    ids, targets = lines(words)
    scored = targets != IGNORED
    rows = []
    for name, dtype, tolerance in (("float32", torch.float32, 1e-5), ("float64", torch.float64, 1e-12)):
        net = WaveNetModel.from_parts(model.config(), model.state_dict()).to(dtype).eval()
        tree = grow(net, windows_of(ids, 8)).view(*ids.shape, -1)[scored]
        parameters = of_model(net)
        for way, logits in (
            ("with its BatchNorms", net.logits_everywhere(ids)),
            ("BatchNorms folded", all_positions(ids, parameters)),
        ):
            apart = largest_difference(logits[scored], tree)
            rows.append([way, name, f"{apart:.1g}", tree.abs().max().item()])
            figure = f"{name}, {way}: apart from the tree"
            lab.run.figure(figure, apart, reference=0, source="the tree", tolerance=tolerance)
    lab.run.table(
        f"Logits at the {int(scored.sum()):,} positions of {len(words):,} dev names, against the tree's",
        ["convolutions", "arithmetic", "largest difference", "largest logit"],
        rows,
    )
    by_windows = evaluate(model, windows_of(ids, 8)[scored.flatten()], targets[scored])
    at_once = evaluate(model, ids, targets)
    lab.run.figure("loss of these names, by windows", by_windows, unit="nats")
    lab.run.figure(
        "loss of these names, by convolutions",
        at_once,
        unit="nats",
        reference=round(by_windows, 6),
        source="by windows",
        tolerance=2e-6,
    )


def _words(lab: Lab) -> list[str]:
    """The dev names; some of them suffice to be quick."""
    return parts(8).split.dev[: 400 if lab.quick else None]


@dataclass(frozen=True, kw_only=True)
class Names:
    """Speed-ups on names."""

    one_name: float
    """A pass for each position of a name -> one pass."""
    one_batch: float
    """A pass for all windows of a name -> one pass."""
    all_names: float
    """All windows of the names -> all names, those of one length together."""
    filled: float
    """What share of the positions is filling where all names are filled up to the longest."""


def _time_names(lab: Lab, model: WaveNetModel) -> Names:
    words = _words(lab)
    some = [lines([word])[0] for word in words[: 30 if lab.quick else 200]]
    groups, (filled, targets) = by_length(words), lines(words)
    contexts = windows_of(filled, 8)[(targets != IGNORED).flatten()]
    folded = model.folded()
    one = seconds(
        {
            "a pass for each position": lambda: [
                model(window[None]) for ids in some for window in windows_of(ids, 8)
            ],
            "a pass for a name's windows": lambda: [model(windows_of(ids, 8)) for ids in some],
            "one pass, each node once": lambda: [model.logits_everywhere(ids) for ids in some],
        },
        rounds=5 if lab.quick else 15,
    )
    ways: dict[str, Work] = {
        "all windows": lambda: grow(model, contexts),
        "names filled up to the longest": lambda: [model.logits_everywhere(ids) for ids in torch.split(filled, 128)],
        "names of one length together": lambda: [model.logits_everywhere(ids) for ids in groups],
        "all windows, BatchNorms folded": lambda: grow(folded, contexts),
        "one length together, BatchNorms folded": lambda: [folded.logits_everywhere(ids) for ids in groups],
    }
    every = seconds(ways, rounds=7)
    n_some, slowest = sum(ids.shape[1] for ids in some), one["a pass for each position"]
    lab.run.table(
        "Scoring every position of names",
        ["how", "positions", "µs a position", "times as fast"],
        [[f"name by name: {way}", n_some, 1e6 * t / n_some, slowest / t] for way, t in one.items()]
        + [
            [f"all at once: {way}", len(contexts), 1e6 * t / len(contexts), every["all windows"] / t]
            for way, t in every.items()
        ],
    )
    found = Names(
        one_name=slowest / one["one pass, each node once"],
        one_batch=one["a pass for a name's windows"] / one["one pass, each node once"],
        all_names=every["all windows"] / every["names of one length together"],
        filled=1 - len(contexts) / filled.numel(),
    )
    lab.run.figure("name by name: a pass for each position / one pass", found.one_name, unit="x", better="higher")
    lab.run.figure("all names at once: windows / one length together", found.all_names, unit="x", better="higher")
    return found


def _vary_length(lab: Lab, model: WaveNetModel) -> dict[int, float]:
    """The lecture's net on longer and longer texts: what is saved is arithmetic, no longer the calls."""
    sizes = [8, 64, 512] if lab.quick else [4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096]
    times = {
        T: _times(model, _text(T, lab.seed), rounds=15 if lab.quick else 25) for T in lab.track(sizes, "lengths")
    }
    _draw(lab, times, "Time of a position against the length of the text, context 8", "ids in the text", per=None)
    return {T: taken[TREE] / taken[CONVOLUTION] for T, taken in times.items()}


def _vary_context(lab: Lab) -> dict[int, float]:
    """A text of 512 ids, and more and more levels."""
    sizes = [2, 8, 32, 64] if lab.quick else [2, 4, 8, 16, 32, 64, 128]
    times, rows, T = {}, [], 512
    for block_size in lab.track(sizes, "contexts"):
        options = WaveNetConfig(block_size=block_size)
        model = WaveNetModel(options, generator=stream(lab.seed, "init")).eval()
        with evaluating(model):
            times[block_size] = taken = _times(model, _text(T, lab.seed), rounds=9)
        tree, convolution = multiplications(options)
        nodes = f"{block_size - 1} / {block_size.bit_length() - 1}"
        rows.append(
            [block_size, nodes, f"{tree:,} / {convolution:,}", tree / convolution, taken[TREE] / taken[CONVOLUTION]]
        )
        lab.run.log(context=block_size, tree=taken[TREE], convolution=taken[CONVOLUTION])
    lab.run.table(
        f"A text of {T} ids: tree / convolutions, a position",
        ["context", "nodes", "multiplications", "arithmetic saved (x)", "time saved (x)"],
        rows,
    )
    _draw(lab, times, f"Time of a position against the context, a text of {T} ids", "context", per=T)
    ratios = {size: taken[TREE] / taken[CONVOLUTION] for size, taken in times.items()}
    lab.run.figure("context 8, a text of 512 ids: tree / convolutions", ratios[8], unit="x", better="higher")
    lab.run.figure("context 64, a text of 512 ids: tree / convolutions", ratios[64], unit="x", better="higher")
    return ratios


def _text(T: int, seed: int) -> Tensor:
    """(1, T) ids: names of test, one after the other, from some place on."""
    words = parts(8).split.test
    start = seed % (len(words) // 2)
    return torch.tensor([parts(8).vocabulary.encode("." + ".".join(words[start:]))[:T]])


def _times(model: WaveNetModel, ids: Tensor, rounds: int) -> dict[str, float]:
    """Seconds each way, the laying out of windows included."""
    return seconds(
        {
            TREE: lambda: grow(model, windows_of(ids, model.block_size)),
            CONVOLUTION: lambda: model.logits_everywhere(ids),
        },
        rounds,
    )


def _draw(lab: Lab, times: dict[int, dict[str, float]], title: str, x_title: str, *, per: int | None) -> None:
    """`per`: positions in a text, where x is not their number."""
    figure = go.Figure()
    for way, colour in COLOURS.items():
        y = [1e6 * taken[way] / (per or size) for size, taken in times.items()]
        figure.add_scatter(name=way, x=list(times), y=y, mode="lines+markers", line={"color": colour})
    figure.update_layout(height=380)
    figure.update_xaxes(title=x_title, type="log", tickvals=list(times), ticktext=[f"{size:,}" for size in times])
    figure.update_yaxes(title="µs a position", type="log", dtick=1)
    caption = (
        "Both axes are logarithmic. A tree's nodes double with each level; each node once, they grow by one."
        if per
        else "Both axes are logarithmic. Short texts pay for the calls, long ones for the arithmetic."
    )
    lab.run.plot(title, figure, caption)


def _answer(names: Names, lengths: dict[int, float], deeper: dict[int, float]) -> str:
    longest, tallest = max(lengths), max(deeper)
    return (
        "**Answer.** The logits are equal up to rounding. Name by name, one pass instead of one for each position is "
        f"{names.one_name:.1f} times as fast. But that is calls saved: against a pass for all windows of the name it "
        f"is {names.one_batch:.1f} times. Where all windows stand in batches, what is left is arithmetic: "
        f"{names.all_names:.1f} times as fast, and {lengths[longest]:.1f} times on a text of {longest:,} ids. At a "
        "context of 8 a tree has 7 nodes and a convolution 3, and the nodes saved are mostly the small ones at the "
        f"bottom. With longer contexts it is another matter: {deeper[tallest]:.0f} times as fast at {tallest}. And "
        "names of one length belong together: where all are filled up to the longest, "
        f"{names.filled:.0%} of the positions are filling."
    )
