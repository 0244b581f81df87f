"""1.2 Softmax aus einzelnen Zahlen. Wenn du die Methoden und die zwei Funktionen geschrieben hast: zth check 1.2"""

import math


class Value:
    """Eine Zahl, die sich merkt, wie sie entstanden ist."""

    def __init__(self, data, prev=()):
        self.data = data
        self.grad = 0.0  # die Ableitung dessen, wofür backward() aufgerufen wurde, nach dieser Zahl
        self._prev = prev  # die Values, aus denen dieser gemacht wurde
        self._backward = lambda: None  # addiert seinen Anteil zu deren grad

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
        """Lege d(self) / d(node) in das grad jedes Knotens, aus dem self gemacht wurde."""
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
        for node in reversed(order):  # ein Knoten kommt erst nach allen dran, die aus ihm gemacht sind
            node._backward()

    # --- ab hier bist du dran ---------------------------------------------------------------------

    def exp(self):
        """e hoch self. math.exp rechnet mit gewöhnlichen Zahlen."""
        raise NotImplementedError(
            "`exp` ist noch nicht geschrieben: Gib einen Value zurück, der seinen Rückweg kennt, so wie __mul__."
        )

    def log(self):
        """Der natürliche Logarithmus von self."""
        raise NotImplementedError(
            "`log` ist noch nicht geschrieben: Gib einen Value zurück, der seinen Rückweg kennt."
        )

    def __neg__(self):
        """-self"""
        raise NotImplementedError("`__neg__` ist noch nicht geschrieben: -x ist x mal eine Zahl.")

    def __sub__(self, other):
        """self - other; other ist ein Value oder eine gewöhnliche Zahl."""
        raise NotImplementedError("`__sub__` ist noch nicht geschrieben: Du hast + und das Minus als Vorzeichen.")

    def __pow__(self, n):
        """self ** n; n ist eine gewöhnliche Zahl, zum Beispiel 3, -1 oder 0.5."""
        raise NotImplementedError(
            "`__pow__` ist noch nicht geschrieben: Gib einen Value zurück, der seinen Rückweg kennt."
        )

    def __truediv__(self, other):
        """self / other; other ist ein Value oder eine gewöhnliche Zahl."""
        raise NotImplementedError("`__truediv__` ist noch nicht geschrieben: Du hast * und **.")

    def __radd__(self, other):
        """other + self; other ist eine gewöhnliche Zahl, wie in 2 + x."""
        raise NotImplementedError("`__radd__` ist noch nicht geschrieben: 2 + x ruft es auf, und sum() auch.")

    def __rmul__(self, other):
        """other * self; other ist eine gewöhnliche Zahl."""
        raise NotImplementedError("`__rmul__` ist noch nicht geschrieben: 2 * x ruft es auf.")

    def __rsub__(self, other):
        """other - self; other ist eine gewöhnliche Zahl. Achte auf die Reihenfolge."""
        raise NotImplementedError("`__rsub__` ist noch nicht geschrieben: 2 - x ruft es auf.")

    def __rtruediv__(self, other):
        """other / self; other ist eine gewöhnliche Zahl. Achte auf die Reihenfolge."""
        raise NotImplementedError("`__rtruediv__` ist noch nicht geschrieben: 2 / x ruft es auf.")


def softmax(logits):
    """Eine Liste von Values -> ihre Wahrscheinlichkeiten, als Values: jeweils exp, geteilt durch die Summe."""
    raise NotImplementedError(
        "`softmax` ist noch nicht geschrieben: Gib eine Liste von Values zurück, die zusammen 1 ergeben."
    )


def nll(probs, label):
    """Der negative Logarithmus der Wahrscheinlichkeit am Index `label`, als Value."""
    raise NotImplementedError("`nll` ist noch nicht geschrieben: Gib den Verlust als einen Value zurück.")
