"""bench/scalar_gpt_baselines.py: microgpt's engine, fused NumPy, torch and the lesson are one model."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from zth.compare import FLOAT64, difference
from zth.workbook.l07_gpt.scalar_gpt import ScalarGPT, Training

DOCUMENTS = [[0, 5, 13, 13, 1, 0], [0, 3, 0], [0, *range(1, 19), 0]]  # the last one is longer than the block


@pytest.fixture
def bench(modules) -> ModuleType:
    import scalar_gpt_baselines

    return scalar_gpt_baselines


@pytest.fixture(scope="module")
def weights() -> np.ndarray:
    return np.array([p.data for p in ScalarGPT(27).parameters()])


def gradient_of(bench: ModuleType, side, ids: list[int]) -> tuple[float, np.ndarray]:
    if isinstance(side, bench.Fused):
        return side.gradient(ids), side.dp
    loss = side.loss(ids)
    loss.backward()
    if isinstance(side, bench.Torch):
        return loss.item(), np.concatenate([p.grad.numpy().ravel() for p in side.w.values()])
    return loss.data, np.array([p.grad for p in side.parameters])


def test_there_are_as_many_weights_as_the_source_prints(bench, weights) -> None:
    assert sum(rows * columns for rows, columns in bench.parts(27).values()) == len(weights) == 4192


@pytest.mark.parametrize("ids", DOCUMENTS, ids=["emma", "a letter", "cut at the block"])
def test_one_model_in_three_ways(bench, weights, ids) -> None:
    loss, gradient = gradient_of(bench, bench.Torch(weights, 27), ids)
    for make in (bench.Microgpt, bench.Fused):
        got = gradient_of(bench, make(weights, 27), ids)
        assert difference(got[0], loss, FLOAT64) is None
        assert difference(got[1], gradient, FLOAT64) is None


@pytest.mark.parametrize("ids", DOCUMENTS, ids=["emma", "a letter", "cut at the block"])
@pytest.mark.parametrize("eager", [True, False], ids=["eager", "replay"])
def test_the_lessons_model_is_torchs(bench, weights, ids, eager) -> None:
    loss, gradient = gradient_of(bench, bench.Torch(weights, 27), ids)
    lesson = Training(ScalarGPT(27), eager=eager)
    lesson.step(ids)
    assert difference(lesson.losses, [loss], FLOAT64) is None
    assert difference(lesson.compiled.gradients, gradient, FLOAT64) is None


def test_they_train_alike(bench, weights) -> None:
    """Adam's steps, also where a character's gradient is 0 and only the mean of older ones moves it."""
    sides = [make(weights, 27) for make in (bench.Torch, bench.Fused, bench.Microgpt)] + [Training(ScalarGPT(27))]
    for side in sides:
        for ids in ([0, 5, 1, 0], [0, 3, 0], [0, 5, 1, 0], [0, 2, 0]):
            side.step(ids)
    for side in sides[1:]:
        assert difference(side.losses, sides[0].losses, FLOAT64) is None
    assert sides[0].losses[2] < sides[0].losses[0]
