"""One dot in front; what lies further back is the node at place 0."""

import torch


def dilated(x, W, b, dilation):
    B, T, C = x.shape
    first = x[:, :1].expand(B, dilation, C)
    before = torch.cat([first, x], dim=1)[:, :T]  # the last `dilation` are dropped: T places, `dilation` late
    return torch.cat([before, x], dim=2) @ W + b


def all_positions(ids, parameters):
    dot = torch.zeros(len(ids), 1, dtype=torch.int64)
    x = parameters["C"][torch.cat([dot, ids], dim=1)]
    dilation = 1
    for W, b in parameters["levels"]:
        x = torch.tanh(dilated(x, W, b, dilation))
        dilation *= 2
    return x[:, 1:] @ parameters["W"] + parameters["b"]
