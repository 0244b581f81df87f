"""A class that asks for one probability at a time."""

from collections import Counter
from dataclasses import dataclass

import torch


@dataclass
class Bigrams:
    counts: Counter
    d: float

    def __post_init__(self):
        self.total, self.after, self.before = Counter(), Counter(), Counter()
        for (x, y), n in self.counts.items():
            self.total[x] += n
            self.after[x] += 1
            self.before[y] += 1

    def p(self, x, y):
        share = self.before[y] / len(self.counts)
        if self.total[x] == 0:
            return share
        own = self.counts[x, y] - self.d if (x, y) in self.counts else 0.0
        return (own + self.d * self.after[x] * share) / self.total[x]


def _bigrams(N, d=0.0):
    return Bigrams(Counter({(x, y): int(N[x, y]) for x, y in N.nonzero().tolist()}), d)


def continuation_counts(N):
    before = _bigrams(N).before
    return torch.tensor([before[y] for y in range(N.shape[1])], dtype=torch.float32)


def kneser_ney(N, d):
    bigrams = _bigrams(N, d)
    V = N.shape[0]
    return torch.tensor([[bigrams.p(x, y) for y in range(V)] for x in range(V)])
