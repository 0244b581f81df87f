"""The pictures of lecture 4, as Plotly figures made from the plain numbers of `diagnostics`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from zth.layers.diagnostics import Activation, Histogram, Spread, WeightGradient

BLUE, ORANGE, GREY = "#4c8bf5", "#e8710a", "#888888"  # told apart by the colour-blind, and seen on white and on black
HEALTHY = -3
"""log10 of the update-to-data ratio that lecture 4 aims at."""


def spread_figure(rows: Sequence[Spread], *, x: str = "activation") -> Any:
    """Activations, or gradients, of several layers: one line of densities for each, blue the first, orange the last.

    Healthy are lines that lie on each other: a signal that neither fades nor grows with depth, and for tanh no peaks
    at -1 and 1.
    """
    return _densities([(f"{row.name} {row.kind}".strip(), row.histogram) for row in rows], x)


def weight_gradient_figure(rows: Sequence[WeightGradient]) -> Any:
    """Gradients of several parameters, as `spread_figure`; the legend has the ratio to the weights.

    Lecture 4 shows the weights alone (two axes): those of the biases lie on another scale.
    """
    return _densities([(f"{row.name} {row.shape}, ratio {row.ratio:.1e}", row.histogram) for row in rows], "gradient")


def update_figure(steps: Sequence[int], ratios: Mapping[str, Sequence[float]]) -> Any:
    """`steps` and `ratios` of an UpdateRatios: one line for each weight, and the dashed one at -3.

    A step in which a weight did not move leaves a gap.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for (name, values), colour in zip(ratios.items(), _by_depth(len(ratios)), strict=True):
        seen = [value if math.isfinite(value) else None for value in values]
        figure.add_scatter(x=list(steps), y=seen, mode="lines", name=name, line={"color": colour, "width": 1})
    figure.add_hline(y=HEALTHY, line_dash="dash", line_color=GREY, annotation_text="a thousandth a step")
    figure.update_xaxes(title_text="step")
    figure.update_yaxes(title_text="log10 of update / weight")
    return figure


def unit_figure(row: Activation) -> Any:
    """One tanh or relu layer: for each unit the share of places where it is flat; dead units orange."""
    import plotly.graph_objects as go

    dead = set(row.dead)
    colours = [ORANGE if unit in dead else BLUE for unit in range(len(row.flat))]
    figure = go.Figure()
    figure.add_bar(
        x=list(range(len(row.flat))),
        y=[100 * share for share in row.flat],
        marker={"color": colours, "line": {"width": 0}},
        name=f"{row.name} {row.kind}".strip(),
    )
    figure.update_layout(bargap=0)
    figure.update_xaxes(title_text="unit")
    figure.update_yaxes(title_text="flat (% of places)", range=[0, 102])
    return figure


def _densities(rows: Sequence[tuple[str, Histogram]], x: str) -> Any:
    import plotly.graph_objects as go

    figure = go.Figure()
    for (name, histogram), colour in zip(rows, _by_depth(len(rows)), strict=True):
        figure.add_scatter(
            x=list(histogram.centres), y=list(histogram.densities), mode="lines", name=name, line_color=colour
        )
    figure.update_xaxes(title_text=x)
    figure.update_yaxes(title_text="density")
    return figure


def _by_depth(n: int) -> list[str]:
    """n colours from blue to orange."""
    from plotly.colors import sample_colorscale

    scale = [[0, BLUE], [1, ORANGE]]
    return list(sample_colorscale(scale, [i / max(n - 1, 1) for i in range(n)])) if n else []
