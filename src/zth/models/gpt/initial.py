"""With which spread a GPT's matrices begin; `init` and `output_init` of GPTConfig."""

from __future__ import annotations

import math

from zth.layers.init import LAST_GAIN, UNIT, ZERO, fan_in_std
from zth.models.gpt.config import GPTConfig

GPT2_STD = 0.02
"""GPT-2's for every matrix and table, and lecture 7's (where it is meant for widths of about 1 / 0.02**2 = 2,500)."""


def table_std(options: GPTConfig) -> float:
    """Of the embeddings. One that is the last layer too begins like that.

    >>> table_std(GPTConfig()), table_std(GPTConfig(init="gpt2"))
    (1.0, 0.02)
    """
    if options.init == "gpt2":
        return GPT2_STD
    return LAST_GAIN * fan_in_std(options.width) if options.tie_weights else UNIT


def matrix_std(options: GPTConfig, fan_in: int) -> float:
    """Of a matrix that reads.

    >>> matrix_std(GPTConfig(), 100)
    0.1
    """
    return GPT2_STD if options.init == "gpt2" else fan_in_std(fan_in)


def output_std(options: GPTConfig, fan_in: int) -> float:
    """Of a matrix that adds to the residual stream: 2 * layers of them add up.

    >>> output_std(GPTConfig(), 100), output_std(GPTConfig(layers=2, output_init="scaled"), 100)
    (0.0, 0.05)
    """
    if options.output_init == "zero":
        return ZERO
    std = matrix_std(options, fan_in)
    return std / math.sqrt(2 * options.layers) if options.output_init == "scaled" else std


def last_std(options: GPTConfig) -> float:
    """Of the last layer: small, so that the first loss is near ln V. Zero with the zero outputs; its own gradient is
    not zero, so it learns from the first step on, and what is before it from the second.

    >>> last_std(GPTConfig()), round(last_std(GPTConfig(width=400, output_init="scaled")), 6)
    (0.0, 0.005)
    """
    if options.output_init == "zero":
        return ZERO
    return GPT2_STD if options.init == "gpt2" else LAST_GAIN * fan_in_std(options.width)
