"""NumPy in float64, and uniform numbers as Xavier's initialisation draws them."""

import numpy as np


def uniform_loss(V):
    return np.log(V)


def hidden(parameters, X):
    C, W1, b1 = (np.asarray(p, dtype=np.float64) for p in parameters[:3])
    return np.tanh(C[np.asarray(X)].reshape(len(X), -1) @ W1 + b1)


def loss(parameters, X, Y):
    W2, b2 = (np.asarray(p, dtype=np.float64) for p in parameters[3:])
    z = hidden(parameters, X) @ W2 + b2
    z -= z.max(axis=1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -np.take_along_axis(logp, np.asarray(Y)[:, None], axis=1).mean()


def saturation(parameters, X):
    return np.mean(np.abs(hidden(parameters, X)) > 0.97)


def dead_units(parameters, X):
    return np.flatnonzero(np.abs(hidden(parameters, X)).min(axis=0) > 0.97)


def init(V, T, E, H, seed):
    rng = np.random.default_rng(seed)
    bound = np.sqrt(3 / (T * E))  # a variance of 1 / (T * E)
    return [
        rng.standard_normal((V, E)),
        rng.uniform(-bound, bound, (T * E, H)),
        np.zeros(H),
        rng.uniform(-0.01, 0.01, (H, V)),
        np.zeros(V),
    ]
