"""As the lecture writes it."""

import torch


def dhprebn(dhpreact, bngain, bnraw, bnvar_inv):
    n = dhpreact.shape[0]
    outside = bngain * bnvar_inv / n
    return outside * (n * dhpreact - dhpreact.sum(0) - n / (n - 1) * bnraw * (dhpreact * bnraw).sum(0))


def batchnorm_backward(dhpreact, hprebn, bngain):
    n = hprebn.shape[0]
    bnmeani = 1 / n * hprebn.sum(0, keepdim=True)
    bndiff = hprebn - bnmeani
    bnvar = 1 / (n - 1) * (bndiff**2).sum(0, keepdim=True)
    bnvar_inv = (bnvar + 1e-5) ** -0.5
    bnraw = bndiff * bnvar_inv
    dbngain = (bnraw * dhpreact).sum(0, keepdim=True)
    dbnbias = dhpreact.sum(0, keepdim=True)
    return dhprebn(dhpreact, bngain, bnraw, bnvar_inv), dbngain, dbnbias
