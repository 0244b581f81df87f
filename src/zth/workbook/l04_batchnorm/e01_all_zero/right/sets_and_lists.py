"""Sets of live names, lists and math.log; the training needs no net, since only b2 has a gradient."""

from math import exp, log


def step(alive, names, activation):
    """The names with a gradient, of a net in which the names in `alive` are not 0."""
    n = len([name for name in names if name[0] == "W"])
    live_inputs, differ = ["C" in alive], "C" in alive
    for i in range(1, n):
        differ = differ and f"W{i}" in alive
        live = (live_inputs[-1] and f"W{i}" in alive) or f"b{i}" in alive
        if "bngain" in names:
            live = (differ and "bngain" in alive) or "bnbias" in alive
        live_inputs.append(live)
    found = set()
    for i in range(n, 0, -1):
        found.add(f"b{i}")
        if live_inputs[i - 1]:
            found.add(f"W{i}")
        if f"W{i}" not in alive:
            break
        if i == 1:
            found.add("C")
        elif activation == "relu" and not live_inputs[i - 1]:
            break
        elif "bngain" in names:
            found.add("bnbias")
            if differ:
                found.add("bngain")
            if "bngain" not in alive:
                break
    return found & set(names)


def moves(names, zero, activation, steps):
    alive, found = set(names) - set(zero), set()
    for _ in range(steps):
        found |= step(alive, names, activation)
        alive |= found
    return list(found)


def limit(counts):
    counts = [int(c) for c in counts]
    n = sum(counts)
    return sum(c / n * log(n / c) for c in counts if c)


def zeros(tensor):
    return [zeros(row) for row in tensor] if tensor.ndim > 1 else [0.0] * len(tensor)


def slope(b, counts):
    exps = [exp(z) for z in b]
    return [e / sum(exps) - c / sum(counts) for e, c in zip(exps, counts)]


def count(Y, V):
    Y = Y.tolist()
    return [Y.count(v) for v in range(V)]


def gradients(parameters, X, Y):
    out = {name: zeros(tensor) for name, tensor in parameters.items()}
    out["b2"] = slope(parameters["b2"].tolist(), count(Y, len(parameters["b2"])))
    return out


def train(C, n_hidden, X, Y):
    (V, E), T = C.shape, X.shape[1]
    counts, b2 = count(Y, V), [0.0] * V
    for _ in range(400):
        b2 = [b - 8 * s for b, s in zip(b2, slope(b2, counts))]
    W1, W2 = [[0.0] * n_hidden for _ in range(T * E)], [[0.0] * V for _ in range(n_hidden)]
    return {"C": C.tolist(), "W1": W1, "b1": [0.0] * n_hidden, "W2": W2, "b2": b2}
