"""6.2 Dilated convolutions. When you have written the functions: zth check 6.2

`parameters` holds a trained net, its BatchNorms folded away:
    parameters["C"]        (V, E) the characters' vectors
    parameters["levels"]   from the ids upwards: a pair (W, b) each, W (2*E, H) at first, then (2*H, H), and b (H,)
    parameters["W"], ["b"] (H, V) and (V,): the last layer
"""

import torch
import torch.nn.functional as F


def tree(contexts, parameters):
    """(B, block) ids -> (B, V): the lecture's tree, for one window each. Given."""
    x = parameters["C"][contexts]  # (B, block, E)
    for W, b in parameters["levels"]:
        B, T, C = x.shape
        x = torch.tanh(x.view(B, T // 2, 2 * C) @ W + b)
    return x[:, 0] @ parameters["W"] + parameters["b"]


def by_windows(ids, parameters):
    """(B, T) ids -> (B, T, V): a window for each position, and a tree for each window. Given: what to be equal to."""
    block = 2 ** len(parameters["levels"])
    windows = F.pad(ids, (block - 1, 0)).unfold(1, block, 1)  # (B, T, block), with 0, the dot, in front
    return tree(windows.reshape(-1, block), parameters).view(*ids.shape, -1)


def dilated(x, W, b, dilation):
    """x (B, T, C), W (2*C, H), b (H,) -> (B, T, H): at t, x[t - dilation] and x[t] side by side, times W, plus b."""
    raise NotImplementedError("`dilated` is not written yet: return a tensor of shape (B, T, H).")


def all_positions(ids, parameters):
    """(B, T) ids -> (B, T, V): at t the logits of the id that follows ids[:, : t + 1], each node computed once."""
    raise NotImplementedError("`all_positions` is not written yet: return the logits, of shape (B, T, V).")
