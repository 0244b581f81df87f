"""Lists and math.exp."""

from math import exp


def logits(W, xs):
    W = W.tolist()
    return [W[x] for x in xs.tolist()]


def backward(dlogits, xs, n_rows):
    if hasattr(dlogits, "tolist"):
        dlogits = dlogits.tolist()
    V = len(dlogits[0])
    dW = [[0.0] * V for _ in range(n_rows)]
    for row, x in zip(dlogits, xs.tolist()):
        for j, slope in enumerate(row):
            dW[x][j] += slope
    return dW


def gradient(W, xs, ys):
    dlogits = []
    for row, y in zip(logits(W, xs), ys.tolist()):
        exps = [exp(z) for z in row]
        total = sum(exps)
        dlogits.append([(e / total - (j == y)) / len(xs) for j, e in enumerate(exps)])
    return backward(dlogits, xs, len(W))
