"""Complex numbers for the turn, torch's kernel for attention with groups, and X (X^T X) on the other side."""

import torch
import torch.nn.functional as F


def rotary(x, base=10_000.0):
    T, D = x.shape[2], x.shape[3]
    speeds = torch.exp(-torch.arange(0, D, 2, dtype=torch.float64) / D * torch.log(torch.tensor(base).double()))
    turns = torch.exp(1j * torch.outer(torch.arange(T, dtype=torch.float64), speeds))
    pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], D // 2, 2))
    return torch.view_as_real(pairs * turns).reshape(x.shape)


def rms_norm(x, eps=1e-5):
    return F.rms_norm(x, (x.shape[-1],), eps=eps)


def squared_relu(x):
    return x * F.relu(x)


def swiglu(x):
    gate, rest = torch.tensor_split(x, 2, dim=-1)
    return F.silu(gate).mul(rest)


def repeat_heads(kv, n_heads):
    G = kv.shape[1]
    return kv[:, torch.arange(n_heads) // (n_heads // G)]


def window_mask(T, window):
    whole = torch.tril(torch.ones(T, T))
    return whole - torch.tril(whole, -window)


def attention(q, k, v, window):
    seen = window_mask(q.shape[2], window).bool()
    return F.scaled_dot_product_attention(
        rotary(rms_norm(q)), rotary(rms_norm(k)), v, attn_mask=seen, enable_gqa=True
    )


def softcap(logits, cap):
    return cap * torch.tanh(torch.div(logits, cap))


def tied_logits(x, table):
    return torch.einsum("btc,vc->btv", x, table)


def orthogonalise(G):
    X = F.normalize(G, dim=(0, 1))
    for _ in range(5):
        A = X.T @ X
        X = 3.4445 * X - 4.7750 * X @ A + 2.0315 * X @ A @ A
    return X
