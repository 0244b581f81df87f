"""Few primitives: everything is a product, a sum, an exp or a log of Values; the rest is put together from them."""

import math


class Value:
    def __init__(self, data, parents=(), rule=None):
        self.data, self.grad = float(data), 0.0
        self.parents, self.rule = parents, rule

    def lift(self, other):
        if isinstance(other, (int, float)):
            other = Value(other)
        return other

    def make(self, data, parents, rule):
        return Value(data, parents, rule)

    def __add__(self, other):
        other = self.lift(other)
        return self.make(self.data + other.data, [self, other], lambda g: [g, g])

    __radd__ = __add__

    def __mul__(self, other):
        other = self.lift(other)
        a, b = self.data, other.data
        return self.make(a * b, [self, other], lambda g: [g * b, g * a])

    __rmul__ = __mul__

    def exp(self):
        y = math.exp(self.data)
        return self.make(y, [self], lambda g: [g * y])

    def log(self):
        x = self.data
        return self.make(math.log(x), [self], lambda g: [g / x])

    def __pow__(self, n):
        x = self.data
        return self.make(math.pow(x, n), [self], lambda g: [g * n * math.pow(x, n - 1)])

    def __neg__(self):
        return -1 * self

    def __sub__(self, other):
        return self + -1 * self.lift(other)

    def __rsub__(self, other):
        return other + -1 * self

    def __truediv__(self, other):
        return self * self.lift(other).__pow__(-1)

    def __rtruediv__(self, other):
        return other * self**-1

    def backward(self):
        depth = {}
        level = [self]
        d = 0
        while level:  # the longest way from the result decides whose turn it is
            for node in level:
                depth[node] = d
            level = list({parent for node in level for parent in node.parents})
            d += 1
        self.grad = 1.0
        for node in sorted(depth, key=depth.get):
            if node.rule:
                for parent, share in zip(node.parents, node.rule(node.grad)):
                    parent.grad += share


def softmax(logits):
    log_total = sum([x.exp() for x in logits]).log()
    return [(x - log_total).exp() for x in logits]


def nll(probs, label):
    for i, p in enumerate(probs):
        if i == label:
            return 0 - p.log()
