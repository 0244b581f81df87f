"""The one ruler: are two results the same, and if not, where do they first differ?

Results may be floats, nested lists, NumPy arrays or torch tensors; what counts is numbers and shape, never the
container or the dtype. Everything that asks "are these equal?" (tests, exercise checks, benches) asks here, so that a
tolerance is justified once.

torch is never imported here: a tensor is turned into an array by its own methods.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zth.texts import mark, say

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """|got - wanted| <= absolute + relative * |wanted|, for each element."""

    relative: float = 0.0
    absolute: float = 0.0


EXACT = Tolerance()
# float64 keeps 2.2e-16 relative; a few hundred operations in another order lose two to three digits of it.
FLOAT64 = Tolerance(relative=1e-12, absolute=1e-12)
# float32 keeps 6e-8 relative; sums over some hundred terms, in another order or dtype, lose one to two digits.
FLOAT32 = Tolerance(relative=1e-5, absolute=1e-6)
# Lecture 5 prints float32 gradients that agree to about 5e-9 where autograd fuses what we spell out.
LECTURE_5 = Tolerance(absolute=1e-8)
# What a hand calculation or the lecture's printed four digits can be held to.
PRINTED = Tolerance(absolute=5e-5)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Why two results are not the same; `str()` is a sentence for a person."""

    kind: str
    """"type", "shape", "length", "keys" or "value"."""
    got: str
    wanted: str
    where: str = ""
    """The index of the first differing element, as in "[2, 0]"; empty for a scalar."""
    largest: float = math.nan
    """The largest absolute difference over all elements; nan where it makes no sense."""

    def __str__(self) -> str:
        told = say(_SENTENCES[self.kind], got=self.got, wanted=self.wanted)
        if self.where:
            told = say("at {where} {told}", where=self.where, told=told)
        if self.kind == "value" and math.isfinite(self.largest) and self.where:
            told += say(" (largest difference {number})", number=f"{self.largest:.3g}")
        return told


_SENTENCES = {
    "type": mark("got type {got}, wanted {wanted}"),
    "shape": mark("got shape {got}, wanted {wanted}"),
    "length": mark("got length {got}, wanted {wanted}"),
    "keys": mark("got keys {got}, wanted {wanted}"),
    "value": mark("got {got}, wanted {wanted}"),
}


def as_array(value: object) -> NDArray[Any]:
    """Floats, nested lists, arrays and tensors -> one NumPy array. Raises TypeError for anything else.

    >>> as_array([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    if hasattr(value, "detach"):  # a torch tensor
        tensor: Any = value
        tensor = tensor.detach().cpu()
        return np.asarray(tensor.double().numpy() if tensor.is_floating_point() else tensor.numpy())
    if isinstance(value, (list, tuple)):
        if value and all(type(item) is float for item in value):  # the common long case, twenty times as fast
            return np.asarray(value)
        try:
            array = np.stack([as_array(item) for item in value]) if value else np.empty(0)
        except ValueError as error:
            raise TypeError(say("a list of rows of different lengths")) from error
        except (IndexError, RecursionError) as error:  # NumPy has at most 64 axes
            raise TypeError(say("a list nested too deep")) from error
        return array
    if not isinstance(value, (bool, int, float, np.ndarray, np.generic)):
        raise TypeError(f"{type(value).__name__} {value!r:.60}")
    return np.asarray(value)


def difference(got: object, wanted: object, tolerance: Tolerance = FLOAT64) -> Difference | None:
    """None where the two agree, else the first place where they do not.

    Strings, None and booleans are compared as they are, dictionaries key by key, lists that hold any of these (or
    arrays of different shapes) item by item, numbers by `tolerance`. Equal infinities agree, and so do two nans.

    >>> difference([1.0, 2.0], (1.0, 2.0)) is None
    True
    >>> print(difference([1.0, 2.5], [1.0, 2.0]))
    at [1] got 2.5, wanted 2 (largest difference 0.5)
    >>> print(difference([1.0], [[1.0]]))
    got shape (1,), wanted (1, 1)
    >>> print(difference([("emma", 1.0)], [("emma", 2.0)]))
    at [0][1] got 1, wanted 2 (largest difference 1)
    """
    if isinstance(wanted, dict):
        return _dict_difference(got, wanted, tolerance)
    if isinstance(wanted, (bool, np.bool_)):
        agree = _is_truth_value(got) and bool(got) == bool(wanted)
        return None if agree else Difference(kind="value", got=_short(got), wanted=_short(bool(wanted)))
    if wanted is None or isinstance(wanted, str):
        agree = type(got) is type(wanted) and got == wanted
        return None if agree else Difference(kind="value", got=_short(got), wanted=_short(wanted))
    try:
        wanted_array = as_array(wanted)
    except TypeError:  # not one block of numbers: texts among them, or rows of different shapes
        if isinstance(wanted, (list, tuple)):
            return _list_difference(got, wanted, tolerance)
        raise
    try:
        got_array = as_array(got)
    except TypeError as error:
        return Difference(kind="type", got=str(error), wanted=_kind_of(wanted_array))
    if got_array.shape != wanted_array.shape:
        return Difference(kind="shape", got=str(got_array.shape), wanted=str(wanted_array.shape))
    return _value_difference(got_array, wanted_array, tolerance)


def same(got: object, wanted: object, tolerance: Tolerance = FLOAT64) -> bool:
    """True where `difference` finds none.

    >>> same(0.1 + 0.2, 0.3), same(0.1 + 0.2, 0.3, EXACT)
    (True, False)
    """
    return difference(got, wanted, tolerance) is None


def largest_difference(got: object, wanted: object) -> float:
    """max |got - wanted| over two results of the same shape.

    >>> largest_difference([1.0, 2.0], [1.0, 2.5])
    0.5
    """
    a, b = as_array(got).astype(np.float64), as_array(wanted).astype(np.float64)
    assert a.shape == b.shape, (a.shape, b.shape)
    return float(np.max(np.abs(a - b), initial=0.0))


def finite_differences(f: Callable[[list[float]], float], at: Sequence[float], h: float = 1e-6) -> FloatArray:
    """(n,) point -> (n,) gradient by the symmetric difference (f(x+h) - f(x-h)) / 2h, one coordinate at a time.

    The error is O(h^2) of truncation plus O(1e-16 / h) of rounding: about 1e-10 at the default h.

    >>> finite_differences(lambda x: x[0] ** 2 * x[1], [3.0, 2.0]).round(6).tolist()
    [12.0, 9.0]
    """
    gradient = np.empty(len(at))
    for i in range(len(at)):
        up, down = list(at), list(at)
        up[i] += h
        down[i] -= h
        gradient[i] = (f(up) - f(down)) / (up[i] - down[i])
    return gradient


def _dict_difference(got: object, wanted: dict[Any, Any], tolerance: Tolerance) -> Difference | None:
    if not isinstance(got, dict):
        keys = sorted(map(str, wanted))
        return Difference(kind="type", got=_short(got), wanted=say("a dict with keys {keys}", keys=keys))
    missing = [key for key in wanted if key not in got]
    extra = [key for key in got if key not in wanted]
    if missing or extra:
        return Difference(kind="keys", got=_short(sorted(map(str, got))), wanted=_short(sorted(map(str, wanted))))
    for key, value in wanted.items():
        found = difference(got[key], value, tolerance)
        if found is not None:
            return replace(found, where=f"[{key!r}]{found.where}")
    return None


def _list_difference(got: object, wanted: Sequence[Any], tolerance: Tolerance) -> Difference | None:
    if not isinstance(got, (list, tuple)):
        told = f"{type(got).__name__} {_short(got)}"
        return Difference(kind="type", got=told, wanted=say("a list of {n}", n=len(wanted)))
    for i, (item, other) in enumerate(zip(got, wanted, strict=False)):
        found = difference(item, other, tolerance)
        if found is not None:
            return replace(found, where=f"[{i}]{found.where}")
    if len(got) != len(wanted):
        return Difference(kind="length", got=str(len(got)), wanted=str(len(wanted)))
    return None


def _value_difference(got: NDArray[Any], wanted: NDArray[Any], tolerance: Tolerance) -> Difference | None:
    if not (np.issubdtype(got.dtype, np.number) or got.dtype == np.bool_):
        return Difference(kind="type", got=str(got.dtype), wanted=say("numbers"))
    a, b = got.astype(np.float64), wanted.astype(np.float64)
    with np.errstate(invalid="ignore"):
        gap = np.abs(a - b)
        allowed = tolerance.absolute + tolerance.relative * np.abs(b)
        # got == wanted, not a == b: integers past 2^53 are told apart only before they become floats
        wrong = ~(((allowed > 0) & (gap <= allowed)) | (got == wanted) | (np.isnan(a) & np.isnan(b)))
        # inf <= inf * relative would let any number pass for an infinite one
        wrong |= np.isinf(b) & (a != b)
    if not wrong.any():
        return None
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    return Difference(
        kind="value",
        got=_number(got[first]),
        wanted=_number(wanted[first]),
        where=str(list(first)) if first else "",
        largest=float(np.max(gap[wrong])),
    )


def _is_truth_value(value: Any) -> bool:
    if hasattr(value, "detach") or isinstance(value, np.ndarray):
        return value.ndim == 0 and str(value.dtype).removeprefix("torch.") == "bool"
    return isinstance(value, (bool, np.bool_))


def _kind_of(array: NDArray[Any]) -> str:
    return say("numbers of shape {shape}", shape=array.shape) if array.shape else say("a number")


def _number(value: Any) -> str:
    item = value.item()
    return f"{item:.10g}" if isinstance(item, float) else repr(item)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
