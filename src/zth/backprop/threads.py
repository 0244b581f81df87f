"""NumPy's matrix products on one thread, as long as they are as small as ours."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

NAMES = ("scipy_openblas_{}_num_threads64_", "scipy_openblas_{}_num_threads", "openblas_{}_num_threads")
"""What OpenBLAS calls its two functions, in the wheels of NumPy and elsewhere."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, OpenBLAS starts no second thread; on leaving, it may use as many as before.

    For products of some million multiplications a second thread gains a sixth where a core is idle and costs ten
    times the product where none is. A NumPy with another library is left as it is.

    >>> with one_thread():
    ...     n_threads() in (1, None)
    True
    """
    found = _openblas()
    if found is None:
        yield
        return
    get, put = found
    before = get()
    put(1)
    try:
        yield
    finally:
        put(before)


def n_threads() -> int | None:
    """How many threads OpenBLAS may use; None where NumPy has another library."""
    found = _openblas()
    return None if found is None else int(found[0]())


@cache
def _openblas() -> tuple[Any, Any] | None:
    """The functions that get and set the number of threads, of the very library that NumPy has loaded."""
    packages = Path(np.__file__).parent
    for path in [*packages.parent.glob("numpy.libs/*openblas*"), *packages.glob(".dylibs/*openblas*")]:
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for name in NAMES:
            get, put = (getattr(library, name.format(verb), None) for verb in ("get", "set"))
            if get is not None and put is not None:
                return get, put
    return None
