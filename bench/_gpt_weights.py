"""The baselines' models as ours: the same options, and the same weights under our names.

torch's Linear keeps the transpose of ours; the lecture's heads, modules of their own there, lie side by side here.
tests/bench/test_gpt_baselines.py proves that both sides give the same logits, and the same losses while they train.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from gpt_baselines import LectureScript, LectureSetting, NanoGPT, NanoSetting
from zth.models.gpt import GPTConfig, preset

SEED = 1337
"""The lecture's, for the baselines' weights and batches."""

Weights = Mapping[str, Tensor]


def nano_options(s: NanoSetting) -> GPTConfig:
    """B's model as one of ours."""
    return preset(
        "gpt2",
        vocab_size=s.vocab_size,
        block_size=s.block_size,
        layers=s.n_layer,
        heads=s.n_head,
        width=s.n_embd,
        biases="none",
        mlp="gelu",
        dropout=s.dropout,
    )


def nano_weights(model: NanoGPT) -> Weights:
    """B's, as a state of our model."""
    theirs = model.state_dict()
    found = {"embedding.C": theirs["wte.weight"], "positions.C": theirs["wpe.weight"]}
    names = {"attention.qkv": "attn.c_attn", "attention.output": "attn.c_proj"}
    names |= {"mlp.up": "mlp.c_fc", "mlp.down": "mlp.c_proj"}
    for i in range(len(model.h)):
        found |= {f"blocks.{i}.norm{n}.gamma": theirs[f"h.{i}.ln_{n}.weight"] for n in (1, 2)}
        found |= {f"blocks.{i}.{name}.W": theirs[f"h.{i}.{other}.weight"].T for name, other in names.items()}
    return _copied(found | {"norm.gamma": theirs["ln_f.weight"]})


def lecture_options(s: LectureSetting) -> GPTConfig:
    """A's model as one of ours."""
    return preset(
        "lecture",
        vocab_size=s.vocab_size,
        block_size=s.block_size,
        layers=s.n_layer,
        heads=s.n_head,
        width=s.n_embd,
        dropout=s.dropout,
    )


def lecture_weights(model: LectureScript, s: LectureSetting) -> Weights:
    """A's, as a state of our model."""
    theirs = model.state_dict()
    found = {
        "embedding.C": theirs["token_embedding_table.weight"],
        "positions.C": theirs["position_embedding_table.weight"],
    }
    names = {"attention.output": "sa.proj", "mlp.up": "ffwd.net.0", "mlp.down": "ffwd.net.2"}
    for i in range(s.n_layer):
        ours, block = f"blocks.{i}.", f"blocks.{i}."
        heads = [f"{block}sa.heads.{h}.{kind}.weight" for kind in ("query", "key", "value") for h in range(s.n_head)]
        found[ours + "attention.qkv.W"] = torch.cat([theirs[name].T for name in heads], 1)
        for name, other in names.items():
            found |= {f"{ours}{name}.W": theirs[f"{block}{other}.weight"].T}
            found |= {f"{ours}{name}.b": theirs[f"{block}{other}.bias"]}
        for name, other in {"norm1": "ln1", "norm2": "ln2"}.items():
            found |= {f"{ours}{name}.gamma": theirs[f"{block}{other}.weight"]}
            found |= {f"{ours}{name}.beta": theirs[f"{block}{other}.bias"]}
    found |= {"norm.gamma": theirs["ln_f.weight"], "norm.beta": theirs["ln_f.bias"]}
    return _copied(found | {"head.W": theirs["lm_head.weight"].T, "head.b": theirs["lm_head.bias"]})


def _copied(weights: Weights) -> Weights:
    return {name: weight.detach().clone().contiguous() for name, weight in weights.items()}
