"""One class that does the work; bincount to count, a Parameter to learn, float64."""

import torch
from torch.nn.functional import cross_entropy


class Trigrams:
    V = 27

    def __init__(self, words):
        text = "".join(f"..{w}" for w in words) + ".."
        ids = torch.tensor([0 if c == "." else ord(c) - 96 for c in text])
        all_three = ids.unfold(0, 3, 1)
        crosses = (all_three[:, 1] == 0) & (all_three[:, 0] != 0)  # "a..": its two dots belong to two names
        self.rows = all_three[~crosses]

    @property
    def keys(self):
        return self.rows @ torch.tensor([self.V**2, self.V, 1])


def trigrams(words):
    return Trigrams(words).rows


def count(words):
    return torch.bincount(Trigrams(words).keys, minlength=27**3).reshape(27, 27, 27)


def probabilities(N, k):
    return torch.nn.functional.normalize(N.double() + k, p=1, dim=2)


def loss(P, words):
    return -P.flatten()[Trigrams(words).keys].log().mean().item()


def train(W, words, steps, rate):
    parameter = torch.nn.Parameter(W.double())
    t = Trigrams(words)
    for _ in range(steps):
        parameter.grad = None
        cross_entropy(parameter[t.keys // 27], t.rows[:, 2]).backward()
        with torch.no_grad():
            parameter -= rate * parameter.grad
    return parameter.data
