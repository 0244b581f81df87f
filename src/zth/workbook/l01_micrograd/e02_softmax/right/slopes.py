"""No functions are kept: a node holds its operands, each with a slope. backward() counts users instead of sorting."""

import math
from collections import Counter
from dataclasses import dataclass


@dataclass(eq=False)
class Value:
    data: float
    made_from: tuple = ()
    grad: float = 0.0

    @staticmethod
    def of(x):
        return x if isinstance(x, Value) else Value(float(x))

    def __add__(self, other):
        other = Value.of(other)
        return Value(self.data + other.data, ((self, 1), (other, 1)))

    def __sub__(self, other):
        other = Value.of(other)
        return Value(self.data - other.data, ((self, 1), (other, -1)))

    def __mul__(self, other):
        other = Value.of(other)
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))

    def __truediv__(self, other):
        other = Value.of(other)
        quotient = self.data / other.data
        return Value(quotient, ((self, 1 / other.data), (other, -quotient / other.data)))

    def __pow__(self, n):
        return Value(self.data**n, ((self, n * self.data ** (n - 1)),))

    def __neg__(self):
        return Value(-self.data, ((self, -1),))

    def exp(self):
        e = math.exp(self.data)
        return Value(e, ((self, e),))

    def log(self):
        return Value(math.log(self.data), ((self, 1 / self.data),))

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other):
        return Value.of(other) - self

    def __rtruediv__(self, other):
        return Value.of(other) / self

    def backward(self):
        users, seen, todo = Counter(), {self}, [self]
        while todo:
            for operand, _ in todo.pop().made_from:
                users[operand] += 1
                if operand not in seen:
                    seen.add(operand)
                    todo.append(operand)
        self.grad = 1.0
        ready = [self]
        while ready:
            node = ready.pop()
            for operand, slope in node.made_from:
                operand.grad += slope * node.grad
                users[operand] -= 1
                if not users[operand]:
                    ready.append(operand)


def softmax(logits):
    largest = max(x.data for x in logits)
    shifted = [(x - largest).exp() for x in logits]
    total = shifted[0]
    for e in shifted[1:]:
        total = total + e
    return [e / total for e in shifted]


def nll(probs, label):
    return (1 / probs[label]).log()
