"""torch's own convolution, without padding: a whole window of dots in front, and each level is shorter."""

import torch
import torch.nn.functional as F


def kernel(W):
    """(2*C, H) -> (H, C, 2), as torch wants it: [..., 0] meets what lies before."""
    first, second = W.chunk(2)
    return torch.stack([first.T, second.T], dim=2)


def dilated(x, W, b, dilation):
    x = F.pad(x.transpose(1, 2), (dilation, 0), mode="replicate")
    return F.conv1d(x, kernel(W), b, dilation=dilation).transpose(1, 2)


def all_positions(ids, parameters):
    block = 2 ** len(parameters["levels"])
    x = parameters["C"][F.pad(ids, (block - 1, 0))].transpose(1, 2)
    for level, (W, b) in enumerate(parameters["levels"]):
        x = F.conv1d(x, kernel(W), b, dilation=2**level).tanh()
    return x.transpose(1, 2) @ parameters["W"] + parameters["b"]
