"""engine.py, judged by autograd of the same layers."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zth.backprop import engine as engine_file
from zth.backprop.engine import Engine
from zth.backprop.updates import AdamW, Descent
from zth.compare import FLOAT64, Tolerance, difference, largest_difference
from zth.errors import ConfigError, ShapeError, VocabularyError
from zth.layers import BatchNorm1d, Embedding, FlattenConsecutive, Linear, ReLU, Sequential, Sum, Tanh
from zth.seeds import stream

Examples = tuple[Tensor, Tensor]
Data = Callable[[int], Examples]
Build = Callable[[str], Sequential]
SIZES = {"lecture 3": 11897, "lecture 4": 47024, "lecture 5": 12297, "lecture 6": 76579}
# 20 steps let float32's rounding, 6e-8, grow to some 1e-6 of parameters and losses of order 1
AFTER_20_STEPS = Tolerance(relative=1e-5, absolute=1e-5)


class LectureNorm(nn.Module):
    """The lectures' BatchNorm, over n - 1 in what normalises, around one of the layers': the judge of `bessel`."""

    def __init__(self, layer: BatchNorm1d) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        axes, layer = tuple(range(x.dim() - 1)), self.layer
        mean, var = x.mean(axes), x.var(axes)
        with torch.no_grad():
            layer.running_mean.lerp_(mean, layer.momentum)
            layer.running_var.lerp_(var, layer.momentum)
        return layer.gamma * (x - mean) / (var + layer.eps).sqrt() + layer.beta


def lecture_norms(net: Sequential) -> Sequential:
    return Sequential(*(LectureNorm(layer) if isinstance(layer, BatchNorm1d) else layer for layer in net))


def by_autograd(net: nn.Module, X: Tensor, Y: Tensor, ix: Tensor, lr: float) -> list[float]:
    losses = []
    for rows in ix:
        loss = F.cross_entropy(net(X[rows]), Y[rows])
        net.zero_grad()
        loss.backward()
        with torch.no_grad():
            for p in net.parameters():
                p -= lr * p.grad
        losses.append(loss.item())
    return losses


def differences(net: nn.Module, other: nn.Module, tolerance: Tolerance) -> Iterator[object]:
    theirs = list(other.state_dict().values())
    for (name, ours), wanted in zip(net.state_dict().items(), theirs, strict=True):
        found = difference(ours, wanted, tolerance)
        if found is not None:
            yield name, str(found)


def draw_rows(X: Tensor, n_steps: int, batch_size: int = 32) -> Tensor:
    return torch.randint(len(X), (n_steps, batch_size), generator=stream(1, "batches"))


def block_size(name: str) -> int:
    return 8 if name == "lecture 6" else 3


@pytest.mark.parametrize("bessel", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, AFTER_20_STEPS), (torch.float64, FLOAT64)])
@pytest.mark.parametrize("name", SIZES)
def test_it_trains_as_autograd_does(
    name: str, dtype: torch.dtype, tolerance: Tolerance, bessel: bool, build: Build, examples: Data
) -> None:
    X, Y = examples(block_size(name))
    ix = draw_rows(X, 20)
    net, judge = build(name).to(dtype), build(name).to(dtype)
    engine = Engine(net, batch_size=32, block_size=block_size(name), bessel=bessel)
    losses = engine.steps(X, Y, ix, lr=0.1)
    wanted = by_autograd(lecture_norms(judge) if bessel else judge, X, Y, ix, lr=0.1)
    assert engine.weights.shape == (SIZES[name],)
    assert wanted[-1] < wanted[0]
    assert difference(losses, wanted, tolerance) is None
    assert list(differences(net, judge, tolerance)) == []


@pytest.mark.parametrize("name", SIZES)
def test_backward_leaves_autograds_gradients(name: str, build: Build, examples: Data) -> None:
    X, Y = examples(block_size(name))
    net, judge = build(name).double(), build(name).double()
    engine = Engine(net, batch_size=32, block_size=block_size(name))
    before = copy.deepcopy(list(net.parameters()))
    loss = engine.backward(X[:32], Y[:32])
    wanted = F.cross_entropy(judge(X[:32]), Y[:32])
    wanted.backward()
    assert loss == pytest.approx(wanted.item(), rel=1e-12)
    for p, q in zip(net.parameters(), judge.parameters(), strict=True):
        assert difference(p.grad, q.grad, FLOAT64) is None
    flat = torch.cat([q.grad.flatten() for q in judge.parameters()])
    assert difference(engine.gradients, flat, FLOAT64) is None
    assert all(map(torch.equal, before, net.parameters())), "backward() moves no parameter"
    assert list(differences(net, judge, FLOAT64)) == [], "the running statistics move as in any forward pass"


def test_an_optimizer_of_torchs_can_use_it(build: Build, examples: Data) -> None:
    X, Y = examples(3)
    net, judge = build("lecture 5").double(), build("lecture 5").double()
    engine = Engine(net, batch_size=32, block_size=3)
    ours, theirs = (torch.optim.AdamW(n.parameters(), lr=1e-3) for n in (net, judge))
    for rows in draw_rows(X, 10):
        engine.backward(X[rows], Y[rows])
        ours.step()
        ours.zero_grad()
        F.cross_entropy(judge(X[rows]), Y[rows]).backward()
        theirs.step()
        theirs.zero_grad()
    # AdamW divides by the root of the gradient's square: b1, which BatchNorm cancels, has nothing but rounding there
    b1, b1_judge = net[2].b.detach(), judge[2].b.detach()
    assert largest_difference(b1, b1_judge) < 0.02
    for p, q in zip(net.parameters(), judge.parameters(), strict=True):
        if p is not net[2].b:
            assert difference(p, q, Tolerance(absolute=1e-9)) is None


def test_steps_in_one_call_or_in_several_are_the_same(
    build: Build, examples: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, Y = examples(8)
    ix, lr = draw_rows(X, 30), np.linspace(0.1, 0.01, 30)
    nets = [build("lecture 6") for _ in range(3)]
    engines = [Engine(net, batch_size=32, block_size=8) for net in nets]
    at_once = engines[0].steps(X, Y, ix, lr)
    in_turn = np.concatenate([engines[1].steps(X, Y, ix[k : k + 7], lr[k : k + 7]) for k in range(0, 30, 7)])
    monkeypatch.setattr(engine_file, "CHUNK", 4)
    in_chunks = engines[2].steps(X.numpy(), Y.numpy(), ix.numpy(), lr)
    assert at_once.tolist() == in_turn.tolist() == in_chunks.tolist()
    for other in nets[1:]:
        assert list(differences(other, nets[0], Tolerance())) == []


def test_no_step_is_no_step(build: Build, examples: Data) -> None:
    X, Y = examples(3)
    engine = Engine(build("lecture 3"), batch_size=32, block_size=3)
    assert engine.steps(X, Y, np.empty((0, 32), np.int64), 0.1).shape == (0,)


def g() -> torch.Generator:
    return stream(7, "init")


ODD = {
    "tanh before BatchNorm": lambda: [Linear(30, 20, generator=g()), Tanh(), BatchNorm1d(20)],
    "relu": lambda: [Linear(30, 20, generator=g()), ReLU(), Linear(20, 20, generator=g(), bias=False), ReLU()],
    "tanh at the end": lambda: [Linear(30, 27, generator=g()), Tanh()],
    "two tanhs": lambda: [Tanh(), Linear(30, 20, generator=g()), Tanh(), Tanh()],
    "two norms": lambda: [BatchNorm1d(30, momentum=0.3, eps=1e-3), BatchNorm1d(30, momentum=0.0)],
    "a Sequential inside": lambda: [Sequential(Linear(30, 20, generator=g()), Sequential(Tanh())), Tanh()],
    "nothing": list,
    "a skip": lambda: [Sum(Sequential(), Sequential(Linear(30, 30, generator=g()), Tanh()))],
    "three branches": lambda: [
        Sum(
            Sequential(Linear(30, 20, generator=g()), BatchNorm1d(20), Tanh()),
            Linear(30, 20, generator=g(), bias=False),
            Sequential(Tanh(), Linear(30, 20, generator=g()), BatchNorm1d(20)),
        ),
        Tanh(),
    ],
    "a sum in a sum": lambda: [Sum(Sequential(Linear(30, 30, generator=g()), Sum(Tanh(), ReLU())), Tanh()), Tanh()],
    "a sum of one": lambda: [Sum(Linear(30, 20, generator=g()))],
}


@pytest.mark.parametrize("name", ODD)
def test_any_order_of_layers(name: str, examples: Data) -> None:
    X, Y = examples(3)

    def build() -> Sequential:
        middle = ODD[name]()
        widths = [p.shape[-1] for layer in middle for p in layer.parameters()]
        width = widths[-1] if widths else 30
        last = [] if width == 27 else [Linear(width, 27, generator=g())]
        return Sequential(Embedding(27, 10, generator=g()), FlattenConsecutive(3), *middle, *last).double()

    net, judge = build(), build()
    losses = Engine(net, batch_size=16, block_size=3).steps(X, Y, draw_rows(X, 5, 16), 0.1)
    assert difference(losses, by_autograd(judge, X, Y, draw_rows(X, 5, 16), 0.1), FLOAT64) is None
    assert list(differences(net, judge, FLOAT64)) == []


def test_adamw_of_a_whole_net_is_torchs(build: Build, examples: Data) -> None:
    """The update runs behind the gradients, on one flat array; optim's own tests are in tests/train."""
    X, Y = examples(3)
    net, judge = build("lecture 3").double(), build("lecture 3").double()
    engine = Engine(net, batch_size=16, block_size=3, update=partial(AdamW, beta2=0.95))
    optimizer = torch.optim.AdamW(judge.parameters(), lr=0.01, betas=(0.9, 0.95), weight_decay=0.0)
    rows = draw_rows(X, 20, 16)
    losses = engine.steps(X, Y, rows, 0.01)
    wanted = []
    for ix in rows:
        loss = F.cross_entropy(judge(X[ix]), Y[ix])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        wanted.append(loss.item())
    assert difference(losses, wanted, FLOAT64) is None
    assert list(differences(net, judge, Tolerance(absolute=1e-11))) == []
    assert repr(engine).endswith("28 calls a step and 10 an update)")


def test_only_matrices_decay(build: Build, examples: Data) -> None:
    X, Y = examples(8)
    net, plain = build("lecture 6"), build("lecture 6")
    Engine(net, batch_size=8, block_size=8, update=partial(Descent, weight_decay=0.5)).steps(
        X, Y, draw_rows(X, 1, 8), 0.1
    )
    start = [p.detach().clone() for p in plain.parameters()]
    Engine(plain, batch_size=8, block_size=8).steps(X, Y, draw_rows(X, 1, 8), 0.1)
    for decayed, other, before in zip(net.parameters(), plain.parameters(), start, strict=True):
        wanted = other - 0.05 * before if before.dim() > 1 else other
        assert difference(decayed, wanted, Tolerance(absolute=1e-6)) is None


def test_three_axes_all_the_way(examples: Data) -> None:
    """Linear, BatchNorm and Tanh on (B, T, C), before anything is flattened."""
    X, Y = examples(8)

    def build() -> Sequential:
        first = [Embedding(27, 4, generator=g()), BatchNorm1d(4), Linear(4, 6, generator=g()), Tanh()]
        return Sequential(*first, FlattenConsecutive(8), Linear(48, 27, generator=g())).double()

    net, judge = build(), build()
    losses = Engine(net, batch_size=16, block_size=8).steps(X, Y, draw_rows(X, 5, 16), 0.1)
    assert difference(losses, by_autograd(judge, X, Y, draw_rows(X, 5, 16), 0.1), FLOAT64) is None
    assert list(differences(net, judge, FLOAT64)) == []


def test_the_net_is_what_the_engine_works_on(build: Build, examples: Data) -> None:
    X, Y = examples(3)
    ix = draw_rows(X, 5)
    net = build("lecture 4")
    start = copy.deepcopy(net.state_dict())
    engine = Engine(net, batch_size=32, block_size=3)
    first = engine.steps(X, Y, ix, 0.1)
    assert largest_difference(net[2].W, start["layers.2.W"]) > 1e-4
    assert engine.steps(X, Y, ix, 0.1).tolist() != first.tolist()
    net.load_state_dict(start)
    assert engine.steps(X, Y, ix, 0.1).tolist() == first.tolist()
    other = Engine(net, batch_size=16, block_size=3)
    net.load_state_dict(start)
    other.steps(X, Y, ix[:, :16], 0.1)
    net.load_state_dict(start)
    assert engine.steps(X, Y, ix, 0.1).tolist() == first.tolist(), "two engines may take turns"
    net[2].W = nn.Parameter(start["layers.2.W"].clone())
    net.load_state_dict(start)
    assert engine.steps(X, Y, ix, 0.1).tolist() == first.tolist(), "a new Parameter is adopted"
    assert largest_difference(net[2].W, start["layers.2.W"]) > 1e-4


def test_a_net_that_was_made_another_is_refused(build: Build, examples: Data) -> None:
    X, Y = examples(3)
    net = build("lecture 3")
    engine = Engine(net, batch_size=32, block_size=3)
    net.double()
    with pytest.raises(ConfigError, match=r"has a C of torch.float64 \(27, 10\) now"):
        engine.steps(X, Y, draw_rows(X, 1), 0.1)


def test_a_net_that_diverges_says_so_in_its_losses(build: Build, examples: Data) -> None:
    X, Y = examples(3)
    losses = Engine(build("lecture 3"), batch_size=32, block_size=3).steps(X, Y, draw_rows(X, 50), 1e30)
    assert not math.isfinite(losses[-1])


def test_large_logits_overflow_nowhere(build: Build, examples: Data) -> None:
    X, Y = examples(3)
    net = build("lecture 3")
    with torch.no_grad():
        net[-1].b += torch.linspace(-5000, 5000, 27)
    wanted = F.cross_entropy(net(X[:32]), Y[:32]).item()
    assert Engine(net, batch_size=32, block_size=3).backward(X[:32], Y[:32]) == pytest.approx(wanted, rel=1e-6)
    assert all(p.grad.isfinite().all() for p in net.parameters())


def test_it_says_what_it_is(build: Build) -> None:
    engine = Engine(build("lecture 3"), batch_size=32, block_size=3)
    assert repr(engine) == "Engine(11,897 parameters, batches of (32, 3), 28 calls a step and 1 an update)"


def embed() -> Embedding:
    return Embedding(27, 10, generator=g())


def shared() -> Sequential:
    layer = Linear(10, 10, generator=g())
    return Sequential(embed(), layer, layer, FlattenConsecutive(3), Linear(30, 27, generator=g()))


def shared_by_branches() -> Sequential:
    layer = Linear(30, 27, generator=g())
    return Sequential(embed(), FlattenConsecutive(3), Sum(layer, layer))


def frozen() -> Sequential:
    net = Sequential(embed(), FlattenConsecutive(3), Linear(30, 27, generator=g()))
    net[0].C.requires_grad_(False)
    return net


WRONG = {
    "dropout": (
        lambda: Sequential(embed(), nn.Dropout(), Linear(30, 27, generator=g())),
        ConfigError,
        "no program for Dropout, only for Embedding, FlattenConsecutive",
    ),
    "no embedding": (lambda: Sequential(Tanh()), ConfigError, "begins with its one Embedding"),
    "two embeddings": (lambda: Sequential(embed(), embed()), ConfigError, "begins with its one Embedding"),
    "no layers": (Sequential, ConfigError, "begins with its one Embedding"),
    "shared": (shared, ConfigError, "stands in two places"),
    "shared by branches": (shared_by_branches, ConfigError, "stands in two places"),
    "dropout in a branch": (
        lambda: Sequential(embed(), FlattenConsecutive(3), Sum(Linear(30, 27, generator=g()), nn.Dropout())),
        ConfigError,
        "no program for Dropout",
    ),
    "embedding in a branch": (
        lambda: Sequential(embed(), Sum(embed())),
        ConfigError,
        "begins with its one Embedding",
    ),
    "frozen": (frozen, ConfigError, "float32 frozen on cpu"),
    "half": (lambda: Sequential(embed(), FlattenConsecutive(3)).half(), ConfigError, "got torch.float16 on cpu"),
    "not flattened": (
        lambda: Sequential(embed(), Linear(10, 27, generator=g())),
        ShapeError,
        r"gives \(32, 3, 27\) for 32 contexts of 3.*FlattenConsecutive\(3\)",
    ),
    "does not fit": (
        lambda: Sequential(embed(), FlattenConsecutive(3), Linear(20, 27, generator=g())),
        ShapeError,
        "the last axis must be 20",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_it_cannot_train_is_refused(name: str) -> None:
    build, error, words = WRONG[name]
    with pytest.raises(error, match=words):
        Engine(build(), batch_size=32, block_size=3)


def test_a_batch_of_one_has_no_variance(build: Build) -> None:
    with pytest.raises(ShapeError, match="variance"):
        Engine(build("lecture 5"), batch_size=1, block_size=3)


def test_data_that_do_not_fit_are_refused(build: Build, examples: Data) -> None:
    X, Y = examples(3)
    engine = Engine(build("lecture 3"), batch_size=32, block_size=3)
    ix = draw_rows(X, 2)
    with pytest.raises(ShapeError, match=r"wanted contexts \(N, 3\), targets \(N,\) and rows \(K, 32\)"):
        engine.steps(X[:, :2], Y, ix, 0.1)
    with pytest.raises(ShapeError, match=r"rows \(2, 16\)"):
        engine.steps(X, Y, ix[:, :16], 0.1)
    with pytest.raises(ShapeError, match=r"targets \(31,\)"):
        engine.backward(X[:31], Y[:31])
    with pytest.raises(ConfigError, match=f"Rows go from 0 to {len(X)}; there are {len(X)} examples"):
        engine.steps(X, Y, np.full((1, 32), len(X)) * (np.arange(32) > 0), 0.1)
    with pytest.raises(ConfigError, match=r"lr .*\(3,\)"):
        engine.steps(X, Y, ix, [0.1, 0.1, 0.1])
    with pytest.raises(VocabularyError, match="ids from 0 to 27"):
        engine.backward(torch.full((32, 3), 27) * (torch.arange(3) > 0), Y[:32])
    with pytest.raises(VocabularyError, match="ids from -1 to"):
        engine.backward(X[:32], torch.full((32,), -1))
