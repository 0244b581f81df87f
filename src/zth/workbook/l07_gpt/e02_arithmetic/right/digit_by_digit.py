"""Digits by divmod; arrays from NumPy; each key's fate by a hash."""

import hashlib
import re

import numpy as np

CHARS = ".*+-/0123456789=r"


def digits_of(n, places):
    """The last one first."""
    found = []
    for _ in range(places):
        n, digit = divmod(n, 10)
        found.append(str(digit))
    return found


def forward(n, places):
    return "".join(digits_of(n, places)[::-1])


def question(a, operator, b, digits):
    return forward(a, digits) + operator + forward(b, digits) + "="


def answer(a, operator, b, digits, reverse=True):
    if operator == "/":
        return "r".join(forward(n, digits) for n in divmod(a, b))
    places = {"+": digits + 1, "-": digits, "*": 2 * digits}[operator]
    value = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}[operator](a, b)
    marks = digits_of(abs(value), places) + ["-"] * (value < 0)
    return "".join(marks if reverse else marks[::-1])


def example(line, width, mask=True):
    x, y = np.zeros(width, dtype=np.int64), np.full(width, -1)
    ids = np.array([CHARS.index(c) for c in line])
    first = line.find("=") + 1 if mask else 0
    x[1 : len(ids) + 1] = ids
    y[first : len(ids)] = ids[first:]
    y[len(ids)] = 0
    return x, y


def read(written, operator, reverse=True):
    if operator == "/":
        found = re.match(r"^(\d+)r(\d+)$", written)
        return [int(found[1]), int(found[2])] if found else None
    found = re.match(r"^(\d+)(-?)$" if reverse else r"^(-?)(\d+)$", written)
    if not found:
        return None
    number, sign = found.groups() if reverse else found.groups()[::-1]
    return int(sign + (number[::-1] if reverse else number))


def fate(problem, seed):
    a, operator, b = problem
    if operator in ("+", "*"):
        a, b = sorted([a, b])
    return int.from_bytes(hashlib.md5(f"{seed}:{a}{operator}{b}".encode()).digest()[:4]) / 2**32


def split(problems, fraction, seed):
    return [p for p in problems if fate(p, seed) >= fraction], [p for p in problems if fate(p, seed) < fraction]


def share_exact(written, problems, digits, reverse=True):
    return np.mean([w == answer(*p, digits, reverse) for w, p in zip(written, problems)])
