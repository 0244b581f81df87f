"""2.2 Train, dev and test. When you have written the functions: zth check 2.2"""

import random
from math import log

chars = ".abcdefghijklmnopqrstuvwxyz"


def examples(words, T):
    """Every (context, next character): T dots in front of each word, one behind. Given."""
    for word in words:
        text = "." * T + word + "."
        for i in range(T, len(text)):
            yield text[i - T : i], text[i]


def split(words, seed):
    """Three lists: train (80 %), dev (10 %), test (10 %); shuffled with this seed."""
    raise NotImplementedError("`split` is not written yet: return the three lists train, dev, test.")


def losses(train, dev, test, T):
    """The loss on each part, of a model that was counted on train, with 1 added to every count."""
    raise NotImplementedError("`losses` is not written yet: return three numbers, for train, dev and test.")


def table(words, seed):
    """A row of losses for the bigram, and one for the trigram, on the same split. Given."""
    rows = []
    for T in (1, 2):
        train, dev, test = split(words, seed)
        rows.append(losses(train, dev, test, T))
    return rows
