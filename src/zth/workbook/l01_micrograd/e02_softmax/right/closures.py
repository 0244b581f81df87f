"""As the lecture builds it: each operation leaves a function behind that knows the way back."""

import math


class Value:
    def __init__(self, data, children=(), label=""):
        self.data = data
        self.grad = 0
        self.label = label
        self.children = set(children)
        self.back = None

    def __add__(self, other):
        other = as_value(other)
        out = Value(self.data + other.data, (self, other))

        def back():
            self.grad += out.grad
            other.grad += out.grad

        out.back = back
        return out

    def __mul__(self, other):
        other = as_value(other)
        out = Value(self.data * other.data, (self, other))

        def back():
            self.grad += out.grad * other.data
            other.grad += out.grad * self.data

        out.back = back
        return out

    def __pow__(self, n):
        out = Value(self.data**n, (self,))

        def back():
            self.grad += out.grad * n * self.data ** (n - 1)

        out.back = back
        return out

    def exp(self):
        out = Value(math.exp(self.data), (self,))

        def back():
            self.grad += out.grad * out.data

        out.back = back
        return out

    def log(self):
        out = Value(math.log(self.data), (self,))

        def back():
            self.grad += out.grad / self.data

        out.back = back
        return out

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -as_value(other)

    def __truediv__(self, other):
        return self * as_value(other) ** -1

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __rsub__(self, other):
        return as_value(other) - self

    def __rtruediv__(self, other):
        return as_value(other) / self

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node in seen:
                return
            seen.add(node)
            for child in node.children:
                visit(child)
            order.append(node)

        visit(self)
        self.grad = 1
        while order:
            node = order.pop()
            if node.back:
                node.back()


def as_value(x):
    return x if isinstance(x, Value) else Value(x)


def softmax(logits):
    counts = [logit.exp() for logit in logits]
    denominator = sum(counts)
    return [c / denominator for c in counts]


def nll(probs, label):
    return -probs[label].log()
