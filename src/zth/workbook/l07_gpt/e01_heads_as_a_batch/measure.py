"""7.1: are the heads as a batch dimension the lecture's list of heads, and how much faster are they, at which sizes?

Letters: B texts, T positions, C the width, H heads, D = C / H the size of a head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
import torch
from torch import Tensor, nn

from zth.compare import largest_difference
from zth.models.gpt.lecture import HeadList, as_attention
from zth.seeds import stream
from zth.workbook.l02_bigrams.costs import seconds
from zth.workbook.l07_gpt.e01_heads_as_a_batch.solution import gradients, of_heads
from zth.workbook.measure import Lab

LIST, BATCH, FUSED = "list of heads", "heads as a batch dimension", "torch's fused kernel"
COLOURS = {BATCH: "#6574dc", FUSED: "#2aa18f"}


@dataclass(frozen=True, kw_only=True)
class Size:
    """One attention layer and its batch."""

    B: int = 8
    T: int = 64
    C: int = 128
    H: int = 4

    def heads(self, seed: int) -> HeadList:
        return HeadList(self.C, self.H, generator=stream(seed, "heads"))

    def texts(self, seed: int) -> Tensor:
        return torch.randn(self.B, self.T, self.C, generator=stream(seed, "texts"))


def measure(lab: Lab) -> None:
    lab.run.text(
        "The lecture asks one head after the other. The same weights with the heads as a **batch dimension**: are "
        "outputs and gradients equal, and how much faster is it? A step is forward and backward of one attention "
        "layer, in float32, on one thread."
    )
    _compare(lab)
    by_heads = _vary(lab, "heads", [Size(H=H) for H in ([1, 4, 16] if lab.quick else [1, 2, 4, 8, 16, 32, 64])])
    by_width = _vary(
        lab, "width", [Size(C=C) for C in ([32, 128, 256] if lab.quick else [16, 32, 64, 128, 256, 384])]
    )
    by_length = _vary(
        lab, "positions", [Size(T=T) for T in ([8, 64, 128] if lab.quick else [8, 16, 32, 64, 128, 256])]
    )
    lab.run.text(_answer(by_heads, by_width, by_length))


def _compare(lab: Lab) -> None:
    """Output and all gradients of the three, and of the exercise's own, against the list of heads."""
    rows = []
    for name, dtype, tolerance in (("float32", torch.float32, 1e-4), ("float64", torch.float64, 1e-12)):
        size = Size(B=4, T=32, C=96, H=6)
        heads = size.heads(lab.seed).to(dtype)
        with torch.no_grad():
            for head in heads.heads:
                for parameter in head.parameters():
                    parameter.mul_(5)  # at first scores are nearly 0, and all weights alike
        x = size.texts(lab.seed).to(dtype)
        dy = torch.randn(x.shape, generator=stream(lab.seed, "dy")).to(dtype)
        y, wanted = _of_list(heads, x, dy)
        for way in (BATCH, FUSED):
            got_y, got = _of_batch(heads, x, dy, fused=way == FUSED)
            apart = largest_difference(got_y, y)
            back = max(largest_difference(got[key], wanted[key]) for key in wanted)
            rows.append(
                [way, name, f"{apart:.1g}", f"{back:.1g}", max(dW.abs().max().item() for dW in wanted.values())]
            )
            for what, value in (("outputs", apart), ("gradients", back)):
                figure = f"{name}, {way}: {what} apart"
                lab.run.figure(figure, value, reference=0, source=LIST, tolerance=tolerance)
        own = gradients(x, of_heads(heads), size.H, dy)
        back = max(largest_difference(own[key], wanted[key]) for key in wanted)
        lab.run.figure(f"{name}, the exercise's gradients apart", back, reference=0, source=LIST, tolerance=tolerance)
    lab.run.table(
        "Against the list of heads: B = 4, T = 32, C = 96, H = 6",
        ["way", "arithmetic", "outputs: largest difference", "gradients: largest difference", "largest gradient"],
        rows,
    )


def _of_list(heads: HeadList, x: Tensor, dy: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The lecture's output, and its gradients by the exercise's names."""
    leaf = x.clone().requires_grad_()
    heads.zero_grad()
    y: Tensor = heads(leaf)
    y.backward(dy)  # type: ignore[no-untyped-call]
    found = {
        short: torch.cat([_grad(getattr(head, name).W) for head in heads.heads], dim=1)
        for short, name in (("Wq", "query"), ("Wk", "key"), ("Wv", "value"))
    }
    assert isinstance(heads.proj.b, Tensor)
    return y, {"x": _grad(leaf), **found, "Wo": _grad(heads.proj.W), "bo": _grad(heads.proj.b)}


def _of_batch(heads: HeadList, x: Tensor, dy: Tensor, *, fused: bool) -> tuple[Tensor, dict[str, Tensor]]:
    """The library's, the same way."""
    attention, leaf = as_attention(heads), x.clone().requires_grad_()
    attention.fused = fused
    y: Tensor = attention(leaf)
    y.backward(dy)  # type: ignore[no-untyped-call]
    dWq, dWk, dWv = _grad(attention.qkv.W).chunk(3, dim=1)
    assert isinstance(attention.output.b, Tensor)
    rest = {"Wo": _grad(attention.output.W), "bo": _grad(attention.output.b)}
    return y, {"x": _grad(leaf), "Wq": dWq, "Wk": dWk, "Wv": dWv, **rest}


def _grad(tensor: Tensor) -> Tensor:
    assert tensor.grad is not None
    return tensor.grad


def _vary(lab: Lab, what: str, sizes: Sequence[Size]) -> dict[int, dict[str, float]]:
    """Speed-ups over the list of heads, by the size that is varied."""
    rows, found = [], {}
    for size in lab.track(sizes, what):
        taken = _times(size, lab)
        gains = {way: taken[LIST] / taken[way] for way in COLOURS}
        found[{"heads": size.H, "width": size.C, "positions": size.T}[what]] = gains
        rows.append([size.T, size.C, size.H, *(1e3 * taken[way] for way in (LIST, BATCH, FUSED)), *gains.values()])
    lab.run.table(
        f"Time of a step against the {what}, B = {sizes[0].B}",
        ["T", "C", "H", *(f"{way}, ms" for way in (LIST, BATCH, FUSED)), *(f"{way}: times as fast" for way in gains)],
        rows,
    )
    _draw(lab, what, found)
    most = max(found)
    lab.run.figure(f"{what} {most}: {LIST} / {BATCH}", found[most][BATCH], unit="x", better="higher")
    return found


def _times(size: Size, lab: Lab) -> dict[str, float]:
    heads = size.heads(lab.seed)
    batch, fused = as_attention(heads), as_attention(heads)
    batch.fused = False
    x = size.texts(lab.seed).requires_grad_()
    dy = torch.ones(x.shape)

    def step(layer: nn.Module) -> None:
        layer.zero_grad()
        x.grad = None
        layer(x).backward(dy)

    ways = {LIST: lambda: step(heads), BATCH: lambda: step(batch), FUSED: lambda: step(fused)}
    return seconds(ways, rounds=9 if lab.quick else 25)


def _draw(lab: Lab, what: str, found: dict[int, dict[str, float]]) -> None:
    figure = go.Figure()
    for way, colour in COLOURS.items():
        y = [gains[way] for gains in found.values()]
        figure.add_scatter(name=way, x=list(found), y=y, mode="lines+markers", line={"color": colour})
    figure.add_hline(y=1, line_dash="dot")
    figure.update_layout(height=380)
    figure.update_xaxes(title=what, type="log", tickvals=list(found), ticktext=[str(size) for size in found])
    figure.update_yaxes(title="times as fast as the list", rangemode="tozero")
    lab.run.plot(f"Speed-up against the {what}", figure, "Dotted: as fast as the list of heads.")


def _answer(*varied: dict[int, dict[str, float]]) -> str:
    by_heads, by_width, by_length = varied

    def told(found: dict[int, dict[str, float]], what: str) -> str:
        few, many = min(found), max(found)
        return f"{found[few][BATCH]:.1f} times as fast with {few} {what}, {found[many][BATCH]:.1f} times with {many}"

    return (
        "**Answer.** Outputs and gradients are equal up to rounding. How much time is saved depends on how small the "
        f"pieces were: {told(by_heads, 'head(s)')}; in 4 heads, {told(by_width, 'columns')}, and "
        f"{told(by_length, 'positions')}. The arithmetic is the same both ways. What is saved is calls, and products "
        "that are too narrow to be fast."
    )
