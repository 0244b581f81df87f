"""Check of 5.2: the gradient at logits that are square, of other shapes, and large; then with the loss."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from zth.backprop import atoms
from zth.seeds import stream
from zth.workbook.check import Mistake, Part
from zth.workbook.l05_backprop.e02_cross_entropy.solution import dlogits
from zth.workbook.names import parts

Case = tuple[Tensor, Tensor]


def _square() -> list[Case]:
    """n = V, so that who exchanges the axes gets numbers, and no exception in the words of one library."""
    g = stream(5, "square")
    by_hand = torch.tensor([[0.0, 3.0, -2.0], [1.0, -1.0, 0.5], [2.0, 0.25, -0.5]])
    wide = 2 * torch.randn(27, 27, generator=g)
    return [(by_hand, torch.tensor([2, 0, 0])), (wide, torch.randint(27, (27,), generator=g))]


@cache
def _batches() -> list[Case]:
    """One example; two; the logits of the lecture's net on 32 names."""
    g = stream(5, "batches")
    X, Y = parts(3).train
    rows = torch.randint(len(X), (32,), generator=g)
    net = atoms.forward(atoms.Parameters.draw(stream(5, "init")), X[rows], Y[rows])
    return [
        (torch.tensor([[0.5, -1.0, 2.0, 0.0]]), torch.tensor([1])),
        (torch.randn(2, 5, generator=g), torch.tensor([4, 4])),
        (net.logits, Y[rows]),
    ]


def _large() -> list[Case]:
    """Beyond what exp can take in float64 as well; the rows' maxima are near each other, which suits one shift."""
    return [
        (torch.tensor([[1000.0, 998.0, 995.0], [990.0, 1001.0, 999.0]]), torch.tensor([1, 2])),
        (torch.tensor([[10_000.0, 9_999.0], [10_000.0, 10_001.0]]), torch.tensor([0, 0])),
    ]


def _with_far_targets() -> list[Case]:
    """Last, a target so far behind that its probability is 0 in any floating dtype."""
    far = torch.tensor([[1000.0, 0.0, 999.0], [1001.0, 998.0, 10.0]])
    return [*_square(), *_batches(), (far, torch.tensor([1, 2]))]


PARTS = [
    Part(name="dlogits", ask=lambda answer, logits, yb: answer.dlogits(logits, yb), cases=_square),
    Part(
        name="dlogits of other shapes",
        shown="dlogits({}, {})",
        ask=lambda answer, logits, yb: answer.dlogits(logits, yb),
        cases=_batches,
    ),
    Part(
        name="dlogits of large logits",
        shown="dlogits({}, {})",
        ask=lambda answer, logits, yb: answer.dlogits(logits, yb),
        cases=_large,
    ),
    Part(
        name="loss_and_dlogits",
        ask=lambda answer, logits, yb: answer.loss_and_dlogits(logits, yb),
        cases=_with_far_targets,
    ),
]

Of = Callable[[Tensor], Tensor]
Gradient = Callable[[Tensor, Tensor], Tensor]


def _softmax(logits: Tensor) -> Tensor:
    return F.softmax(logits, dim=1)


def _one_hot(yb: Tensor, V: int) -> Tensor:
    return F.one_hot(yb, V).float()


def _dlogits(
    *,
    softmax: Of = _softmax,
    came: Callable[[Tensor, int], Tensor] = _one_hot,
    over: Callable[[Tensor], float] = len,
    sign: int = 1,
) -> Gradient:
    """(softmax - what came) / n; the options are the places to go wrong."""

    def wrong(logits: Tensor, yb: Tensor) -> Tensor:
        probs = softmax(logits)
        return sign * (probs - came(yb, logits.shape[1])) / over(probs)

    return wrong


def _only_one_divided(*, probs: bool) -> Gradient:
    """`softmax - one_hot / n`, or `softmax / n - one_hot`."""

    def wrong(logits: Tensor, yb: Tensor) -> Tensor:
        n, came = len(yb), _one_hot(yb, logits.shape[1])
        return _softmax(logits) / n - came if probs else _softmax(logits) - came / n

    return wrong


def _at_the_target_alone(logits: Tensor, yb: Tensor) -> Tensor:
    return (_softmax(logits) - 1) * _one_hot(yb, logits.shape[1]) / len(yb)


def _at_all_yb(yb: Tensor, V: int) -> Tensor:
    """What `dlogits[:, yb] -= 1` subtracts: 1 in each row, at every character that came in any."""
    return (torch.bincount(yb, minlength=V) > 0).float().expand(len(yb), V)


def _axes_exchanged(yb: Tensor, V: int) -> Tensor:
    """What `dlogits[yb, range(n)] -= 1` subtracts: at equal places once; it raises where there is no such place."""
    came = torch.zeros(len(yb), V)
    came[yb, torch.arange(len(yb))] = 1
    return came


def _loss_of_probs(logits: Tensor, yb: Tensor) -> Tensor:
    return -_softmax(logits)[torch.arange(len(yb)), yb].log().mean()


def _loss_of_spoilt_probs(logits: Tensor, yb: Tensor) -> Tensor:
    """dlogits = probs is no copy: after the minus 1 there, the loss takes the log of something below 0."""
    probs = _softmax(logits)
    probs[torch.arange(len(yb)), yb] -= 1
    return -probs[torch.arange(len(yb)), yb].log().mean()


def _in_both(wrong: Gradient) -> dict[str, object]:
    """Whose gradient is wrong has a wrong pair, too."""
    return {"dlogits": wrong, "loss_and_dlogits": lambda logits, yb: (F.cross_entropy(logits, yb), wrong(logits, yb))}


def _in_the_loss(loss: Gradient) -> dict[str, object]:
    return {"loss_and_dlogits": lambda logits, yb: (loss(logits, yb), dlogits(logits, yb))}


MISTAKES = [
    Mistake(
        name="division by n forgotten",
        says="That is the gradient of the sum of the losses. The loss is a mean: divide by n, the number of rows.",
        instead=_in_both(_dlogits(over=lambda _: 1)),
    ),
    Mistake(
        name="divided by V",
        says="You divided by the number of characters. The mean goes over the examples: divide by n, len(logits).",
        instead=_in_both(_dlogits(over=lambda probs: probs.shape[1])),
    ),
    Mistake(
        name="divided by n and by V",
        says="You divided by the number of all entries, n * V. The mean goes over the n examples alone.",
        instead=_in_both(_dlogits(over=lambda probs: probs.numel())),
    ),
    Mistake(
        name="only the 1 divided by n",
        says="That is softmax - one_hot / n. Both belong to the mean: put brackets around the difference.",
        instead=_in_both(_only_one_divided(probs=False)),
    ),
    Mistake(
        name="only the softmax divided by n",
        says="The 1 was subtracted after the division by n. Both belong to the mean: subtract first, then divide.",
        instead=_in_both(_only_one_divided(probs=True)),
    ),
    Mistake(
        name="minus 1 forgotten",
        says="Those are the probabilities over n: everything would be pushed down. The right character's logit "
        "stands in the loss a second time, as -l[y]: subtract 1 there.",
        instead=_in_both(_dlogits(came=lambda yb, V: torch.zeros(len(yb), V))),
    ),
    Mistake(
        name="minus 1 at all of yb in every row",
        says="`dlogits[:, yb] -= 1` subtracts in every row at every one of yb. Example i has its own yb[i]: "
        "dlogits[range(n), yb] -= 1.",
        instead=_in_both(_dlogits(came=_at_all_yb)),
    ),
    Mistake(
        name="one-hot on its side",
        says="The 1 was subtracted in row yb[i], column i: rows and columns are exchanged. The example comes first: "
        "dlogits[range(n), yb] -= 1.",
        instead=_in_both(_dlogits(came=_axes_exchanged)),
    ),
    Mistake(
        name="the right character alone",
        says="Only the right character has a gradient. The others stand in the sum of exps: each is pushed down by "
        "its own probability.",
        instead=_in_both(_at_the_target_alone),
    ),
    Mistake(
        name="softmax over the batch",
        says="The softmax went over dim 0, the examples. The V characters of one example compete: dim 1.",
        instead=_in_both(_dlogits(softmax=lambda logits: F.softmax(logits, dim=0))),
    ),
    Mistake(
        name="softmax over everything",
        says="The exps were divided by the sum over the whole table. Each row has a sum of its own: "
        "sum(1, keepdim=True).",
        instead=_in_both(_dlogits(softmax=lambda logits: F.softmax(logits.flatten(), 0).view_as(logits))),
    ),
    Mistake(
        name="softmax forgotten",
        says="That is (logits - one_hot) / n. 1 is subtracted from the probabilities: take the softmax first.",
        instead=_in_both(_dlogits(softmax=lambda logits: logits)),
    ),
    Mistake(
        name="counts instead of probabilities",
        says="The exps were not divided by their sum. The derivative of log-sum-exp is the fraction, the softmax.",
        instead=_in_both(_dlogits(softmax=lambda logits: (logits - logits.max(1, keepdim=True).values).exp())),
    ),
    Mistake(
        name="logarithms instead of probabilities",
        says="That is log_softmax - one_hot. The derivative of log-sum-exp is the softmax itself.",
        instead=_in_both(_dlogits(softmax=lambda logits: F.log_softmax(logits, dim=1))),
    ),
    Mistake(
        name="uphill",
        says="The sign is reversed: that gradient raises the loss. It is softmax - one_hot, so that going down "
        "makes the right character more likely.",
        instead=_in_both(_dlogits(sign=-1)),
    ),
    Mistake(
        name="exp of large logits",
        says="exp(1000) is infinite, and infinity divided by infinity is not a number. Subtract each row's largest "
        "logit first; the softmax stays the same, and no exp is above 1. F.softmax does it for you.",
        instead=_in_both(_dlogits(softmax=lambda logits: logits.exp() / logits.exp().sum(1, keepdim=True))),
    ),
    Mistake(
        name="probs spoilt before the loss",
        says="The loss is not a number (nan). `dlogits = probs` is no copy: the minus 1 was written into probs, "
        "and then the loss took the logarithm of a number below 0. Take the loss first, or probs.clone().",
        instead=_in_the_loss(_loss_of_spoilt_probs),
    ),
    Mistake(
        name="log of a probability of 0",
        says="The gradient is right, but the loss is infinite: where the right logit is 1,000 below the largest, "
        "its probability is rounded to 0. Use log-sum-exp minus the right logit, as in 2.5.",
        instead=_in_the_loss(_loss_of_probs),
    ),
    Mistake(
        name="loss: the sum",
        says="The gradient is that of the mean, but the loss is the sum over the examples. Divide it by n, too.",
        instead=_in_the_loss(lambda logits, yb: F.cross_entropy(logits, yb, reduction="sum")),
    ),
    Mistake(
        name="loss: one for each example",
        says="The gradient is right, but you return n losses. The loss is their mean, one number.",
        instead=_in_the_loss(lambda logits, yb: F.cross_entropy(logits, yb, reduction="none")),
    ),
    Mistake(
        name="loss below 0",
        says="The gradient is right, but the loss has the wrong sign: it is log-sum-exp minus the right logit, never "
        "below 0.",
        instead=_in_the_loss(lambda logits, yb: -F.cross_entropy(logits, yb)),
    ),
    Mistake(
        name="gradient and loss exchanged",
        says="The pair is in the wrong order: return the loss first, then its gradient.",
        instead={"loss_and_dlogits": lambda logits, yb: (dlogits(logits, yb), F.cross_entropy(logits, yb))},
    ),
]
