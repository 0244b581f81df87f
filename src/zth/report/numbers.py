"""Numbers as a person reads them: as many digits as carry meaning, thousands parted, infinities said as such."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Any, TypeGuard

from zth.runs import Figure

_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
# "inf" is how strict JSON keeps an infinity (zth.files.dumps)
_AS_TEXT = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def number(value: float, decimals: int | None = None) -> str:
    """Five significant digits, or a fixed count of decimals.

    >>> number(2.45331234), number(196113), number(0.0417725705), number(4.7e-9), number(float("inf"))
    ('2.4533', '196,113', '0.041773', '4.7 × 10⁻⁹', '∞')
    >>> number(2.454, decimals=4)
    '2.4540'
    """
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if decimals is not None:
        return _sign(f"{value:,.{decimals}f}")
    if value == int(value) and abs(value) < 1e15:
        return _sign(f"{int(value):,}")
    if 1e-4 <= abs(value) < 1e15:
        text = f"{value:,.{_decimals_for(value, 5)}f}"
        return _sign(text.rstrip("0").rstrip(".") if "." in text else text)
    mantissa, exponent = f"{value:.3g}".split("e") if "e" in f"{value:.3g}" else f"{value:.2e}".split("e")
    return f"{_sign(mantissa)} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}"


def figure_texts(figure: Figure) -> tuple[str, str]:
    """A figure's value and reference ("" where there is none) at the reference's own precision.

    More digits are shown where the two would look equal without counting as met.

    >>> figure_texts(Figure(name="loss", value=2.45331234, reference=2.4533, tolerance=5e-5))
    ('2.4533', '2.4533')
    >>> figure_texts(Figure(name="loss", value=2.45333234, reference=2.4533, tolerance=1e-6))
    ('2.45333', '2.45330')
    """
    value, reference = figure.value, figure.reference
    if reference is None:
        return number(value), ""
    decimals = _decimals_of(reference)
    if not decimals or not math.isfinite(value) or abs(value) >= 1e15 or 0 < abs(value) < 0.5 * 10**-decimals:
        return number(value), number(reference)
    while number(value, decimals) == number(reference, decimals) and figure.verdict != "as the course":
        decimals += 1
    return number(value, decimals), number(reference, decimals)


def column(values: Sequence[Any]) -> tuple[list[str], bool]:
    """One table column as texts, and whether it is numeric (then it is set flush right).

    >>> column([2.4548, 2.4533, "inf", None])
    (['2.4548', '2.4533', '∞', '–'], True)
    >>> column(["emma", 3])
    (['emma', '3'], False)
    """
    values = [_AS_TEXT.get(value, value) if isinstance(value, str) else value for value in values]
    numbers = [value for value in values if _is_number(value)]
    decimals = _common_decimals([value for value in numbers if math.isfinite(value)])
    numeric = bool(numbers) and all(value is None or value == "" or _is_number(value) for value in values)
    return [_cell(value, decimals if numeric else None) for value in values], numeric


def duration(seconds: object) -> str:
    """
    >>> duration(0.0312), duration(3.21), duration(83.4), duration(3725), duration(None)
    ('0.03 s', '3.2 s', '1 min 23 s', '1 h 2 min', 'unknown')
    """
    if not _is_number(seconds) or not math.isfinite(seconds):  # a foreign run folder may hold anything here
        return "unknown"
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _cell(value: Any, decimals: int | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value, decimals) if _is_number(value) else str(value)


def _common_decimals(values: Sequence[float]) -> int | None:
    """So that decimal points stand in line; None where a column spans too wide a range for one precision."""
    sizes = [abs(value) for value in values if value]
    if (
        all(value == int(value) for value in values)
        or max(sizes) > 1000 * min(sizes)
        or not 1e-4 <= min(sizes) < 1e12
    ):
        return None
    needed = max(len(f"{value:.6f}".rstrip("0").partition(".")[2]) for value in values)
    return min(needed, max(_decimals_for(median(sizes), 5), _decimals_for(min(sizes), 2)))


def _decimals_for(value: float, significant: int) -> int:
    return max(0, significant - 1 - math.floor(math.log10(abs(value))))


def _decimals_of(reference: float) -> int:
    """How many decimals the reference was written with; 0 for whole numbers and those in exponent form."""
    text = repr(reference)
    return 0 if "e" in text or not math.isfinite(reference) else len(text.partition(".")[2].rstrip("0"))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _sign(text: str) -> str:
    return "−" + text[1:] if text.startswith("-") else text
