"""Plain Python; the gradients written out row by row."""

import math


def plain(parameters):
    return [p.tolist() for p in parameters]


def times(row, W):
    return [sum(a * w[j] for a, w in zip(row, W)) for j in range(len(W[0]))]


def back(row, W):
    return [sum(a * b for a, b in zip(row, w)) for w in W]


def forward(parameters, context):
    C, W1, b1, W2, b2, D = parameters
    x = [number for i in context for number in C[i]]
    h = [math.tanh(a + b) for a, b in zip(times(x, W1), b1)]
    z = [a + b + c for a, b, c in zip(times(h, W2), b2, times(x, D))]
    return x, h, z


def logits(parameters, X):
    parameters = plain(parameters)
    return [forward(parameters, context)[2] for context in X.tolist()]


def add_outer(into, left, right):
    for row, a in zip(into, left):
        for j, b in enumerate(right):
            row[j] += a * b


def add(into, row):
    for j, number in enumerate(row):
        into[j] += number


def gradients(parameters, X, Y):
    parameters = plain(parameters)
    C, W1, b1, W2, b2, D = parameters
    dC, dW1, dW2, dD = ([[0.0] * len(W[0]) for _ in W] for W in (C, W1, W2, D))
    db1, db2 = [0.0] * len(b1), [0.0] * len(b2)
    for context, y in zip(X.tolist(), Y.tolist()):
        x, h, z = forward(parameters, context)
        exps = [math.exp(number) for number in z]
        dz = [(e / sum(exps) - (k == y)) / len(Y) for k, e in enumerate(exps)]
        ds = [g * (1 - a * a) for g, a in zip(back(dz, W2), h)]
        add_outer(dW2, h, dz)
        add_outer(dD, x, dz)
        add_outer(dW1, x, ds)
        add(db1, ds)
        add(db2, dz)
        dx = [a + b for a, b in zip(back(ds, W1), back(dz, D))]
        E = len(C[0])
        for place, i in enumerate(context):
            add(dC[i], dx[place * E : place * E + E])
    return [dC, dW1, db1, dW2, db2, dD]


def n_parameters(V, T, E, H):
    inputs = T * E
    table, hidden, output, direct = V * E, (inputs + 1) * H, (H + 1) * V, inputs * V
    return table + hidden + output + direct


def mixture_loss(net, trigram, Y, alpha):
    rows = zip(net.tolist(), trigram.tolist(), Y.tolist())
    return -sum(math.log(a[y] + alpha * (b[y] - a[y])) for a, b, y in rows) / len(Y)


def best_alpha(alphas, dev, test):
    dev_loss, alpha = min((mixture_loss(*dev, alpha), alpha) for alpha in alphas)
    return [alpha, dev_loss, mixture_loss(*test, alpha)]


def rate(t, start, r):
    return 1 / (1 / start + r / start * t)


def penalty(parameters, decay):
    tables = [p for p in plain(parameters) if isinstance(p[0], list)]
    return sum(decay * number**2 / 2 for table in tables for row in table for number in row)
