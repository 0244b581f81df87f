"""How 7.2 goes wrong: the functions that `mistakes` puts into the solution, each with its places to go wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from random import Random
from statistics import mean
from typing import Any

from zth.data.arithmetic import VOCABULARY
from zth.data.stream import IGNORED
from zth.workbook.l07_gpt.e02_arithmetic import solution
from zth.workbook.l07_gpt.e02_arithmetic.solution import Problem

Answer = Callable[..., str]
Parts = tuple[list[Problem], list[Problem]]
Row = list[int]

# ---- wrong lines


def questioned(number: Callable[[int, int], str], end: str = "=") -> Mapping[str, object]:
    return {"question": lambda a, operator, b, digits: f"{number(a, digits)}{operator}{number(b, digits)}{end}"}


def zeros(value: int, places: int) -> str:
    return f"{value:0{places}d}"


def spaces(value: int, places: int) -> str:
    return f"{value:{places}d}"


def none(value: int, _places: int) -> str:
    return str(value)


def turned(text: str, sign: str, reverse: bool) -> str:
    return text[::-1] + sign if reverse else sign + text


def answered(
    *,
    pad: Callable[[int, int], str] = zeros,
    places: Mapping[str, Callable[[int], int]] | None = None,
    write: Callable[[str, str, bool], str] = turned,
    divide: Callable[[int, int, Callable[[int], str], bool], str] | None = None,
) -> Answer:
    """The solution's answer, spelled out; the options are the places to go wrong.

    `write(text, sign, reverse)` ends + - *, and `divide(a, b, padded, reverse)` is all of /.
    """
    wide = {"+": lambda n: n + 1, "-": lambda n: n, "*": lambda n: 2 * n, "/": lambda n: n} | dict(places or {})

    def answer(a: int, operator: str, b: int, digits: int, reverse: bool = True) -> str:
        def padded(value: int) -> str:
            return pad(value, wide[operator](digits))

        if operator == "/":
            return (divide or divided)(a, b, padded, reverse)
        value = {"+": a + b, "-": a - b, "*": a * b}[operator]
        return write(padded(abs(value)), "-" if value < 0 else "", reverse)

    return answer


def divided(a: int, b: int, padded: Callable[[int], str], _reverse: bool) -> str:
    return f"{padded(a // b)}r{padded(a % b)}"


def division_turned(a: int, b: int, padded: Callable[[int], str], reverse: bool) -> str:
    return divided(a, b, padded, reverse)[:: -1 if reverse else 1]


def numbers_turned(a: int, b: int, padded: Callable[[int], str], reverse: bool) -> str:
    return divided(a, b, lambda value: padded(value)[:: -1 if reverse else 1], reverse)


def turned_before_zeros(a: int, operator: str, b: int, digits: int, reverse: bool = True) -> str:
    text = solution.answer(a, operator, b, digits, reverse)
    if operator == "/" or not reverse:
        return text
    sign = "-" if text.endswith("-") else ""
    bare = text.removesuffix("-")
    return (bare.rstrip("0") or "0").rjust(len(bare), "0") + sign


def sign_counted(a: int, operator: str, b: int, digits: int, reverse: bool = True) -> str:
    """f"{a - b:0{digits}d}", the minus sign in one of its places."""
    if operator != "-" or a >= b:
        return solution.answer(a, operator, b, digits, reverse)
    text = f"{a - b:0{digits}d}"
    return text[::-1] if reverse else text


def shared(exact: Callable[..., float]) -> Mapping[str, object]:
    return {"share_exact": exact}


def with_answer(answer: Answer) -> Mapping[str, object]:
    """Whose answers are wrong compares with wrong ones."""

    def share_exact(written: list[str], problems: list[Problem], digits: int, reverse: bool = True) -> float:
        right = [answer(*problem, digits, reverse) for problem in problems]
        return mean(text == wanted for text, wanted in zip(written, right, strict=True))

    return {"answer": answer, **shared(share_exact)}


def answers(**options: Any) -> Mapping[str, object]:
    """Those of `answered` with these options."""
    return with_answer(answered(**options))


# ---- wrong examples


def example(
    *,
    start: Callable[[str, bool], int] = lambda line, mask: line.index("=") + 1 if mask else 0,
    shift: int = 1,
    n_end: int = 1,
    fill: int = 0,
    filled: int = IGNORED,
    hidden: int = IGNORED,
    hide: Callable[[int, int, int], bool] = lambda t, first, _n: t < first,
    front: int = 1,
) -> Mapping[str, object]:
    """`start` is the first target that is scored, of the n characters of the line and the end."""

    def example(line: str, width: int, mask: bool = True) -> tuple[Row, Row]:
        n, first = len(line), start(line, mask)
        ids = [0] * front + VOCABULARY.encode(line) + [0] * (width + 2)
        x, targets = [*ids[: n + front], *[fill] * width][:width], ids[shift : shift + width]
        end = n + front - 1 + n_end
        y = [hidden if hide(t, first, n) else targets[t] if t < end else filled for t in range(width)]
        return x, y

    return {"example": example}


def changed(change: Callable[[Row, Row, str, bool], tuple[Row, Row]]) -> Mapping[str, object]:
    """The right example, changed afterwards."""

    def example(line: str, width: int, mask: bool = True) -> tuple[Row, Row]:
        return change(*solution.example(line, width, mask), line, mask)

    return {"example": example}


def question_hidden(x: Row, y: Row, line: str, mask: bool) -> tuple[Row, Row]:
    n = line.index("=") + 1 if mask else 0
    return [x[0], *[0] * n, *x[n + 1 :]], y


def filled_in_front(x: Row, y: Row, line: str, _mask: bool) -> tuple[Row, Row]:
    n = len(line) + 1
    return [0] * (len(x) - n) + x[:n], [IGNORED] * (len(x) - n) + y[:n]


# ---- wrong readings


def read(wrong: Callable[[str, str, bool], object]) -> Mapping[str, object]:
    return {"read": lambda written, operator, reverse=True: wrong(written, operator, reverse)}


def bare(written: str, operator: str, reverse: bool) -> object:
    """Without a thought for what is no answer."""
    if operator == "/":
        quotient, remainder = written.split("r")
        return [int(quotient), int(remainder)]
    return int(written[::-1] if reverse else written)


def without_sign(written: str, operator: str, reverse: bool) -> object:
    found = solution.read(written, operator, reverse)
    return abs(found) if isinstance(found, int) else found


def quotient(written: str, operator: str, reverse: bool) -> object:
    found = solution.read(written, operator, reverse)
    return found[0] if isinstance(found, list) else found


def division_read_back(written: str, operator: str, reverse: bool) -> object:
    return solution.read(written[:: -1 if operator == "/" and reverse else 1], operator, reverse)


def zero_for_none(written: str, operator: str, reverse: bool) -> object:
    found = solution.read(written, operator, reverse)
    return 0 if found is None else found


# ---- wrong splits

Split = Callable[[list[Problem], float, int], Parts]


def either(problem: Problem) -> Problem:
    a, operator, b = problem
    return (min(a, b), operator, max(a, b)) if operator in "+*" else problem


def by_kind(key: Callable[[Problem], Problem]) -> Split:
    """Draw among the different keys; each problem goes where its key goes."""

    def split(problems: list[Problem], fraction: float, seed: int) -> Parts:
        kinds = sorted({key(problem) for problem in problems})
        Random(seed).shuffle(kinds)
        held = set(kinds[: int(fraction * len(kinds))])
        return [p for p in problems if key(p) not in held], [p for p in problems if key(p) in held]

    return split


def cut(problems: list[Problem], fraction: float, seed: int) -> Parts:
    shuffled = Random(seed).sample(problems, len(problems))
    n_dev = int(fraction * len(problems))
    return shuffled[n_dev:], shuffled[:n_dev]


def at_the_end(problems: list[Problem], fraction: float, _seed: int) -> Parts:
    n_train = len(problems) - int(fraction * len(problems))
    return problems[:n_train], problems[n_train:]


fair_split = by_kind(either)


def with_split(split: Split) -> Mapping[str, object]:
    return {"split": split}


# ---- wrong shares


def share(right: Callable[[str, str], float]) -> Mapping[str, object]:
    """The mean over the problems of right(written, wanted)."""

    def share_exact(written: list[str], problems: list[Problem], digits: int, reverse: bool = True) -> float:
        wanted = [solution.answer(*problem, digits, reverse) for problem in problems]
        return mean(right(text, each) for text, each in zip(written, wanted, strict=True))

    return shared(share_exact)


def characters(text: str, wanted: str) -> float:
    return mean(place < len(text) and text[place] == each for place, each in enumerate(wanted))


def as_numbers(written: list[str], problems: list[Problem], digits: int, reverse: bool = True) -> float:
    right = [solution.answer(*problem, digits, reverse) for problem in problems]
    texts = zip(written, right, problems, strict=True)
    return mean(solution.read(w, o, reverse) == solution.read(r, o, reverse) for w, r, (_, o, _) in texts)


def not_turned(written: list[str], problems: list[Problem], digits: int, reverse: bool = True) -> float:  # noqa: ARG001
    return solution.share_exact(written, problems, digits, reverse=False)


def how_many(written: list[str], problems: list[Problem], digits: int, reverse: bool = True) -> float:
    return round(solution.share_exact(written, problems, digits, reverse) * len(problems))


def by_default(**defaults: bool) -> Mapping[str, object]:
    """Right where all is said; what is left out is taken for these defaults."""

    def changed(right: Callable[..., object]) -> Callable[..., object]:
        def answer(*given: object, **named: object) -> object:
            bound = signature(right).bind(*given, **named)
            bound.arguments = {**defaults, **bound.arguments}
            return right(**bound.arguments)

        return answer

    every = {name: getattr(solution, name) for name in solution.__all__}
    return {
        name: changed(right)
        for name, right in every.items()
        if callable(right) and set(defaults) <= set(signature(right).parameters)
    }
