"""1.2 Softmax, from scalars. When you have written the methods and the two functions: zth check 1.2"""

import math


class Value:
    """One number that remembers how it was made."""

    def __init__(self, data, prev=()):
        self.data = data
        self.grad = 0.0  # the derivative of what backward() was called on, with respect to this number
        self._prev = prev  # the Values that this one was made from
        self._backward = lambda: None  # adds this one's share to the grads of those

    def __repr__(self):
        return f"Value(data={self.data})"

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other))

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def backward(self):
        """Put d(self) / d(node) into the grad of every node that self was made from."""
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, its_prev_are_done = stack.pop()
            if its_prev_are_done:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack.extend((child, False) for child in node._prev)
        self.grad = 1.0
        for node in reversed(order):  # a node's turn comes after that of everything made from it
            node._backward()

    # --- from here on it is yours -----------------------------------------------------------------

    def exp(self):
        """e to the power of self. math.exp works on plain numbers."""
        raise NotImplementedError(
            "`exp` is not written yet: return a Value that knows its way back, as __mul__ does."
        )

    def log(self):
        """The natural logarithm of self."""
        raise NotImplementedError("`log` is not written yet: return a Value that knows its way back.")

    def __neg__(self):
        """-self"""
        raise NotImplementedError("`__neg__` is not written yet: -x is x times a number.")

    def __sub__(self, other):
        """self - other, where other is a Value or a plain number."""
        raise NotImplementedError("`__sub__` is not written yet: you have + and unary minus.")

    def __pow__(self, n):
        """self ** n, where n is a plain number: 3, -1 or 0.5, say."""
        raise NotImplementedError("`__pow__` is not written yet: return a Value that knows its way back.")

    def __truediv__(self, other):
        """self / other, where other is a Value or a plain number."""
        raise NotImplementedError("`__truediv__` is not written yet: you have * and **.")

    def __radd__(self, other):
        """other + self, where other is a plain number, as in 2 + x."""
        raise NotImplementedError("`__radd__` is not written yet: it is asked for 2 + x, and by sum().")

    def __rmul__(self, other):
        """other * self, where other is a plain number."""
        raise NotImplementedError("`__rmul__` is not written yet: it is asked for 2 * x.")

    def __rsub__(self, other):
        """other - self, where other is a plain number. Mind the order."""
        raise NotImplementedError("`__rsub__` is not written yet: it is asked for 2 - x.")

    def __rtruediv__(self, other):
        """other / self, where other is a plain number. Mind the order."""
        raise NotImplementedError("`__rtruediv__` is not written yet: it is asked for 2 / x.")


def softmax(logits):
    """A list of Values -> the list of their probabilities, as Values: exp of each, divided by the sum of all."""
    raise NotImplementedError("`softmax` is not written yet: return a list of Values that add up to 1.")


def nll(probs, label):
    """The negative logarithm of the probability at index `label`, as a Value."""
    raise NotImplementedError("`nll` is not written yet: return the loss as one Value.")
