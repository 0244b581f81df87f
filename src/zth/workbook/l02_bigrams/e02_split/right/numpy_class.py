"""A class with fit and score; NumPy in float64; indices are shuffled instead of words."""

import random

import numpy as np


class Ngrams:
    def __init__(self, T):
        self.T = T

    def keys(self, words):
        out = []
        for w in words:
            ids = [0] * self.T + [ord(c) - ord("a") + 1 for c in w] + [0]
            out += [ids[i : i + self.T + 1] for i in range(len(ids) - self.T)]
        return np.array(out) @ 27 ** np.arange(self.T, -1, -1)

    def fit(self, words):
        counts = np.bincount(self.keys(words), minlength=27 ** (self.T + 1)).reshape(-1, 27)
        self.logp = np.log(counts + 1.0) - np.log(counts.sum(1, keepdims=True) + 27.0)
        return self

    def score(self, words):
        return -self.logp.ravel()[self.keys(words)].mean()


def split(words, seed):
    order = list(range(len(words)))
    random.seed(seed)
    random.shuffle(order)
    n = len(words)
    train, dev, test = order[: int(0.8 * n)], order[int(0.8 * n) : int(0.9 * n)], order[int(0.9 * n) :]
    return tuple([words[i] for i in part] for part in (train, dev, test))


def losses(train, dev, test, T):
    model = Ngrams(T).fit(train)
    return np.array([model.score(part) for part in (train, dev, test)])


def table(words, seed):
    parts = split(words, seed)
    return np.stack([losses(*parts, 1), losses(*parts, 2)])
