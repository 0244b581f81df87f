"""With NumPy: results are arrays, and the moves are rows of a matrix."""

import numpy as np


def f(a, b, c):
    return -np.power(a, 3) + np.sin(3 * b) - 1 / c + np.power(b, 2.5) - np.sqrt(a)


def gradient(a, b, c):
    return np.array([-3 * a**2 - 0.5 / np.sqrt(a), 3 * np.cos(3 * b) + 2.5 * b**1.5, 1 / c**2])


def forward_difference(f, at, h):
    moves = h * np.eye(len(at))
    return np.array([f(*(at + move)) - f(*at) for move in moves]) / h


def symmetric_difference(f, at, h):
    moves = h * np.eye(len(at))
    return np.array([f(*(at + move)) - f(*(at - move)) for move in moves]) / (2 * h)
