import json
import math
from typing import Any

from zth.autograd.numerical import StepErrors, step_errors
from zth.autograd.plots import decision_boundary, loss_curve, step_errors_figure


def drawn(figure: Any) -> dict[str, Any]:
    """What the page will get."""
    return dict(json.loads(figure.to_json()))


def test_errors_against_steps_on_logarithmic_axes() -> None:
    errors = step_errors(math.sin, [1.0], [math.cos(1.0)])
    figure = step_errors_figure(errors)
    assert [trace.name for trace in figure.data] == ["forward", "symmetric"]
    assert tuple(figure.data[0].y) == errors.forward
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "log")
    assert len(figure.layout.shapes) == 2
    assert drawn(figure)["data"]


def test_an_error_of_zero_leaves_a_gap() -> None:
    figure = step_errors_figure(StepErrors(steps=(0.1, 0.01), forward=(0.0, 0.5), symmetric=(1e-9, 0.0)))
    assert [list(trace.y) for trace in figure.data] == [[None, 0.5], [1e-9, None]]


def test_a_boundary_with_its_points() -> None:
    figure = decision_boundary(lambda x, y: y - x, [[0.0, 1.0], [1.0, 0.0], [0.0, 2.0]], [1, -1, 1], resolution=5)
    surface, upper, lower = figure.data
    assert len(surface.z) == len(surface.z[0]) == 5
    assert surface.z[0][4] < 0 < surface.z[4][0]  # rows go up, columns to the right
    assert (list(upper.x), list(upper.y)) == ([0.0, 0.0], [1.0, 2.0])
    assert (list(lower.x), list(lower.y)) == ([1.0], [0.0])
    assert surface.x[0] < 0 < 1 < surface.x[-1]
    assert drawn(figure)["data"]


def test_loss_and_accuracy_share_the_steps() -> None:
    figure = loss_curve([2.0, 1.0, 0.5], [0.5, 0.9, 1.0])
    loss, accuracy = figure.data
    assert list(loss.x) == list(accuracy.x) == [0, 1, 2]
    assert list(accuracy.y) == [50.0, 90.0, 100.0]
    assert accuracy.yaxis == "y2"
    assert drawn(figure)["data"]
