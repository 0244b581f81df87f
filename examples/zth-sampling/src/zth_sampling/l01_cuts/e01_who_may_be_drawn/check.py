"""Check of sampling:1.1: ordinary and extreme logits; cuts of equals, at a sum that is p exactly, past the end."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from zth.workbook.check import Mistake, Part
from zth_sampling.cuts import tempered, top_k, top_p

Probs = list[float]

# Powers of two add up without rounding, so that a sum can be p exactly. The likeliest stands neither first nor last.
HALVES = [0.125, 0.5, 0.0625, 0.25, 0.0625]
EVEN = [0.2, 0.2, 0.2, 0.2, 0.2]
SURE = [0.01, 0.02, 0.93, 0.04]
LETTERS = [0.05, 0.21, 0.02, 0.11, 0.3, 0.07, 0.015, 0.145, 0.08]

PARTS = [
    Part(
        name="tempered",
        ask=lambda answer, logits, temperature: answer.tempered(logits, temperature),
        cases=[
            ([0.0, 3.0, -2.0, 1.0], 1.0),
            ([0.0, 3.0, -2.0, 1.0], 0.5),
            ([0.0, 3.0, -2.0, 1.0], 2.0),
            ([0.2, -0.4, 0.3], 0.7),
        ],
    ),
    Part(
        name="tempered, large logits",
        shown="tempered({}, {})",
        ask=lambda answer, logits, temperature: answer.tempered(logits, temperature),
        cases=[([900.0, 899.0], 1.0), ([-900.0, -899.0], 1.0)],
    ),
    Part(
        name="tempered, nearly frozen",
        shown="tempered({}, {})",
        ask=lambda answer, logits, temperature: answer.tempered(logits, temperature),
        cases=[([1.5, 3.0, -2.0, 2.999], 0.001), ([-3.0, -2.0, -2.001], 0.001), ([900.0, 899.0], 0.5)],
    ),
    Part(
        name="top_k",
        ask=lambda answer, probs, k: answer.top_k(probs, k),
        cases=[(LETTERS, 3), (LETTERS, 1), (SURE, 2), (HALVES, 3)],
    ),
    Part(
        name="top_k of equals",
        shown="top_k({}, {})",
        ask=lambda answer, probs, k: answer.top_k(probs, k),
        cases=[(HALVES, 4), (EVEN, 2)],
    ),
    Part(
        name="top_k of more than there are",
        shown="top_k({}, {})",
        ask=lambda answer, probs, k: answer.top_k(probs, k),
        cases=[(SURE, 4), (SURE, 9)],
    ),
    Part(
        name="top_p",
        ask=lambda answer, probs, p: answer.top_p(probs, p),
        cases=[(LETTERS, 0.6), (LETTERS, 0.9), (HALVES, 0.8), (LETTERS, 0.4)],
    ),
    Part(
        name="top_p where the sum is p exactly",
        shown="top_p({}, {})",
        ask=lambda answer, probs, p: answer.top_p(probs, p),
        cases=[(HALVES, 0.75), (HALVES, 0.5), (HALVES, 0.7), (HALVES, 1.0)],
    ),
    Part(
        name="top_p where one is enough",
        shown="top_p({}, {})",
        ask=lambda answer, probs, p: answer.top_p(probs, p),
        cases=[(SURE, 0.9), (LETTERS, 0.1), (EVEN, 0.15)],
    ),
]


def _softmax(logits: Sequence[float]) -> Probs:
    return tempered(logits, 1.0)


def _unshifted(logits: Sequence[float], temperature: float) -> Probs:
    exps = [math.exp(logit / temperature) for logit in logits]
    return [e / sum(exps) for e in exps]


def _exps(logits: Sequence[float], temperature: float) -> Probs:
    scaled = [logit / temperature for logit in logits]
    return [math.exp(z - max(scaled)) for z in scaled]


def _shifted_before(logits: Sequence[float], temperature: float) -> Probs:
    """The largest of the logits as they were, taken from those that are divided already."""
    exps = [math.exp(logit / temperature - max(logits)) for logit in logits]
    return [e / sum(exps) for e in exps]


def _ranked(probs: Sequence[float]) -> list[int]:
    return sorted(range(len(probs)), key=lambda i: -probs[i])


def _shares(probs: Sequence[float], kept: Sequence[int]) -> Probs:
    total = sum(probs[i] for i in kept)
    return [probs[i] / total if i in kept else 0.0 for i in range(len(probs))]


def _as_they_were(probs: Sequence[float], kept: Sequence[int]) -> Probs:
    return [probs[i] if i in kept else 0.0 for i in range(len(probs))]


def _sorted(probs: Sequence[float], kept: Sequence[int]) -> Probs:
    total = sum(probs[i] for i in kept)
    return [probs[i] / total for i in kept] + [0.0] * (len(probs) - len(kept))


def _alone(probs: Sequence[float], kept: Sequence[int]) -> Probs:
    total = sum(probs[i] for i in kept)
    return [probs[i] / total for i in kept]


def _even(probs: Sequence[float], kept: Sequence[int]) -> Probs:
    return [1 / len(kept) if i in kept else 0.0 for i in range(len(probs))]


def _nucleus(probs: Sequence[float], p: float) -> list[int]:
    return [i for i, share in enumerate(top_p(probs, p)) if share > 0]


def _walk(probs: Sequence[float], order: Sequence[int], stops: Callable[[float, float], bool]) -> list[int]:
    """Down `order` until `stops` says so of the sum before the next place and the sum with it."""
    kept: list[int] = []
    total = 0.0
    for i in order:
        if stops(total, total + probs[i]):
            break
        kept.append(i)
        total += probs[i]
    return kept


def _one_too_many(probs: Sequence[float], p: float) -> Probs:
    ranked = _ranked(probs)
    return _shares(probs, ranked[: len(_nucleus(probs, p)) + 1])


def _at_least_the_kth(probs: Sequence[float], k: int) -> Probs:
    least = sorted(probs, reverse=True)[min(k, len(probs)) - 1]
    return _shares(probs, [i for i, p in enumerate(probs) if p >= least])


def _kth_or_error(probs: Sequence[float], k: int) -> Probs:
    _ = sorted(probs, reverse=True)[k - 1]
    return top_k(probs, k)


MISTAKES = [
    Mistake(
        name="multiplied by the temperature",
        says="The temperature went the wrong way: 0.5 made all more alike. The logits are divided by it, so that a "
        "small one makes the differences large.",
        instead={"tempered": lambda logits, temperature: tempered(logits, 1 / temperature)},
    ),
    Mistake(
        name="the probabilities divided",
        says="You divided the probabilities by the temperature, or the exps: dividing by their sum then takes it out "
        "again, and nothing has changed. Divide the logits, before exp.",
        instead={"tempered": lambda logits, _temperature: _softmax(logits)},
    ),
    Mistake(
        name="softmax of probabilities",
        says="A softmax of probabilities that have been divided: they lie between 0 and 1, so the result is nearly "
        "even. Divide the logits, and take softmax once.",
        instead={"tempered": lambda logits, temperature: tempered(_softmax(logits), temperature)},
    ),
    Mistake(
        name="the largest of the undivided logits taken away",
        says="The largest was taken from the logits as they were, but exp gets the divided ones, and can still "
        "overflow. First divide, then take away the largest of what came out.",
        instead={"tempered": _shifted_before},
    ),
    Mistake(
        name="exp of what is too large",
        says="math.exp raises OverflowError from 710 on, and at a temperature of 0.001 a logit of 3 becomes 3000. "
        "First take the largest away from all of them, after dividing.",
        instead={"tempered": _unshifted},
    ),
    Mistake(
        name="exps that do not sum to 1",
        says="Those are exps. Divide each by their sum, and they are probabilities.",
        instead={"tempered": _exps},
    ),
    *[
        Mistake(
            name=f"{name}: what is left does not sum to 1",
            says="The right ones are left, with the probabilities that they had: together less than 1. Divide by "
            "their sum.",
            instead={name: wrong},
        )
        for name, wrong in (
            ("top_k", lambda probs, k: _as_they_were(probs, _ranked(probs)[:k])),
            ("top_p", lambda probs, p: _as_they_were(probs, _nucleus(probs, p))),
        )
    ],
    *[
        Mistake(
            name=f"{name}: sorted, and not put back",
            says="The probabilities come back in the order of their size. A place is an id: put each back where it "
            "was. It is easiest to sort the places instead: sorted(range(V), key=lambda i: -probs[i]).",
            instead={name: wrong},
        )
        for name, wrong in (
            ("top_k", lambda probs, k: _sorted(probs, _ranked(probs)[:k])),
            ("top_p", lambda probs, p: _sorted(probs, sorted(_nucleus(probs, p), key=lambda i: -probs[i]))),
        )
    ],
    *[
        Mistake(
            name=f"{name}: only those that are left",
            says="The list has lost the places that were cut, and with them which id is which. Return V numbers, "
            "with 0 for those that may not be drawn.",
            instead={name: wrong},
        )
        for name, wrong in (
            ("top_k", lambda probs, k: _alone(probs, sorted(_ranked(probs)[:k]))),
            ("top_p", lambda probs, p: _alone(probs, _nucleus(probs, p))),
        )
    ],
    *[
        Mistake(
            name=f"{name}: all that are left made alike",
            says="Those that are left are all equally likely now. They keep their shares: each is divided by the sum "
            "of all that are left.",
            instead={name: wrong},
        )
        for name, wrong in (
            ("top_k", lambda probs, k: _even(probs, _ranked(probs)[:k])),
            ("top_p", lambda probs, p: _even(probs, _nucleus(probs, p))),
        )
    ],
    Mistake(
        name="the k least likely",
        says="sorted() begins with the smallest: you kept the k least likely. Sort by -probs[i], or with "
        "reverse=True.",
        instead={"top_k": lambda probs, k: _shares(probs, sorted(range(len(probs)), key=lambda i: probs[i])[:k])},
    ),
    Mistake(
        name="all that are as likely as the k-th",
        says="You keep everything that is at least as likely as the k-th, and of equals that can be more than k. Of "
        "equals, the first stay: rank the places and take k of them.",
        instead={"top_k": _at_least_the_kth},
    ),
    Mistake(
        name="a k above V",
        says="You look up the k-th likeliest, and there is none: with k above V all stay. A slice, ranked[:k], asks "
        "for no more than there is.",
        instead={"top_k": _kth_or_error},
    ),
    Mistake(
        name="the one that reaches p left out",
        says="You stop before the one that reaches p, so that those left have less than p together; where the "
        "likeliest alone has more than p, nobody is left, and there is no sum to divide by. Keep it.",
        instead={
            "top_p": lambda probs, p: _shares(probs, _walk(probs, _ranked(probs), lambda _, after: after > p)),
        },
    ),
    Mistake(
        name="one more than is needed",
        says="You keep one more after p has been reached. Stop as soon as the sum of those you have is at least p.",
        instead={"top_p": _one_too_many},
    ),
    Mistake(
        name="a sum above p instead of at least p",
        says="Where the sum is p exactly, you take one more. At least p is enough: stop at >= p.",
        instead={
            "top_p": lambda probs, p: _shares(probs, _walk(probs, _ranked(probs), lambda before, _: before > p)),
        },
    ),
    Mistake(
        name="added up as they stand",
        says="You add the probabilities up in the order in which they stand. The nucleus begins with the likeliest: "
        "rank them first.",
        instead={
            "top_p": lambda probs, p: _shares(probs, _walk(probs, range(len(probs)), lambda before, _: before >= p)),
        },
    ),
    Mistake(
        name="the least likely first",
        says="sorted() begins with the smallest, so you add up the least likely and cut the likeliest. Sort by "
        "-probs[i].",
        instead={
            "top_p": lambda probs, p: _shares(
                probs, _walk(probs, sorted(range(len(probs)), key=lambda i: probs[i]), lambda before, _: before >= p)
            ),
        },
    ),
    Mistake(
        name="each that has p by itself",
        says="You keep those whose own probability is at least p. What p is about is their sum.",
        instead={"top_p": lambda probs, p: _shares(probs, [i for i, share in enumerate(probs) if share >= p])},
    ),
]
