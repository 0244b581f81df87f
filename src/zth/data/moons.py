"""Two moons: the points that lecture 1's demo learns to tell apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zth.errors import ConfigError
from zth.seeds import numpy_stream


def moons(n: int = 100, noise: float = 0.1, seed: int = 1337) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(n, 2) float64 points and their (n,) labels, -1 or +1: two interleaved half circles of radius 1, shuffled.

    -1 is the upper half circle around (0, 0), +1 the lower one around (1, 0.5); `noise` is the standard deviation
    of what is added to each coordinate. Raises ConfigError for n < 2 or a negative noise.

    >>> points, labels = moons(100)
    >>> points.shape, labels.sum().item()
    ((100, 2), 0)
    """
    if n < 2:
        raise ConfigError(f"Two moons need n >= 2 points; got {n}.", "Pass n=100, as the demo does.")
    if not (noise >= 0 and np.isfinite(noise)):
        raise ConfigError(f"noise must be 0 or more; got {noise}.", "Pass noise=0.1, as the demo does.")
    rng = numpy_stream(seed, "moons")
    n_upper = n // 2
    upper, lower = np.linspace(0, np.pi, n_upper), np.linspace(0, np.pi, n - n_upper)
    x = np.concatenate([np.cos(upper), 1 - np.cos(lower)])
    y = np.concatenate([np.sin(upper), 0.5 - np.sin(lower)])
    labels = np.repeat(np.array([-1, 1]), [n_upper, n - n_upper])
    order = rng.permutation(n)
    points = np.stack([x, y], axis=1) + rng.normal(0, noise, (n, 2))
    return points[order], labels[order]
