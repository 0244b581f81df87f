"""NumPy: an affine map is one matrix with a column more, so two maps after each other are one product."""

import numpy as np


def affine(A, shift):
    """x -> x @ A + shift, as one matrix for (x, 1)."""
    top = np.hstack([A, np.zeros((A.shape[0], 1))])
    return np.vstack([top, np.append(shift, 1.0)])


def arrays(*tensors):
    return [np.asarray(t, dtype=np.float64) for t in tensors]


def fold(W, b, gamma, beta, mean, var, eps):
    W, gamma, beta, mean, var = arrays(W, gamma, beta, mean, var)
    first = affine(W, np.zeros(W.shape[1]) if b is None else np.asarray(b, dtype=np.float64))
    centre = affine(np.eye(len(mean)), -mean)
    stretch = affine(np.diag(gamma / np.sqrt(var + eps)), beta)
    whole = first @ centre @ stretch
    return whole[:-1, :-1], whole[-1, :-1]


def fold_net(layers):
    layers = [dict(layer) for layer in layers]
    for i in reversed(range(1, len(layers))):
        if layers[i]["kind"] == "batchnorm":
            norm = layers.pop(i)
            norm.pop("kind")
            W, b = fold(layers[i - 1]["W"], layers[i - 1]["b"], **norm)
            layers[i - 1] = {"kind": "linear", "W": W, "b": b}
    return layers
