"""NumPy; the two halves of W are multiplied apart, so that nothing is laid side by side."""

import numpy as np


def dilated(x, W, b, dilation):
    x, W, b = np.asarray(x), np.asarray(W), np.asarray(b)
    C = x.shape[2]
    places = np.maximum(np.arange(x.shape[1]) - dilation, 0)
    return (x @ W[:C])[:, places] + x @ W[C:] + b


def all_positions(ids, parameters):
    ids = np.pad(np.asarray(ids), ((0, 0), (1, 0)))
    x = np.asarray(parameters["C"])[ids]
    for level, (W, b) in enumerate(parameters["levels"]):
        x = np.tanh(dilated(x, W, b, 2**level))
    return x[:, 1:] @ np.asarray(parameters["W"]) + np.asarray(parameters["b"])
