"""A matrix of zeros and ones says where each character goes; the rest is products, sets and one regular expression."""

import re

import torch
import torch.nn.functional as F


def encode(text, vocabulary):
    return torch.tensor([vocabulary.index(character) for character in text])


def train(weights, ids, steps, lr, velocity=None):
    weights = {name: tensor.clone().requires_grad_() for name, tensor in weights.items()}
    velocity = velocity or {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
    for _ in range(steps):
        h = torch.tanh(weights["C"][ids[:-1]] @ weights["W1"] + weights["b1"])
        loss = F.cross_entropy(h @ weights["W2"] + weights["b2"], ids[1:])
        gradients = dict(zip(weights, torch.autograd.grad(loss, list(weights.values())), strict=True))
        velocity = {name: 0.9 * velocity[name] + gradients[name] for name in weights}
        weights = {name: (weights[name] - lr * velocity[name]).detach().requires_grad_() for name in weights}
    return {name: tensor.detach() for name, tensor in weights.items()}, velocity


def plain(text):
    return re.sub(r"\s+", " ", text.lower()).strip()


def leaks(text, corpus, least=30):
    cut, corpus = int(0.9 * len(text)), plain(corpus)
    lines = text[cut:].split("\n")
    return [line for line in lines if len(plain(line)) >= least and corpus.find(plain(line)) >= 0]


def free_plays(plays, text):
    return [title for title in plays if not any(leaks(text, plays[title]))]


def common(old, text):
    return sorted({*old, *text})


def carry_over(weights, old, new):
    where = torch.tensor([list(new).index(character) for character in old])
    move = F.one_hot(where, len(new)).to(weights["C"].dtype)  # (V, V'): row i has its one where character i goes
    return {**weights, "C": move.T @ weights["C"], "W2": weights["W2"] @ move, "b2": weights["b2"] @ move}


def finetuned(weights, corpus, text, steps, lr):
    old = sorted(set(corpus))
    new = common(old, text)
    pretrained = train(weights, encode(corpus, old), steps, lr)[0]
    return train(carry_over(pretrained, old, new), encode(text[: int(0.9 * len(text))], new), steps // 4, lr / 4)[0]


def compared(pretraining, finetuning, scratch):
    looks = torch.tensor(scratch, dtype=torch.float64)
    steps, seconds = finetuning[-1][:2]
    best = min(look[2] for look in finetuning)
    kept = (looks[:, 0] <= steps, looks[:, 1] <= pretraining + seconds)
    return {name: (best, looks[k, 2].min()) for name, k in zip(("equal steps", "equal time"), kept, strict=True)}
