"""For each unit the n by n matrix of derivatives, times the gradient; what a text book would do."""

import torch


def dhprebn(dhpreact, bngain, bnraw, bnvar_inv):
    n, H = dhpreact.shape
    columns = []
    for j in range(H):
        x = bnraw[:, j : j + 1]
        J = torch.eye(n) - torch.ones(n, n) / n - x @ x.T / (n - 1)
        columns.append(bngain[0, j] * bnvar_inv[0, j] * J.T @ dhpreact[:, j])
    return torch.stack(columns, dim=1)


def batchnorm_backward(dhpreact, hprebn, bngain):
    std = (torch.var(hprebn, dim=0, keepdim=True) + 1e-5).sqrt()
    bnraw = (hprebn - hprebn.mean(dim=0, keepdim=True)) / std
    dbngain = torch.sum(bnraw * dhpreact, dim=0, keepdim=True)
    return dhprebn(dhpreact, bngain, bnraw, 1 / std), dbngain, torch.sum(dhpreact, dim=0, keepdim=True)
