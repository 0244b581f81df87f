"""layers/matmul.py: another library, the same products."""

from __future__ import annotations

import pytest
import torch

from zth.layers.matmul import onednn, onednn_for


def largest_error(x: torch.Tensor, W: torch.Tensor) -> float:
    """Of float32 products, relative to their spread."""
    wanted = x.double() @ W.double()
    return ((x @ W - wanted).abs().max() / wanted.std()).item()


@pytest.mark.parametrize("shape", [(5, 7, 3), (96, 128, 64), (200, 1000, 30)])
def test_products_are_right(shape) -> None:
    m, k, n = shape
    g = torch.Generator().manual_seed(1)
    x, W = torch.randn(m, k, generator=g) + 0.1, torch.randn(k, n, generator=g) + 0.1
    amx = bool(torch.cpu.get_capabilities().get("amx_bf16")) if hasattr(torch.cpu, "get_capabilities") else True
    with onednn():
        # float32 keeps 6e-8, a sum of 1000 loses a digit or two; bfloat16 keeps 4e-3 of each factor
        assert largest_error(x, W) < (0.05 if amx else 1e-5)


def test_the_switch_goes_back() -> None:
    x = torch.zeros(1)
    assert not onednn_for(x)
    with onednn():
        assert onednn_for(x)
        with onednn():
            pass
        assert onednn_for(x)
        assert not onednn_for(torch.zeros(1, device="meta"))
    assert not onednn_for(x)
    with pytest.raises(KeyError), onednn():
        raise KeyError
    assert torch.get_float32_matmul_precision() == "highest"
