"""Check of 2.6: continuation counts, and the interpolated table, on small tables and on the names."""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.models.ngram import Counts
from zth.workbook.check import Mistake, Part

# Each row and each column has another sum and another number of cells that are not 0; no cell's count is a discount.
SMALL = [[0, 1, 3, 0], [2, 5, 0, 0], [7, 0, 1, 4], [1, 2, 6, 9]]
# The last character came, but nothing came after it; the first never came, but others came after it.
NEW = [[0, 1, 3, 0], [0, 5, 0, 2], [0, 0, 1, 4], [0, 0, 0, 0]]
# The empty row stands first, so that the others still have their turn; one row was counted once, one character came
# after one other only.
FIRST = [[0, 0, 0], [1, 0, 0], [2, 0, 3]]


@cache
def _names() -> Tensor:
    """All 27 characters occur, and most pairs."""
    return Counts.of(*windows(names()[:4000], Vocabulary.of_lines(names()), 1), 27).table()


def _tables() -> list[tuple[Tensor]]:
    return [(torch.tensor(SMALL),), (_names(),), (torch.tensor(NEW),)]


def _tables_and_discounts() -> list[tuple[Tensor, float]]:
    return [(torch.tensor(SMALL), 0.5), (torch.tensor(SMALL), 0.9), (_names(), 0.75), (_names(), 0.3)]


PARTS = [
    Part(name="continuation_counts", ask=lambda answer, N: answer.continuation_counts(N), cases=_tables),
    Part(name="kneser_ney", ask=lambda answer, N, d: answer.kneser_ney(N, d), cases=_tables_and_discounts),
    Part(
        name="kneser_ney with an empty row",
        shown="kneser_ney({}, {})",
        ask=lambda answer, N, d: answer.kneser_ney(N, d),
        cases=lambda: [(torch.tensor(NEW), 0.5), (torch.tensor(NEW), 0.75), (torch.tensor(FIRST), 0.5)],
    ),
]

Of = Callable[[Tensor], Tensor]
KneserNey = Callable[[Tensor, float], Tensor]


def _total(N: Tensor) -> Tensor:
    return N.sum(1, keepdim=True).double()


def _followers(N: Tensor) -> Tensor:
    return (N > 0).sum(1, keepdim=True)


def _contexts(N: Tensor) -> Tensor:
    return (N > 0).sum(0)


def _continuation(N: Tensor) -> Tensor:
    return _contexts(N) / _contexts(N).sum()


def _kneser_ney(
    *,
    kept: KneserNey = lambda N, d: (N - d).clamp(min=0),
    total: Of = _total,
    taken: KneserNey = lambda N, d: d * _followers(N),
    fallback: Of = _continuation,
    d: float | None = None,
    empty: Of | None = None,
) -> KneserNey:
    """(kept + taken * fallback) / total; the options are the places to go wrong. `empty`: a row with no counts."""

    def kneser_ney(N: Tensor, discount: float) -> Tensor:
        discount = discount if d is None else d
        P = (kept(N, discount) + taken(N, discount) * fallback(N)) / total(N)
        return torch.where(_total(N) > 0, P, (empty or fallback)(N))

    return kneser_ney


def _backed_off(share: KneserNey) -> KneserNey:
    """Seen pairs get their own term alone, the others alone what was taken."""

    def kneser_ney(N: Tensor, d: float) -> Tensor:
        P = torch.where(N > 0, (N - d) / _total(N), share(N, d) * _continuation(N))
        return torch.where(_total(N) > 0, P, _continuation(N))

    return kneser_ney


def _per_unseen(N: Tensor, d: float) -> Tensor:
    """What was taken, over what the fallback gives to pairs that were not seen."""
    unseen = torch.where(N > 0, 0, _continuation(N)).sum(1, keepdim=True)
    return d * _followers(N) / _total(N) / unseen


def _divided_by_nothing(counted: float) -> KneserNey:
    """Plain Python raises; its words depend on whether the count is a whole number."""

    def kneser_ney(N: Tensor, d: float) -> Tensor:
        for total in N.sum(1).tolist():
            counted / total
        return _kneser_ney()(N, d)

    return kneser_ney


def _sum_of(N: Tensor) -> Tensor:
    return N.sum().double()


MISTAKES = [
    Mistake(
        name="how often, not after how many different ones",
        says="Those are the plain counts: how often a character came. Continuation asks after how many *different* "
        "characters it came, so each pair counts once, however frequent: N > 0.",
        instead={
            "continuation_counts": lambda N: N.sum(0),
            "kneser_ney": _kneser_ney(fallback=lambda N: N.sum(0) / N.sum()),
        },
    ),
    Mistake(
        name="followers instead of contexts",
        says="You counted how many different characters come *after* each one. Continuation looks back: after how "
        "many different ones did it come? Sum over the rows of N, dim 0.",
        instead={
            "continuation_counts": lambda N: _followers(N)[:, 0],
            "kneser_ney": _kneser_ney(fallback=lambda N: (_followers(N) / _followers(N).sum())[:, 0]),
        },
    ),
    Mistake(
        name="divided already",
        says="Those are the counts divided by their sum. Return the whole numbers; `kneser_ney` divides.",
        instead={"continuation_counts": _continuation},
    ),
    Mistake(
        name="seen twice or more",
        says="A pair that was seen once counts as well: N > 0, not N > 1.",
        instead={"continuation_counts": lambda N: (N > 1).sum(0)},
    ),
    Mistake(
        name="the discount is not handed out again",
        says="d was taken from every count, and given to nobody: the rows sum to less than 1. Add "
        "d * followers / total * P_continuation.",
        instead={"kneser_ney": _kneser_ney(taken=lambda N, _: torch.zeros(len(N), 1))},
    ),
    Mistake(
        name="d was taken once only",
        says="You hand out d / total, but d was taken from each count that is not 0. So times the number of "
        "different followers, or the rows do not sum to 1.",
        instead={"kneser_ney": _kneser_ney(taken=lambda _, d: torch.tensor(d))},
    ),
    Mistake(
        name="d for each occurrence",
        says="You hand out d * total / total = d. It was taken once from each *different* follower, not at each "
        "occurrence: the factor is the number of counts in the row that are not 0.",
        instead={"kneser_ney": _kneser_ney(taken=lambda N, d: d * _total(N))},
    ),
    Mistake(
        name="d for each character of the alphabet",
        says="You hand out d * V / total, as if all V counts of the row had given d. Those that are 0 gave nothing: "
        "count the ones that are not.",
        instead={"kneser_ney": _kneser_ney(taken=lambda N, d: torch.tensor(d * len(N)))},
    ),
    Mistake(
        name="counts of 0 pay as well",
        says="d was taken from counts of 0 too, which makes them negative, and probabilities with them. Take "
        "max(N - d, 0).",
        instead={"kneser_ney": _kneser_ney(kept=lambda N, d: N - d)},
    ),
    Mistake(
        name="counts of 0 pay, and get it back",
        says="d was taken from every cell, empty ones too, and V times d handed out. The rows sum to 1, but a pair "
        "that was not seen has to pay for it, and can end below 0. Take only where there is something: "
        "max(N - d, 0).",
        instead={
            "kneser_ney": _kneser_ney(kept=lambda N, d: N - d, taken=lambda N, d: torch.tensor(d * len(N))),
        },
    ),
    Mistake(
        name="contexts in the place of followers",
        says="What is handed out in row x depends on how many different characters came *after* x: (N > 0).sum(1). "
        "You took how many came before.",
        instead={"kneser_ney": _kneser_ney(taken=lambda N, d: d * _contexts(N)[:, None])},
    ),
    Mistake(
        name="handed out evenly",
        says="You give the same share to all characters. Share out by continuation counts: who goes with many is "
        "likelier to be new here.",
        instead={
            "kneser_ney": _kneser_ney(fallback=lambda N: torch.full((len(N),), 1 / len(N), dtype=torch.float64)),
        },
    ),
    Mistake(
        name="continuation counts not divided",
        says="The continuation counts went in as they are. Divide them by their sum first, so that they are "
        "probabilities.",
        instead={"kneser_ney": _kneser_ney(fallback=lambda N: _contexts(N).double())},
    ),
    Mistake(
        name="continuation counts divided by V",
        says="The continuation counts were divided by the number of characters. Divide them by their own sum, the "
        "number of different pairs, or the rows do not sum to 1.",
        instead={"kneser_ney": _kneser_ney(fallback=lambda N: _contexts(N) / len(N))},
    ),
    Mistake(
        name="keepdim forgotten",
        says="Each column was divided by a row's total. (V, V) / (V,) lines the shapes up from the right, without an "
        "error: use N.sum(1, keepdim=True), and look at whether P.sum(1) is 1.",
        instead={
            "kneser_ney": _kneser_ney(
                total=lambda N: _total(N)[:, 0], taken=lambda N, d: d * _followers(N)[:, 0].double()
            ),
        },
    ),
    Mistake(
        name="totals keep their axis, followers don't",
        says="The number of followers lost its axis, so column y got the share of row y. Use "
        "(N > 0).sum(1, keepdim=True), as for the totals.",
        instead={"kneser_ney": _kneser_ney(taken=lambda N, d: d * _followers(N)[:, 0])},
    ),
    Mistake(
        name="divided by the sum of all counts",
        says="The whole table sums to 1: that is the probability of the pair, not of a character after another. "
        "Divide each row by its own sum.",
        instead={"kneser_ney": _kneser_ney(total=_sum_of)},
    ),
    Mistake(
        name="seen pairs get no share",
        says="Only pairs that were not seen got a share, so the rows sum to less than 1. Interpolated means: every "
        "pair gets its own term and a share, seen or not.",
        instead={"kneser_ney": _backed_off(lambda N, d: d * _followers(N) / _total(N))},
    ),
    Mistake(
        name="backed off, not interpolated",
        says="That is the backing-off form: pairs that were not seen get all of what was taken. The rows do sum to "
        "1, but here the interpolated form is wanted, where seen pairs get their share as well (it is nearly always "
        "better).",
        instead={"kneser_ney": _backed_off(_per_unseen)},
    ),
    Mistake(
        name="no smoothing",
        says="Those are the plain frequencies: d changes nothing.",
        instead={"kneser_ney": _kneser_ney(d=0.0)},
    ),
    Mistake(
        name="always 0.75",
        says="The table is that of d = 0.75, whatever d is. It is a good value, but use the argument.",
        instead={"kneser_ney": _kneser_ney(d=0.75)},
    ),
    Mistake(
        name="d added",
        says="You added d to every count, which is add-k once more. Take d away, where there is something to take.",
        instead={"kneser_ney": lambda N, d: (N + d) / (N + d).sum(1, keepdim=True)},
    ),
    Mistake(
        name="0 / 0 in an empty row",
        says="A row without counts became 0 / 0, not a number. Nothing was counted there, so all is left to share "
        "out: the row is P_continuation.",
        instead={"kneser_ney": _kneser_ney(empty=lambda N: torch.full((len(N),), torch.nan))},
    ),
    *[
        Mistake(
            name=f"{zero} / 0 in an empty row, in plain Python",
            says="A row without counts has the total 0. Nothing was counted there, so all is left to share out: the "
            "row is P_continuation.",
            instead={"kneser_ney": _divided_by_nothing(zero)},
        )
        for zero in (0, 0.0)
    ],
    Mistake(
        name="an empty row stays empty",
        says="A row without counts is all 0, so nothing could follow. Nothing was counted there, so all is left to "
        "share out: the row is P_continuation.",
        instead={"kneser_ney": _kneser_ney(empty=lambda N: torch.zeros(len(N)))},
    ),
    Mistake(
        name="an empty row is uniform",
        says="A row without counts got 1/V for each character. Continuation knows more than that: the row is "
        "P_continuation.",
        instead={"kneser_ney": _kneser_ney(empty=lambda N: torch.full((len(N),), 1 / len(N)))},
    ),
]
