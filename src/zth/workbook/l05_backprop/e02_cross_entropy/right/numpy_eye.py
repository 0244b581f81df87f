"""NumPy in float64, the one-hot rows from an identity matrix."""

import numpy as np


def logsumexp(z):
    return np.logaddexp.reduce(z, axis=1, keepdims=True)


def dlogits(logits, yb):
    z = np.asarray(logits, dtype=np.float64)
    one_hot = np.eye(z.shape[1])[np.asarray(yb)]
    return (np.exp(z - logsumexp(z)) - one_hot) / len(z)


def loss_and_dlogits(logits, yb):
    z = np.asarray(logits, dtype=np.float64)
    loss = np.mean(logsumexp(z)[:, 0] - z[np.arange(len(z)), np.asarray(yb)])
    return float(loss), dlogits(logits, yb)
