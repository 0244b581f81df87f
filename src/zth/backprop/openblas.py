"""The library behind NumPy's matrix products: kept to one thread, and asked for its kernels."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

NAMES = ("scipy_openblas_{}64_", "scipy_openblas_{}", "openblas_{}")
"""What OpenBLAS calls its functions, in the wheels of NumPy and elsewhere."""
SMALL_KERNELS = ("SkylakeX", "Cooperlake", "SapphireRapids")
"""Its kernels for AVX-512: they do a product of up to a million multiplications without packing its matrices."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, OpenBLAS starts no second thread; on leaving, it may use as many as before.

    For products of some million multiplications a second thread gains a sixth where a core is idle and costs ten
    times the product where none is. A NumPy with another library is left as it is.

    >>> with one_thread():
    ...     n_threads() in (1, None)
    True
    """
    put = _function("set_num_threads")
    before = n_threads()
    if put is None or before is None:
        yield
        return
    put(1)
    try:
        yield
    finally:
        put(before)


def n_threads() -> int | None:
    """How many threads OpenBLAS may use; None where NumPy has another library."""
    get = _function("get_num_threads")
    return None if get is None else int(get())


@cache
def has_small_kernels() -> bool:
    """Does this machine's OpenBLAS profit from products cut into small ones? Not on AVX2, where it packs each anew.

    >>> has_small_kernels() in (True, False)
    True
    """
    get = _function("get_corename")
    if get is None:
        return False
    get.restype = ctypes.c_char_p
    return get().decode() in SMALL_KERNELS


def _function(verb: str) -> Any:
    """A function of the library, None where there is none."""
    library = _library()
    found = (getattr(library, name.format(verb), None) for name in NAMES)
    return None if library is None else next((each for each in found if each is not None), None)


@cache
def _library() -> ctypes.CDLL | None:
    """The very OpenBLAS that NumPy has loaded."""
    packages = Path(np.__file__).parent
    for path in [*packages.parent.glob("numpy.libs/*openblas*"), *packages.glob(".dylibs/*openblas*")]:
        try:
            return ctypes.CDLL(str(path))
        except OSError:
            continue
    return None
