"""Check of 7.2: lines, operator by operator; what is scored; answers read back; a split without leaks; the share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from statistics import mean
from typing import Any

from zth.data.arithmetic import OPERATORS
from zth.workbook.check import Part
from zth.workbook.l07_gpt.e02_arithmetic import solution
from zth.workbook.l07_gpt.e02_arithmetic.mistakes import MISTAKES
from zth.workbook.l07_gpt.e02_arithmetic.solution import Problem

__all__ = ["MISTAKES", "PARTS"]

Parts = tuple[list[Problem], list[Problem]]
SHARE = 0.07
"""How far dev's share may lie from `fraction`: five deviations of a thousand kinds, each drawn by itself."""

N_PROBLEMS = 1200


@dataclass(frozen=True, repr=False)
class Call:
    """One of the functions with some of its arguments, as a learner types it.

    >>> Call("read", ("240", "+"))
    read('240', '+')
    """

    name: str
    given: tuple[Any, ...]

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(map(repr, self.given))})"


PAIRS = {
    "+": [(7, 25, 3), (457, 543, 3), (120, 3, 3), (999, 999, 3), (0, 0, 2), (9, 9, 1), (12, 30, 2)],
    "-": [(17, 25, 2), (25, 17, 2), (120, 7, 3), (7, 120, 3), (8, 8, 2), (0, 930, 3)],
    "*": [(17, 25, 2), (3, 4, 2), (0, 41, 2), (999, 120, 3), (9, 9, 1), (10, 12, 2)],
    "/": [(17, 5, 2), (17, 25, 2), (999, 1, 3), (120, 10, 3), (87, 12, 2), (0, 9, 1)],
}


def _both_ways(operator: str) -> list[tuple[int, str, int, int, bool]]:
    return [(a, operator, b, digits, reverse) for reverse in (True, False) for a, b, digits in PAIRS[operator]]


LINES = [
    ("1+1=2", 8, True),
    ("007+025=2300", 13, True),
    ("17*25=5240", 13, True),
    ("17-25=80-", 12, True),
    ("1+1=2", 8, False),
    ("17/05=03r02", 12, False),
]
WRITTEN = [
    ("2300", "+", True),
    ("80-", "-", True),
    ("5240", "*", True),
    ("12r30", "/", True),
    ("0032", "+", False),
    ("-08", "-", False),
    ("12r30", "/", False),
    ("", "+", True),
    ("8-0", "-", True),
    ("1r2", "*", True),
    ("12", "/", True),
    ("3r", "/", False),
]
ASKED: list[Problem] = [(17, "+", 25), (50, "+", 50), (17, "-", 25), (17, "*", 25), (17, "/", 5)]


def _exact(reverse: bool) -> list[tuple[list[str], list[Problem], int, bool]]:
    """All right; one place wrong; zeros or the end that are missing or too many; turned round."""
    right = [solution.answer(*problem, 2, reverse) for problem in ASKED]
    one_wrong = [*right[:3], right[3][:-1] + "9", right[4]]
    cut = [text.strip("0") for text in right]
    longer = [right[0], right[1] + "0", *right[2:4], right[4] + "1"]
    turned = [solution.answer(*problem, 2, not reverse) for problem in ASKED]
    nothing = [text[:-1] + "8" for text in right]
    return [(texts, ASKED, 2, reverse) for texts in (right, one_wrong, cut, longer, turned, nothing)]


@cache
def _lists() -> list[tuple[list[Problem], float, int]]:
    """Sums alone, then all four operators: sorted, so that a part cut off shows, and with many repeats."""
    random = Random(72)
    lists = []
    for operators, fraction, seed in (("+", 0.2, 42), (OPERATORS, 0.1, 7)):
        drawn = [
            (random.randrange(100), random.choice(operators), random.randrange(1, 100)) for _ in range(N_PROBLEMS)
        ]
        lists.append((sorted(drawn), fraction, seed))
    return lists


def _split(answer: Any, problems: list[Problem], fraction: float, seed: int) -> dict[str, object]:
    """What must hold of any good split, whatever it drew."""
    train, dev = _tuples(answer.split(list(problems), fraction, seed))
    again, other = (_tuples(answer.split(list(problems), fraction, s))[1] for s in (seed, seed + 1))
    if not train or not dev:
        return {"a part is empty": True}
    means = [_mean_of_first(part) for part in (train, dev)]
    known = set(train)
    return {
        "all come out, as often as they went in": Counter(train + dev) == Counter(problems),
        "none is missing": set(train + dev) == set(problems),
        "a problem of dev stands in train": not known.isdisjoint(dev),
        "in the other order of + or *": not known.isdisjoint((b, o, a) for a, o, b in dev if o in "+*" and a != b),
        "about the fraction is dev": abs(len(dev) / (len(train) + len(dev)) - fraction) < SHARE,
        "large and small numbers in both": abs(means[0] - means[1]) < 15,
        "the same again with the same seed": Counter(again) == Counter(dev),
        "another dev with another seed": set(other) != set(dev),
    }


def _tuples(parts: Iterable[Iterable[Any]]) -> Parts:
    train, dev = ([(int(a), str(operator), int(b)) for a, operator, b in part] for part in parts)
    return train, dev


def _mean_of_first(part: Sequence[Problem]) -> float:
    return mean(a for a, _, _ in part)


def _answers(name: str, operator: str) -> Part:
    return Part(
        name=name,
        shown="answer({}, {}, {}, {}, reverse={})",
        ask=lambda answer, a, o, b, digits, reverse: answer.answer(a, o, b, digits, reverse=reverse),
        cases=_both_ways(operator),
    )


PARTS = [
    Part(
        name="question",
        ask=lambda answer, *case: answer.question(*case),
        cases=[(7, "+", 25, 3), (123, "-", 456, 3), (0, "*", 9, 2), (60, "/", 5, 2), (3, "+", 4, 1)],
    ),
    _answers("answer: sums", "+"),
    Part(
        name="example",
        shown="example({}, {}, mask={})",
        ask=lambda answer, line, width, mask: answer.example(line, width, mask=mask),
        cases=LINES,
    ),
    _answers("answer: differences", "-"),
    _answers("answer: products", "*"),
    _answers("answer: quotients", "/"),
    Part(
        name="read",
        shown="read({}, {}, reverse={})",
        ask=lambda answer, written, operator, reverse: answer.read(written, operator, reverse=reverse),
        cases=WRITTEN,
    ),
    Part(name="split", ask=_split, cases=_lists),
    Part(
        name="share_exact",
        shown="share_exact({}, {}, {}, reverse={})",
        ask=lambda answer, written, problems, digits, reverse: answer.share_exact(
            written, problems, digits, reverse=reverse
        ),
        cases=[*_exact(True), *_exact(False)],
    ),
    Part(
        name="reverse and mask left out",
        shown="{}",
        ask=lambda answer, call: getattr(answer, call.name)(*call.given),
        cases=[
            (Call("answer", (17, "+", 25, 2)),),
            (Call("example", ("1+1=2", 8)),),
            (Call("read", ("240", "+")),),
            (Call("share_exact", (["240"], [(17, "+", 25)], 2)),),
        ],
    ),
]
