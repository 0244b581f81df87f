"""Loops, lists and math.exp: no tensor but those that come in."""

import math

chars = ".abcdefghijklmnopqrstuvwxyz"


def trigrams(words):
    out = []
    for w in words:
        text = ".." + w + "."
        for i in range(len(text) - 2):
            out.append([chars.index(ch) for ch in text[i : i + 3]])
    return out


def count(words):
    N = [[[0] * 27 for _ in range(27)] for _ in range(27)]
    for i, j, k in trigrams(words):
        N[i][j][k] += 1
    return N


def probabilities(N, k):
    P = []
    for plane in N.tolist():
        rows = []
        for row in plane:
            total = sum(row) + 27 * k
            rows.append([(n + k) / total for n in row])
        P.append(rows)
    return P


def loss(P, words):
    P = P.tolist()
    total, n = 0.0, 0
    for i, j, k in trigrams(words):
        total -= math.log(P[i][j][k])
        n += 1
    return total / n


def train(W, words, steps, rate):
    W = W.tolist()
    data = trigrams(words)
    for _ in range(steps):
        dW = {}
        for i, j, k in data:
            row = 27 * i + j
            exps = [math.exp(x) for x in W[row]]
            total = sum(exps)
            slopes = dW.setdefault(row, [0.0] * 27)
            for m in range(27):
                slopes[m] += (exps[m] / total - (m == k)) / len(data)
        for row, slopes in dW.items():
            for m in range(27):
                W[row][m] -= rate * slopes[m]
    return W
