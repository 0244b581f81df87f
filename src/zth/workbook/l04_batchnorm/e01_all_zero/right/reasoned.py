"""By reasoning: a 0 for what is 0, a 1 for what is not, and products of them. The loss and the gradients with NumPy."""

import numpy as np


def moves(names, zero, activation, steps):
    on = {name: int(name not in zero) for name in names}
    n = sum(name[0] == "W" for name in names)
    moved = set()
    for _ in range(steps):
        grads = one_step(on, n, activation)
        moved |= {name for name in names if grads[name]}
        on = {name: int(on[name] or grads[name] > 0) for name in names}
    return moved


def one_step(on, n, activation):
    x, normed = [on["C"]], []
    for i in range(1, n):
        here = x[-1] * on[f"W{i}"] + on.get(f"b{i}", 0)
        if "bngain" in on:
            normed.append(here)
            here = here * on["bngain"] + on["bnbias"]
        x.append(here)
    grads, back = {}, 1
    for i in range(n, 0, -1):
        if i < n:
            back *= 1 if activation == "tanh" or x[i] else 0
            if "bngain" in on:
                grads["bnbias"], grads["bngain"] = back, back * normed[i - 1]
                back *= on["bngain"]
        grads[f"W{i}"], grads[f"b{i}"] = back * x[i - 1], back
        back *= on[f"W{i}"]
    return {**grads, "C": back}


def limit(counts):
    counts = np.asarray(counts, dtype=float)
    p = counts[counts > 0] / counts.sum()
    return float(-np.sum(p * np.log(p)))


def softmax(b):
    e = np.exp(b - b.max())
    return e / e.sum()


def gradients(parameters, X, Y):
    grads = {name: np.zeros(value.shape) for name, value in parameters.items()}
    b2 = np.asarray(parameters["b2"], dtype=float)
    grads["b2"] = softmax(b2) - np.bincount(np.asarray(Y), minlength=len(b2)) / len(Y)
    return grads


def train(C, n_hidden, X, Y):
    V, E = C.shape
    T = X.shape[1]
    p = {"C": np.array(C), "W1": np.zeros((T * E, n_hidden)), "b1": np.zeros(n_hidden), "W2": np.zeros((n_hidden, V))}
    p["b2"] = np.zeros(V)
    for _ in range(500):
        grads = gradients(p, X, Y)
        p = {name: p[name] - 5.0 * grads[name] for name in p}
    return p
