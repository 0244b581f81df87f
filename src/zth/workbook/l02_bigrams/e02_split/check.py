"""Check of 2.2: splits of lists that ten does not divide, losses of a model that saw train alone, then both."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from math import inf, log
from random import Random

import numpy as np

from zth.data.sources import names
from zth.workbook.check import Mistake, Part

Words = list[str]
Parts = tuple[Words, Words, Words]


@cache
def _lists() -> list[tuple[Words, int]]:
    """38 and 87 words: cutting, rounding and adding up tenths all come out differently. Some words stand twice."""
    return [(names()[:33] + names()[:5], 42), (names()[500:580] + names()[500:507], 7)]


@cache
def _parts() -> list[tuple[Words, Words, Words, int]]:
    """Pairs that are new, but no context that is: there wrong formulas fail in as many ways as there are styles."""
    few = ["ava", "avan", "b", "ava"]
    some = (names()[:900], names()[950:990], names()[1000:1050])
    return [(few, ["ana", "va"], ["ban", "a"], 1), (few, ["an", "ava"], ["av", "b"], 2), (*some, 1)]


@cache
def _parts_with_new_contexts() -> list[tuple[Words, Words, Words, int]]:
    return [(["ava"], ["bo"], ["va", "o"], 1), (names()[900:1100], names()[3000:3040], names()[7000:7050], 2)]


PARTS = [
    Part(name="split", ask=lambda answer, words, seed: answer.split(words, seed), cases=_lists),
    Part(
        name="losses",
        ask=lambda answer, train, dev, test, T: answer.losses(train, dev, test, T),
        cases=_parts,
    ),
    Part(
        name="losses after contexts that train never showed",
        shown="losses({}, {}, {}, {})",
        ask=lambda answer, train, dev, test, T: answer.losses(train, dev, test, T),
        cases=_parts_with_new_contexts,
    ),
    Part(name="table", ask=lambda answer, words, seed: answer.table(words, seed), cases=_lists),
]

Split = Callable[[Words, int], Parts]
Losses = Callable[[Words, Words, Words, int], list[float]]


def _shuffled(words: Iterable[str], seed: int) -> Words:
    shuffled = list(words)
    Random(seed).shuffle(shuffled)
    return shuffled


def _cut(words: Sequence[str], *ends: int) -> Parts:
    """Five ends: train up to the first, dev between the next two, test between the last two."""
    n_train, dev, dev_end, test, test_end = ends
    return list(words[:n_train]), list(words[dev:dev_end]), list(words[test:test_end])


def _at(first: int, second: int, words: Sequence[str]) -> Parts:
    return _cut(words, first, first, second, second, len(words))


def _tenths(words: Sequence[str]) -> Parts:
    return _at(int(0.8 * len(words)), int(0.9 * len(words)), words)


def _right(words: Words, seed: int) -> Parts:
    return _tenths(_shuffled(words, seed))


def _off_by(before: int, after: int) -> Split:
    """Dev begins `before` words late and ends `after` words late."""

    def split(words: Words, seed: int) -> Parts:
        first, second = int(0.8 * len(words)), int(0.9 * len(words))
        return _cut(_shuffled(words, seed), first, first + before, second + after, second + before, len(words))

    return split


def _dev_to_the_end(words: Words, seed: int) -> Parts:
    first, second = int(0.8 * len(words)), int(0.9 * len(words))
    return _cut(_shuffled(words, seed), first, first, len(words), second, len(words))


def _rest_dropped(words: Words, seed: int) -> Parts:
    first, tenth = int(0.8 * len(words)), int(0.1 * len(words))
    return _cut(_shuffled(words, seed), first, first, first + tenth, first + tenth, first + 2 * tenth)


def _rest_to_test(words: Words, seed: int) -> Parts:
    first, tenth = int(0.8 * len(words)), int(0.1 * len(words))
    return _at(first, first + tenth, _shuffled(words, seed))


def _rounded(words: Words, seed: int) -> Parts:
    return _at(round(0.8 * len(words)), round(0.9 * len(words)), _shuffled(words, seed))


def _swapped(words: Words, seed: int) -> Parts:
    train, dev, test = _right(words, seed)
    return train, test, dev


def _by_numpy(words: Words, seed: int) -> Parts:
    return _tenths(np.random.RandomState(seed).permutation(words).tolist())


def _by_sample(words: Words, seed: int) -> Parts:
    return _tenths(Random(seed).sample(words, len(words)))


def _in_place(words: Words, seed: int) -> Parts:
    Random(seed).shuffle(words)
    return _tenths(words)


def _examples(words: Words, T: int) -> Iterator[tuple[str, str]]:
    for word in words:
        text = "." * T + word + "."
        yield from ((text[i : i + T], text[i + T]) for i in range(len(text) - T))


def _mean_of_all(losses: list[list[float]]) -> float:
    return sum(map(sum, losses)) / sum(map(len, losses))


def _mean_of_means(losses: list[list[float]]) -> float:
    return sum(sum(word) / len(word) for word in losses) / len(losses)


def _losses(
    *,
    counted: Callable[[Words, Parts], Words] = lambda _, parts: parts[0],
    k: float = 1,
    n_characters: Callable[[Counter[str]], int] = lambda _: 27,
    reduce: Callable[[list[list[float]]], float] = _mean_of_all,
    look_back: Callable[[int], int] = lambda T: T,
    seen_only: bool = False,
    log: Callable[[float], float] = lambda p: log(p) if p > 0 else -inf,
) -> Losses:
    """Counts, then a loss for each part; the options are the places to go wrong."""

    def losses(train: Words, dev: Words, test: Words, T: int) -> list[float]:
        parts, T = (train, dev, test), look_back(T)
        return [loss(words, counted(words, parts), T) for words in parts]

    def loss(words: Words, seen: Words, T: int) -> float:
        after: dict[str, Counter[str]] = {}
        for context, character in _examples(seen, T):
            after.setdefault(context, Counter())[character] += 1

        def nll(context: str, character: str) -> float:
            counts = after.get(context, Counter())
            total = counts.total() + k * n_characters(counts)
            return -log((counts[character] + k) / total if total else 1 / 27)

        asked = [[(c, ch) for c, ch in _examples([word], T) if c in after or not seen_only] for word in words]
        return reduce([[nll(*example) for example in word] for word in asked])

    return losses


RIGHT_LOSSES = _losses()


def _table(split: Split = _right, losses: Losses = RIGHT_LOSSES) -> Callable[[Words, int], list[list[float]]]:
    def table(words: Words, seed: int) -> list[list[float]]:
        words = list(words)  # a split in place must not reach the check's own list
        return [losses(*split(words, seed), T) for T in (1, 2)]

    return table


def _wrong_split(split: Split) -> dict[str, object]:
    return {"split": split, "table": _table(split)}


def _wrong_losses(losses: Losses) -> dict[str, object]:
    return {"losses": losses, "table": _table(losses=losses)}


MISTAKES = [
    Mistake(
        name="not shuffled",
        says="The words were cut in the order of the file, which begins with the popular names: train, dev and test "
        "would be of different kinds. Shuffle first.",
        instead=_wrong_split(lambda words, _: _tenths(words)),
    ),
    Mistake(
        name="seed ignored",
        says="That is the split of seed 42, but another seed was asked for: use the argument `seed`.",
        instead=_wrong_split(lambda words, _: _right(words, 42)),
    ),
    Mistake(
        name="repeats dropped",
        says="Names that stand twice in the list came out once. Repeats are data: a common name should count more. "
        "Split the list, not the set.",
        instead=_wrong_split(lambda words, seed: _right(list(dict.fromkeys(words)), seed)),
    ),
    Mistake(
        name="dev and test exchanged",
        says="The order is train, dev, test: dev is the middle tenth, test the last one.",
        instead=_wrong_split(_swapped),
    ),
    Mistake(
        name="parts overlap by a word",
        says="The last word of dev is also the first of test: words[n1:n2] ends before n2, there is nothing to add.",
        instead=_wrong_split(_off_by(0, 1)),
    ),
    Mistake(
        name="a word lost at each cut",
        says="The word at each cut is in no part: words[:n1] ends before n1, so the next begins at n1, not n1 + 1.",
        instead=_wrong_split(_off_by(1, 0)),
    ),
    Mistake(
        name="dev runs to the end",
        says="Dev holds all of test as well: words[n1:] has no end. Stop at n2.",
        instead=_wrong_split(_dev_to_the_end),
    ),
    Mistake(
        name="the rest falls off",
        says="Three rounded lengths do not add up to n, and some words are in no part. Let test run to the end.",
        instead=_wrong_split(_rest_dropped),
    ),
    Mistake(
        name="tenths added up",
        says="Your second cut is int(0.8 * n) + int(0.1 * n): rounded down twice. The course cuts at int(0.9 * n).",
        instead=_wrong_split(_rest_to_test),
    ),
    Mistake(
        name="rounded instead of cut off",
        says="round() moves a cut by one now and then; the course's cuts are int(0.8 * n) and int(0.9 * n).",
        instead=_wrong_split(_rounded),
    ),
    Mistake(
        name="NumPy's shuffle",
        says="That is a fair split, but not the course's: NumPy's generator makes another order from the same seed. "
        "Use Python's own random, so that your figures can be compared.",
        instead=_wrong_split(_by_numpy),
    ),
    Mistake(
        name="sample instead of shuffle",
        says="That is a fair split, but not the course's: random.sample draws in another way than random.shuffle.",
        instead=_wrong_split(_by_sample),
    ),
    Mistake(
        name="counted on all the words",
        says="The model has counted dev and test too, so it has seen what it is asked: a leak. Count on train alone.",
        instead=_wrong_losses(_losses(counted=lambda _, parts: [word for part in parts for word in part])),
    ),
    Mistake(
        name="each part counted by itself",
        says="Each part was judged by a model counted on that part, which tells nothing about unseen names. There is "
        "one model, counted on train; only the words it is asked about change.",
        instead=_wrong_losses(_losses(counted=lambda words, _: words)),
    ),
    Mistake(
        name="not smoothed",
        says="The loss is infinite: dev holds something that train never showed, and it has probability 0. Add 1 to "
        "every count, as the task says; how much is best is the question of 2.3.",
        instead=_wrong_losses(_losses(k=0)),
    ),
    Mistake(
        name="log of 0",
        says="The log of 0 was taken: dev holds something that train never showed. Add 1 to every count, also to "
        "those that are 0.",
        instead=_wrong_losses(_losses(k=0, log=log)),
    ),
    Mistake(
        name="only the seen ones smoothed",
        says="1 was added for each character that was seen after the context, so the row does not sum to 1. Each of "
        "the 27 gets one: total + 27.",
        instead=_wrong_losses(_losses(n_characters=len)),
    ),
    Mistake(
        name="26 instead of 27",
        says="You divided by total + 26. There are 27 characters: the dot, which ends a name, is one of them.",
        instead=_wrong_losses(_losses(n_characters=lambda _: 26)),
    ),
    Mistake(
        name="new contexts passed over",
        says="Characters after a context that train never showed were left out of the mean. They are part of the "
        "task: each has the probability (0 + 1) / (0 + 27).",
        instead=_wrong_losses(_losses(seen_only=True)),
    ),
    Mistake(
        name="mean of the names' means",
        says="That is the mean over names of each name's mean. The loss is per character: add up all of them, then "
        "divide by how many there are.",
        instead=_wrong_losses(_losses(reduce=_mean_of_means)),
    ),
    Mistake(
        name="always a bigram",
        says="The loss is the bigram's whatever T is. With T = 2 the context has two characters.",
        instead=_wrong_losses(_losses(look_back=lambda _: 1)),
    ),
    Mistake(
        name="shuffled in place",
        says="`table` splits the same list twice, and the second split is another one: `random.shuffle` has shuffled "
        "the caller's list, and then shuffled it again. So the trigram was judged on names that the bigram had "
        "counted. Shuffle a copy: words = list(words).",
        instead={"table": _table(_in_place)},
    ),
]
