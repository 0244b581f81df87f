"""NumPy float32 numbers, and a tape: what was computed last is undone first, so nothing has to be sorted."""

import numpy as np

TAPE = []


class Value:
    def __init__(self, data):
        self.data = np.float32(data)
        self.grad = np.float32(0)

    def backward(self):
        self.grad = np.float32(1)
        for out, operands, slopes in reversed(TAPE):
            for operand, slope in zip(operands, slopes):
                operand.grad = operand.grad + slope * out.grad

    def __add__(self, other):
        other = wrap(other)
        return record(self.data + other.data, (self, other), (1, 1))

    def __mul__(self, other):
        other = wrap(other)
        return record(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n):
        return record(np.power(self.data, np.float32(n)), (self,), (n * np.power(self.data, np.float32(n - 1)),))

    def exp(self):
        e = np.exp(self.data)
        return record(e, [self], [e])

    def log(self):
        return record(np.log(self.data), [self], [np.reciprocal(self.data)])

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (-wrap(other))

    def __truediv__(self, other):
        return self * wrap(other) ** -1

    def __radd__(self, other):
        return wrap(other) + self

    def __rmul__(self, other):
        return wrap(other) * self

    def __rsub__(self, other):
        return wrap(other) - self

    def __rtruediv__(self, other):
        return wrap(other) / self


def wrap(x):
    return x if isinstance(x, Value) else Value(x)


def record(data, operands, slopes):
    out = Value(data)
    TAPE.append((out, operands, slopes))
    return out


def softmax(logits):
    total = sum(x.exp() for x in logits)
    return tuple(x.exp() * total**-1 for x in logits)


def nll(probs, label):
    return probs[label].log() * -1
