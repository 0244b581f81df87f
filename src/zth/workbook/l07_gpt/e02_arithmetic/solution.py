"""A dataset is a decision about what the model gets to see, and when.

**Reversed.** The first digit of 457 + 543 hangs on all the others, by the carries; the last one on two digits alone.
Written from the last digit on, every step is the same small one: two digits and a carry, which can be seen in what
was just written.

**Masked.** A question's characters are drawn at random. The loss that they add can never fall below the entropy of
the draw, ln 10 for each digit; its gradient is noise. As many targets are masked as the question has characters: the
first one scored stands at "=", where the answer begins. The end is scored too, else the model would never stop.

**Unseen.** What counts is problems that training never saw. A list drawn at random holds many problems twice, and
a + b beside b + a, so cutting it in two leaks. The library asks a hash of the problem: whether it belongs to dev is
then decided before anything is drawn, and training may draw for ever.

**Exact.** An answer with four of five digits right is wrong. Shares of right digits look good long before a single
answer is.

Division is the odd one: quotient and remainder begin at their first digits, as on paper.
"""

from collections.abc import Sequence

import numpy as np

from zth.data import arithmetic
from zth.data.arithmetic import OPERATORS, ArithmeticConfig, Problems, examples, in_dev

__all__ = ["answer", "example", "question", "read", "share_exact", "split"]

Problem = tuple[int, str, int]


def question(a: int, operator: str, b: int, digits: int) -> str:
    """What a model is asked.

    >>> question(7, "+", 25, 3)
    '007+025='
    """
    return arithmetic.question(a, operator, b, _config(digits))


def answer(a: int, operator: str, b: int, digits: int, reverse: bool = True) -> str:
    """What it is to answer.

    >>> [answer(17, operator, 25, 2) for operator in "+-*/"]
    ['240', '80-', '5240', '00r17']
    """
    return arithmetic.answer(a, operator, b, _config(digits, reverse))


def example(line: str, width: int, mask: bool = True) -> tuple[list[int], list[int]]:
    """A line -> what the model reads, and its targets: `width` ids each, -1 where nothing is scored.

    >>> example("1+1=2", 8)
    ([0, 6, 2, 6, 15, 7, 0, 0], [-1, -1, -1, -1, 7, 0, -1, -1])
    """
    x, y = examples([line], width, mask=mask)
    return x[0].tolist(), y[0].tolist()


def read(written: str, operator: str, reverse: bool = True) -> int | list[int] | None:
    """An answer as a number, of a division as [quotient, remainder]; None where it is none.

    >>> read("80-", "-"), read("00r17", "/"), read("8-0", "-")
    (-8, [0, 17], None)
    """
    found = arithmetic.read_answer(written, operator, _config(1, reverse))
    return found[0] if found is not None and operator != "/" else found


def split(problems: Sequence[Problem], fraction: float, seed: int) -> tuple[list[Problem], list[Problem]]:
    """Train and dev, with no problem in common, also not as b + a or b * a.

    >>> train, dev = split([(a, "+", b) for a in range(30) for b in range(30)], 0.2, seed=1)
    >>> len(train) + len(dev), {(b, "+", a) for a, _, b in train} & set(dev)
    (900, set())
    """
    a, operator, b = (np.array(column) for column in zip(*problems, strict=True))
    config = ArithmeticConfig(operators=OPERATORS, dev_fraction=fraction)
    held = in_dev(Problems(a=a, operator=operator, b=b), config, seed).tolist()
    parts: tuple[list[Problem], list[Problem]] = ([], [])
    for problem, to_dev in zip(problems, held, strict=True):
        parts[to_dev].append(problem)
    return parts


def share_exact(written: Sequence[str], problems: Sequence[Problem], digits: int, reverse: bool = True) -> float:
    """The share of answers that are right to the last character.

    >>> share_exact(["240", "24"], [(17, "+", 25), (17, "+", 25)], 2)
    0.5
    """
    a, operator, b = (np.array(column) for column in zip(*problems, strict=True))
    return arithmetic.share_exact(written, Problems(a=a, operator=operator, b=b), _config(digits, reverse))


def _config(digits: int, reverse: bool = True) -> ArithmeticConfig:
    return ArithmeticConfig(digits=digits, operators=OPERATORS, reverse=reverse)
