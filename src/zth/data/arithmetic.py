"""Addition, and a calculator for + - * /, as lines of text (exercise 7.2).

Letters: N problems, T characters that a model reads of a line, V characters in the vocabulary.

    123+456=9750.        three digits, padded with zeros, the sum from its last digit on: 0579 reversed
    ^^^^^^^^             the question: not scored, since nobody can know it

A line begins and ends at the boundary ".", id 0, as the lines of names do; behind its end it is filled up with more
of it, not scored. Division gives the whole quotient and the remainder: 17/5=3r2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from zth.data.stream import IGNORED
from zth.data.vocab import Vocabulary
from zth.errors import ConfigError, DataError
from zth.seeds import numpy_stream, stream_seed

if TYPE_CHECKING:
    from torch import Tensor

OPERATORS = "+-*/"
VOCABULARY = Vocabulary.of_lines(["0123456789+-*/=r"])
CHUNK = 64
"""Steps whose problems are drawn at one time."""

IntArray = NDArray[np.int64]
Part = Literal["train", "dev"]


@dataclass(frozen=True, kw_only=True)
class ArithmeticConfig:
    """How problems look. Raises ConfigError for values that make no sense.

    >>> ArithmeticConfig(operators="+%")
    Traceback (most recent call last):
    zth.errors.ConfigError: operators must be some of '+-*/', each once; got '+%'. Try operators='+'.
    """

    digits: int = 3
    """Of the two numbers, at most: they are drawn from 0 .. 10**digits - 1."""
    operators: str = "+"
    """Some of "+-*/"; one is drawn for each problem."""
    reverse: bool = True
    """The answers to + - * from the last digit on, as one works them out on paper. Division begins at the first."""
    padded: bool = True
    """Zeros in front of numbers and answers, so that each digit always stands in the same place."""
    mask: bool = True
    """Whether the question is left out of the loss."""
    dev_fraction: float = 0.1
    """The share of all problems that training never sees."""

    def __post_init__(self) -> None:
        if type(self.digits) is not int or not 1 <= self.digits <= 6:
            raise ConfigError(f"digits must be in 1 .. 6; got {self.digits!r}.", "Try digits=3.")
        if (
            not self.operators
            or set(self.operators) - set(OPERATORS)
            or len(set(self.operators)) < len(self.operators)
        ):
            raise ConfigError(
                f"operators must be some of {OPERATORS!r}, each once; got {self.operators!r}.", "Try operators='+'."
            )
        if not 0 < self.dev_fraction < 1:
            raise ConfigError(f"dev_fraction must lie between 0 and 1; got {self.dev_fraction}.", "Try 0.1.")

    @property
    def width(self) -> int:
        """T: of the longest line with its first boundary, less the last character, which is only predicted.

        >>> ArithmeticConfig().width  # .123+456=9750
        13
        """
        longest = max(len(answer(*_largest(self.digits, operator), self)) for operator in self.operators)
        return 1 + 2 * self.digits + 2 + longest


@dataclass(frozen=True, kw_only=True)
class Problems:
    """N problems: `a[i]` `operator[i]` `b[i]`."""

    a: IntArray
    operator: NDArray[np.str_]
    b: IntArray

    def __len__(self) -> int:
        return len(self.a)

    def __iter__(self) -> Iterator[tuple[int, str, int]]:
        return zip(self.a.tolist(), self.operator.tolist(), self.b.tolist(), strict=True)

    def where(self, chosen: NDArray[np.bool_] | slice) -> Problems:
        """Some of them."""
        return Problems(a=self.a[chosen], operator=self.operator[chosen], b=self.b[chosen])


def question(a: int, operator: str, b: int, config: ArithmeticConfig) -> str:
    """What a model is asked.

    >>> question(7, "+", 25, ArithmeticConfig()), question(7, "+", 25, ArithmeticConfig(padded=False))
    ('007+025=', '7+25=')
    """
    n = config.digits if config.padded else 0
    return f"{a:0{n}d}{operator}{b:0{n}d}="


def answer(a: int, operator: str, b: int, config: ArithmeticConfig) -> str:
    """The right answer, as it is to be written.

    >>> plain = ArithmeticConfig(digits=2, operators="+-*/", reverse=False, padded=False)
    >>> [answer(17, operator, 25, plain) for operator in "+-*/"]
    ['42', '-8', '425', '0r17']
    >>> [answer(17, operator, 25, ArithmeticConfig(digits=2, operators="+-*/")) for operator in "+-*/"]
    ['240', '80-', '5240', '00r17']
    """
    n = config.digits if config.padded else 0
    if operator == "/":
        quotient, remainder = divmod(a, b)
        return f"{quotient:0{n}d}r{remainder:0{n}d}"
    value, places = {"+": (a + b, n + (n > 0)), "-": (a - b, n), "*": (a * b, 2 * n)}[operator]
    digits = f"{abs(value):0{places}d}"
    sign = "-" if value < 0 else ""
    return digits[::-1] + sign if config.reverse else sign + digits


def in_dev(problems: Problems, config: ArithmeticConfig, seed: int) -> NDArray[np.bool_]:
    """(N,): which problems training never sees; the problem itself and the seed decide, by a hash.

    a + b and b + a are one problem, and so are a * b and b * a: knowing one is nearly knowing the other.
    """
    either = np.isin(problems.operator, ["+", "*"])
    a = np.where(either, np.minimum(problems.a, problems.b), problems.a)
    b = np.where(either, np.maximum(problems.a, problems.b), problems.b)
    kind = np.array([OPERATORS.index(operator) for operator in problems.operator.tolist()], np.uint64)
    number = (kind * np.uint64(10**6) + a.astype(np.uint64)) * np.uint64(10**6) + b.astype(np.uint64)
    hashed = _mixed(number ^ np.uint64(stream_seed(seed, "dev problems")))
    return hashed < np.uint64(int(config.dev_fraction * 2**64))


def draw_problems(n: int, part: Part, config: ArithmeticConfig, *, seed: int, name: str) -> Problems:
    """`n` problems of one part, drawn on the random stream `name`; a problem may come twice. Division by 0 is none.

    >>> problems = draw_problems(1000, "dev", ArithmeticConfig(), seed=1, name="dev")
    >>> len(problems), bool(in_dev(problems, ArithmeticConfig(), 1).all())
    (1000, True)
    """
    generator = numpy_stream(seed, name)
    found: list[Problems] = []
    n_found = n_rounds = 0
    while n_found < n:
        some = _any_problems(2 * n + 64, config, generator)
        some = some.where(in_dev(some, config, seed) == (part == "dev"))
        found.append(some)
        n_found, n_rounds = n_found + len(some), n_rounds + 1
        if n_rounds >= 1000 and n_found == 0:
            raise DataError(
                f"No problem of {config.digits} digits is in {part}.", "Take more digits or another seed."
            )
    return Problems(
        a=np.concatenate([p.a for p in found])[:n],
        operator=np.concatenate([p.operator for p in found])[:n],
        b=np.concatenate([p.b for p in found])[:n],
    )


def as_lines(problems: Problems, config: ArithmeticConfig) -> list[str]:
    """Each question with its answer."""
    return [question(*problem, config) + answer(*problem, config) for problem in problems]


def as_ids(problems: Problems, config: ArithmeticConfig) -> tuple[Tensor, Tensor]:
    """N problems -> ids (N, T) and targets (N, T), `IGNORED` in the question (if masked) and behind the end.

    >>> some = Problems(a=np.array([12]), operator=np.array(["+"]), b=np.array([5]))
    >>> x, y = as_ids(some, ArithmeticConfig(digits=2))
    >>> VOCABULARY.decode(x[0]), VOCABULARY.decode(y[0][y[0] >= 0])
    ('.12+05=710', '710.')
    """
    import torch

    x, y = examples(as_lines(problems, config), config.width, mask=config.mask)
    return torch.from_numpy(x), torch.from_numpy(y)


def examples(lines: Sequence[str], width: int, *, mask: bool) -> tuple[IntArray, IntArray]:
    """N lines -> ids (N, width) and targets (N, width). Raises DataError for a line that `width` cannot hold.

    >>> x, y = examples(["1+1=2", "1+1="], 7, mask=True)
    >>> VOCABULARY.decode(x[0]), y.tolist()
    ('.1+1=2.', [[-1, -1, -1, -1, 7, 0, -1], [-1, -1, -1, -1, 0, -1, -1]])
    """
    longest = max(map(len, lines), default=0)
    if longest + 1 > width:
        raise DataError(f"A line of {longest} characters needs a width of {longest + 1}; got {width}.", "Give that.")
    text = "".join(f".{line}.".ljust(width + 1, ".") for line in lines)
    ids = VOCABULARY.encode_array(text).reshape(len(lines), width + 1)
    x, y = ids[:, :-1].copy(), ids[:, 1:].copy()
    at = np.arange(width)
    lengths = np.array([len(line) for line in lines], np.int64)[:, None]
    y[at > lengths] = IGNORED  # the target at `length` is the end
    if mask:
        questions = np.array([line.index("=") + 1 for line in lines], np.int64)[:, None]
        y[at < questions] = IGNORED  # the target at 0 is the question's first character
    return x, y


class ProblemBatches:
    """Fresh problems for training: the batch of a step depends on the seed and the step alone.

    >>> batches = ProblemBatches(ArithmeticConfig(), batch_size=32, seed=1)
    >>> x, y = batches.batch(0)
    >>> tuple(x.shape), tuple(y.shape)
    ((32, 13), (32, 13))
    """

    def __init__(self, config: ArithmeticConfig, *, batch_size: int, seed: int) -> None:
        if batch_size < 1:
            raise ConfigError(f"batch_size must be at least 1; got {batch_size}.", "Try 64.")
        self.config, self.batch_size, self.seed = config, batch_size, seed
        self._chunk = -1

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Ids (B, T), targets (B, T)."""
        chunk, number = divmod(step, CHUNK)
        if chunk != self._chunk:
            n, name = CHUNK * self.batch_size, f"batches/{chunk}"
            problems = draw_problems(n, "train", self.config, seed=self.seed, name=name)
            self._x, self._y = as_ids(problems, self.config)
            self._chunk = chunk
        rows = slice(number * self.batch_size, (number + 1) * self.batch_size)
        return self._x[rows], self._y[rows]


def answered(logits: Tensor, targets: Tensor) -> Tensor:
    """(N, T, V) logits at right answers, (N, T) targets -> (N,) bool: would the model, left alone, write them so?

    Taking the likeliest each time, it does so if and only if at every place the right character is the likeliest
    after the right ones before it: one pass tells. With `mask` off the question counts too: pass targets that have it
    masked.
    """
    return ((logits.argmax(dim=-1) == targets) | (targets == IGNORED)).all(dim=1)


def read_answer(written: str, operator: str, config: ArithmeticConfig) -> list[int] | None:
    """What was written, as numbers: [value], of a division [quotient, remainder]; None where it is no answer.

    >>> config = ArithmeticConfig(digits=2, operators=OPERATORS)
    >>> read_answer("80-", "-", config), read_answer("00r17", "/", config), read_answer("8-0", "-", config)
    ([-8], [0, 17], None)
    """
    if operator == "/":
        found = re.fullmatch("([0-9]+)r([0-9]+)", written)
        return None if found is None else [int(number) for number in found.groups()]
    forward = written[::-1] if config.reverse else written
    return [int(forward)] if re.fullmatch("-?[0-9]+", forward) else None


def share_exact(answers: Sequence[str], problems: Problems, config: ArithmeticConfig) -> float:
    """The share of answers that are right to the last character; 0 where there is none.

    >>> some = Problems(a=np.array([12, 1]), operator=np.array(["+", "+"]), b=np.array([5, 1]))
    >>> share_exact(["710", "20"], some, ArithmeticConfig(digits=2))
    0.5
    """
    if len(answers) != len(problems):
        raise DataError(f"{len(answers)} answers do not belong to {len(problems)} problems.", "Pass one for each.")
    right = [answer(*problem, config) for problem in problems]
    return sum(got == wanted for got, wanted in zip(answers, right, strict=True)) / max(1, len(right))


def _any_problems(n: int, config: ArithmeticConfig, generator: np.random.Generator) -> Problems:
    a, b = generator.integers(0, 10**config.digits, (2, n))
    operator = np.array(list(config.operators))[generator.integers(0, len(config.operators), n)]
    return Problems(a=a, operator=operator, b=b).where((operator != "/") | (b > 0))


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finisher of SplitMix64 (Steele et al. 2014): each bit of x moves about half of the bits."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _largest(digits: int, operator: str) -> tuple[int, str, int]:
    """A problem whose answer is as long as any."""
    most = 10**digits - 1
    return {"+": (most, "+", most), "-": (0, "-", most), "*": (most, "*", most), "/": (most - 1, "/", most)}[operator]
