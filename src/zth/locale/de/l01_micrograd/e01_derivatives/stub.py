"""1.1 Ableitungen auf drei Wegen. Wenn du die Funktionen geschrieben hast: zth check 1.1"""

from math import cos, sin


def f(a, b, c):
    return -(a**3) + sin(3 * b) - 1.0 / c + b**2.5 - a**0.5


def gradient(a, b, c):
    """Die partiellen Ableitungen von f bei (a, b, c), von Hand: [df/da, df/db, df/dc]."""
    raise NotImplementedError("`gradient` ist noch nicht geschrieben: Gib die Liste [df/da, df/db, df/dc] zurück.")


def forward_difference(f, at, h):
    """Für jede Koordinate von `at`: (f(x + h) - f(x)) / h. Rufe f als f(*punkt) auf."""
    raise NotImplementedError(
        "`forward_difference` ist noch nicht geschrieben: Gib je Koordinate eine Steigung zurück."
    )


def symmetric_difference(f, at, h):
    """Für jede Koordinate von `at`: (f(x + h) - f(x - h)) / 2h."""
    raise NotImplementedError(
        "`symmetric_difference` ist noch nicht geschrieben: Gib je Koordinate eine Steigung zurück."
    )
