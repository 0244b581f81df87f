"""A tree that is grown at every position, and computed once.

A node depends on the ids below it, and not on the tree that it stands in. On level l (0, 1, 2, ...) a node covers
2**(l + 1) ids; the one that ends at t fuses the two that end at t - 2**l and at t. So a level is one function of all
positions: a convolution of kernel 2 that looks back only (causal) and whose two inputs lie 2**l apart (dilated). That
is WaveNet's layer (van den Oord et al. 2016). A position costs 3 nodes instead of 7, and with k levels k instead of
2**k - 1.

The beginning is where people go wrong. In front of a name there are dots, as many as one likes, and a node over dots
is not 0: it is tanh(b + ...) of the dot's vectors. Padding the nodes with zeros, as convolutions mostly do, gives
other logits for the first characters. Here one dot is put in front, and its nodes stand for all that lies before it.

`WaveNetModel.logits_everywhere` is the same on a model with its BatchNorms still in it: in evaluation they treat
every position alike, so they do not mind. In training they would: their batch is then all positions of the texts.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zth.models.wavenet import WaveNetModel

__all__ = ["all_positions", "dilated"]


def dilated(x: Tensor, W: Tensor, b: Tensor, dilation: int) -> Tensor:
    """x (B, T, C), W (2*C, H), b (H,) -> (B, T, H).

    >>> x = torch.tensor([[[1], [2], [3], [4], [5]]])
    >>> dilated(x, torch.tensor([[1], [10]]), torch.tensor([0]), 2).flatten().tolist()
    [11, 21, 31, 42, 53]
    """
    before = (torch.arange(x.shape[1]) - dilation).clamp(min=0)
    return torch.cat([x[:, before], x], dim=-1) @ W + b


def all_positions(ids: Tensor, parameters: dict[str, Any]) -> Tensor:
    """(B, T) ids -> (B, T, V) logits; `parameters` as `of_model` gives them."""
    x = parameters["C"][F.pad(ids, (1, 0))]  # (B, T + 1, E)
    for level, (W, b) in enumerate(parameters["levels"]):
        x = torch.tanh(dilated(x, W, b, 2**level))
    logits: Tensor = x[:, 1:] @ parameters["W"] + parameters["b"]
    return logits


def of_model(model: WaveNetModel) -> dict[str, Any]:
    """A WaveNetModel -> the parameters that the exercise is asked with, its BatchNorms folded away.

    >>> from zth.models import WaveNetConfig
    >>> model = WaveNetModel(WaveNetConfig(), generator=torch.Generator().manual_seed(1)).eval()
    >>> ids = torch.tensor([[0, 5, 13, 13, 1]])
    >>> torch.allclose(all_positions(ids, of_model(model)), model.logits_everywhere(ids), atol=1e-5)
    True
    """
    state = model.folded().state_dict()
    n_levels = len(model.levels)
    return {
        "C": state["embedding.C"],
        "levels": [
            (state[f"levels.{level}.layers.0.W"], state[f"levels.{level}.layers.0.b"]) for level in range(n_levels)
        ],
        "W": state["output.W"],
        "b": state["output.b"],
    }
