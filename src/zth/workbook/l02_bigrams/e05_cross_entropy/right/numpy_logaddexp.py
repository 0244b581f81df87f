"""NumPy in float64: logaddexp adds two numbers that are given by their logarithms."""

import numpy as np


def log_softmax(logits):
    z = np.asarray(logits, dtype=np.float64)
    return z - np.logaddexp.reduce(z, axis=1)[:, None]


def cross_entropy(logits, ys):
    picked = np.take_along_axis(log_softmax(logits), ys.numpy()[:, None], axis=1)
    return float(np.mean(-picked))
