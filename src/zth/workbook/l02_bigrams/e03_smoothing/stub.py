"""2.3 Tune the smoothing on dev, then test once. When you have written the functions: zth check 2.3"""

from math import log

chars = ".abcdefghijklmnopqrstuvwxyz"


def examples(words, T):
    """Every (context, next character): T dots in front of each word, one behind. Given."""
    for word in words:
        text = "." * T + word + "."
        for i in range(T, len(text)):
            yield text[i - T : i], text[i]


def loss(train, words, T, k):
    """The loss on `words` of a model that was counted on `train`, with k added to every count."""
    raise NotImplementedError("`loss` is not written yet: return one number.")


def tune(ks, train, dev, test, T):
    """The best k on dev, its loss on dev, and its loss on test."""
    raise NotImplementedError("`tune` is not written yet: return three numbers, k and the losses on dev and test.")
