"""5.3 BatchNorm in one expression. When you have written the functions: zth check 5.3"""

import torch

EPS = 1e-5


def dhprebn(dhpreact, bngain, bnraw, bnvar_inv):
    """dhpreact, bnraw (n, H), bngain, bnvar_inv (1, H) -> (n, H): the gradient before BatchNorm."""
    raise NotImplementedError("`dhprebn` is not written yet: return the gradient, of the shape of dhpreact.")


def batchnorm_backward(dhpreact, hprebn, bngain):
    """dhpreact, hprebn (n, H), bngain (1, H) -> dhprebn (n, H), dbngain (1, H), dbnbias (1, H)."""
    raise NotImplementedError("`batchnorm_backward` is not written yet: return dhprebn, dbngain and dbnbias.")
