from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
import torch

from zth.seeds import numpy_stream, python_stream, stream, stream_seed


def test_a_stream_seed_is_the_first_63_bits_of_the_hash():
    digest = hashlib.sha256(b"zth/42/init").hexdigest()
    assert stream_seed(42, "init") == int(digest[:16], 16) // 2


def test_every_seed_and_name_has_its_own_stream():
    seeds = {stream_seed(seed, name) for seed in range(-3, 200) for name in ("init", "batches", "sampling", "")}
    assert len(seeds) == 203 * 4
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert stream_seed(1, "1/x") != stream_seed(11, "x")


def test_another_process_draws_the_same():
    code = "from zth.seeds import *; print(stream_seed(42, 'init'), python_stream(42, 'init').random())"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == [str(stream_seed(42, "init")), str(python_stream(42, "init").random())]


@pytest.mark.parametrize(
    "draw",
    [
        lambda seed, name: torch.rand(5, generator=stream(seed, name)).tolist(),
        lambda seed, name: numpy_stream(seed, name).random(5).tolist(),
        lambda seed, name: [python_stream(seed, name).random() for _ in range(1)],
    ],
    ids=["torch", "numpy", "python"],
)
def test_streams_repeat_and_do_not_touch_each_other(draw):
    first = draw(42, "init")
    draw(42, "batches")
    assert draw(42, "init") == first
    assert draw(42, "batches") != first
    assert draw(43, "init") != first


def test_the_global_generators_are_left_alone():
    import random

    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    stream(1, "a"), numpy_stream(1, "a").random(), python_stream(1, "a").random()
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (random.getstate(), np.random.get_state()[1].tolist())


def test_streams_of_neighbouring_seeds_are_uncorrelated():
    draws = np.stack([numpy_stream(seed, "init").normal(size=2000) for seed in range(20)])
    correlation = np.corrcoef(draws) - np.eye(20)
    # 190 pairs of 2,000 draws: the largest of them stays below 4 / sqrt(2000)
    assert np.abs(correlation).max() < 4 / np.sqrt(2000)
