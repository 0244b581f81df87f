"""Which library multiplies matrices on a CPU, and in which numbers.

PyTorch asks MKL by default. On a processor that is not Intel's, MKL leaves its AVX-512 kernels out and works at half
of what there is. oneDNN, which is in PyTorch too, uses them. Measured on one core of an AMD EPYC (Zen 5), in float32,
(768, 128) @ (128, 512): MKL 107 GFLOP/s, oneDNN 243; with the same rounding errors.

The switch is PyTorch's `set_float32_matmul_precision("medium")`. As its name says it *allows* oneDNN to work in
bfloat16 inside. On the processor measured it does not; where there are matrix units for bfloat16 (AMX) it may, and
then factors keep 3 digits.

Asked for bfloat16 itself, the same processor does 450 GFLOP/s a core: it has instructions for it (AVX512_BF16). One
without them would emulate it, 60 to 200 times slower.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

SWITCH = "medium"


@contextmanager
def onednn() -> Iterator[None]:
    """Products of float32 matrices by oneDNN, forward and backward; on leaving, as it was before.

    For training: products of a few rows, as in sampling, are no faster.

    >>> with onednn():
    ...     torch.get_float32_matmul_precision()
    'medium'
    >>> torch.get_float32_matmul_precision()
    'highest'
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(SWITCH)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def native_bfloat16(device: torch.device | None = None) -> bool:
    """Whether the processor multiplies bfloat16 by instructions made for it; False where torch does not tell.

    >>> native_bfloat16(torch.device("meta"))
    False
    """
    if device is not None and device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device is not None and device.type != "cpu":
        return False
    told: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # older versions of torch do not tell
    return bool(told.get("avx512_bf16") or told.get("amx_bf16"))


def onednn_for(x: Tensor) -> bool:
    """Whether products with x go to oneDNN now.

    Then torch's fused attention, made of many small products, takes four times as long (13 ms, at (8, 128, 128) in 4
    heads, forward and backward), and attention spelled out is the fastest (2.3 ms; by MKL 3.3, fused or not).
    """
    return x.device.type == "cpu" and torch.get_float32_matmul_precision() == SWITCH
