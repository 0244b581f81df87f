"""Choose by dev, report by test.

`sweep` counts once: the counts do not depend on k, only what is made of them does. Each k then costs one pass over
the dev names. On train the best k is always the smallest, for nothing there is unseen; so train cannot choose it.
Test could, but then its loss would be the best of fourteen, and no forecast for the next name any more. That is why
`tune` asks test for one number, and after the choice.

What comes out on the names: k = 0.3 for the bigram, 0.2 for the trigram. The bigram hardly cares, since most of its
729 cells hold hundreds of examples. The trigram has 19,683 cells for the same examples. Many stayed empty, and adding
1 to each takes much from those that did not.

Smoothing and regularisation are two roads to one place: for a net, a penalty on W² pulls logits towards 0, and so
rows towards uniform, as adding k does. There too, dev sets the strength.
"""

from collections.abc import Sequence
from string import ascii_lowercase

from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.models.ngram import NgramModel, sweep
from zth.models.protocol import evaluate

__all__ = ["loss", "tune"]

VOCABULARY = Vocabulary.of_lines([ascii_lowercase])
Words = list[str]


def loss(train: Words, words: Words, T: int, k: float) -> float:
    """Counted on `train`, the nats per character on `words`.

    >>> round(loss(["ava"], ["bob"], T=2, k=1e9), 4)  # so much smoothing leaves ln 27
    3.2958
    """
    return evaluate(NgramModel.fit(*windows(train, VOCABULARY, T), 27, k=k), *windows(words, VOCABULARY, T))


def tune(ks: Sequence[float], train: Words, dev: Words, test: Words, T: int) -> tuple[float, float, float]:
    """The best k on `dev`, its loss there, and its loss on `test`.

    >>> k, dev_loss, test_loss = tune([0.01, 0.1, 1], ["ava", "eva"], ["iva"], ["oma"], T=2)
    >>> k, round(dev_loss, 4), round(test_loss, 4)
    (0.1, 2.8119, 3.4344)
    """
    model = NgramModel.fit(*windows(train, VOCABULARY, T), 27)
    losses = sweep(model, ks, *windows(dev, VOCABULARY, T))
    best = min(losses, key=losses.__getitem__)
    return best, losses[best], evaluate(model.with_k(best), *windows(test, VOCABULARY, T))
