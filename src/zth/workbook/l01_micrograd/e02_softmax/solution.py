"""Ten small operations, and a classifier's loss comes out of them with its gradient.

Only three of them need calculus: `exp`, whose slope is its own value; `log`, whose slope is 1/x; and the power, whose
slope is n x^(n-1). Subtraction and division are those and what was there before: `x - y` is `x + (-1) * y`, and
`x / y` is `x * y**-1`. Each new node multiplies its slope by the gradient that comes down to it (the chain rule), and
**adds** the product to what went in (a number used twice has two ways to change the result). Nobody had to work out a
derivative of softmax.

Work it out all the same, once: it is the most useful gradient in this course. The loss is
log(sum of exp(x_j)) - x_label, and its slope at x_i is p_i, less 1 where i is the label. So the gradient is the
probabilities, with 1 taken from the right answer: every wrong class is pushed down by the probability that it was
given, and the right one is pulled up by all that it lacks. The four numbers add up to 0.

The library's engine does the same with less: a node keeps its slopes as plain numbers instead of a function, so
nothing refers back to it and Python frees a graph at once. Its `softmax` subtracts the largest logit first: that
changes no probability, since numerator and denominator shrink alike, but exp(1000) is too large for a float, and
exp(0) is not. Its `nll` wants log-probabilities, as PyTorch's does, since a probability may round to 0 where its
logarithm is a fine number; yours takes probabilities, as the lecture writes it.
"""

from collections.abc import Sequence

from zth.autograd import Value
from zth.autograd.functional import softmax

__all__ = ["Value", "nll", "softmax"]


def nll(probs: Sequence[Value], label: int) -> Value:
    """(n,) probabilities and the right answer's index -> its negative log-likelihood, in nats.

    >>> logits = [Value(0.0), Value(3.0), Value(-2.0), Value(1.0)]
    >>> nll(softmax(logits), 3).backward()
    >>> [round(x.grad, 10) for x in logits]
    [0.0417725705, 0.8390245075, 0.0056533027, -0.8864503806]
    """
    return -probs[label].log()
