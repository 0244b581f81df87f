"""NumPy, with a gradient by hand: training without autograd."""

import numpy as np


def plain(text):
    return " ".join(text.casefold().split())


def leaks(text, corpus, least=30):
    corpus = plain(corpus)
    lines = text[int(0.9 * len(text)) :].splitlines()
    return list(filter(lambda line: len(plain(line)) >= least and plain(line) in corpus, lines))


def free_plays(plays, text):
    return [title for title, play in plays.items() if leaks(text, play) == []]


def common(old, text):
    return "".join(sorted(set(old + text)))


def rows(array, old, new):
    grown = np.zeros((len(new), *array.shape[1:]))
    for character, row in zip(old, array, strict=True):
        grown[new.index(character)] = row
    return grown


def carry_over(weights, old, new):
    C, W1, b1, W2, b2 = (np.asarray(weights[name]) for name in ("C", "W1", "b1", "W2", "b2"))
    return {"C": rows(C, old, new), "W1": W1, "b1": b1, "W2": rows(W2.T, old, new).T, "b2": rows(b2, old, new)}


def train(weights, text, vocabulary, steps, lr):
    ids = np.array([vocabulary.index(character) for character in text])
    x, y = ids[:-1], ids[1:]
    weights = {name: np.array(w, dtype=np.float64) for name, w in weights.items()}
    velocity = {name: np.zeros_like(w) for name, w in weights.items()}
    for _ in range(steps):
        C, W1, b1, W2, b2 = (weights[name] for name in ("C", "W1", "b1", "W2", "b2"))
        h = np.tanh(C[x] @ W1 + b1)
        logits = h @ W2 + b2
        p = np.exp(logits - logits.max(1, keepdims=True))
        d = p / p.sum(1, keepdims=True)
        d[np.arange(len(y)), y] -= 1
        d /= len(y)
        dh = d @ W2.T * (1 - h**2)
        dC = np.zeros_like(C)
        np.add.at(dC, x, dh @ W1.T)
        gradients = {"C": dC, "W1": C[x].T @ dh, "b1": dh.sum(0), "W2": h.T @ d, "b2": d.sum(0)}
        for name in weights:
            velocity[name] = 0.9 * velocity[name] + gradients[name]
            weights[name] = weights[name] - lr * velocity[name]
    return weights


def finetuned(weights, corpus, text, steps, lr):
    old = "".join(sorted(set(corpus)))
    new = common(old, text)
    pretrained = train(weights, corpus, old, steps, lr)
    return train(carry_over(pretrained, old, new), text[: int(0.9 * len(text))], new, steps // 4, lr / 4)


def compared(pretraining, finetuning, scratch):
    best = min(np.array(finetuning)[:, 2])
    looks = np.array(scratch)
    budget = pretraining + finetuning[-1][1]
    return {
        "equal steps": (best, looks[looks[:, 0] <= finetuning[-1][0], 2].min()),
        "equal time": (best, looks[looks[:, 1] <= budget, 2].min()),
    }
