"""Take a little from every count, and give it to characters that go with many.

**The discount.** Church and Gale once compared the counts of one half of a large text with those of the other. A pair
seen r times in the first half, twice or more, was seen about r - 0.75 times in the second. So what was seen is
overrated by a constant. That is what d takes. Adding k takes a percentage instead, much from frequent counts that
could be trusted.

**The continuation.** What d takes is the row's own chance of something new. How it is shared out must not depend on
how often a character occurs. The frequent pairs have had their share already, in the first term; what is missing are
the pairs that were not seen. A character that came after many different ones is likelier to come after yet another.

Both fit together. What is shared out in a row is just what was taken there, so each row sums to 1 without being
divided again. And the columns come out right: if each row is weighted by how often its character came, every
character keeps exactly the probability that it has in the text. With plain frequencies as the share, it would not.

**Longer contexts** repeat the idea. A trigram shares out by the continuation bigram, that by the continuation
unigram. A context that was never seen costs nothing, since it leaves all to the shorter one. So the loss goes on
falling up to order 6, where the tables of add-k have long become too thin. The library's `KneserNeyModel` goes one
step further, with three discounts for each order, for counts of 1, of 2, and of 3 or more, estimated from the counts
themselves (Chen and Goodman 1998), and a last share for characters that were never seen at all. Here it is given the
single discount of the exercise instead.
"""

import torch
from torch import Tensor

from zth.models.kneser_ney import KneserNeyModel

__all__ = ["continuation_counts", "kneser_ney"]


def continuation_counts(N: Tensor) -> Tensor:
    """N (V, V) -> (V,).

    >>> continuation_counts(torch.tensor([[0, 1, 3], [2, 0, 0], [4, 0, 1]])).tolist()
    [2, 1, 2]
    """
    return _fit(N).levels[0].table()[0]


def kneser_ney(N: Tensor, d: float) -> Tensor:
    """N (V, V) -> P (V, V), float64; a row for each context.

    >>> P = kneser_ney(torch.tensor([[0, 1, 3], [2, 0, 0], [4, 0, 1]]), 0.5)
    >>> [round(p, 3) for p in P[0].tolist()], [round(total, 6) for total in P.sum(1).tolist()]
    ([0.1, 0.175, 0.725], [1.0, 1.0, 1.0])
    """
    discounts = torch.tensor([[0, 0, 0, 0], [0, d, d, d]], dtype=torch.float64)  # order 1 keeps all, order 2 gives d
    every_context = torch.arange(len(N))[:, None]
    return KneserNeyModel(_fit(N).levels, discounts).log_probs(every_context).exp()


def _fit(N: Tensor) -> KneserNeyModel:
    """The library counts examples, so each pair comes as often as N says."""
    pairs = N.nonzero().repeat_interleave(N[N > 0], dim=0)
    return KneserNeyModel.fit(pairs[:, :1], pairs[:, 1], len(N))
