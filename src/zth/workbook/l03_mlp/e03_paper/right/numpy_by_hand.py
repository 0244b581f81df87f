"""NumPy in float64; the gradients by hand."""

import numpy as np


def doubles(parameters):
    return [np.asarray(p, dtype=np.float64) for p in parameters]


def forward(parameters, X):
    C, W1, b1, W2, b2, D = doubles(parameters)
    x = C[np.asarray(X)].reshape(len(X), -1)
    h = np.tanh(x @ W1 + b1)
    return x, h, np.hstack([h, x]) @ np.vstack([W2, D]) + b2


def logits(parameters, X):
    return forward(parameters, X)[2]


def gradients(parameters, X, Y):
    C, W1, b1, W2, b2, D = doubles(parameters)
    x, h, z = forward(parameters, X)
    dz = np.exp(z - z.max(1, keepdims=True))
    dz /= dz.sum(1, keepdims=True)
    dz[np.arange(len(Y)), np.asarray(Y)] -= 1
    dz /= len(Y)
    ds = (dz @ W2.T) * (1 - h**2)
    dx = ds @ W1.T + dz @ D.T
    dC = np.zeros_like(C)
    np.add.at(dC, np.asarray(X), dx.reshape(*X.shape, -1))
    return dC, x.T @ ds, ds.sum(0), h.T @ dz, dz.sum(0), x.T @ dz


def n_parameters(V, T, E, H):
    shapes = [(V, E), (T * E, H), (H,), (H, V), (V,), (T * E, V)]
    return sum(np.prod(shape) for shape in shapes)


def mixture_loss(net, trigram, Y, alpha):
    both = np.stack([net.numpy(), trigram.numpy()]).astype(np.float64)
    p = np.tensordot([1 - alpha, alpha], both, axes=1)
    return -np.log(np.take_along_axis(p, Y.numpy()[:, None], axis=1)).mean()


def best_alpha(alphas, dev, test):
    losses = np.array([mixture_loss(*dev, alpha) for alpha in alphas])
    best = alphas[losses.argmin()]
    return np.array([best, losses.min(), mixture_loss(*test, best)])


def rate(t, start, r):
    return start * np.reciprocal(1.0 + r * t)


def penalty(parameters, decay):
    C, W1, _, W2, _, D = doubles(parameters)
    flat = np.concatenate([p.ravel() for p in (C, W1, W2, D)])
    return 0.5 * decay * flat @ flat
