"""NumPy: all the ks at once along an axis of their own, float64, argmin."""

import numpy as np


def keys(words, T):
    out = []
    for w in words:
        ids = np.array([0] * T + [ord(c) - ord("`") for c in w] + [0])
        out.append(sum(ids[t : len(ids) - T + t] * 27 ** (T - t) for t in range(T + 1)))
    return np.concatenate(out)


def grid(train, words, T, ks):
    table = np.bincount(keys(train, T), minlength=27 ** (T + 1)).astype(float)
    totals = table.reshape(-1, 27).sum(1)
    asked = keys(words, T)
    ks = np.asarray(ks, dtype=float)[:, None]
    return -np.log((table[asked] + ks) / (totals[asked // 27] + 27 * ks)).mean(1)


def loss(train, words, T, k):
    return grid(train, words, T, [k])[0]


def tune(ks, train, dev, test, T):
    losses = grid(train, dev, T, ks)
    best = losses.argmin()
    return np.array([ks[best], losses[best], loss(train, test, T, ks[best])])
