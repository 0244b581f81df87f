"""As the lectures write it: the shared random generator, a table P as a tensor, float32."""

import random

import torch

chars = ".abcdefghijklmnopqrstuvwxyz"
stoi = {s: i for i, s in enumerate(chars)}


def build_dataset(words, T):
    X, Y = [], []
    for w in words:
        context = [0] * T
        for ch in w + ".":
            ix = stoi[ch]
            X.append(context)
            Y.append(ix)
            context = context[1:] + [ix]
    return torch.tensor(X), torch.tensor(Y)


def split(words, seed):
    words = words[:]
    random.seed(seed)
    random.shuffle(words)
    n1 = int(0.8 * len(words))
    n2 = int(0.9 * len(words))
    return words[:n1], words[n1:n2], words[n2:]


def losses(train, dev, test, T):
    Xtr, Ytr = build_dataset(train, T)
    N = torch.zeros((27,) * (T + 1), dtype=torch.int32)
    for x, y in zip(Xtr.tolist(), Ytr.tolist()):
        N[(*x, y)] += 1
    P = (N + 1).float()
    P /= P.sum(-1, keepdim=True)
    out = []
    for part in (train, dev, test):
        X, Y = build_dataset(part, T)
        out.append(-P[(*X.T, Y)].log().mean())
    return torch.stack(out)


def table(words, seed):
    rows = []
    for T in (1, 2):
        train, dev, test = split(words, seed)
        rows.append(losses(train, dev, test, T))
    return rows
