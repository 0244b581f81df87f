"""Check of 3.1: windows, rates and the choice of a trial exactly; then a trained net, by what it says of new names.

`examination` says in words what strikes first about a trained net, and a known mistake is told by these words. Below,
counts stand in a trained net's place where they leave the same impression.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from inspect import isfunction
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zth.compare import Tolerance
from zth.data.sources import names
from zth.models import KneserNeyModel, MLPConfig, MLPModel, NgramModel
from zth.models.protocol import LanguageModel, evaluating
from zth.seeds import stream
from zth.texts import say
from zth.train import TrainConfig, fit
from zth.workbook.check import Limits, Mistake, Part
from zth.workbook.l03_mlp.e01_tuning import solution
from zth.workbook.l03_mlp.e01_tuning.examination import GOOD, SAYS, V, examine
from zth.workbook.l03_mlp.e01_tuning.solution import best, examples, rates

LIMITS = Limits(seconds=60.0)
Words = list[str]
Trials = Sequence[Mapping[str, float]]

KNOWN: dict[Callable[..., object], str] = {solution.train: GOOD}
"""What a `train` of our own looks like."""


# --- looking at a trained net --------------------


def _look(answer: Any, seed: int) -> dict[str, object]:
    """{"seen": words, "loss": nats on new names}; a loss of 0 stands for none.

    What the solution and the mistakes look like is known: they are not trained again to judge somebody else.
    `zth prove` puts each of them through the whole examination, as if it were a learner's.
    """
    train = answer.train
    known = KNOWN.get(train) if isfunction(train) else None
    return examine(train, seed) if known is None else {"seen": known, "loss": 0.0}


def _accept(got: Any, _wanted: Any) -> str:
    """ "" for a net that will do, whoever made it."""
    seen, loss = got["seen"], got["loss"]
    if seen == GOOD:
        return ""
    return say(SAYS[seen]) + (say(" Its loss on new names is {loss:.4f}.", loss=loss) if loss else "")


def _trials() -> list[tuple[list[dict[str, float]]]]:
    """By hand: the lowest train, the smallest gap and the lowest rate are others; nan inside, then first."""
    rows = [
        [
            (0.1, 2.1, 2.25),
            (1e-4, 3.1, 3.15),
            (1.0, math.nan, math.nan),
            (0.3, 2.15, 2.2),
            (0.5, 2.05, 2.3),
            (9, 8, 9),
        ],
        [(10.0, math.nan, math.nan), (0.02, 2.5, 2.505), (0.2, 2.2, 2.24), (0.4, 2.1, 2.27), (2.0, 2.9, 3.0)],
    ]
    return [([{"rate": rate, "train": train, "dev": dev} for rate, train, dev in trials],) for trials in rows]


PARTS = [
    Part(
        name="examples",
        ask=lambda answer, words, block_size: answer.examples(list(words), block_size),
        cases=lambda: [(["ab"], 3), (["emma", "z", "ava"], 2), (names()[:30], 5)],
    ),
    Part(
        name="rates",
        ask=lambda answer, *given: answer.rates(*given),
        cases=[(0.001, 1.0, 4), (0.05, 0.8, 7), (0.3, 3.0, 2)],
    ),
    Part(name="best", ask=lambda answer, trials: answer.best(trials), cases=_trials),
    Part(
        name="train",
        ask=_look,
        cases=[(1,)],
        shown="train(words, {})",
        accept=_accept,
        tolerance=Tolerance(absolute=1e9),  # a mistake is known by its words, not by its loss
    ),
]


# --- the wrong answers --------------------

Predict = Callable[[Tensor], Tensor]
Train = Callable[[Words, int], tuple[int, Predict]]


def _windows(
    words: Sequence[str],
    block_size: int,
    *,
    pad: int = 0,
    first_letter: int = 1,
    after: int = 0,
    ends: bool = True,
    leading: bool = True,
    turned: bool = False,
    through: bool = False,
) -> tuple[list[list[int]], list[int]]:
    """The lecture's loop; the options are the places to go wrong."""
    X, Y = [], []
    context = [pad] * block_size
    for word in words:
        if not through:
            context = [pad] * block_size
        ids = [ord(ch) - ord("a") + first_letter for ch in word] + [0] * ends
        for place, i in enumerate(ids):
            if leading or place >= block_size:
                X.append(context[::-1] if turned else context)
                Y.append(i if not after else context[-1])
            context = [*context[1:], i]
    return X, Y


def _counted(
    words: Words, block_size: int = 4, *, order: int = 0, k: float | None = None, **how: Any
) -> LanguageModel:
    """Counts in a trained net's place: as good as one, or with `k` smoothed so little that they know it by heart."""
    X, Y = (torch.tensor(part) for part in _windows(words, block_size, **how)) if how else examples(words, block_size)
    X = X[:, -order:] if order else X
    return KneserNeyModel.fit(X, Y, V) if k is None else NgramModel.fit(X, Y, V, k=k)


def _with_counts(change: Callable[[Tensor], Tensor] = lambda p: p, block_size: int = 4, **how: Any) -> Train:
    """Good counts whose probabilities are changed on their way out, or counts of windows that were cut wrongly."""

    def train(words: Words, _seed: int) -> tuple[int, Predict]:
        model = _counted(words, block_size, **how)
        return block_size, lambda contexts: change(model.log_probs(contexts).exp())

    return train


def _constant(make: Callable[[Tensor], Tensor]) -> Train:
    """(N, 4) contexts -> what `make` says of them, untrained."""
    return lambda _words, _seed: (4, make)


def _unigram(words: Words, _seed: int) -> tuple[int, Predict]:
    _, Y = examples(words, 1)
    probs = torch.bincount(Y, minlength=V).double() / len(Y)
    return 4, lambda contexts: probs.expand(len(contexts), V)


def _nearly_unigram(words: Words, seed: int) -> tuple[int, Predict]:
    """A context that has begun to make a difference."""
    _, unigram = _unigram(words, seed)
    model = _counted(words)
    return 4, lambda contexts: 0.98 * unigram(contexts) + 0.02 * model.log_probs(contexts).exp()


def _trained(options: MLPConfig, config: TrainConfig) -> Train:
    """A real net, trained too little."""

    def train(words: Words, seed: int) -> tuple[int, Predict]:
        model = MLPModel(options, generator=stream(seed, "init"))
        fit(model, examples(words, options.block_size), config, seed=seed)

        def predict(contexts: Tensor) -> Tensor:
            with evaluating(model):
                return model.log_probs(contexts).exp()

        return options.block_size, predict

    return train


def _best(key: Callable[[Mapping[str, float]], float], skip_nan: bool = True) -> Callable[[Trials], int]:
    """The place of the lowest key, as Python's min finds it."""

    def best(trials: Trials) -> int:
        places = [i for i, trial in enumerate(trials) if not (skip_nan and math.isnan(trial["dev"]))]
        return min(places, key=lambda i: key(trials[i]))

    return best


def _nan_is_lowest(trials: Trials) -> int:
    return int(torch.tensor([trial["dev"] for trial in trials]).argmin())


def _by_dev(trial: Mapping[str, float]) -> float:
    return trial["dev"]


def _seen(name: str, words: str, train: Train) -> Mistake:
    KNOWN[train] = words
    return Mistake(name=name, says=SAYS[words], instead={"train": train})


def _wrong_windows(**how: Any) -> dict[str, object]:
    """Who cuts windows wrongly trains on them too; what that looks like, the mistakes of `train` tell."""
    train = _with_counts(**how)
    KNOWN[train] = ""
    return {"examples": lambda words, block_size: _windows(words, block_size, **how), "train": train}


def _otherwise_right(**wrong: object) -> dict[str, object]:
    """With counts in the trained net's place, which is faster."""
    train = _with_counts()
    KNOWN[train] = GOOD
    return {**wrong, "train": train}


SGD = TrainConfig(steps=6_000, batch_size=32, optimizer="sgd", lr=0.1, schedule="step")

MISTAKES = [
    _seen("diverged", "nan", _constant(lambda X: torch.full((len(X), V), math.nan))),
    _seen("logarithms returned", "logarithms", _with_counts(lambda p: p.log())),
    _seen("logits returned", "negative numbers", _with_counts(lambda p: p.log() + 3)),
    _seen("softmax over the examples", "columns that sum to 1", _with_counts(lambda p: p / p.sum(0, keepdim=True))),
    _seen("not normalised", "rows that do not sum to 1", _with_counts(lambda p: 4 * p)),
    _seen(
        "statistics of the batch",
        "answers that depend on their company",
        _with_counts(lambda p: F.softmax(p.log() - p.log().mean(0), 1)),
    ),
    _seen("one distribution for all", "no look at the context", _unigram),
    _seen("a bigram", "a look at one character only", _with_counts(order=1)),
    _seen("a block of 1", "a block of 1", _with_counts(block_size=1)),
    _seen("the target is in the context", "the character just seen", _with_counts(after=1)),
    _seen("trained on contexts turned around", "contexts turned around", _with_counts(turned=True)),
    _seen("trained with another padding", "another padding", _with_counts(pad=26)),
    _seen("learnt by heart", "names learnt by heart", _with_counts(order=4, k=1e-3, block_size=6)),
    _seen(
        "a rate far too low",
        "blind guessing",
        _trained(MLPConfig(), TrainConfig(steps=300, optimizer="sgd", lr=1e-4)),
    ),
    _seen(
        "hardly begun",
        "worse than blind guessing",
        _trained(MLPConfig(init="unit"), TrainConfig(steps=50, optimizer="sgd", lr=0.1)),
    ),
    _seen("the frequencies of characters alone", "no better than a unigram", _nearly_unigram),
    _seen("the lecture's beginning, and few steps", "no better than a bigram", _trained(MLPConfig(init="unit"), SGD)),
    _seen("the lecture's rate, and few steps", "not there yet", _trained(MLPConfig(init="kaiming"), SGD)),
    Mistake(
        name="the end is not predicted",
        says="The dot that ends a name is missing among the targets. It must be predicted like every other "
        "character.",
        instead=_wrong_windows(ends=False),
    ),
    Mistake(
        name="padded with another id",
        says="The places before a name hold another id than 0. They are dots.",
        instead=_wrong_windows(pad=26),
    ),
    Mistake(
        name="letters from 0",
        says="The letters were numbered from 0, and 'a' has the dot's id. '.' is 0, 'a' is 1.",
        instead=_wrong_windows(first_letter=0),
    ),
    Mistake(
        name="contexts turned around",
        says="The newest character comes first in your contexts. Keep the order of the name: the newest one comes "
        "last.",
        instead=_wrong_windows(turned=True),
    ),
    Mistake(
        name="names run into each other",
        says="A name's first contexts hold the end of the name before it. Begin each name with block_size dots.",
        instead=_wrong_windows(through=True),
    ),
    Mistake(
        name="no windows over the beginning",
        says="The first block_size characters of each name are not predicted. Begin each name with block_size dots.",
        instead=_wrong_windows(leading=False),
    ),
    Mistake(
        name="the target is the last of the context",
        says="The target is the last character of its own context. It is the one that comes after.",
        instead=_wrong_windows(after=1),
    ),
    Mistake(
        name="steps instead of factors",
        says="The rates are evenly spaced, so nearly all of them are large. Each should be the same factor above "
        "the one before: space the exponents evenly.",
        instead=_otherwise_right(rates=lambda low, high, n: torch.linspace(low, high, n).tolist()),
    ),
    Mistake(
        name="rates taken for exponents",
        says="low and high were taken for exponents of 10. They are rates: take their logarithms first, or use a "
        "factor.",
        instead=_otherwise_right(rates=lambda low, high, n: (10 ** torch.linspace(low, high, n)).tolist()),
    ),
    Mistake(
        name="the highest rate left out",
        says="`high` is missing: n rates have n - 1 factors between them.",
        instead=_otherwise_right(rates=lambda low, high, n: [low * (high / low) ** (i / n) for i in range(n)]),
    ),
    Mistake(
        name="from high to low",
        says="Those are the right rates, from high to low. Begin with `low`.",
        instead=_otherwise_right(rates=lambda low, high, n: rates(low, high, n)[::-1]),
    ),
    Mistake(
        name="chosen by train",
        says="That is the trial with the lowest loss on train, which favours a net that has learnt its data by "
        "heart. Choose by dev.",
        instead=_otherwise_right(best=_best(lambda trial: trial["train"])),
    ),
    Mistake(
        name="nan wins",
        says="A training that diverged was chosen. torch's and NumPy's argmin take nan for the lowest: leave it out "
        "first.",
        instead=_otherwise_right(best=_nan_is_lowest),
    ),
    Mistake(
        name="nan wins if it comes first",
        says="A training that diverged was chosen. Every comparison with nan is false, so min() keeps it if it "
        "comes first: leave it out before.",
        instead=_otherwise_right(best=_best(_by_dev, skip_nan=False)),
    ),
    Mistake(
        name="the highest loss",
        says="That is the trial with the highest dev loss. Lower is better.",
        instead=_otherwise_right(best=_best(lambda trial: -trial["dev"])),
    ),
    Mistake(
        name="the smallest gap",
        says="That is the trial whose dev loss is nearest to its train loss. A net that has learnt nothing has no "
        "gap either: take the lowest dev loss.",
        instead=_otherwise_right(best=_best(lambda trial: abs(trial["dev"] - trial["train"]))),
    ),
    Mistake(
        name="the trial instead of its place",
        says="Return the place in the list, a whole number; not the rate or the trial itself.",
        instead=_otherwise_right(best=lambda trials: trials[best(trials)]["rate"]),
    ),
]
