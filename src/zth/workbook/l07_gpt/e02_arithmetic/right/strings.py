"""f-strings and lists; the split draws among keys."""

from random import Random

chars = ".*+-/0123456789=r"
stoi = {s: i for i, s in enumerate(chars)}


def question(a, operator, b, digits):
    return f"{a:0{digits}d}{operator}{b:0{digits}d}="


def answer(a, operator, b, digits, reverse=True):
    if operator == "/":
        return f"{a // b:0{digits}d}r{a % b:0{digits}d}"
    if operator == "+":
        value, places = a + b, digits + 1
    elif operator == "-":
        value, places = a - b, digits
    else:
        value, places = a * b, 2 * digits
    text = f"{abs(value):0{places}d}"
    sign = "-" if value < 0 else ""
    return text[::-1] + sign if reverse else sign + text


def example(line, width, mask=True):
    ids = [stoi[c] for c in "." + line + "."]
    x, y = ids[:-1], ids[1:]
    if mask:
        n = line.index("=") + 1
        y[:n] = [-1] * n
    rest = width - len(x)
    return x + [0] * rest, y + [-1] * rest


def read(written, operator, reverse=True):
    try:
        if operator == "/":
            quotient, remainder = written.split("r")
            return int(quotient), int(remainder)
        return int(written[::-1] if reverse else written)
    except ValueError:
        return None


def key(problem):
    a, operator, b = problem
    return (min(a, b), operator, max(a, b)) if operator in "+*" else problem


def split(problems, fraction, seed):
    keys = sorted(set(key(p) for p in problems))
    Random(seed).shuffle(keys)
    held = set(keys[: int(fraction * len(keys))])
    train = [p for p in problems if key(p) not in held]
    dev = [p for p in problems if key(p) in held]
    return train, dev


def share_exact(written, problems, digits, reverse=True):
    right = 0
    for text, problem in zip(written, problems):
        if text == answer(*problem, digits, reverse):
            right += 1
    return right / len(problems)
