from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.errors import ConfigError
from zth.models import MLPConfig, MLPModel
from zth.seeds import stream
from zth.train import TrainConfig
from zth.train.finder import Sweep, find_lr


def test_lecture_3_finds_a_tenth() -> None:
    """The lecture reads 10**-1 off its picture."""
    words = names()[:4000]
    vocabulary = Vocabulary.of_lines(words)
    net = MLPModel(MLPConfig(), generator=stream(42, "init"))
    sweep = find_lr(net, windows(words, vocabulary, 3), TrainConfig(optimizer="sgd"))
    assert 0.03 < sweep.suggestion < 0.3
    assert sweep.losses.shape == sweep.lrs.shape == (1000,)
    assert sweep.lrs[0] == pytest.approx(1e-3)
    assert sweep.lrs[-1] == pytest.approx(1.0)
    assert np.diff(np.log10(sweep.lrs)) == pytest.approx(3 / 999)


def test_the_net_itself_is_not_trained(make: Any) -> None:
    for name in ("mlp", "gru"):
        net, examples = make(name)
        before = {key: value.clone() for key, value in net.state_dict().items()}
        find_lr(net, examples, TrainConfig(), steps=20)
        assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_a_sweep_that_ends_in_nan_still_suggests() -> None:
    losses = np.array([3.0, 2.0, 1.0, np.nan, np.inf])
    sweep = Sweep(lrs=np.array([1e-3, 1e-2, 1e-1, 1.0, 10.0]), losses=losses, smooth=losses)
    assert sweep.suggestion == 0.1
    figure = sweep.figure()
    assert figure.data[0].y[-1] is None
    assert figure.layout.xaxis.type == "log"


@pytest.mark.parametrize(("steps", "exponents"), [(9, None), (100, (0.0, -3.0)), (100, (1.0, 1.0))])
def test_sweeps_that_are_none(steps: int, exponents: Any, make: Any) -> None:
    net, examples = make("mlp")
    with pytest.raises(ConfigError, match="10 steps or more and rising exponents"):
        find_lr(net, examples, TrainConfig(), steps=steps, exponents=exponents)
