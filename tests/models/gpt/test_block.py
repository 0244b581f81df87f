"""models/gpt/block.py against torch.nn.TransformerEncoderLayer, whose weights map onto ours one to one."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from zth.compare import FLOAT64, same
from zth.models.gpt.block import MLP, Block


@pytest.fixture
def g() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def shaken(module: nn.Module, g: torch.Generator) -> nn.Module:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.5 * torch.randn(parameter.shape, generator=g, dtype=parameter.dtype)
    return module


@pytest.mark.parametrize(
    ("kind", "activation"), [("lecture", F.relu), ("gpt2", lambda x: F.gelu(x, approximate="tanh"))]
)
def test_is_torchs(kind, activation, make_options, g) -> None:
    ours = shaken(Block(make_options(kind), generator=g).double(), g)
    theirs = nn.TransformerEncoderLayer(
        16, 4, 64, dropout=0, activation=activation, batch_first=True, norm_first=True, dtype=torch.float64
    )
    attention, mlp = ours.attention, ours.mlp
    qkv_bias = torch.zeros(48) if attention.qkv.b is None else attention.qkv.b
    theirs.load_state_dict(
        {
            "self_attn.in_proj_weight": attention.qkv.W.T,
            "self_attn.in_proj_bias": qkv_bias,
            "self_attn.out_proj.weight": attention.output.W.T,
            "self_attn.out_proj.bias": attention.output.b,
            "linear1.weight": mlp.up.W.T,
            "linear1.bias": mlp.up.b,
            "linear2.weight": mlp.down.W.T,
            "linear2.bias": mlp.down.b,
            "norm1.weight": ours.norm1.gamma,
            "norm1.bias": ours.norm1.beta,
            "norm2.weight": ours.norm2.gamma,
            "norm2.bias": ours.norm2.beta,
        }
    )
    x = torch.randn(2, 7, 16, generator=g, dtype=torch.float64)
    future = torch.ones(7, 7).triu(1).bool()
    assert same(ours(x), theirs(x, src_mask=future), FLOAT64)


@pytest.mark.parametrize(
    ("mlp", "formula"),
    [
        ("relu", lambda x, up, down: F.relu(x @ up) @ down),
        ("relu2", lambda x, up, down: F.relu(x @ up) ** 2 @ down),
        ("gelu", lambda x, up, down: F.gelu(x @ up) @ down),
        ("swiglu", lambda x, up, down: (F.silu(x @ up[:, :40]) * (x @ up[:, 40:])) @ down),
    ],
)
def test_mlp_is_its_formula(mlp, formula, make_options, g) -> None:
    ours = shaken(MLP(make_options("laptop", mlp=mlp), generator=g).double(), g)
    x = torch.randn(3, 16, generator=g, dtype=torch.float64)
    assert same(ours(x), formula(x, ours.up.W, ours.down.W), FLOAT64)
    assert len(ours.down.W) == (40 if mlp == "swiglu" else 64)


def test_begins_as_the_identity_where_outputs_are_zero(make_options, g) -> None:
    x = torch.randn(2, 5, 16, generator=g)
    assert torch.equal(Block(make_options("laptop"), generator=g)(x), x)
    assert not torch.equal(Block(make_options("laptop", output_init="scaled"), generator=g)(x), x)


def test_drops_what_attention_and_mlp_add(make_options, g) -> None:
    block = shaken(Block(make_options("laptop", dropout=0.5), generator=g), g)
    x = torch.randn(2, 5, 16, generator=g)
    with torch.no_grad():
        block.mlp.down.W.zero_()
    added = torch.stack([block(x) - x for _ in range(50)])
    # attention alone is left: each number it adds is dropped in about half of the runs
    assert 0.4 < (added == 0).double().mean() < 0.6
    assert torch.equal(block.eval()(x), block(x))
