"""The pictures of lecture 1, as Plotly figures made from plain numbers and callables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from zth.autograd.numerical import FORWARD_STEP, SYMMETRIC_STEP, StepErrors

BLUE, ORANGE = "#4c8bf5", "#e8710a"  # told apart by the colour-blind, and seen on white and on black
_ABOVE = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}


def step_errors_figure(errors: StepErrors) -> Any:
    """The error of both differences against the step, both axes logarithmic.

    From right to left each line first falls, by one or two decades for each decade of h; left of its lowest point
    rounding takes over, and the line rises again. A dotted line marks where theory has that point.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    kinds = (
        ("forward", errors.forward, FORWARD_STEP, BLUE),
        ("symmetric", errors.symmetric, SYMMETRIC_STEP, ORANGE),
    )
    for name, values, best, colour in kinds:
        # an error of exactly 0 has no logarithm: it leaves a gap
        seen = [value if value > 0 else None for value in values]
        figure.add_scatter(x=errors.steps, y=seen, mode="lines+markers", name=name, line_color=colour)
        figure.add_vline(x=best, line_dash="dot", line_color=colour)
    figure.update_xaxes(type="log", title_text="step h", exponentformat="power")
    figure.update_yaxes(type="log", title_text="largest error of the gradient", exponentformat="power")
    figure.update_layout(legend=_ABOVE)
    return figure


def decision_boundary(
    score: Callable[[float, float], float],
    points: Sequence[Sequence[float]],
    labels: Sequence[float],
    *,
    resolution: int = 40,
) -> Any:
    """(N, 2) points over the plane, blue where `score(x, y)` is above 0 and orange below; the line is score 0.

    `score` is called resolution^2 times.
    """
    import plotly.graph_objects as go

    across = _ticks([float(point[0]) for point in points], resolution)
    up = _ticks([float(point[1]) for point in points], resolution)
    figure = go.Figure()
    figure.add_contour(
        x=across,
        y=up,
        z=[[score(x, y) for x in across] for y in up],
        contours={"start": 0, "end": 0, "size": 1, "coloring": "fill"},
        colorscale=[[0, ORANGE], [1, BLUE]],
        opacity=0.35,
        showscale=False,
        hoverinfo="skip",
    )
    for name, colour, side in (("+1", BLUE, True), ("-1", ORANGE, False)):
        mine = [point for point, label in zip(points, labels, strict=True) if (label > 0) == side]
        figure.add_scatter(
            x=[float(point[0]) for point in mine],
            y=[float(point[1]) for point in mine],
            mode="markers",
            name=name,
            marker={"color": colour, "size": 8, "line": {"width": 1, "color": "white"}},
        )
    figure.update_xaxes(title_text="x", range=[across[0], across[-1]])
    figure.update_yaxes(title_text="y", range=[up[0], up[-1]])
    figure.update_layout(legend=_ABOVE)
    return figure


def loss_curve(losses: Sequence[float], accuracies: Sequence[float]) -> Any:
    """(steps,) losses on the left axis, (steps,) accuracies from 0 to 1 on the right one, in percent."""
    import plotly.graph_objects as go

    steps = list(range(len(losses)))
    figure = go.Figure()
    figure.add_scatter(x=steps, y=list(losses), mode="lines", name="loss", line_color=BLUE)
    percent = [100 * accuracy for accuracy in accuracies]
    figure.add_scatter(x=steps, y=percent, mode="lines", name="accuracy", line_color=ORANGE, yaxis="y2")
    figure.update_xaxes(title_text="step")
    figure.update_yaxes(title_text="loss", rangemode="tozero")
    right = {"title": {"text": "accuracy (%)"}, "overlaying": "y", "side": "right", "range": [0, 102], "dtick": 20}
    figure.update_layout(yaxis2={**right, "showgrid": False}, legend=_ABOVE)
    return figure


def _ticks(values: Sequence[float], n: int) -> list[float]:
    """n places from a little below the least value to a little above the largest."""
    low, high = min(values), max(values)
    margin = 0.1 * (high - low) or 1.0
    low, high = low - margin, high + margin
    return [low + (high - low) * i / (n - 1) for i in range(n)]
