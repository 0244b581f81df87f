"""With NumPy: a stable argsort, and a mask that is scattered back."""

import numpy as np


def tempered(logits, temperature):
    z = np.asarray(logits) / temperature
    e = np.exp(z - z.max())
    return e / e.sum()


def _keep(probs, order, mask):
    kept = np.zeros(len(probs), dtype=bool)
    kept[order[mask]] = True
    cut = np.where(kept, probs, 0.0)
    return cut / cut.sum()


def top_k(probs, k):
    order = np.argsort(-np.asarray(probs), kind="stable")
    return _keep(probs, order, np.arange(len(probs)) < k)


def top_p(probs, p):
    order = np.argsort(-np.asarray(probs), kind="stable")
    ranked = np.asarray(probs)[order]
    before = np.concatenate([[0.0], np.cumsum(ranked)[:-1]])
    return _keep(probs, order, before < p)
