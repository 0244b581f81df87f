"""The pictures of a training, as Plotly figures made from plain numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

BLUE, ORANGE = "#4c8bf5", "#e8710a"  # told apart by the colour-blind, and seen on white and on black
_ABOVE = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}


def loss_figure(rows: Sequence[Mapping[str, float]]) -> Any:
    """Lines of metrics.jsonl -> the mean loss of the batches between two lines, and the dev losses."""
    import plotly.graph_objects as go

    figure = go.Figure()
    seen = [row for row in rows if "dev" in row]
    figure.add_scatter(
        x=[row["step"] for row in rows],
        y=[row["loss"] for row in rows],
        mode="lines",
        name="batches",
        line_color=BLUE,
    )
    figure.add_scatter(
        x=[row["step"] for row in seen],
        y=[row["dev"] for row in seen],
        mode="lines+markers",
        name="dev",
        line_color=ORANGE,
    )
    figure.update_xaxes(title_text="step")
    figure.update_yaxes(title_text="loss (nats a character)")
    figure.update_layout(legend=_ABOVE)
    return figure


def rate_figure(lrs: Sequence[float], losses: Sequence[float], smooth: Sequence[float], suggestion: float) -> Any:
    """Losses against the learning rates that were swept through: each batch's, their smooth line, what is suggested.

    Left: too small to learn within the sweep. Then the loss falls; right of its valley the steps are too long.
    """
    import plotly.graph_objects as go

    top = 1.1 * smooth[0]
    figure = go.Figure()
    seen = [loss if math.isfinite(loss) and loss < 2 * top else None for loss in losses]
    line = [loss if math.isfinite(loss) and loss < 2 * top else None for loss in smooth]
    figure.add_scatter(
        x=list(lrs), y=seen, mode="lines", name="a batch", line={"color": BLUE, "width": 1}, opacity=0.5
    )
    figure.add_scatter(x=list(lrs), y=line, mode="lines", name="smoothed", line_color=ORANGE)
    figure.add_vline(x=suggestion, line_dash="dot", annotation_text=f"{suggestion:.2g}")
    figure.update_xaxes(type="log", title_text="learning rate", exponentformat="power")
    figure.update_yaxes(title_text="loss of a batch (nats)")
    figure.update_layout(legend=_ABOVE)
    return figure
