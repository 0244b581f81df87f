"""A train step of the nets of lectures 3 to 6: zth.backprop's engine against the lectures' loops.

The baselines do what the lectures' notebooks do in each step, in the same operations of PyTorch: draw 32 rows, look
them up, forward, backward, update each parameter, keep the loss. What the notebooks measure besides (update ratios,
retained gradients) is left out. Both sides begin with the same numbers, draw the same rows from the same generator,
in float32, with two threads at their disposal; their losses must agree at every step, or there is no row.

The sources are the notebooks of makemore, parts 2 to 5 (github.com/karpathy/nn-zero-to-hero).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from _table import Row, Times, interleave, main
from zth.backprop.atoms import Parameters
from zth.backprop.engine import Engine
from zth.backprop.step import as_layers
from zth.data.sources import names
from zth.data.split import split_lines
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.layers import BatchNorm1d, Embedding, FlattenConsecutive, Linear, Sequential, Tanh
from zth.seeds import stream

REPEATS = 15
STEPS = 100
BATCH = 32
RATE = 0.1
SEED = 42
AGREE = 1e-4
"""Of a loss, relative: what float32 and another order of sums come to within 100 steps (measured: under 2e-5)."""

Examples = tuple[Tensor, Tensor]
Loop = Callable[[Sequential, Examples, torch.Generator], list[float]]


# ----- the lectures' loops --------------------------------------------------------------------------------------


def loop_of_lecture_3(net: Sequential, examples: Examples, g: torch.Generator) -> list[float]:
    """The MLP: autograd, and no layer classes yet."""
    Xtr, Ytr = examples
    C, W1, b1, W2, b2 = parameters = list(net.parameters())
    losses = []
    for _ in range(STEPS):
        ix = torch.randint(0, Xtr.shape[0], (BATCH,), generator=g)
        emb = C[Xtr[ix]]
        h = torch.tanh(emb.view(-1, 30) @ W1 + b1)
        logits = h @ W2 + b2
        loss = F.cross_entropy(logits, Ytr[ix])
        for p in parameters:
            p.grad = None
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        for p in parameters:
            p.data += -RATE * p.grad  # type: ignore[operator]  # the lecture trusts that there is one
        losses.append(loss.item())
    return losses


def loop_of_lecture_5(net: Sequential, examples: Examples, g: torch.Generator) -> list[float]:
    """The manual step of 5.4, with its loop over the places of the batch for C's gradient."""
    return _manual_loop(net, examples, g, _scatter_in_a_loop)


def loop_of_lecture_5_with_index_add(net: Sequential, examples: Examples, g: torch.Generator) -> list[float]:
    """The same with the loop written as one operation, as a careful reader would."""
    return _manual_loop(net, examples, g, _scatter_at_once)


@torch.no_grad()
def _manual_loop(
    net: Sequential,
    examples: Examples,
    g: torch.Generator,
    scatter: Callable[[Tensor, Tensor, Tensor], None],
) -> list[float]:
    Xtr, Ytr = examples
    C, W1, b1, bngain, bnbias, W2, b2 = parameters = list(net.parameters())
    n = BATCH
    losses = []
    for _ in range(STEPS):
        ix = torch.randint(0, Xtr.shape[0], (n,), generator=g)
        Xb, Yb = Xtr[ix], Ytr[ix]
        emb = C[Xb]
        embcat = emb.view(emb.shape[0], -1)
        hprebn = embcat @ W1 + b1
        bnmean = hprebn.mean(0, keepdim=True)
        bnvar = hprebn.var(0, keepdim=True, unbiased=True)
        bnvar_inv = (bnvar + 1e-5) ** -0.5
        bnraw = (hprebn - bnmean) * bnvar_inv
        hpreact = bngain * bnraw + bnbias
        h = torch.tanh(hpreact)
        logits = h @ W2 + b2
        loss = F.cross_entropy(logits, Yb)

        dlogits = F.softmax(logits, 1)
        dlogits[range(n), Yb] -= 1
        dlogits /= n
        dh = dlogits @ W2.T
        dW2 = h.T @ dlogits
        db2 = dlogits.sum(0)
        dhpreact = (1.0 - h**2) * dh
        dbngain = (bnraw * dhpreact).sum(0)
        dbnbias = dhpreact.sum(0)
        within = n * dhpreact - dhpreact.sum(0) - n / (n - 1) * bnraw * (dhpreact * bnraw).sum(0)
        dhprebn = bngain * bnvar_inv / n * within
        dembcat = dhprebn @ W1.T
        dW1 = embcat.T @ dhprebn
        db1 = dhprebn.sum(0)
        demb = dembcat.view(emb.shape)
        dC = torch.zeros_like(C)
        scatter(dC, Xb, demb)
        for p, dp in zip(parameters, (dC, dW1, db1, dbngain, dbnbias, dW2, db2), strict=True):
            p.data += -RATE * dp
        losses.append(loss.item())
    return losses


def _scatter_in_a_loop(dC: Tensor, Xb: Tensor, demb: Tensor) -> None:
    for k in range(Xb.shape[0]):
        for j in range(Xb.shape[1]):
            ix = Xb[k, j]
            dC[ix] += demb[k, j]


def _scatter_at_once(dC: Tensor, Xb: Tensor, demb: Tensor) -> None:
    dC.index_add_(0, Xb.flatten(), demb.flatten(0, 1))


# The layers of lectures 4 and 6: plain classes, each of which keeps what it gave out in `out`.


class LectureEmbedding:
    def __init__(self, layer: Embedding) -> None:
        self.weight = layer.C

    def __call__(self, ix: Tensor) -> Tensor:
        self.out = self.weight[ix]
        return self.out


class LectureFlatten:
    def __init__(self, layer: FlattenConsecutive) -> None:
        self.n = layer.n

    def __call__(self, x: Tensor) -> Tensor:
        B, T, C = x.shape
        x = x.view(B, T // self.n, C * self.n)
        if x.shape[1] == 1:
            x = x.squeeze(1)
        self.out = x
        return self.out


class LectureLinear:
    def __init__(self, layer: Linear) -> None:
        self.weight, self.bias = layer.W, layer.b

    def __call__(self, x: Tensor) -> Tensor:
        self.out = x @ self.weight
        if self.bias is not None:
            self.out += self.bias
        return self.out


class LectureBatchNorm:
    """The variance over n - 1, both to normalise with and to remember; over (0, 1) where x has three axes."""

    def __init__(self, layer: BatchNorm1d) -> None:
        self.gamma, self.beta, self.eps, self.momentum = layer.gamma, layer.beta, layer.eps, layer.momentum
        self.running_mean, self.running_var = torch.zeros_like(layer.gamma), torch.ones_like(layer.gamma)

    def __call__(self, x: Tensor) -> Tensor:
        dim = 0 if x.ndim == 2 else (0, 1)
        xmean = x.mean(dim, keepdim=True)
        xvar = x.var(dim, keepdim=True)
        xhat = (x - xmean) / torch.sqrt(xvar + self.eps)
        self.out = self.gamma * xhat + self.beta
        with torch.no_grad():
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * xmean
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * xvar
        return self.out


class LectureTanh:
    def __init__(self, layer: Tanh) -> None: ...

    def __call__(self, x: Tensor) -> Tensor:
        self.out = torch.tanh(x)
        return self.out


LECTURE = {
    Embedding: LectureEmbedding,
    FlattenConsecutive: LectureFlatten,
    Linear: LectureLinear,
    BatchNorm1d: LectureBatchNorm,
    Tanh: LectureTanh,
}


def loop_of_lectures_4_and_6(net: Sequential, examples: Examples, g: torch.Generator) -> list[float]:
    """The layers one after the other, autograd, an update for each parameter."""
    Xtr, Ytr = examples
    layers: list[Any] = [LECTURE[type(layer)](layer) for layer in net]
    parameters = list(net.parameters())
    losses = []
    for _ in range(STEPS):
        ix = torch.randint(0, Xtr.shape[0], (BATCH,), generator=g)
        Xb, Yb = Xtr[ix], Ytr[ix]
        x = Xb
        for layer in layers:
            x = layer(x)
        loss = F.cross_entropy(x, Yb)
        for p in parameters:
            p.grad = None
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        for p in parameters:
            p.data += -RATE * p.grad  # type: ignore[operator]  # the lecture trusts that there is one
        losses.append(loss.item())
    return losses


# ----- the nets -------------------------------------------------------------------------------------------------


def net_of_lecture_3() -> Sequential:
    g = stream(SEED, "init")
    hidden = Linear(30, 200, generator=g, std=0.2, bias_std=0.01)
    return Sequential(
        _embedding(10, g), FlattenConsecutive(3), hidden, Tanh(), Linear(200, 27, generator=g, std=0.01)
    )


def net_of_lecture_4() -> Sequential:
    g = stream(SEED, "init")
    net = [_embedding(10, g), FlattenConsecutive(3)]
    for fan_in in (30, 100, 100, 100, 100):
        net += [Linear(fan_in, 100, generator=g, bias=False), BatchNorm1d(100), Tanh()]
    return Sequential(*net, Linear(100, 27, generator=g, bias=False), BatchNorm1d(27))


def net_of_lecture_5() -> Sequential:
    return as_layers(Parameters.draw(stream(SEED, "init"), hidden=200))


def net_of_lecture_6() -> Sequential:
    g = stream(SEED, "init")
    net = [_embedding(24, g)]
    for width in (24, 128, 128):
        net += [FlattenConsecutive(2), Linear(2 * width, 128, generator=g, bias=False), BatchNorm1d(128), Tanh()]
    return Sequential(*net, Linear(128, 27, generator=g))


def _embedding(width: int, g: torch.Generator) -> nn.Module:
    return Embedding(27, width, generator=g)


# ----- the rows -------------------------------------------------------------------------------------------------


def measure() -> list[Row]:
    torch.set_num_threads(2)
    words = names()
    vocabulary, train = Vocabulary.of_lines(words), split_lines(words).train
    three, eight = (windows(train, vocabulary, block_size) for block_size in (3, 8))
    return [
        _row("lecture 3 step", net_of_lecture_3, loop_of_lecture_3, three, target=4),
        _row("lecture 4 step", net_of_lecture_4, loop_of_lectures_4_and_6, three, target=3),
        _row("lecture 5 step", net_of_lecture_5, loop_of_lecture_5, three, target=5),
        _row("lecture 5 step, index_add", net_of_lecture_5, loop_of_lecture_5_with_index_add, three, target=None),
        _row("lecture 6 step", net_of_lecture_6, loop_of_lectures_4_and_6, eight, target=4),
    ]


def _row(name: str, build: Callable[[], Sequential], loop: Loop, examples: Examples, *, target: float | None) -> Row:
    """One step's time, from turns of STEPS; each turn begins anew, so both sides always do the same work."""
    X, Y = examples
    net, theirs = build(), build()
    engine = Engine(net, batch_size=BATCH, block_size=X.shape[1], bessel=True)
    losses: dict[str, Sequence[float]] = {}

    def ours() -> None:
        ix = torch.randint(0, len(X), (STEPS, BATCH), generator=torch.Generator().manual_seed(SEED))
        losses["ours"] = engine.steps(X, Y, ix, RATE).tolist()

    def baseline() -> None:
        losses["baseline"] = loop(theirs, examples, torch.Generator().manual_seed(SEED))

    def begin_anew() -> None:
        if len(losses) == 2:
            _agree(name, losses["ours"], losses["baseline"])
        fresh = build().state_dict()
        for model in (net, theirs):
            model.load_state_dict(fresh)

    times = interleave(ours, baseline, repeats=REPEATS, before=begin_anew)
    begin_anew()
    per_step = [Times([second / STEPS for second in side.seconds]) for side in times]
    return Row.of_times(name, *per_step, target=target)


def _agree(name: str, ours: Sequence[float], baseline: Sequence[float]) -> None:
    for step, (a, b) in enumerate(zip(ours, baseline, strict=True)):
        assert abs(a - b) <= AGREE * b, (name, step, a, b)


if __name__ == "__main__":
    main("A train step of the small nets against the lectures' loops", measure)
