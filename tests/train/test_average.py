from __future__ import annotations

import torch

from zth.train.average import EVERY, Average


def net() -> torch.nn.Module:
    made = torch.nn.BatchNorm1d(3)
    torch.nn.init.zeros_(made.weight)
    return made


def test_it_is_the_exponential_mean_by_hand() -> None:
    model, decay = net(), 0.95
    average, wanted = Average(model, decay), 0.0
    for n in range(1, 30):
        with torch.no_grad():
            model.weight.fill_(float(n))
        average.add(n * EVERY)
        keep = min(decay**EVERY, n / (n + 10))
        wanted = keep * wanted + (1 - keep) * n
    assert torch.allclose(average.tensors["weight"], torch.full((3,), wanted))


def test_running_statistics_are_averaged_and_counters_are_not() -> None:
    model = net()
    average = Average(model, 0.5)
    assert set(average.tensors) == {"weight", "bias", "running_mean", "running_var"}


def test_shown_gives_the_net_back_even_after_an_error() -> None:
    model = net()
    average = Average(model, 0.0)
    with torch.no_grad():
        model.weight.fill_(5.0)
    try:
        with average.shown():
            assert model.weight.tolist() == [0.0] * 3
            raise RuntimeError
    except RuntimeError:
        pass
    assert model.weight.tolist() == [5.0] * 3
    average.settle()
    assert model.weight.tolist() == [0.0] * 3
