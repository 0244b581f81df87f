"""fused.py, judged by torch's autograd and by the atoms."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from zth.backprop import atoms, fused
from zth.backprop.atoms import Parameters
from zth.compare import FLOAT64, LECTURE_5, Tolerance, difference, largest_difference
from zth.errors import ShapeError
from zth.seeds import stream

DTYPES = [(torch.float32, LECTURE_5), (torch.float64, FLOAT64)]


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
def test_dlogits_is_autograds(dtype: torch.dtype, tolerance: Tolerance) -> None:
    g = stream(1, "test")
    logits = torch.randn(32, 27, generator=g).to(dtype).requires_grad_()
    yb = torch.randint(27, (32,), generator=g)
    F.cross_entropy(logits, yb).backward()
    assert difference(fused.dlogits(logits.detach(), yb), logits.grad, tolerance) is None


def test_dlogits_is_stable() -> None:
    ours = fused.dlogits(torch.tensor([[1000.0, 0.0], [0.0, -1000.0]]), torch.tensor([1, 0]))
    assert ours.tolist() == [[0.5, -0.5], [0.0, 0.0]]


def test_each_row_of_dlogits_adds_up_to_nothing() -> None:
    logits = torch.randn(32, 27, generator=stream(1, "test"), dtype=torch.float64)
    assert fused.dlogits(logits, torch.zeros(32, dtype=torch.int64)).sum(1).abs().max() < 1e-16


def test_dlogits_refuses_other_shapes() -> None:
    with pytest.raises(ShapeError, match=r"logits \(2, 3\) and targets \(3,\)"):
        fused.dlogits(torch.zeros(2, 3), torch.zeros(3, dtype=torch.int64))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_both_agree_with_the_long_way(dtype: torch.dtype, batch: tuple[Tensor, Tensor]) -> None:
    drawn = Parameters.draw(stream(42, "init"))
    t = atoms.forward(Parameters(*(p.to(dtype) for p in drawn)), *batch)
    long = atoms.backward(t)
    tolerance = 1e-8 if dtype == torch.float32 else 1e-16
    assert largest_difference(fused.dlogits(t.logits, t.yb), long["logits"]) < tolerance
    ours = fused.dhprebn(long["hpreact"], t.bngain, t.bnraw, t.bnvar_inv)
    assert largest_difference(ours, long["hprebn"]) < tolerance


@pytest.mark.parametrize("shape", [(32, 20), (32, 4, 20), (2, 20), (2, 3, 20)])
@pytest.mark.parametrize("bessel", [True, False])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, Tolerance(absolute=2e-6)), (torch.float64, FLOAT64)]
)
def test_dhprebn_is_autograds(shape: tuple[int, ...], bessel: bool, dtype: torch.dtype, tolerance: Tolerance) -> None:
    """Against gradients of order 1, not of the lecture's 1/32; two rows are the case with nearly nothing left."""
    g = stream(1, "test")
    x = (3 * torch.randn(shape, generator=g) + 1).to(dtype).requires_grad_()
    gain, bias = (torch.randn(20, generator=g).to(dtype) for _ in range(2))
    upstream = torch.randn(shape, generator=g).to(dtype)
    axes = tuple(range(x.dim() - 1))
    mean, var = x.mean(axes), x.var(axes, unbiased=bessel)
    inv = (var + 1e-5) ** -0.5
    raw = (x - mean) * inv
    (gain * raw + bias).backward(upstream)
    ours = fused.dhprebn(upstream, gain, raw.detach(), inv.detach(), bessel=bessel)
    assert difference(ours, x.grad, tolerance) is None


def test_without_bessel_it_is_torchs_own() -> None:
    x = torch.randn(32, 20, generator=stream(1, "test"), dtype=torch.float64, requires_grad=True)
    upstream = torch.randn(32, 20, generator=stream(2, "test"), dtype=torch.float64)
    F.batch_norm(x, None, None, training=True).backward(upstream)
    inv = (x.var(0, unbiased=False) + 1e-5) ** -0.5
    raw = ((x - x.mean(0)) * inv).detach()
    ours = fused.dhprebn(upstream, torch.ones(20, dtype=torch.float64), raw, inv.detach(), bessel=False)
    assert difference(ours, x.grad, FLOAT64) is None
