from __future__ import annotations

import numpy as np
import pytest

from zth.compare import FLOAT64, same
from zth.data.moons import moons
from zth.errors import ConfigError


def test_without_noise_they_are_two_half_circles() -> None:
    points, labels = moons(200, noise=0.0)
    upper, lower = points[labels == -1], points[labels == 1]
    assert len(upper) == len(lower) == 100
    assert same(np.hypot(upper[:, 0], upper[:, 1]), np.ones(100), FLOAT64)
    assert same(np.hypot(lower[:, 0] - 1, lower[:, 1] - 0.5), np.ones(100), FLOAT64)
    assert upper[:, 1].min() > -1e-12
    assert lower[:, 1].max() < 0.5 + 1e-12


def test_they_interleave_so_that_no_line_parts_them() -> None:
    points, labels = moons(200, noise=0.0)
    with_one = np.column_stack([points, np.ones(len(points))])
    weights, *_ = np.linalg.lstsq(with_one, labels, rcond=None)
    accuracy = np.mean(np.sign(with_one @ weights) == labels)
    assert 0.75 < accuracy < 0.95


def test_the_noise_has_the_spread_that_was_asked_for() -> None:
    clean, labels = moons(4000, noise=0.0, seed=3)
    noisy, same_labels = moons(4000, noise=0.2, seed=3)
    assert np.array_equal(labels, same_labels)
    assert abs(np.std(noisy - clean) - 0.2) < 0.01  # 8,000 draws: the standard error is 0.0016


def test_shapes_types_and_an_odd_count() -> None:
    points, labels = moons(7)
    assert points.shape == (7, 2)
    assert points.dtype == np.float64
    assert np.issubdtype(labels.dtype, np.integer)
    assert sorted(labels.tolist()) == [-1, -1, -1, 1, 1, 1, 1]


def test_the_seed_decides() -> None:
    assert np.array_equal(moons(seed=1)[0], moons(seed=1)[0])
    assert not np.array_equal(moons(seed=1)[0], moons(seed=2)[0])


def test_the_order_is_shuffled() -> None:
    assert np.count_nonzero(np.diff(moons(100)[1])) > 20


@pytest.mark.parametrize("bad", [{"n": 1}, {"n": -3}, {"noise": -0.1}, {"noise": float("nan")}])
def test_what_makes_no_moons(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="got"):
        moons(**bad)  # type: ignore[arg-type]
