"""What the tests of the GPT share: options of every kind, and models far from where they began."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from zth.models.gpt import GPTConfig, GPTModel

SMALL = {"vocab_size": 11, "block_size": 12, "layers": 2, "heads": 4, "width": 16}

KINDS = {
    "laptop": {},
    "lecture": {
        "positions": "learned",
        "norm": "layernorm",
        "norm_weights": True,
        "norm_embedding": False,
        "mlp": "relu",
        "qk_norm": False,
        "biases": "lecture",
        "softcap": None,
        "init": "gpt2",
        "output_init": "same",
    },
    "gpt2": {
        "positions": "learned",
        "norm": "layernorm",
        "norm_weights": True,
        "norm_embedding": False,
        "mlp": "gelu-tanh",
        "qk_norm": False,
        "biases": "gpt2",
        "tie_weights": True,
        "softcap": None,
        "init": "gpt2",
        "output_init": "scaled",
    },
    "groups": {"kv_heads": 2, "output_init": "scaled"},
    "multi-query": {"kv_heads": 1, "mlp": "swiglu", "norm_weights": True},
    "window": {"window": 9},  # reaches 1 + 2 * 8 = 17 back: more than the block
    "endless": {"window": 5},  # reaches 1 + 2 * 4 = 9 back
    "endless-groups": {"window": 5, "kv_heads": 2, "positions": "none", "qk_norm": False},
    "window-learned": {"window": 5, "positions": "learned"},
    "tied": {"tie_weights": True, "mlp": "gelu", "positions": "none"},
}


def options(kind: str, **changes: object) -> GPTConfig:
    return GPTConfig(**(SMALL | KINDS[kind] | changes))  # type: ignore[arg-type]


def lived_in(kind: str, **changes: object) -> GPTModel:
    """In float64 and evaluation mode, every parameter moved."""
    model = GPTModel(options(kind, **changes), generator=torch.Generator().manual_seed(1)).double().eval()
    g = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=g, dtype=torch.float64)
    return model


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def make() -> Callable[..., GPTModel]:
    return lived_in


@pytest.fixture
def make_options() -> Callable[..., GPTConfig]:
    return options


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(11, (3, 40), generator=torch.Generator().manual_seed(3))
