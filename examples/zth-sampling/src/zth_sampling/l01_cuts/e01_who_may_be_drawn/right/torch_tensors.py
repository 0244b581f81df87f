"""With torch, in float32: masked logits go through softmax again."""

import torch


def tempered(logits, temperature):
    return torch.softmax(torch.tensor(logits, dtype=torch.float64) / temperature, dim=0)


def _renormalised(probs, kept):
    return probs.log().masked_fill(~kept, float("-inf")).softmax(dim=0)


def top_k(probs, k):
    probs = torch.tensor(probs)
    order = torch.argsort(probs, descending=True, stable=True)
    kept = torch.zeros_like(probs, dtype=torch.bool)
    kept[order[:k]] = True
    return _renormalised(probs, kept)


def top_p(probs, p):
    probs = torch.tensor(probs)
    ranked, order = torch.sort(probs, descending=True, stable=True)
    kept = torch.zeros_like(probs, dtype=torch.bool)
    kept[order] = (ranked.cumsum(0) - ranked) < p
    return _renormalised(probs, kept)
