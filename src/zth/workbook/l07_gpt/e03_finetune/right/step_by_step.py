"""Loops, one thing at a time."""

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
    return " ".join(text.lower().split())


def leaks(text, corpus, least=30):
    dev = text[int(0.9 * len(text)) :]
    corpus = plain(corpus)
    found = []
    for line in dev.split("\n"):
        if len(plain(line)) < least:
            continue
        if plain(line) in corpus:
            found.append(line)
    return found


def free_plays(plays, text):
    free = []
    for title, play in plays.items():
        if len(leaks(text, play)) == 0:
            free.append(title)
    return free


def common(old, text):
    characters = list(old)
    for character in text:
        if character not in characters:
            characters.append(character)
    return "".join(sorted(characters))


def carry_over(weights, old, new):
    E, H = weights["W1"].shape
    dtype = weights["C"].dtype
    C, W2, b2 = torch.zeros(len(new), E, dtype=dtype), torch.zeros(H, len(new), dtype=dtype), torch.zeros(len(new))
    b2 = b2.to(dtype)
    for i, character in enumerate(old):
        j = new.index(character)
        C[j] = weights["C"][i]
        W2[:, j] = weights["W2"][:, i]
        b2[j] = weights["b2"][i]
    return {"C": C, "W1": weights["W1"], "b1": weights["b1"], "W2": W2, "b2": b2}


def finetuned(weights, corpus, text, steps, lr):
    old = "".join(sorted(set(corpus)))
    new = common(old, text)
    weights, _ = train(weights, encode(corpus, old), steps, lr)
    weights = carry_over(weights, old, new)
    weights, _ = train(weights, encode(text[: int(0.9 * len(text))], new), steps // 4, lr / 4)
    return weights


def compared(pretraining, finetuning, scratch):
    best = min(loss for _, _, loss in finetuning)
    last_step, last_second = finetuning[-1][0], finetuning[-1][1]
    at_steps, at_time = float("inf"), float("inf")
    for step, seconds, loss in scratch:
        if step <= last_step:
            at_steps = min(at_steps, loss)
        if seconds <= pretraining + last_second:
            at_time = min(at_time, loss)
    return {"equal steps": (best, at_steps), "equal time": (best, at_time)}
