"""What a trained GPT's heads look at: measured over a passage, and drawn for a short line.

Letters: B texts, T positions, L layers, H heads; w[t, s] is how much position t listens to s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots
from torch import Tensor

from zth.models.gpt import GPTModel
from zth.models.gpt.attention import Attention, visible
from zth.models.protocol import evaluating

SETTLED = 16
"""Habits are measured from this position on: at the beginning of a text there is little to choose from."""


MOST = 0.6
"""A weight from which on the colour gets no stronger."""
BAR = {
    "tickvals": [0, 0.2, 0.4, MOST],
    "ticktext": ["0", "0.2", "0.4", f"{MOST} up"],
    "len": 0.3,
    "y": 1,
    "yanchor": "top",
}


class Map(NamedTuple):
    """A panel of the picture."""

    title: str
    weights: Tensor
    """(T, T)"""


def weights_of(model: GPTModel, ids: Tensor) -> Tensor:
    """(B, T) ids -> (L, B, H, T, T) the attention weights of every layer; each row sums to 1."""
    layers = [part for part in model.modules() if isinstance(part, Attention)]
    try:
        for layer in layers:
            layer.keep_weights = True
        with evaluating(model):
            model(ids)
        kept = [layer.weights for layer in layers if layer.weights is not None]
    finally:
        for layer in layers:
            layer.keep_weights, layer.weights = False, None
    return torch.stack(kept)


def share_of(chosen: Tensor) -> Callable[[Tensor], Tensor]:
    """(T, T) or (B, 1, T, T) bool, where to look -> a function: weights (L, B, H, T, T) -> (L, H) the share there."""

    def share(weights: Tensor) -> Tensor:
        return (weights * chosen).sum(-1)[..., SETTLED:].mean(-1).mean(1)

    return share


def last_gap(gaps: Tensor) -> Tensor:
    """(B, T) bool, where there is a space or a line break -> (B, T, T) bool: at [b, t, s] the last of them before t.

    >>> last_gap(torch.tensor([[False, True, False, False]]))[0].int().tolist()
    [[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0]]
    """
    B, T = gaps.shape
    places = torch.where(gaps, torch.arange(T), -1).cummax(dim=1).values  # (B, T) the last one up to t
    before = torch.cat([places.new_full((B, 1), -1), places[:, :-1]], dim=1)
    return before[..., None] == torch.arange(T)


def habits(weights: Tensor, gaps: Tensor) -> dict[str, Tensor]:
    """(L, B, H, T, T) weights, (B, T) bool -> habit: (L, H) the share of attention that goes there.

    What lies "far back" is more than 16 characters away.
    """
    T = weights.shape[-1]
    back = torch.arange(T)[:, None] - torch.arange(T)  # (T, T): how far s lies behind t
    places = {
        "the character before": back == 1,
        "itself": back == 0,
        "the last space or line break": last_gap(gaps)[:, None],
        "two characters before": back == 2,
        "far back": back > 16,
    }
    return {habit: share_of(chosen)(weights) for habit, chosen in places.items()}


def typical(shares: Mapping[str, Tensor]) -> list[tuple[str, int, int]]:
    """Habit: (L, H) shares -> for each habit the layer and head that has it most, each head once.

    >>> typical({"a": torch.tensor([[0.1, 0.9]]), "b": torch.tensor([[0.2, 0.8]])})
    [('a', 0, 1), ('b', 0, 0)]
    """
    found: list[tuple[str, int, int]] = []
    for habit, share in shares.items():
        share = share.clone()
        for _, layer, head in found:
            share[layer, head] = -1.0
        best = int(share.argmax())
        if float(share.flatten()[best]) >= 0:
            found.append((habit, *divmod(best, share.shape[1])))
    return found


def maps(line: Tensor, shares: Mapping[str, Tensor]) -> list[Map]:
    """(L, H, T, T) weights of a line -> the average of the past, and for each habit its head."""
    T = line.shape[-1]
    past = visible(T, T).float()
    found = [Map("where the lecture begins: the average", past / past.sum(1, keepdim=True))]
    for habit, layer, head in typical(shares):
        share = float(shares[habit][layer, head])
        found.append(Map(f"layer {layer + 1}, head {head + 1}: {habit} ({share:.0%})", line[layer, head]))
    return found


def drawn(panels: Sequence[Map], characters: Sequence[str]) -> go.Figure:
    """Heatmaps side by side, two in a row: down who asks, across who answers."""
    n_rows = -(-len(panels) // 2)
    titles = [panel.title for panel in panels]
    figure = make_subplots(n_rows, 2, subplot_titles=titles, horizontal_spacing=0.08, vertical_spacing=0.22 / n_rows)
    ticks = {"tickvals": list(range(len(characters))), "ticktext": [shown(c) for c in characters], "tickangle": 0}
    for place, panel in enumerate(panels):
        row, col = place // 2 + 1, place % 2 + 1
        rows = [[round(w, 3) for w in weights[: t + 1]] for t, weights in enumerate(panel.weights.tolist())]
        z = [[*row_, *[None] * (len(characters) - len(row_))] for row_ in rows]
        image = go.Heatmap(z=z, zmin=0, zmax=MOST, showscale=place == 0, xgap=1, ygap=1, colorbar=BAR)
        figure.add_trace(image, row=row, col=col)
        figure.update_xaxes(**ticks, showgrid=False, zeroline=False, row=row, col=col)
        figure.update_yaxes(**ticks, showgrid=False, zeroline=False, autorange="reversed", row=row, col=col)
    figure.update_annotations(font_size=13)
    figure.update_layout(height=360 * n_rows, margin={"t": 40})
    return figure


def shown(character: str) -> str:
    """A character for an axis.

    >>> shown("a"), shown(" "), shown("\\n")
    ('a', '␣', '⏎')
    """
    return {" ": "␣", "\n": "⏎"}.get(character, character)
