"""Dictionaries and math.log; no tensor at all."""

from collections import Counter
from math import log
from random import Random


def examples(words, T):
    for word in words:
        text = "." * T + word + "."
        for i in range(T, len(text)):
            yield text[i - T : i], text[i]


def split(words, seed):
    shuffled = list(words)
    Random(seed).shuffle(shuffled)
    first, second = int(0.8 * len(words)), int(0.9 * len(words))
    return [shuffled[:first], shuffled[first:second], shuffled[second:]]


def losses(train, dev, test, T):
    count = Counter(examples(train, T))
    total = Counter(context for context, _ in examples(train, T))

    def loss(words):
        logs = [log((count[c, ch] + 1) / (total[c] + 27)) for c, ch in examples(words, T)]
        return -sum(logs) / len(logs)

    return loss(train), loss(dev), loss(test)


def table(words, seed):
    return [losses(*split(words, seed), T) for T in (1, 2)]
