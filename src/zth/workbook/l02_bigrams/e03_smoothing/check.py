"""Check of 2.3: losses under several k, and tuning where train, dev and test would each choose another k."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from math import log
from random import Random

from zth.data.sources import names
from zth.workbook.check import Mistake, Part

Words = list[str]
KS = [0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 2, 5]
SHUFFLED = [2, 0.3, 0.03, 5, 0.2, 0.7, 0.01, 0.1, 1, 0.5]


@cache
def _drawn(seed: int) -> tuple[Words, Words, Words]:
    """190 names -> 130 to train, 30 and 30; the seeds in use make train, dev, test and dev + test want four ks."""
    words = Random(seed).sample(names(), 190)
    return words[:130], words[130:160], words[160:]


def _losses() -> list[tuple[Words, Words, int, float]]:
    """Pairs that are new, but no context that is: there wrong formulas fail in as many ways as there are styles."""
    few = ["ava", "avan", "b", "ava"]
    return [
        (few, ["ana", "ban", "va"], 1, 1),
        (few, ["an", "av", "b"], 2, 0.5),
        (names()[:900], names()[950:990], 1, 0.1),
    ]


def _new_contexts() -> list[tuple[Words, Words, int, float]]:
    return [(["ava"], ["bo"], 1, 1), (names()[1000:1200], names()[3000:3040], 2, 0.3)]


def _tunings() -> list[tuple[Sequence[float], Words, Words, Words, int]]:
    return [(KS, *_drawn(2), 1), (SHUFFLED, *_drawn(18), 1), (KS, *_drawn(14), 2), (SHUFFLED, *_drawn(40), 2)]


PARTS = [
    Part(name="loss", ask=lambda answer, train, words, T, k: answer.loss(train, words, T, k), cases=_losses),
    Part(
        name="loss after a context that train never showed",
        shown="loss({}, {}, {}, {})",
        ask=lambda answer, train, words, T, k: answer.loss(train, words, T, k),
        cases=_new_contexts,
    ),
    Part(
        name="tune",
        ask=lambda answer, ks, train, dev, test, T: answer.tune(list(ks), train, dev, test, T),
        cases=_tunings,
    ),
]

Probability = Callable[[int, int, float, int], float]
"""count of the pair, count of its context, k, distinct characters seen after the context -> probability."""
Loss = Callable[[Words, Words, int, float], float]
Tune = Callable[[Sequence[float], Words, Words, Words, int], tuple[float, float, float]]


def _examples(words: Words, T: int) -> list[tuple[str, str]]:
    texts = ["." * T + word + "." for word in words]
    return [(text[i : i + T], text[i + T]) for text in texts for i in range(len(text) - T)]


def _smoothed(count: int, total: int, k: float, _: int) -> float:
    return (count + k) / (total + 27 * k)


def _loss(
    probability: Probability = _smoothed,
    *,
    seen: Callable[[Words, Words], Words] = lambda train, _: train,
    reduce: Callable[[list[float]], float] = lambda logs: -sum(logs) / len(logs),
    seen_only: bool = False,
) -> Loss:
    def loss(train: Words, words: Words, T: int, k: float) -> float:
        counts = Counter(_examples(seen(train, words), T))
        totals, distinct = Counter[str](), Counter[str]()
        for (context, _), n in counts.items():
            totals[context] += n
            distinct[context] += 1
        asked = [(c, ch) for c, ch in _examples(words, T) if totals[c] or not seen_only]
        return reduce([log(probability(counts[c, ch], totals[c], k, distinct[c])) for c, ch in asked])

    return loss


RIGHT = _loss()


def _tune(
    loss: Loss = RIGHT,
    *,
    on: Callable[[Words, Words, Words], Words] = lambda _train, dev, _test: dev,
    told: Callable[[Words, Words, Words], Words] = lambda _train, dev, _test: dev,
    pick: Callable[[dict[float, float]], float] = lambda losses: min(losses, key=losses.__getitem__),
    say: Callable[[float, Sequence[float]], float] = lambda k, _: k,
    tested: Callable[[float], float] = lambda k: k,
    recount: bool = False,
) -> Tune:
    """Tuning; the options are the places to go wrong."""

    def tune(ks: Sequence[float], train: Words, dev: Words, test: Words, T: int) -> tuple[float, float, float]:
        k = pick({k: loss(train, on(train, dev, test), T, k) for k in ks})
        seen = train + dev if recount else train
        return say(k, ks), loss(train, told(train, dev, test), T, k), loss(seen, test, T, tested(k))

    return tune


def _train(train: Words, _dev: Words, _test: Words) -> Words:
    return train


def _test(_train: Words, _dev: Words, test: Words) -> Words:
    return test


def _best_of_each(ks: Sequence[float], train: Words, dev: Words, test: Words, T: int) -> tuple[float, float, float]:
    k, dev_loss, _ = _tune()(ks, train, dev, test, T)
    return k, dev_loss, min(RIGHT(train, test, T, k) for k in ks)


def _three_losses(ks: Sequence[float], train: Words, dev: Words, test: Words, T: int) -> tuple[float, float, float]:
    k, dev_loss, test_loss = _tune()(ks, train, dev, test, T)
    return RIGHT(train, train, T, k), dev_loss, test_loss


def _wrong_loss(loss: Loss) -> dict[str, object]:
    return {"loss": loss, "tune": _tune(loss)}


MISTAKES = [
    Mistake(
        name="k in the numerator only",
        says="k was added to the counts but not to their sum, so the probabilities of a row sum to more than 1, and "
        "more smoothing always looks better. Divide by total + 27 k.",
        instead=_wrong_loss(_loss(lambda count, total, k, _: (count + k) / max(total, 1))),
    ),
    Mistake(
        name="k added once to the sum",
        says="The sum grew by k, but k was added to each of 27 counts: divide by total + 27 k.",
        instead=_wrong_loss(_loss(lambda count, total, k, _: (count + k) / (total + k))),
    ),
    Mistake(
        name="only the seen ones smoothed",
        says="The sum grew by k for each character that was seen after the context. Every one of the 27 gets its k: "
        "divide by total + 27 k.",
        instead=_wrong_loss(_loss(lambda count, total, k, seen: (count + k) / max(total + k * seen, k))),
    ),
    Mistake(
        name="k added after dividing",
        says="k was added to the probabilities, which were then normalised again. So a row that was seen a thousand "
        "times is flattened as much as one that was seen once. Add k to the counts, before you divide.",
        instead=_wrong_loss(_loss(lambda count, total, k, _: (count / max(total, 1) + k) / (min(total, 1) + 27 * k))),
    ),
    Mistake(
        name="always add 1",
        says="The loss is that of k = 1, whatever k is: use the argument k.",
        instead=_wrong_loss(_loss(lambda count, total, _, __: (count + 1) / (total + 27))),
    ),
    Mistake(
        name="counted on the words it is asked about",
        says="The model was counted on `words`, which it should be judged on: a leak. Count on `train` alone.",
        instead=_wrong_loss(_loss(seen=lambda _, words: words)),
    ),
    Mistake(
        name="counted on both",
        says="The model was counted on `train` and `words` together, so it has seen what it is asked: a leak. Count "
        "on `train` alone.",
        instead=_wrong_loss(_loss(seen=lambda train, words: train + words)),
    ),
    Mistake(
        name="minus forgotten",
        says="That is the mean log likelihood, which is below 0. The loss is its negative, so that lower is better.",
        instead=_wrong_loss(_loss(reduce=lambda logs: sum(logs) / len(logs))),
    ),
    Mistake(
        name="sum instead of mean",
        says="That is the sum over all characters. Divide by how many there are, or dev and test cannot be compared.",
        instead=_wrong_loss(_loss(reduce=lambda logs: -sum(logs))),
    ),
    Mistake(
        name="new contexts passed over",
        says="Characters after a context that train never showed were left out of the mean. They are part of the "
        "task: each has the probability (0 + k) / (0 + 27 k) = 1/27.",
        instead=_wrong_loss(_loss(seen_only=True)),
    ),
    Mistake(
        name="tuned on test",
        says="k was chosen by its loss on test. Then the test loss is the best of many, and no longer a fair "
        "forecast. Choose by dev; ask test once, afterwards.",
        instead={"tune": _tune(on=_test)},
    ),
    Mistake(
        name="test in dev's place",
        says="Both losses are test's, and test chose k. So the test loss is the best of many, and no longer a fair "
        "forecast. Choose by dev; ask test once, afterwards.",
        instead={"tune": _tune(on=_test, told=_test)},
    ),
    Mistake(
        name="train in dev's place",
        says="k was chosen by its loss on train, where less smoothing always looks better: there nothing is unseen. "
        "Choose by dev.",
        instead={"tune": _tune(on=_train, told=_train)},
    ),
    Mistake(
        name="the smallest k",
        says="That is the smallest k of all. Either train chose it, where less smoothing always looks better: choose "
        "by dev. Or min() has compared the ks: compare the losses, as in min(losses, key=losses.get).",
        instead={"tune": _tune(pick=min)},
    ),
    Mistake(
        name="tuned on dev and test together",
        says="k was chosen on dev and test together, so test influenced the choice. Choose by dev alone.",
        instead={"tune": _tune(on=lambda _train, dev, test: dev + test)},
    ),
    Mistake(
        name="test has its own k",
        says="The loss on test is the lowest of all k, not that of the k which dev chose: test was asked for every "
        "k. Ask it once.",
        instead={"tune": _best_of_each},
    ),
    Mistake(
        name="tested without the chosen k",
        says="k was chosen, but the test loss is that of k = 1. Hand the chosen k to the last `loss` as well.",
        instead={"tune": _tune(tested=lambda _: 1)},
    ),
    Mistake(
        name="the largest loss wins",
        says="That is the k with the highest loss on dev. Lower is better: min, or argmin.",
        instead={"tune": _tune(pick=lambda losses: max(losses, key=losses.__getitem__))},
    ),
    Mistake(
        name="position instead of k",
        says="The first number is the position of the best k in the list. Return the k itself: ks[i].",
        instead={"tune": _tune(say=lambda k, ks: list(ks).index(k))},
    ),
    Mistake(
        name="train loss instead of k",
        says="Those are the losses on train, dev and test. The first number should be the k that was chosen.",
        instead={"tune": _three_losses},
    ),
    Mistake(
        name="counted again with dev",
        says="For the test you counted train and dev together. People do that before they ship a model, but here the "
        "question is how the model that dev has judged does on test: count on train alone.",
        instead={"tune": _tune(recount=True)},
    ),
]
