"""Dictionaries and math.log; min over pairs."""

from collections import Counter
from math import log


def examples(words, T):
    for word in words:
        text = "." * T + word + "."
        for i in range(T, len(text)):
            yield text[i - T : i], text[i]


def loss(train, words, T, k):
    count = Counter(examples(train, T))
    total = Counter()
    for (context, _), n in count.items():
        total[context] += n
    asked = list(examples(words, T))
    return sum(log(total[c] + 27 * k) - log(count[c, ch] + k) for c, ch in asked) / len(asked)


def tune(ks, train, dev, test, T):
    dev_loss, k = min((loss(train, dev, T, k), k) for k in ks)
    return k, dev_loss, loss(train, test, T, k)
