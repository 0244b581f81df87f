"""With torch: the gradient is a float64 tensor; the differences are tuples."""

import torch


def f(a, b, c):
    a, b, c = (torch.as_tensor(x, dtype=torch.float64) for x in (a, b, c))
    return -(a**3) + torch.sin(3 * b) - 1 / c + b**2.5 - a.sqrt()


def gradient(a, b, c):
    point = torch.tensor([a, b, c], dtype=torch.float64)
    first, second, third = point
    return torch.stack(
        (-3 * first.square() - first.rsqrt() / 2, 3 * (3 * second).cos() + 2.5 * second.pow(1.5), third.pow(-2))
    )


def _moved(at, i, h):
    return tuple(x + h if j == i else x for j, x in enumerate(at))


def forward_difference(f, at, h):
    return tuple((f(*_moved(at, i, h)) - f(*at)) / h for i in range(len(at)))


def symmetric_difference(f, at, h):
    return tuple((f(*_moved(at, i, h)) - f(*_moved(at, i, -h))) / (2 * h) for i in range(len(at)))
