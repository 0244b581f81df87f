"""The lecture's own experiments, with few steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from zth.layers import BatchNorm1d
from zth.models import MLPModel, evaluate
from zth.runs import Record, Run, read
from zth.seeds import stream
from zth.train import TrainConfig, fit
from zth.workbook.l04_batchnorm import inside, measure
from zth.workbook.measure import Lab
from zth.workbook.names import parts


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """A run of the quick preset, shortened, without other processes."""

    class Short(Lab):
        def parallel(
            self, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], what: str
        ) -> list[Any]:
            shorter = {10_000: 2_000, 200: 50}
            return [function(*(shorter.get(value, value) for value in each)) for each in arguments]

    with Run.create(kind="measure", name="4", root=tmp_path_factory.mktemp("runs"), seed=42) as run:
        measure.measure(Short(run=run, preset="quick", seed=42))
    return read(run.folder)


def test_the_figures_are_there_and_those_with_a_reference_are_met(record: Record) -> None:
    figures = {figure.name: figure for figure in record.figures}
    assert figures["parameters of the deep net"].value == 47_024
    assert all(figure.ok for figure in record.figures if figure.reference is not None)
    dev = [figures[f"{row.name}: dev"].value for row in measure.ROWS]
    # each of the first two repairs helps, even in 2,000 steps
    assert dev[0] > dev[1] > dev[3]


def test_the_first_rows_say_why(record: Record) -> None:
    log = next(block for block in record.blocks if block.get("title", "").startswith("The lecture's log"))
    first_losses = [row[1] for row in log["rows"]]
    assert first_losses[0] > 20
    assert first_losses[1:] == pytest.approx([3.2958] * 4, abs=0.03)
    saturated = [int(row[2].rstrip("%")) for row in log["rows"]]
    assert min(saturated[:2]) > 50
    assert max(saturated[2:]) < 30


def test_the_deep_nets_tell_good_gains_from_bad_ones(record: Record) -> None:
    table = next(block for block in record.blocks if block.get("title", "").startswith("Five hidden layers"))
    by_name = {row[0]: row for row in table["rows"]}
    fading, healthy = by_name["without BatchNorm, gain 0.5"], by_name["without BatchNorm, gain 5/3"]
    assert fading[3] < 0.1 * fading[2]
    assert healthy[3] > 0.8 * healthy[2]
    normed = [by_name[f"with BatchNorm, gain {gain}"][3] for gain in ("5/3", "0.5", "3")]
    assert max(normed) - min(normed) < 2e-3


def test_the_page_stays_light(record: Record) -> None:
    assert sum(path.stat().st_size for path in (record.folder / "plots").iterdir()) < 400_000
    assert sum(block["kind"] == "plot" for block in record.blocks) == 9


def test_the_deep_net_is_the_lectures() -> None:
    net = inside.deep_net(batchnorm=True, gain=5 / 3, seed=42)
    assert sum(p.numel() for p in net.parameters()) == inside.DEEP_PARAMETERS
    assert sum(isinstance(layer, BatchNorm1d) for layer in net.modules()) == 6
    bare = inside.deep_net(batchnorm=False, gain=3.0, seed=42)
    assert not any(isinstance(layer, BatchNorm1d) for layer in bare.modules())
    spreads = [layer.W.std().item() for layer in bare.hidden if hasattr(layer, "W")]
    assert spreads == pytest.approx([3 / 30**0.5] + [3 / 10] * 4, rel=0.05)


def test_a_training_looks_before_it_starts_and_leaves_no_trace_of_it() -> None:
    config = measure.ROWS[4].config  # BatchNorm: a forward pass in training would move its running statistics
    found = measure._train(config, 100, 42)
    model = MLPModel(config, generator=stream(42, "init"))
    fit(model, parts(3).train, TrainConfig(steps=100, optimizer="sgd", lr=0.1, schedule="step"), seed=42)
    assert evaluate(model, *parts(3).dev) == found.dev
    assert found.saturation == pytest.approx(torch.tensor(found.saturated).double().mean().item(), abs=1e-6)
