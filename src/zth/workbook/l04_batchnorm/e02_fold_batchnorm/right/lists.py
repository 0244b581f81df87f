"""Lists and math.sqrt, a channel at a time."""

from math import sqrt


def numbers(tensor):
    return tensor.tolist() if hasattr(tensor, "tolist") else tensor


def fold(W, b, gamma, beta, mean, var, eps):
    W, gamma, beta, mean, var = map(numbers, (W, gamma, beta, mean, var))
    b = [0.0] * len(mean) if b is None else numbers(b)
    columns, biases = [], []
    for j in range(len(gamma)):
        s = gamma[j] / sqrt(var[j] + eps)
        columns.append([row[j] * s for row in W])
        biases.append(s * b[j] - s * mean[j] + beta[j])
    return [list(row) for row in zip(*columns)], biases


def fold_net(layers):
    out = []
    for i, layer in enumerate(layers):
        follows = layers[i + 1] if i + 1 < len(layers) else {"kind": "the end"}
        if layer["kind"] == "linear" and follows["kind"] == "batchnorm":
            norm = {name: follows[name] for name in ("gamma", "beta", "mean", "var", "eps")}
            W, b = fold(layer["W"], layer["b"], **norm)
            out.append({"kind": "linear", "W": W, "b": b})
        elif layer["kind"] != "batchnorm":
            out.append(layer)
    return out
