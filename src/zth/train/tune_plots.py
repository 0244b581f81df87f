"""A study as Plotly figures: how it went, what mattered, and where the good options lie."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zth.models.space import Between, OneOf, Space
from zth.train.tune_ledger import LOOKS, Trial

BLUE, ORANGE, GREY = "#4c8bf5", "#e8710a", "#8a8f98"  # told apart by the colour-blind, on white and on black
_ABOVE = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}
_SCALE = "Viridis_r"


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A figure, and what to look at in it: `run.plot(plot.title, plot.figure, plot.caption)`."""

    title: str
    figure: Any
    caption: str


def plots(trials: Sequence[Trial], space: Space, importances: Mapping[str, float]) -> list[Plot]:
    """All that can be drawn from these trials; none that would be empty."""
    seen = [trial for trial in trials if math.isfinite(trial.dev)]
    if not seen:
        return []
    drawn = [
        Plot(
            title="How the study went",
            figure=history(seen),
            caption="Each trial's dev loss by its number; a pruned one stands where it was last seen. The line is "
            "the best so far.",
        ),
        Plot(
            title="How the trials trained",
            figure=curves(seen),
            caption=f"The dev loss after each of {LOOKS} parts of a trial's training. Lines that end early "
            "were pruned.",
        ),
    ]
    if importances:
        drawn.append(
            Plot(
                title="What mattered most",
                figure=importance_bars(importances),
                caption="How much the best tenth of the trials differs from all of them, by option (PED-ANOVA); the "
                f"shares add up to 1. From {len(seen)} trials: the fewer, the less the small bars mean.",
            )
        )
    drawn.append(
        Plot(
            title="Each option against the dev loss",
            figure=slices(seen, space),
            caption="One dot for each trial, later ones darker. Look for where the lowest dots gather; at an end of "
            "the range, the best may lie beyond.",
        )
    )
    if any(trial.state == "done" for trial in seen):
        drawn.append(
            Plot(
                title="Options together",
                figure=parallel(seen, space),
                caption="One line for each trial that was not pruned, dark where its dev loss is low. Drag along an "
                "axis to pick lines.",
            )
        )
    return drawn


def history(trials: Sequence[Trial]) -> Any:
    """Dev loss against the trial's number, and the best so far."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for state, colour, symbol in (("pruned", GREY, "x-thin-open"), ("done", BLUE, "circle")):
        mine = [trial for trial in trials if trial.state == state]
        figure.add_scatter(
            x=[trial.number for trial in mine],
            y=[trial.dev for trial in mine],
            mode="markers",
            name=state,
            marker={"color": colour, "symbol": symbol},
            text=[_said(trial) for trial in mine],
            hovertemplate="%{text}<extra></extra>",
        )
    done = [trial for trial in trials if trial.state == "done"]
    best = [min(trial.dev for trial in done[: i + 1]) for i in range(len(done))]
    figure.add_scatter(
        x=[trial.number for trial in done], y=best, mode="lines", line_shape="hv", name="best", line_color=ORANGE
    )
    figure.update_xaxes(title_text="trial")
    figure.update_yaxes(title_text="dev loss (nats)", range=_window([trial.dev for trial in trials]))
    figure.update_layout(legend=_ABOVE)
    return figure


def curves(trials: Sequence[Trial]) -> Any:
    """Dev loss against the part of the training that is done."""
    import plotly.graph_objects as go

    figure = go.Figure()
    best = min((trial for trial in trials if trial.state == "done"), key=lambda trial: trial.dev, default=None)
    for trial in sorted(trials, key=lambda trial: trial is best):  # the best one on top
        seen = {**trial.curve, **({LOOKS: trial.dev} if trial.state == "done" else {})}
        figure.add_scatter(
            x=[tenth / LOOKS for tenth in seen],
            y=list(seen.values()),
            mode="lines" if len(seen) > 1 else "markers",
            line={"color": ORANGE, "width": 3} if trial is best else {"color": BLUE, "width": 1},
            marker={"size": 4},
            opacity=1 if trial is best else 0.4,
            showlegend=False,
            text=[_said(trial)] * len(seen),
            hovertemplate="%{text}<extra></extra>",
        )
    figure.update_xaxes(title_text="share of the training", tickformat=".0%", range=[0, 1.02])
    values = [dev for trial in trials for dev in (*trial.curve.values(), trial.dev) if math.isfinite(dev)]
    figure.update_yaxes(title_text="dev loss (nats)", range=_window(values))
    return figure


def importance_bars(importances: Mapping[str, float]) -> Any:
    """One bar for each option, the longest on top."""
    import plotly.graph_objects as go

    names = list(importances)[::-1]
    shares = [importances[name] for name in names]
    figure = go.Figure(go.Bar(x=shares, y=names, orientation="h", marker_color=BLUE, texttemplate="%{x:.2f}"))
    figure.update_xaxes(title_text="share", rangemode="tozero")
    figure.update_layout(height=120 + 32 * len(names), margin={"l": 110})
    return figure


def slices(trials: Sequence[Trial], space: Space) -> Any:
    """A small plot for each option: its value against the dev loss."""
    from plotly.subplots import make_subplots

    columns = 3
    rows = -(-len(space) // columns)
    figure = make_subplots(rows=rows, cols=columns, subplot_titles=list(space), shared_yaxes=True)
    for i, (name, each) in enumerate(space.items()):
        place = {"row": i // columns + 1, "col": i % columns + 1}
        mine = [trial for trial in trials if name in trial.options]
        values = [trial.options[name] for trial in mine]
        figure.add_scatter(
            x=values if isinstance(each, Between) else [str(value) for value in values],
            y=[trial.dev for trial in mine],
            mode="markers",
            marker={"color": [trial.number for trial in mine], "colorscale": "Blues", "cmin": -len(trials) / 2},
            showlegend=False,
            text=[_said(trial) for trial in mine],
            hovertemplate="%{text}<extra></extra>",
            **place,
        )
        if isinstance(each, Between):
            figure.update_xaxes(type="log" if each.log else "linear", exponentformat="power", **place)
        else:
            listed = [str(value) for value in each.values]
            figure.update_xaxes(type="category", categoryorder="array", categoryarray=listed, **place)
    figure.update_yaxes(range=_window([trial.dev for trial in trials]))
    figure.update_yaxes(title_text="dev loss", col=1)
    figure.update_layout(height=80 + 220 * rows)
    return figure


def parallel(trials: Sequence[Trial], space: Space) -> Any:
    """An axis for each option and one for the dev loss; a line for each trial that is done."""
    import plotly.graph_objects as go

    mine = [t for t in trials if t.state == "done" and space.keys() <= t.options.keys()]
    axes = [_axis(name, each, [trial.options[name] for trial in mine]) for name, each in space.items()]
    devs = [trial.dev for trial in mine]
    low, high = _window(devs) if devs else (0, 1)
    axes.append({"label": "dev loss", "values": devs, "range": [low, high]})
    line = {"color": devs, "colorscale": _SCALE, "cmin": low, "cmax": high}
    return go.Figure(go.Parcoords(dimensions=axes, line=line), layout={"height": 420})


def _axis(name: str, each: Between | OneOf, values: list[Any]) -> dict[str, Any]:
    """One axis of `parallel`: logarithms and places in a list, with the values themselves at the ticks."""
    if isinstance(each, OneOf):
        places = {value: place for place, value in enumerate(each.values)}
        ticks = {"tickvals": list(places.values()), "ticktext": [str(value) for value in each.values]}
        return {"label": name, "values": [places[value] for value in values], **ticks}
    if not each.log:
        return {"label": name, "values": values, "range": [each.low, each.high]}
    low, high = math.log10(each.low), math.log10(each.high)
    at = [low + (high - low) * i / 4 for i in range(5)]
    return {
        "label": name,
        "values": [math.log10(value) for value in values],
        "range": [low, high],
        "tickvals": at,
        "ticktext": [f"{10**place:.2g}" if not each.whole else f"{10**place:.0f}" for place in at],
    }


def _window(values: Sequence[float]) -> list[float]:
    """A range that shows the lower three quarters of the losses: the worst trials would flatten the rest."""
    ordered = sorted(values)
    low, high = ordered[0], ordered[min(len(ordered) - 1, 3 * len(ordered) // 4)]
    margin = 0.08 * (high - low) or 0.05
    return [low - margin, high + margin]


def _said(trial: Trial) -> str:
    options = "<br>".join(f"{name} {_short(value)}" for name, value in trial.options.items())
    return f"trial {trial.number}, {trial.state}: {trial.dev:.4f}<br>{options}"


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
