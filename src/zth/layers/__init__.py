"""Layers written by hand: torch.nn.Modules whose forward is spelled out (lectures 3 to 7).

::

    linear.py      x @ W + b
    embedding.py   rows of a table
    batchnorm.py   BatchNorm1d over all axes but the last, with running statistics
    layernorm.py   LayerNorm and RMSNorm over the last axis (lecture 7)
    activation.py  Tanh, ReLU, squared ReLU, GELU
    dropout.py     numbers left out by chance while training (lecture 7)
    matmul.py      which library multiplies matrices on a CPU
    shape.py       FlattenConsecutive: neighbours side by side
    sequential.py  one layer after the other, or side by side
    init.py        every initial scale of the lectures, and why
    folding.py     BatchNorm folded into the Linear before it
    diagnostics.py       what activations, gradients and updates look like, in any module
    diagnostic_plots.py  the same as pictures

torch keeps the books (state, devices, gradients), and is the judge: each layer equals torch's own.

>>> import torch
>>> from zth.layers import BatchNorm1d, Embedding, FlattenConsecutive, Linear, Sequential, Tanh
>>> g = torch.Generator().manual_seed(2147483647)
>>> mlp = Sequential(
...     Embedding(27, 10, generator=g), FlattenConsecutive(3),
...     Linear(30, 200, generator=g, bias=False), BatchNorm1d(200), Tanh(),
...     Linear(200, 27, generator=g),
... )
>>> sum(p.numel() for p in mlp.parameters())  # lecture 4's: 12,097
12097
>>> tuple(mlp(torch.zeros(32, 3, dtype=torch.int64)).shape)
(32, 27)
"""

from zth.layers.activation import GELU, ReLU, SquaredReLU, Tanh
from zth.layers.batchnorm import BatchNorm1d
from zth.layers.dropout import Dropout
from zth.layers.embedding import Embedding
from zth.layers.layernorm import LayerNorm, RMSNorm
from zth.layers.linear import Linear
from zth.layers.sequential import Sequential, Sum
from zth.layers.shape import FlattenConsecutive

__all__ = [
    "GELU",
    "BatchNorm1d",
    "Dropout",
    "Embedding",
    "FlattenConsecutive",
    "LayerNorm",
    "Linear",
    "RMSNorm",
    "ReLU",
    "Sequential",
    "SquaredReLU",
    "Sum",
    "Tanh",
]
