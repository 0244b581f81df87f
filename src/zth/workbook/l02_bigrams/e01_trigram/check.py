"""Check of 2.1: the trigrams, their counts, probabilities and loss, and some steps of the net."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zth.data.sources import names
from zth.workbook.check import Mistake, Part

FEW = ["ava", "avan", "b", "ava"]  # by hand: a name twice, and one of a single letter
Words = list[str]


@cache
def _some_names() -> Words:
    return names()[2000:2100]


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(21)


def _counts() -> list[tuple[Tensor, float]]:
    """N and k: some counts are 0 where k is not, so that every row has a distribution."""
    N = torch.randint(0, 9, (27, 27, 27), generator=_generator())
    return [(N, 1), (N, 0.25), (N + 1, 0)]


def _tables() -> list[tuple[Tensor, Words]]:
    P = torch.rand(27, 27, 27, dtype=torch.float64, generator=_generator()) + 0.01
    return [(P / P.sum(2, keepdim=True), words) for words in (FEW, _some_names())]


def _starts() -> list[tuple[Tensor, Words, int, float]]:
    W = torch.randn(729, 27, generator=_generator())
    return [(W, FEW, 1, 2.0), (W, FEW, 3, 2.0), (W, _some_names(), 3, 10.0)]


PARTS = [
    Part(name="trigrams", ask=lambda answer, words: answer.trigrams(words), cases=lambda: [(FEW,), (_some_names(),)]),
    Part(name="count", ask=lambda answer, words: answer.count(words), cases=lambda: [(FEW,), (_some_names(),)]),
    Part(name="probabilities", ask=lambda answer, N, k: answer.probabilities(N, k), cases=_counts),
    Part(name="loss", ask=lambda answer, P, words: answer.loss(P, words), cases=_tables),
    Part(
        name="train",
        ask=lambda answer, W, words, steps, rate: answer.train(W, words, steps, rate),
        cases=_starts,
    ),
]

Trigrams = Callable[[Words], Tensor]


def _cut(before: str = "..", after: str = ".") -> Trigrams:
    """Three characters in a row, of each word with these dots around it."""

    def trigrams(words: Words) -> Tensor:
        texts = [before + word + after for word in words]
        return torch.tensor([_ids(text[i : i + 3]) for text in texts for i in range(len(text) - 2)])

    return trigrams


def _ids(text: str) -> list[int]:
    return [".abcdefghijklmnopqrstuvwxyz".index(character) for character in text]


def _one_long_text(words: Words) -> Tensor:
    return _cut("..", ".")([".".join(words)])


RIGHT = _cut()


def _count(trigrams: Trigrams = RIGHT, order: Sequence[int] = (0, 1, 2)) -> Callable[[Words], Tensor]:
    def count(words: Words) -> Tensor:
        N = torch.zeros(27, 27, 27)
        i, j, k = trigrams(words)[:, list(order)].T
        return N.index_put((i, j, k), torch.ones(len(i)), accumulate=True)

    return count


def _loss(
    trigrams: Trigrams = RIGHT, reduce: Callable[[Tensor, Words], Tensor] = lambda p, _: -p.log().mean()
) -> Callable[[Tensor, Words], float]:
    def loss(P: Tensor, words: Words) -> float:
        i, j, k = trigrams(words).T
        return reduce(P[i, j, k], words).item()

    return loss


def _train(
    trigrams: Trigrams = RIGHT,
    *,
    row: Callable[[Tensor, Tensor], Tensor] = lambda i, j: 27 * i + j,
    loss_of: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    sign: int = -1,
    forgets: bool = True,
) -> Callable[[Tensor, Words, int, float], Tensor]:
    """Gradient descent; the options are the places to go wrong."""

    def train(W: Tensor, words: Words, steps: int, rate: float) -> Tensor:
        i, j, k = trigrams(words).T
        W, dW = W.clone().requires_grad_(), torch.zeros_like(W)
        for _ in range(steps):
            (new,) = torch.autograd.grad(loss_of(W[row(i, j)], k), W)
            dW = new if forgets else dW + new
            W = (W + sign * rate * dW).detach().requires_grad_()
        return W.detach()

    return train


def _all_over(trigrams: Trigrams) -> dict[str, object]:
    """Who cuts the words in a wrong way goes wrong wherever words come in."""
    return {
        "trigrams": trigrams,
        "count": _count(trigrams),
        "loss": _loss(trigrams),
        "train": _train(trigrams),
    }


def _seen_or_not(words: Words) -> Tensor:
    return _count()(words).clamp(max=1)


def _softmax_over_the_batch(logits: Tensor, k: Tensor) -> Tensor:
    return F.nll_loss(F.log_softmax(logits, dim=0), k)


def _one_step(W: Tensor, words: Words, steps: int, rate: float) -> Any:
    return _train()(W, words, min(steps, 1), rate)


MISTAKES = [
    Mistake(
        name="one dot in front",
        says="With one dot in front, the first letter is never predicted: it is only ever context. Put two in "
        "front. (The loss would look better, 2.06 instead of 2.19, only because the hardest guess is left out.)",
        instead=_all_over(_cut(".", ".")),
    ),
    Mistake(
        name="no dot behind",
        says="The end of a name must be predicted too, or the model never learns to stop: put a dot after the word.",
        instead=_all_over(_cut("..", "")),
    ),
    Mistake(
        name="no dots at all",
        says="The words were cut without dots, so neither beginning nor end is known. The text is '..' + word + '.'.",
        instead=_all_over(_cut("", "")),
    ),
    Mistake(
        name="two dots behind",
        says="Put two dots in front, but only one after the word: a second one always follows the first, so it is "
        "an easy guess. It is added to every name, and makes the loss look better than it is.",
        instead=_all_over(_cut("..", "..")),
    ),
    Mistake(
        name="one name's end is the next one's context",
        says="The names were joined into one text, so a context reaches from one name into the next, as in 'a.b'. "
        "Cut each name by itself, with two dots in front of each.",
        instead=_all_over(_one_long_text),
    ),
    Mistake(
        name="repeats counted once",
        says="Every count is 0 or 1. `N[i, j, k] += 1` with whole tensors of indices adds once to each cell, however "
        "often it is named. Count in a loop, or with torch.bincount or index_put(accumulate=True).",
        instead={"count": _seen_or_not},
    ),
    Mistake(
        name="context back to front",
        says="The two characters of the context are exchanged: N[i, j, k] has the earlier one first.",
        instead={"count": _count(order=(1, 0, 2))},
    ),
    Mistake(
        name="context and prediction exchanged",
        says="The predicted character must be the last axis of N; here it is the first.",
        instead={"count": _count(order=(2, 0, 1))},
    ),
    Mistake(
        name="keepdim forgotten",
        says="P[i, j] was divided by the sums of other rows. (27, 27, 27) / (27, 27) lines the shapes up from the "
        "right, without an error: use P.sum(2, keepdim=True), and check that P[0, 1].sum() is 1.",
        instead={"probabilities": lambda N, k: (N + k) / (N + k).sum(2)},
    ),
    Mistake(
        name="all cells together sum to 1",
        says="P as a whole sums to 1: that is the probability of the trigram, not of a character after its context. "
        "Each of the 729 rows P[i, j] must sum to 1.",
        instead={"probabilities": lambda N, k: (N + k) / (N + k).sum()},
    ),
    Mistake(
        name="summed over the wrong axis",
        says="The sum goes over the last axis, the characters that may follow; you summed over the first.",
        instead={"probabilities": lambda N, k: (N + k) / (N + k).sum(0, keepdim=True)},
    ),
    Mistake(
        name="k in the numerator only",
        says="k was added to the counts but not to their sum, so a row sums to more than 1. Add first, then divide "
        "by the new sum: total + 27 k.",
        instead={"probabilities": lambda N, k: (N + k) / N.sum(2, keepdim=True)},
    ),
    Mistake(
        name="k added once to the sum",
        says="The sum grew by k, but k was added to each of 27 counts: it grows by 27 k.",
        instead={"probabilities": lambda N, k: (N + k) / (N.sum(2, keepdim=True) + k)},
    ),
    Mistake(
        name="k ignored",
        says="The counts came out unsmoothed: add k to every one of them before you divide.",
        instead={"probabilities": lambda N, _: N / N.sum(2, keepdim=True)},
    ),
    Mistake(
        name="minus forgotten",
        says="That is the mean log likelihood, which is below 0. The loss is its negative, so that lower is better.",
        instead={"loss": _loss(reduce=lambda p, _: p.log().mean())},
    ),
    Mistake(
        name="sum instead of mean",
        says="That is the sum over all trigrams: twice the names would be twice the loss. Divide by their number.",
        instead={"loss": _loss(reduce=lambda p, _: -p.log().sum())},
    ),
    Mistake(
        name="mean per name",
        says="The sum was divided by the number of names; divide by the number of trigrams, one for each character.",
        instead={"loss": _loss(reduce=lambda p, words: -p.log().sum() / len(words))},
    ),
    Mistake(
        name="log of the mean",
        says="That is the log of the mean probability. Take the log of each probability first, then the mean: what "
        "counts is the product of all.",
        instead={"loss": _loss(reduce=lambda p, _: -p.mean().log())},
    ),
    Mistake(
        name="gradients pile up",
        says="From the second step on, the gradient still contains those of the steps before. backward() adds: set "
        "W.grad = None before each.",
        instead={"train": _train(forgets=False)},
    ),
    Mistake(
        name="uphill",
        says="W goes up the gradient, so the loss grows. Descent subtracts: W.data += -rate * W.grad.",
        instead={"train": _train(sign=+1)},
    ),
    Mistake(
        name="summed loss",
        says="Each step is too long, by a factor of the number of trigrams: take the mean of the losses, not the "
        "sum.",
        instead={"train": _train(loss_of=lambda logits, k: F.cross_entropy(logits, k, reduction="sum"))},
    ),
    Mistake(
        name="row i + 27 j",
        says="The wrong rows of W learnt: i, j has row 27 * i + j. You have i + 27 * j, the pair back to front.",
        instead={"train": _train(row=lambda i, j: i + 27 * j)},
    ),
    Mistake(
        name="a bigram net",
        says="Only rows 0 to 26 of W learnt: that net sees the last character alone. A pair has row 27 * i + j.",
        instead={"train": _train(row=lambda _, j: j)},
    ),
    Mistake(
        name="softmax over the batch",
        says="The softmax went over dim 0, the examples. The 27 characters compete with each other: dim 1.",
        instead={"train": _train(loss_of=_softmax_over_the_batch)},
    ),
    Mistake(
        name="returned after one step",
        says="That is W after a single step, however many are asked for: is `return` inside the loop?",
        instead={"train": _one_step},
    ),
]
