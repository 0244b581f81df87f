"""A one-hot row times W is a row of W.

`xenc @ W` multiplies N * 27 * 27 times, and all but N * 27 of the products are 0. `W[xs]` copies the rows that are
wanted, and computes nothing. A table that is looked up like this is called an **embedding**; lecture 3 begins with
one, and `F.embedding(xs, W)` is the same thing.

The way back is where care is needed. If `xs` names a row twice, two rows of the logits depend on it, and their
gradients **add up**, as they did in lecture 1 for a value that was used twice. `dW[xs] += dlogits` looks right and is
not: it reads all rows, adds, and writes all rows, so the last use of a row overwrites the others. `index_add_` adds
one after the other.

At the logits the gradient of the mean negative log likelihood is (probabilities - 1 at the right character) / N, for
each example. Added up by rows, that is (how often x occurs * softmax of row x - how often each y came after x) / N:
the counts of the bigram again. So it is 0 exactly where the softmax of a row is what counting gives. `table_gradient`
in `zth.models.neural_ngram` uses that: it needs the table of counts, and no list of examples at all.

What is saved: a one-hot row holds as many numbers as `W` has rows. With 27 that is bearable; with the 19,683 rows
of a net that looks three characters back it is not.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["backward", "gradient", "logits"]


def logits(W: Tensor, xs: Tensor) -> Tensor:
    """W (R, V), xs (N,) -> (N, V). `index_logits` of `zth.models.neural_ngram` does it for contexts of any length.

    >>> logits(torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), torch.tensor([2, 0, 2])).tolist()
    [[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]]
    """
    return W[xs]


def backward(dlogits: Tensor, xs: Tensor, n_rows: int) -> Tensor:
    """dlogits (N, V), xs (N,) -> dW (n_rows, V).

    >>> backward(torch.tensor([[1, 10], [2, 20], [3, 30]]), torch.tensor([2, 0, 2]), 3).tolist()
    [[2, 20], [0, 0], [4, 40]]
    """
    return dlogits.new_zeros(n_rows, dlogits.shape[1]).index_add_(0, xs, dlogits)


def gradient(W: Tensor, xs: Tensor, ys: Tensor) -> Tensor:
    """W (R, V), xs and ys (N,) -> dW (R, V): what `example_gradient` of `zth.models.neural_ngram` gets by autograd.

    >>> gradient(torch.zeros(2, 2), torch.tensor([0, 1]), torch.tensor([1, 0])).tolist()
    [[0.25, -0.25], [-0.25, 0.25]]
    """
    dlogits = F.softmax(logits(W, xs), dim=1)
    dlogits[torch.arange(len(ys)), ys] -= 1
    return backward(dlogits / len(ys), xs, len(W))
