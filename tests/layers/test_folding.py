"""layers/folding.py: equal outputs in evaluation, and torch's own fusion as a second judge."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_linear_bn_weights

from zth.compare import largest_difference, same
from zth.errors import ShapeError
from zth.layers import BatchNorm1d, Embedding, FlattenConsecutive, Linear, ReLU, Sequential, Tanh
from zth.layers.folding import fold, fold_pair


def norm(n: int, g: torch.Generator) -> BatchNorm1d:
    """One that has seen data, and learnt."""
    layer = BatchNorm1d(n)
    with torch.no_grad():
        layer.gamma.copy_(torch.randn(n, generator=g) + 1)
        layer.beta.copy_(torch.randn(n, generator=g))
        layer.running_mean.copy_(torch.randn(n, generator=g))
        layer.running_var.copy_(torch.rand(n, generator=g) * 2 + 0.05)
    return layer


def linear(m: int, n: int, g: torch.Generator, **options) -> Linear:
    return Linear(m, n, generator=g, bias_std=0.5, **options)


def kinds(model: nn.Module) -> str:
    """The leaves in order, nesting shown: "Linear Tanh (Linear)"."""
    inner = [f"({kinds(child)})" if isinstance(child, Sequential) else type(child).__name__ for child in model]
    return " ".join(inner)


def shared(g):
    once = linear(4, 4, g)
    return Sequential(once, norm(4, g), Tanh(), once, norm(4, g), Tanh(), once)


def shared_chain(g):
    chain = Sequential(linear(4, 4, g))
    return Sequential(chain, norm(4, g), Tanh(), chain, norm(4, g))


class Residual(nn.Module):
    """Not a Sequential, but holds one."""

    def __init__(self, g) -> None:
        super().__init__()
        self.inner = Sequential(linear(4, 4, g), norm(4, g), Tanh())

    def forward(self, x):
        return x + self.inner(x)


class Doubling(Linear):
    def forward(self, x):
        return 2 * super().forward(x)


CHAINS = {
    "one pair": (lambda g: Sequential(linear(4, 5, g), norm(5, g)), "Linear"),
    "without bias": (lambda g: Sequential(linear(4, 5, g, bias=False), norm(5, g)), "Linear"),
    "two norms": (lambda g: Sequential(linear(4, 5, g), norm(5, g), norm(5, g), Tanh()), "Linear Tanh"),
    "three layers": (
        lambda g: Sequential(
            *[layer for _ in range(3) for layer in (linear(4, 4, g, bias=False), norm(4, g), Tanh())], linear(4, 2, g)
        ),
        "Linear Tanh Linear Tanh Linear Tanh Linear",
    ),
    "norm first": (lambda g: Sequential(norm(4, g), linear(4, 3, g), norm(3, g)), "BatchNorm1d Linear"),
    "norm behind relu": (lambda g: Sequential(linear(4, 3, g), ReLU(), norm(3, g)), "Linear ReLU BatchNorm1d"),
    "nested before": (lambda g: Sequential(Sequential(Tanh(), linear(4, 3, g)), norm(3, g)), "(Tanh Linear)"),
    "nested behind": (lambda g: Sequential(linear(4, 3, g), Sequential(norm(3, g), Tanh())), "Linear (Tanh)"),
    "nested twice": (
        lambda g: Sequential(Sequential(Sequential(linear(4, 3, g))), Sequential(Sequential(norm(3, g)), norm(3, g))),
        "((Linear)) (())",
    ),
    "empty between": (lambda g: Sequential(linear(4, 3, g), Sequential(), norm(3, g)), "Linear ()"),
    "a layer in three places": (shared, "Linear Tanh Linear Tanh Linear"),
    "a chain in two places": (shared_chain, "(Linear) Tanh (Linear)"),
    "another module between": (
        lambda g: Sequential(linear(4, 4, g), Residual(g), norm(4, g)),
        "Linear Residual BatchNorm1d",
    ),
    "a subclass": (
        lambda g: Sequential(Doubling(4, 4, generator=g), norm(4, g)),
        "Doubling BatchNorm1d",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("shape", [(16, 4), (5, 3, 4)], ids=["(B, C)", "(B, T, C)"])
def test_equal_in_evaluation(name, shape, dtype, g) -> None:
    build, wanted = CHAINS[name]
    model = build(g).to(dtype).train()
    before, x = copy.deepcopy(model.state_dict()), torch.randn(shape, generator=g).to(dtype)
    folded = fold(model)
    assert kinds(folded) == wanted
    assert not any(module.training for module in folded.modules())
    # the original is as it was, and lends nothing
    assert all(module.training for module in model.modules())
    assert {name: value.tolist() for name, value in model.state_dict().items()} == {
        name: value.tolist() for name, value in before.items()
    }
    assert not {p.data_ptr() for p in model.parameters()} & {p.data_ptr() for p in folded.parameters()}
    y = folded(x)
    assert y.dtype == dtype
    assert largest_difference(y, model.eval()(x)) < (1e-12 if dtype == torch.float64 else 1e-5)


def test_a_tree_of_pairs(dtype, g) -> None:
    """Lecture 6's: FlattenConsecutive deals the channels out, but stands behind the tanh."""
    model = (
        Sequential(
            Embedding(27, 10, generator=g),
            *[
                layer
                for fan_in in (20, 136, 136)
                for layer in (FlattenConsecutive(2), linear(fan_in, 68, g, bias=False), norm(68, g), Tanh())
            ],
            linear(68, 27, g),
        )
        .to(dtype)
        .eval()
    )
    ids = torch.randint(27, (64, 8), generator=g)
    folded = fold(model)
    assert not any(isinstance(module, BatchNorm1d) for module in folded.modules())
    assert largest_difference(folded(ids), model(ids)) < (1e-12 if dtype == torch.float64 else 1e-5)


def test_a_norm_behind_a_flattening_stays(g) -> None:
    model = Sequential(linear(4, 3, g), FlattenConsecutive(2), norm(6, g)).eval()
    x = torch.randn(5, 4, 4, generator=g)
    assert kinds(fold(model)) == "Linear FlattenConsecutive BatchNorm1d"
    assert same(fold(model)(x), model(x))


def test_sequentials_inside_other_modules(g) -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.ModuleList([Residual(g), Residual(g)])
            self.head = Sequential(Residual(g), linear(4, 2, g), norm(2, g))

        def forward(self, x):
            for block in self.blocks:
                x = block(x)
            return self.head(x)

    model = Model().double().eval()
    folded = fold(model)
    assert isinstance(folded, Model)
    assert not any(isinstance(module, BatchNorm1d) for module in folded.modules())
    x = torch.randn(6, 4, generator=g).double()
    assert same(folded(x), model(x))


def test_the_pair_is_torchs(dtype, tolerance, g) -> None:
    one, two = linear(4, 3, g).to(dtype), norm(3, g).to(dtype)
    weight, bias = fuse_linear_bn_weights(
        nn.Parameter(one.W.detach().T), one.b, two.running_mean, two.running_var, two.eps, two.gamma, two.beta
    )
    folded = fold_pair(one, two)
    assert same(folded.W.T, weight, tolerance)
    assert same(folded.b, bias, tolerance)
    assert folded.W.requires_grad
    assert folded.W.is_leaf


def test_after_training_too(g) -> None:
    model = Sequential(linear(4, 8, g), BatchNorm1d(8), Tanh(), linear(8, 3, g), BatchNorm1d(3)).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(50):
        x = torch.randn(16, 4, generator=g).double()
        optimizer.zero_grad()
        ((model(x) - x[:, :3]) ** 2).mean().backward()
        optimizer.step()
    x = torch.randn(9, 4, generator=g).double()
    folded = fold(model)
    assert same(folded(x), model.eval()(x))


def test_names_what_does_not_fit(g) -> None:
    with pytest.raises(ShapeError, match=r"BatchNorm1d\(5\) stands behind Linear\(4 -> 3\).*Build BatchNorm1d\(3\)"):
        fold(Sequential(linear(4, 3, g), norm(5, g)))
