"""Loops, one choice at a time: the likeliest that is left, again and again."""

from math import exp


def tempered(logits, temperature):
    top = None
    for logit in logits:
        if top is None or logit > top:
            top = logit
    exps = []
    for logit in logits:
        exps.append(exp((logit - top) / temperature))
    total = 0.0
    for e in exps:
        total += e
    return [e / total for e in exps]


def likeliest(probs, taken):
    best = None
    for i in range(len(probs)):
        if i not in taken and (best is None or probs[i] > probs[best]):
            best = i
    return best


def shares(probs, taken):
    out = [0] * len(probs)
    for i in taken:
        out[i] = probs[i] / sum(probs[j] for j in taken)
    return out


def top_k(probs, k):
    taken = []
    while len(taken) < min(k, len(probs)):
        taken.append(likeliest(probs, taken))
    return shares(probs, taken)


def top_p(probs, p):
    taken = [likeliest(probs, [])]
    while sum(probs[i] for i in taken) < p and len(taken) < len(probs):
        taken.append(likeliest(probs, taken))
    return shares(probs, taken)
