from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch
from torch import nn

from zth.layers import Linear, Sequential, Tanh
from zth.layers.diagnostic_plots import (
    BLUE,
    ORANGE,
    spread_figure,
    unit_figure,
    update_figure,
    weight_gradient_figure,
)
from zth.layers.diagnostics import UpdateRatios, Watch, weight_gradients


def drawn(figure: Any) -> dict[str, Any]:
    """What the page will get."""
    return dict(json.loads(figure.to_json()))


@pytest.fixture
def model(g) -> Sequential:
    return Sequential(Linear(4, 5, generator=g), Tanh(), Linear(5, 5, generator=g), Tanh())


@pytest.fixture
def watch(model, g) -> Watch:
    with Watch(model, only=(Tanh,)) as watch:
        model(torch.randn(32, 4, generator=g)).sum().backward()
    return watch


def test_a_line_of_densities_for_each_layer(watch) -> None:
    rows = watch.activations()
    figure = spread_figure(rows)
    assert [trace.name for trace in figure.data] == ["layers.1 Tanh", "layers.3 Tanh"]
    assert tuple(figure.data[0].y) == rows[0].histogram.densities
    assert tuple(figure.data[1].x) == rows[1].histogram.centres
    assert figure.data[0].line.color != figure.data[1].line.color
    assert figure.layout.xaxis.title.text == "activation"
    assert len(drawn(spread_figure(watch.gradients(), x="gradient"))["data"]) == 2
    assert spread_figure([]).data == ()


def test_weight_gradients_name_their_ratio(model, watch) -> None:
    rows = weight_gradients(model)
    figure = weight_gradient_figure(rows)
    assert [trace.name.split(",")[0] for trace in figure.data][:2] == ["layers.0.W (4", "layers.0.b (5"]
    assert f"ratio {rows[0].ratio:.1e}" in figure.data[0].name
    assert drawn(figure)["data"]


def test_updates_against_minus_three() -> None:
    layer = nn.Linear(2, 2)
    updates = UpdateRatios(layer)
    for factor in (0.9, 1.0, 0.99):
        with updates.step(), torch.no_grad():
            layer.weight *= factor
    figure = update_figure(updates.steps, updates.ratios)
    (line,) = figure.data
    assert list(line.x) == [0, 1, 2]
    assert line.y[1] is None
    assert line.y[0] == pytest.approx(math.log10(0.1 / 0.9), abs=1e-4)
    (healthy,) = figure.layout.shapes
    assert (healthy.y0, healthy.y1) == (-3, -3)
    assert drawn(figure)["data"]


def test_dead_units_are_orange() -> None:
    with Watch(Tanh()) as watch:
        watch.model(torch.tensor([[9.0, 9.0, 0.0], [9.0, 0.0, 0.0]]))
    figure = unit_figure(watch.activations()[0])
    (bars,) = figure.data
    assert list(bars.y) == [100, 50, 0]
    assert list(bars.marker.color) == [ORANGE, BLUE, BLUE]
    assert drawn(figure)["data"]
