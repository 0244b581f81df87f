"""What the tests of the layers share: seeded generators, and the comparison with torch's own module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from zth.compare import FLOAT32, FLOAT64, Tolerance, difference

Judge = Callable[..., None]
Pair = tuple[nn.Parameter, nn.Parameter, bool]


@pytest.fixture
def g() -> torch.Generator:
    return torch.Generator().manual_seed(2147483647)


@pytest.fixture(params=[torch.float64, torch.float32], ids=["float64", "float32"])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    return request.param


@pytest.fixture
def tolerance(dtype: torch.dtype) -> Tolerance:
    return FLOAT64 if dtype == torch.float64 else FLOAT32


@pytest.fixture
def judge(g: torch.Generator, tolerance: Tolerance) -> Judge:
    """judge(ours, theirs, x, pairs): outputs, the gradient of x and those of the pairs of parameters must agree.

    A pair is (ours, torch's, is torch's transposed?). The loss is the output's product with random numbers, so that
    no gradient is 0 or 1 by chance.
    """

    def agree(got: Tensor, wanted: Tensor, what: str) -> None:
        # a sum's rounding error has the size of its terms, not of what is left of them: of the tensor's largest
        absolute = max(
            tolerance.absolute, tolerance.relative * wanted.detach().abs().max().item() if len(wanted) else 0
        )
        found = difference(got, wanted, replace(tolerance, absolute=absolute))
        assert found is None, f"{what}: {found}"

    def compare(ours: nn.Module, theirs: Callable[[Tensor], Tensor], x: Tensor, pairs: Sequence[Pair] = ()) -> None:
        differentiable = x.is_floating_point()
        mine, other = (x.clone().requires_grad_(differentiable) for _ in range(2))
        y, wanted = ours(mine), theirs(other)
        assert y.dtype == wanted.dtype
        agree(y, wanted, "output")
        if not wanted.requires_grad:
            return
        dy = torch.randn(wanted.shape, generator=g).to(wanted.dtype)
        y.backward(dy)
        wanted.backward(dy)
        if differentiable:
            agree(mine.grad, other.grad, "dx")
        for i, (parameter, torchs, transposed) in enumerate(pairs):
            agree(parameter.grad.T if transposed else parameter.grad, torchs.grad, f"pair {i}")

    return compare
