"""What the scalar GPT is measured against: microgpt's kind of engine, and the same model as arrays.

`Microgpt`  Karpathy's microgpt (2026): a Value with its children and local gradients, a recursive topological sort,
            lists of lists, Adam in a loop; `gc` as Python has it.
`Fused`     the whole document as some forty NumPy calls, gradients by hand (lecture 5's way), Adam on one array.
`Torch`     what one would write in PyTorch: parameters, F.cross_entropy, torch.optim.Adam.

All three are written anew here, operation for operation what their originals do, and use nothing of zth's. Each takes
the P weights in the order of `parts`, trains on one document a step and keeps each step's loss, in float64.

Letters: V ids, C the width, H heads, D = C / H, T characters to be said, P parameters.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

Floats = NDArray[np.float64]
C, H, BLOCK, STEPS = 16, 4, 16, 1000
D = C // H
RATE, BETA1, BETA2, EPS_ADAM, EPS_NORM = 0.01, 0.85, 0.99, 1e-8, 1e-5


def parts(vocab_size: int) -> dict[str, tuple[int, int]]:
    """The matrices by name, in the order in which the P weights hold them, with their (rows, columns)."""
    square = dict.fromkeys(("query", "key", "value", "out"), (C, C))
    ends = {"tokens": (vocab_size, C), "places": (BLOCK, C)}
    return {**ends, **square, "up": (4 * C, C), "down": (C, 4 * C), "logits": (vocab_size, C)}


def views(flat: Any, vocab_size: int) -> dict[str, Any]:
    """(P,) -> the matrices, as views of an array or a tensor."""
    found, start = {}, 0
    for name, (rows, columns) in parts(vocab_size).items():
        found[name] = flat[start : start + rows * columns].reshape(rows, columns)
        start += rows * columns
    return found


# ----- microgpt's kind of engine ---------------------------------------------------------------------------------


class Value:
    """A number, what it was made from, and the derivatives by that."""

    __slots__ = ("children", "data", "grad", "slopes")

    def __init__(self, data: float, children: tuple[Value, ...] = (), slopes: tuple[float, ...] = ()) -> None:
        self.data = data
        self.grad = 0.0
        self.children = children
        self.slopes = slopes

    def __add__(self, other: Value | float) -> Value:
        right = other if isinstance(other, Value) else Value(other)
        return Value(self.data + right.data, (self, right), (1, 1))

    def __mul__(self, other: Value | float) -> Value:
        right = other if isinstance(other, Value) else Value(other)
        return Value(self.data * right.data, (self, right), (right.data, self.data))

    def __pow__(self, n: float) -> Value:
        return Value(self.data**n, (self,), (n * self.data ** (n - 1),))

    def log(self) -> Value:
        return Value(math.log(self.data), (self,), (1 / self.data,))

    def exp(self) -> Value:
        return Value(math.exp(self.data), (self,), (math.exp(self.data),))

    def relu(self) -> Value:
        return Value(max(0, self.data), (self,), (float(self.data > 0),))

    def __neg__(self) -> Value:
        return self * -1

    def __radd__(self, other: float) -> Value:
        return self + other

    def __sub__(self, other: Value | float) -> Value:
        return self + (-other)

    def __rmul__(self, other: float) -> Value:
        return self * other

    def __truediv__(self, other: Value | float) -> Value:
        return self * other**-1

    def backward(self) -> None:
        order: list[Value] = []
        seen = set()

        def visit(node: Value) -> None:
            if node not in seen:
                seen.add(node)
                for child in node.children:
                    visit(child)
                order.append(node)

        visit(self)
        self.grad = 1
        for node in reversed(order):
            for child, slope in zip(node.children, node.slopes, strict=False):
                child.grad += slope * node.grad


Row = list[Value]


def linear(x: Row, w: list[Row]) -> Row:
    return [_sum(wi * xi for wi, xi in zip(row, x, strict=False)) for row in w]


def softmax(xs: Row) -> Row:
    largest = max(x.data for x in xs)
    exps = [(x - largest).exp() for x in xs]
    whole = _sum(exps)
    return [e / whole for e in exps]


def rms_norm(x: Row) -> Row:
    mean = _sum(xi * xi for xi in x) / len(x)
    scale = (mean + EPS_NORM) ** -0.5
    return [xi * scale for xi in x]


def _sum(values: Iterable[Value]) -> Value:
    """As the original has it, with its node for 0 + ...; sum() of Values and an int is beyond mypy."""
    return sum(values)  # type: ignore[return-value]  # 0 + Value is a Value; never empty


class Microgpt:
    """One document a step, as microgpt trains."""

    def __init__(self, weights: Floats, vocab_size: int) -> None:
        self.w = {
            name: [[Value(number) for number in row] for row in matrix.tolist()]
            for name, matrix in views(weights, vocab_size).items()
        }
        self.parameters = [p for matrix in self.w.values() for row in matrix for p in row]
        self.m, self.v = [0.0] * len(self.parameters), [0.0] * len(self.parameters)
        self.losses: list[float] = []

    def logits(self, token: int, place: int, keys: list[Row], values: list[Row]) -> Row:
        w = self.w
        x = rms_norm([a + b for a, b in zip(w["tokens"][token], w["places"][place], strict=False)])
        residual, x = x, rms_norm(x)
        query = linear(x, w["query"])
        keys.append(linear(x, w["key"]))
        values.append(linear(x, w["value"]))
        mixed: Row = []
        for start in range(0, C, D):
            q = query[start : start + D]
            k = [key[start : start + D] for key in keys]
            v = [value[start : start + D] for value in values]
            scores = [_sum(q[j] * k[t][j] for j in range(D)) / D**0.5 for t in range(len(k))]
            shares = softmax(scores)
            mixed.extend(_sum(shares[t] * v[t][j] for t in range(len(v))) for j in range(D))
        x = [a + b for a, b in zip(linear(mixed, w["out"]), residual, strict=False)]
        residual, x = x, rms_norm(x)
        x = linear([h.relu() for h in linear(x, w["up"])], w["down"])
        x = [a + b for a, b in zip(x, residual, strict=False)]
        return linear(x, w["logits"])

    def loss(self, ids: Sequence[int]) -> Value:
        keys: list[Row] = []
        values: list[Row] = []
        losses = []
        for place in range(min(BLOCK, len(ids) - 1)):
            shares = softmax(self.logits(ids[place], place, keys, values))
            losses.append(-shares[ids[place + 1]].log())
        return (1 / len(losses)) * _sum(losses)

    def step(self, ids: Sequence[int]) -> None:
        loss = self.loss(ids)
        loss.backward()
        step = len(self.losses)
        rate = RATE * (1 - step / STEPS)
        for i, p in enumerate(self.parameters):
            self.m[i] = BETA1 * self.m[i] + (1 - BETA1) * p.grad
            self.v[i] = BETA2 * self.v[i] + (1 - BETA2) * p.grad**2
            m_hat = self.m[i] / (1 - BETA1 ** (step + 1))
            v_hat = self.v[i] / (1 - BETA2 ** (step + 1))
            p.data -= rate * m_hat / (v_hat**0.5 + EPS_ADAM)
            p.grad = 0
        self.losses.append(loss.data)


# ----- fused NumPy -----------------------------------------------------------------------------------------------


class Fused:
    """The document as arrays of T rows, forward and backward spelled out."""

    def __init__(self, weights: Floats, vocab_size: int) -> None:
        self.p = weights.copy()
        self.dp, self.m, self.v = (np.zeros_like(self.p) for _ in range(3))
        self.w, self.dw = views(self.p, vocab_size), views(self.dp, vocab_size)
        start = (vocab_size + BLOCK) * C
        self.qkv, self.dqkv = (flat[start : start + 3 * C * C].reshape(3 * C, C) for flat in (self.p, self.dp))
        self.future = np.triu(np.full((BLOCK, BLOCK), -np.inf), 1)
        self.losses: list[float] = []

    def gradient(self, ids: Sequence[int]) -> float:
        """The loss; its gradient goes into `dp`."""
        w, dw = self.w, self.dw
        T = min(BLOCK, len(ids) - 1)
        xb, yb, rows = np.array(ids[:T]), np.array(ids[1 : T + 1]), np.arange(T)

        x = w["tokens"][xb] + w["places"][:T]
        a, scale0 = _norm(x)
        na, scale1 = _norm(a)
        q, k, v = (na @ self.qkv.T).reshape(T, 3, H, D).transpose(1, 2, 0, 3)  # (T, 3 C) -> 3 of (H, T, D)
        shares = _softmax(q @ k.transpose(0, 2, 1) * D**-0.5 + self.future[:T, :T])
        mixed = (shares @ v).transpose(1, 0, 2).reshape(T, C)
        b = a + mixed @ w["out"].T
        nb, scale2 = _norm(b)
        hidden = np.maximum(nb @ w["up"].T, 0.0)
        c = b + hidden @ w["down"].T
        probs = _softmax(c @ w["logits"].T)
        loss = -np.log(probs[rows, yb]).mean()

        probs[rows, yb] -= 1.0  # exercise 5.2: the gradient of cross-entropy
        dlogits = probs / T
        np.matmul(dlogits.T, c, out=dw["logits"])
        dc = dlogits @ w["logits"]
        np.matmul(dc.T, hidden, out=dw["down"])
        dhidden = (dc @ w["down"]) * (hidden > 0)
        np.matmul(dhidden.T, nb, out=dw["up"])
        db = dc + _norm_back(dhidden @ w["up"], b, scale2)
        np.matmul(db.T, mixed, out=dw["out"])
        dmixed = (db @ w["out"]).reshape(T, H, D).transpose(1, 0, 2)
        dshares = dmixed @ v.transpose(0, 2, 1)
        dscores = shares * (dshares - (dshares * shares).sum(2, keepdims=True)) * D**-0.5
        d3 = np.stack([dscores @ k, dscores.transpose(0, 2, 1) @ q, shares.transpose(0, 2, 1) @ dmixed])
        d3 = d3.transpose(2, 0, 1, 3).reshape(T, 3 * C)
        np.matmul(d3.T, na, out=self.dqkv)
        da = db + _norm_back(d3 @ self.qkv, a, scale1)
        dx = _norm_back(da, x, scale0)
        dw["tokens"][...] = dw["places"][...] = 0.0
        dw["places"][:T] = dx
        np.add.at(dw["tokens"], xb, dx)
        return float(loss)

    def step(self, ids: Sequence[int]) -> None:
        loss = self.gradient(ids)
        step = len(self.losses)
        self.m += (1 - BETA1) * (self.dp - self.m)
        self.v += (1 - BETA2) * (self.dp * self.dp - self.v)
        rate = RATE * (1 - step / STEPS) / (1 - BETA1 ** (step + 1))
        self.p -= rate * self.m / (np.sqrt(self.v / (1 - BETA2 ** (step + 1))) + EPS_ADAM)
        self.losses.append(loss)


def _norm(x: Floats) -> tuple[Floats, Floats]:
    scale = (np.einsum("tc,tc->t", x, x)[:, None] / C + EPS_NORM) ** -0.5
    return x * scale, scale


def _norm_back(dy: Floats, x: Floats, scale: Floats) -> Floats:
    """y = x * scale, scale = (mean(x**2) + eps)**-0.5: each x moves its own y, and all of them through scale."""
    result: Floats = dy * scale - x * (scale**3 * np.einsum("tc,tc->t", dy, x)[:, None] / C)
    return result


def _softmax(x: Floats) -> Floats:
    e = np.exp(x - x.max(-1, keepdims=True))
    result: Floats = e / e.sum(-1, keepdims=True)
    return result


# ----- torch -----------------------------------------------------------------------------------------------------


class Torch:
    """The same in PyTorch."""

    def __init__(self, weights: Floats, vocab_size: int) -> None:
        self.w = {
            name: torch.nn.Parameter(torch.tensor(matrix)) for name, matrix in views(weights, vocab_size).items()
        }
        self.adam = torch.optim.Adam(self.w.values(), lr=RATE, betas=(BETA1, BETA2), eps=EPS_ADAM)
        self.losses: list[float] = []

    def loss(self, ids: Sequence[int]) -> torch.Tensor:
        w = self.w
        T = min(BLOCK, len(ids) - 1)
        xb, yb = torch.tensor(ids[:T]), torch.tensor(ids[1 : T + 1])
        x = F.rms_norm(w["tokens"][xb] + w["places"][:T], (C,), eps=EPS_NORM)
        n = F.rms_norm(x, (C,), eps=EPS_NORM)
        q, k, v = (F.linear(n, w[name]).view(T, H, D).transpose(0, 1) for name in ("query", "key", "value"))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + F.linear(mixed.transpose(0, 1).reshape(T, C), w["out"])
        n = F.rms_norm(x, (C,), eps=EPS_NORM)
        x = x + F.linear(F.relu(F.linear(n, w["up"])), w["down"])
        return F.cross_entropy(F.linear(x, w["logits"]), yb)

    def step(self, ids: Sequence[int]) -> None:
        for group in self.adam.param_groups:
            group["lr"] = RATE * (1 - len(self.losses) / STEPS)
        loss = self.loss(ids)
        self.adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.adam.step()
        self.losses.append(loss.item())
