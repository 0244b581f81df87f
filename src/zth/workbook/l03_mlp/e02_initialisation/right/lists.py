"""Plain Python: lists, math and random."""

import math
import random


def uniform_loss(V):
    return sum(-math.log(1 / V) for _ in range(V)) / V


def hidden(parameters, X):
    C, W1, b1 = (p.tolist() for p in parameters[:3])
    rows = []
    for context in X.tolist():
        x = [number for i in context for number in C[i]]
        rows.append([math.tanh(b + sum(a * row[j] for a, row in zip(x, W1))) for j, b in enumerate(b1)])
    return rows


def loss(parameters, X, Y):
    W2, b2 = (p.tolist() for p in parameters[3:])
    total = 0.0
    for h, y in zip(hidden(parameters, X), Y.tolist()):
        logits = [b + sum(a * row[k] for a, row in zip(h, W2)) for k, b in enumerate(b2)]
        top = max(logits)
        total += top + math.log(sum(math.exp(z - top) for z in logits)) - logits[y]
    return total / len(Y)


def is_flat(number):
    return number > 0.97 or number < -0.97


def saturation(parameters, X):
    places = [is_flat(number) for row in hidden(parameters, X) for number in row]
    return sum(places) / len(places)


def dead_units(parameters, X):
    return [j for j, column in enumerate(zip(*hidden(parameters, X))) if all(map(is_flat, column))]


def init(V, T, E, H, seed):
    gauss = random.Random(seed).gauss

    def table(rows, columns, scale):
        return [[gauss(0, scale) for _ in range(columns)] for _ in range(rows)]

    return [table(V, E, 1), table(T * E, H, (T * E) ** -0.5), [0.0] * H, table(H, V, 0.1 / H**0.5), [0.0] * V]
