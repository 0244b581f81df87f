"""1.1 Derivatives, three ways. When you have written the functions: zth check 1.1"""

from math import cos, sin


def f(a, b, c):
    return -(a**3) + sin(3 * b) - 1.0 / c + b**2.5 - a**0.5


def gradient(a, b, c):
    """The partial derivatives of f at (a, b, c), by hand: [df/da, df/db, df/dc]."""
    raise NotImplementedError("`gradient` is not written yet: return the list [df/da, df/db, df/dc].")


def forward_difference(f, at, h):
    """For each coordinate of `at`: (f(x + h) - f(x)) / h. Call f as f(*point)."""
    raise NotImplementedError("`forward_difference` is not written yet: return one slope for each coordinate.")


def symmetric_difference(f, at, h):
    """For each coordinate of `at`: (f(x + h) - f(x - h)) / 2h."""
    raise NotImplementedError("`symmetric_difference` is not written yet: return one slope for each coordinate.")
