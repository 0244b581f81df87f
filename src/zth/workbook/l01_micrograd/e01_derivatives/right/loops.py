"""Written out with loops and a list that grows."""

import math


def f(a, b, c):
    return -a * a * a + math.sin(3 * b) - c**-1 + math.pow(b, 2.5) - math.sqrt(a)


def gradient(a, b, c):
    out = []
    out.append(-3.0 * a * a - 1 / (2 * math.sqrt(a)))
    out.append(math.cos(3 * b) * 3 + 5 / 2 * b * math.sqrt(b))
    out.append(1 / (c * c))
    return out


def forward_difference(f, at, h):
    slopes = []
    for i in range(len(at)):
        moved = list(at)
        moved[i] += h
        slopes.append((f(*moved) - f(*at)) / h)
    return slopes


def symmetric_difference(f, at, h):
    slopes = []
    for i in range(len(at)):
        up, down = list(at), list(at)
        up[i] = up[i] + h
        down[i] = down[i] - h
        slopes.append((f(*up) - f(*down)) / h / 2)
    return slopes
