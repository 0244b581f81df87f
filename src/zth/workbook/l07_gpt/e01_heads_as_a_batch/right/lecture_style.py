"""The lecture's lines, with one dimension more."""

import torch
from torch.nn import functional as F


def split_heads(x, n_heads):
    B, T, C = x.shape
    return x.view(B, T, n_heads, C // n_heads).transpose(1, 2)


def join_heads(y):
    B, H, T, D = y.shape
    return y.transpose(1, 2).reshape(B, T, H * D)


def attention(x, weights, n_heads, dropout=0.0, training=False):
    T = x.shape[1]
    q = split_heads(x @ weights["Wq"], n_heads)
    k = split_heads(x @ weights["Wk"], n_heads)
    v = split_heads(x @ weights["Wv"], n_heads)
    wei = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    wei = wei.masked_fill(torch.tril(torch.ones(T, T)) == 0, float("-inf"))
    wei = F.softmax(wei, dim=-1)
    wei = F.dropout(wei, dropout, training)
    return join_heads(wei @ v) @ weights["Wo"] + weights["bo"]


def gradients(x, weights, n_heads, dy):
    leaves = {"x": x, **weights}
    for p in leaves.values():
        p.requires_grad = True
        p.grad = None
    loss = (attention(x, weights, n_heads) * dy).sum()
    loss.backward()
    return {name: p.grad for name, p in leaves.items()}
