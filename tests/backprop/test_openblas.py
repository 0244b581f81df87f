from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from zth.backprop import openblas
from zth.backprop.engine import Engine
from zth.backprop.openblas import n_threads, one_thread
from zth.layers import Embedding, FlattenConsecutive, Linear, Sequential


def test_numpys_own_openblas_is_found() -> None:
    """The wheels of NumPy on Linux bring it; where this fails, NAMES lacks its newest name."""
    if not list(Path(np.__file__).parent.parent.glob("numpy.libs/*openblas*")):
        pytest.skip("this NumPy has another library")
    assert n_threads() is not None


def test_one_inside_and_as_many_as_before_outside() -> None:
    before = n_threads()
    with one_thread(), one_thread():
        assert n_threads() in (1, None)
    assert n_threads() == before
    with pytest.raises(KeyError), one_thread():
        raise KeyError
    assert n_threads() == before


def test_a_numpy_with_another_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openblas, "_library", lambda: None)
    with one_thread():
        assert n_threads() is None


def test_the_engine_runs_on_one(monkeypatch: pytest.MonkeyPatch) -> None:
    g = torch.Generator()
    net = Sequential(Embedding(5, 2, generator=g), FlattenConsecutive(2), Linear(4, 5, generator=g))
    engine = Engine(net, batch_size=4, block_size=2)
    seen = []
    engine.update.calls.append(lambda: seen.append(n_threads()))
    engine.steps(np.zeros((9, 2), int), np.zeros(9, int), np.zeros((3, 4), int), 0.1)
    assert seen in ([1] * 3, [None] * 3)
