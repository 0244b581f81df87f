"""Named random streams: one seed, as many independent generators as there are purposes.

Drawing one more number for the initial weights must not change the batches, so each purpose has a stream of its
own, named after it. The name and the seed are hashed into the stream's own seed.
"""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    import torch


def stream_seed(seed: int, name: str) -> int:
    """The 63-bit seed of the stream `name` under `seed`.

    >>> stream_seed(42, "init") == stream_seed(42, "init")
    True
    >>> stream_seed(42, "init") == stream_seed(42, "batches")
    False
    """
    digest = hashlib.sha256(f"zth/{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def stream(seed: int, name: str) -> torch.Generator:
    """A torch generator (CPU) for one purpose.

    >>> import torch
    >>> a, b = stream(42, "init"), stream(42, "init")
    >>> bool(torch.equal(torch.rand(3, generator=a), torch.rand(3, generator=b)))
    True
    """
    import torch

    return torch.Generator().manual_seed(stream_seed(seed, name))


def numpy_stream(seed: int, name: str) -> numpy.random.Generator:
    """The same for NumPy, where torch is not needed."""
    import numpy as np

    return np.random.default_rng(stream_seed(seed, name))


def python_stream(seed: int, name: str) -> random.Random:
    """The same for Python's own `random`.

    >>> python_stream(1, "moons").random() == python_stream(1, "moons").random()
    True
    """
    return random.Random(stream_seed(seed, name))
