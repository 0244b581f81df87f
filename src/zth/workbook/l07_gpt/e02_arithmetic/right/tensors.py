"""Tensors for the example; str.zfill; the split groups problems in a dictionary and deals the groups out."""

import random
from collections import defaultdict

import torch

chars = ".*+-/0123456789=r"
stoi = {s: i for i, s in enumerate(chars)}


def question(a, operator, b, digits):
    return str(a).zfill(digits) + operator + str(b).zfill(digits) + "="


def answer(a, operator, b, digits, reverse=True):
    if operator == "/":
        q, r = divmod(a, b)
        return str(q).zfill(digits) + "r" + str(r).zfill(digits)
    value = eval(f"{a}{operator}{b}")
    places = dict(zip("+-*", (digits + 1, digits, 2 * digits)))[operator]
    text = ("-" if value < 0 else "") + str(abs(value)).zfill(places)
    return "".join(reversed(text)) if reverse else text


def example(line, width, mask=True):
    text = "." + line + "."
    ids = torch.tensor([stoi[c] for c in text.ljust(width + 1, ".")])
    x, y = ids[:-1], ids[1:].clone()
    t = torch.arange(width)
    y[t > len(line)] = -1
    if mask:
        y[t <= line.index("=")] = -1
    return x, y


def read(written, operator, reverse=True):
    parts = written.split("r")
    if operator == "/":
        return [int(p) for p in parts] if len(parts) == 2 and all(p.isdigit() for p in parts) else None
    text = written[::-1] if reverse else written
    return int(text) if text.removeprefix("-").isdigit() else None


def split(problems, fraction, seed):
    groups = defaultdict(list)
    for a, operator, b in problems:
        groups[frozenset((a, b)), operator].append((a, operator, b))
    rng = random.Random(seed)
    train, dev = [], []
    for group in groups.values():
        (dev if rng.random() < fraction else train).extend(group)
    return train, dev


def share_exact(written, problems, digits, reverse=True):
    right = [answer(a, operator, b, digits, reverse) for a, operator, b in problems]
    return sum(map(str.__eq__, written, right)) / len(right)
