"""Three ways to a gradient, and what each costs.

On paper: each term of f has one variable, so each partial derivative is a sum of ordinary ones; only `sin(3b)` needs
the chain rule. Exact, and cheap to evaluate, but somebody has to work it out.

The **forward difference** needs nothing but f. Taylor's theorem says what it costs: its error is h/2 times the second
derivative. The **symmetric difference** cancels that term, since the curve bends the same way on both sides; what is
left is h²/6 times the third derivative. Both divide a rounding error of about 1e-16 by h, so h must not be too small:
the best is near 1e-8 for the first, and near 1e-5 for the second, which is then a thousand times more exact.
"""

from math import cos, sin

from zth.autograd.numerical import forward_difference, symmetric_difference

__all__ = ["f", "forward_difference", "gradient", "symmetric_difference"]


def f(a: float, b: float, c: float) -> float:
    """The function of the exercise (lecture 1)."""
    return float(-(a**3) + sin(3 * b) - 1.0 / c + b**2.5 - a**0.5)


def gradient(a: float, b: float, c: float) -> list[float]:
    """Its partial derivatives, worked out on paper.

    >>> [round(slope, 6) for slope in gradient(2, 3, 4)]
    [-12.353553, 10.25699, 0.0625]
    """
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * cos(3 * b) + 2.5 * b**1.5, c**-2]
