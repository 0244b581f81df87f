"""layers/init.py: gains and scales against torch.nn.init, and each variance argument against measured variances.

Figures in float32 over a million numbers: 1 % of sampling error leaves room, and the wrong scale is far outside.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zth.errors import ConfigError
from zth.layers import Embedding, FlattenConsecutive, Linear, ReLU, Sequential, Tanh, init

WIDTH, N = 512, 1000
LN27 = math.log(27)


def rms(x: Tensor) -> float:
    return (x.double() ** 2).mean().sqrt().item()


def through(depth: int, activation: type[nn.Module] | None, std: float, g: torch.Generator) -> list[float]:
    """N inputs from N(0, 1) through `depth` layers of one width: the root mean square behind each."""
    x, seen = torch.randn(N, WIDTH, generator=g), []
    for _ in range(depth):
        x = Linear(WIDTH, WIDTH, generator=g, bias=False, std=std)(x).detach()
        x = activation()(x) if activation else x
        seen.append(rms(x))
    return seen


@pytest.mark.parametrize("nonlinearity", ["linear", "tanh", "relu"])
def test_gains_are_torchs(nonlinearity, g) -> None:
    assert init.GAINS[nonlinearity] == pytest.approx(nn.init.calculate_gain(nonlinearity))
    drawn = nn.init.kaiming_normal_(torch.empty(400, 400), nonlinearity=nonlinearity, generator=g).std().item()
    assert init.kaiming_std(400, nonlinearity) == pytest.approx(drawn, rel=0.01)
    assert init.kaiming_std(400, nonlinearity) == init.GAINS[nonlinearity] * init.fan_in_std(400)


@pytest.mark.parametrize("spread", [0.1, 1.0, 3.0])
def test_one_layer_multiplies_the_mean_square(spread, g) -> None:
    # (1): whatever the distribution of x, a mean that is not 0 included
    x = spread * torch.rand(20_000, WIDTH, generator=g) + 0.5
    y = Linear(WIDTH, 50, generator=g, bias=False, std=0.03)(x)
    assert rms(y) == pytest.approx(math.sqrt(WIDTH) * 0.03 * rms(x), rel=0.15)  # only 50 columns of W are drawn


def test_fan_in_keeps_the_spread_of_linear_layers(g) -> None:
    kept = through(10, None, init.fan_in_std(WIDTH), g)
    assert kept == pytest.approx([1.0] * 10, rel=0.06)
    assert through(5, None, init.UNIT, g)[-1] == pytest.approx(WIDTH**2.5, rel=0.06)


def test_fan_in_keeps_the_gradients_of_square_layers(g) -> None:
    x = torch.randn(N, WIDTH, generator=g, requires_grad=True)
    y = Sequential(*[Linear(WIDTH, WIDTH, generator=g) for _ in range(10)])(x)
    y.backward(torch.randn(y.shape, generator=g))
    assert rms(x.grad) == pytest.approx(1.0, rel=0.06)


def test_relu_halves_and_its_gain_makes_up_for_it(g) -> None:
    halves = [0.5 ** (layer / 2) for layer in range(1, 11)]
    assert through(10, ReLU, init.fan_in_std(WIDTH), g) == pytest.approx(halves, rel=0.12)
    assert through(10, ReLU, init.kaiming_std(WIDTH, "relu"), g) == pytest.approx([1.0] * 10, rel=0.12)


Z, WEIGHTS = np.polynomial.hermite_e.hermegauss(100)


def squeeze(q: float, gain: float) -> float:
    """E[tanh(gain * sqrt(q) * z)**2] by Gauss-Hermite quadrature."""
    return float((WEIGHTS * np.tanh(gain * math.sqrt(q) * Z) ** 2).sum() / WEIGHTS.sum())


@pytest.mark.parametrize("gain", [1.0, 5 / 3])
def test_tanh_follows_its_recursion(gain, g) -> None:
    q, wanted = 1.0, []
    for _ in range(20):
        q = squeeze(q, gain)
        wanted.append(math.sqrt(q))
    std = init.kaiming_std(WIDTH, "tanh" if gain > 1 else "linear")
    assert through(20, Tanh, std, g) == pytest.approx(wanted, rel=0.03)


def test_the_figures_of_tanhs_docstring() -> None:
    q = 1.0
    for _ in range(100):
        q = squeeze(q, init.GAINS["tanh"])
    assert q == pytest.approx(0.424, abs=5e-4)
    assert math.sqrt(q) == pytest.approx(0.65, abs=5e-3)
    faded = 1.0
    for _ in range(1000):
        faded = squeeze(faded, 1.0)
    assert math.sqrt(faded) == pytest.approx(1 / math.sqrt(2 * 1000), rel=0.01)


def lecture_3(g: torch.Generator, *, first: dict[str, float], last: dict[str, float]) -> Sequential:
    """Embedding 10, block 3, 200 hidden."""
    return Sequential(
        Embedding(27, 10, generator=g),
        FlattenConsecutive(3),
        Linear(30, 200, generator=g, **first),
        Tanh(),
        Linear(200, 27, generator=g, **last),
    )


def many(build, n: int = 20) -> list[tuple[float, float, float, float]]:
    """Over n seeds: std of hpreact, share of |h| > 0.97, std of the logits, first loss at random targets."""
    rows = []
    for seed in range(n):
        g = torch.Generator().manual_seed(seed)
        model = build(g)
        with torch.no_grad():
            hpreact = model[2](model[1](model[0](torch.randint(27, (500, 3), generator=g))))
            h = model[3](hpreact)
            logits = model[4](h)
        loss = F.cross_entropy(logits, torch.randint(27, (500,), generator=g)).item()
        rows.append((rms(hpreact), (h.abs() > 0.97).double().mean().item(), rms(logits), loss))
    return rows


def mean(rows, column: int) -> float:
    return sum(row[column] for row in rows) / len(rows)


def test_unit_scale_is_confidently_wrong() -> None:
    unit = {"std": init.UNIT, "bias_std": init.UNIT}
    rows = many(lambda g: lecture_3(g, first=unit, last=unit))
    assert mean(rows, 0) == pytest.approx(math.sqrt(31), rel=0.05)
    assert mean(rows, 1) == pytest.approx(0.7, abs=0.03)
    assert mean(rows, 2) > 10
    assert mean(rows, 3) == pytest.approx(27, abs=3)


def test_a_small_last_layer_is_near_uniform() -> None:
    first = {"std": init.FIRST_TANH, "bias_std": init.FIRST_BIAS}
    rows = many(lambda g: lecture_3(g, first=first, last={"std": init.LAST_LAYER}))
    assert mean(rows, 0) == pytest.approx(0.2 * math.sqrt(30), rel=0.05)
    assert mean(rows, 1) == pytest.approx(0.06, abs=0.015)
    for *_, s, loss in rows:
        assert s**2 <= 0.02
        assert abs(loss - LN27) < 0.02  # 0.01 by the bound, and as much of sampling


@pytest.mark.parametrize("s", [0.05, 0.2, 0.4])
def test_what_logits_of_small_variance_cost(s, g) -> None:
    logits = s * torch.randn(200_000, 27, generator=g)
    loss = F.cross_entropy(logits, torch.randint(27, (200_000,), generator=g)).item()
    assert loss - LN27 == pytest.approx((1 - 1 / 27) * s**2 / 2, abs=4 * s / math.sqrt(200_000) + s**4)


def test_last_gain(g) -> None:
    x = torch.randn(N, 100, generator=g).tanh()
    logits = Linear(100, 27, generator=g, std=init.LAST_GAIN * init.fan_in_std(100))(x)
    assert rms(logits) == pytest.approx(0.1 * rms(x), rel=0.1)
    loss = F.cross_entropy(logits, torch.randint(27, (N,), generator=g)).item()
    assert abs(loss - LN27) < 0.005 + 4 * 0.1 / math.sqrt(N)


def test_not_zero(g) -> None:
    h = torch.randn(N, 64, generator=g).tanh()
    logits = Linear(64, 27, generator=g, std=init.NOT_ZERO, bias_std=init.NOT_ZERO)(h)
    assert rms(logits) ** 2 < 0.64
    assert all(p.all() for p in Linear(64, 27, generator=g, std=init.NOT_ZERO, bias_std=init.NOT_ZERO).parameters())


def test_zero_moves_the_last_bias_alone(g) -> None:
    model = lecture_3(g, first={"std": init.ZERO}, last={"std": init.ZERO})
    F.cross_entropy(model(torch.randint(27, (32, 3), generator=g)), torch.randint(27, (32,), generator=g)).backward()
    assert [name for name, p in model.named_parameters() if p.grad.any()] == ["layers.4.b"]


def test_normal(g) -> None:
    drawn = init.normal(1000, 1000, std=0.3, generator=g)
    assert (drawn.mean().item(), drawn.std().item()) == pytest.approx((0, 0.3), abs=0.001)
    assert drawn.dtype == torch.float32
    one, other = (torch.Generator().manual_seed(5) for _ in range(2))
    init.normal(3, std=0.0, generator=one), init.normal(3, std=1.0, generator=other)
    assert torch.equal(init.normal(4, std=1.0, generator=one), init.normal(4, std=1.0, generator=other))


def test_errors(g) -> None:
    with pytest.raises(ConfigError, match="fan_in must be at least 1; got 0"):
        init.fan_in_std(0)
    with pytest.raises(ConfigError, match=r"No gain is known for 'tahn'. Did you mean tanh\?"):
        init.kaiming_std(10, "tahn")
    with pytest.raises(ConfigError, match="std must be a finite number from 0 up"):
        init.normal(2, std=-0.1, generator=g)
