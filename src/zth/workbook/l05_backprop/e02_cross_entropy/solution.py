"""Cross-entropy backwards is probabilities minus what came, over n.

The loss of one example is log(sum of exp(l[k])) - l[y]. The derivative of log-sum-exp by l[j] is
exp(l[j]) / sum(exp(l[k])), which is the softmax; that of -l[y] is -1 at the right place. So

    dlogits = (softmax(logits) - one_hot(yb)) / n

The eight steps of 5.1 come to the same. They divide by probs and multiply by probs again, they find the gradient of
the maxima only to see that it is 0; on paper all that cancels. What is never computed costs no time, and cannot be
rounded: `zth measure 5.2` finds this line several times as exact as the long way.

Each row sums to 0. Think of forces: the right character is pulled up as strongly as all the others together are
pushed down, and each of them is pushed in proportion to the probability that it was given wrongly. Where the net is
sure and right, nothing moves.

The loss needs the same log-sum-exp. `probs[range(n), yb].log()` would do for mild logits only: a probability below
1e-45 is 0 in float32, and its logarithm infinite (2.5). The gradient has no such trouble: there a probability of 0 is
simply 0.
"""

import torch.nn.functional as F
from torch import Tensor

from zth.backprop.fused import dlogits

__all__ = ["dlogits", "loss_and_dlogits"]


def loss_and_dlogits(logits: Tensor, yb: Tensor) -> tuple[Tensor, Tensor]:
    """(n, V) logits, (n,) targets -> the mean cross-entropy (), and its gradient (n, V).

    >>> import torch
    >>> loss, gradient = loss_and_dlogits(torch.zeros(1, 4), torch.tensor([2]))
    >>> round(loss.item(), 4), gradient.tolist()
    (1.3863, [[0.25, 0.25, -0.75, 0.25]])
    """
    return F.cross_entropy(logits, yb), dlogits(logits, yb)
