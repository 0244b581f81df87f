"""BatchNorm backwards takes away from the gradient what BatchNorm takes away from its input.

For one unit, with sums over its n examples:

    dx = bngain * bnvar_inv * (dy - sum(dy) / n - bnraw * sum(dy * bnraw) / (n - 1))

Why so? Add the same number to all x, and nothing changes behind the layer; so a gradient must not want it either: the
second term takes the mean out. Stretch all x away from their mean, and (but for eps) nothing changes; so the third
term takes the direction of bnraw out. What is left is what is left of dy after the best straight line through the
points (bnraw, dy): the residuals of a regression. That is also where Bessel's correction goes. With var over n - 1,
the sum of bnraw**2 is n - 1, and a projection onto bnraw divides by just that; the mean's sum of 1**2 is n. So the
mean's term has n, and the variance's n - 1. With torch's own BatchNorm, whose variance is over n, both have n.

With n = 2 the gradient is 0 but for eps: any two numbers come out as -0.71 and 0.71, so nothing that x does can be
seen. It is a good case to try a formula on.

The long way of 5.1 computes the same in seven steps. On paper -0.5 * (var + eps)**-1.5, the
2 of the square and the second road to the mean cancel or fold into bnraw.
"""

import torch
from torch import Tensor

from zth.backprop.atoms import EPS
from zth.backprop.fused import dhprebn

__all__ = ["batchnorm_backward", "dhprebn"]


def batchnorm_backward(dhpreact: Tensor, hprebn: Tensor, bngain: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """dhpreact, hprebn (n, H), bngain (1, H) -> dhprebn (n, H), dbngain (1, H), dbnbias (1, H).

    >>> x, dy = torch.tensor([[-1.0], [0.0], [1.0]]), torch.tensor([[3.0], [0.0], [0.0]])
    >>> [d.round(decimals=4).flatten().tolist() for d in batchnorm_backward(dy, x, torch.ones(1, 1))]
    [[0.5, -1.0, 0.5], [-3.0], [3.0]]
    """
    var, mean = torch.var_mean(hprebn, 0, keepdim=True)  # over n - 1
    bnvar_inv = (var + EPS) ** -0.5
    bnraw = (hprebn - mean) * bnvar_inv
    dbngain = (dhpreact * bnraw).sum(0, keepdim=True)
    return dhprebn(dhpreact, bngain, bnraw, bnvar_inv), dbngain, dhpreact.sum(0, keepdim=True)
