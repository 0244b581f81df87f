"""train/muon.py against singular values, and steps worked by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zth.compare import FLOAT64, Tolerance, same
from zth.errors import ConfigError
from zth.models.gpt import GPTModel, preset
from zth.train.muon import NEWTON_SCHULZ, Muon, MuonAndAdamW, decay_groups, muon_groups, orthogonalised


@pytest.fixture
def g() -> torch.Generator:
    return torch.Generator().manual_seed(5)


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 8, 20), (2, 20, 8), (1, 1, 5), (1, 5, 1)])
def test_keeps_directions_and_evens_out_their_lengths(shape, g) -> None:
    x = torch.randn(shape, generator=g, dtype=torch.float64)
    U, S, Vh = torch.linalg.svd(x, full_matrices=False)
    y = orthogonalised(x)
    within = U.mT @ y @ Vh.mT  # diagonal: U and V are still the singular vectors
    lengths = within.diagonal(dim1=1, dim2=2)
    assert same(within, torch.diag_embed(lengths), FLOAT64)
    # by hand: each singular value goes through the same polynomial by itself
    a, b, c = NEWTON_SCHULZ
    s = S / x.norm(dim=(1, 2))[:, None]
    for _ in range(5):
        s = a * s + b * s**3 + c * s**5
    # the 1e-7 beside the norm, grown by up to 3.4445 in each round
    assert same(lengths, s, Tolerance(relative=1e-5, absolute=1e-5))
    large = lengths[0.05 * S.amax(dim=1, keepdim=True) < S]
    assert large.min() > 0.6
    assert large.max() < 1.3


def test_in_bfloat16_is_nearly_the_same(g) -> None:
    x = torch.randn(2, 6, 9, generator=g)
    half = orthogonalised(x, half=True)
    assert half.dtype == torch.float32
    assert 0 < (half - orthogonalised(x)).abs().max() < 0.1  # 8 bits, through five rounds


def test_of_zeros_is_zeros() -> None:
    assert torch.equal(orthogonalised(torch.zeros(1, 3, 4)), torch.zeros(1, 3, 4))


def test_two_steps_by_hand(g) -> None:
    W = nn.Parameter(torch.randn(4, 9, generator=g, dtype=torch.float64))
    wanted, buffer = W.detach().clone(), torch.zeros(4, 9, dtype=torch.float64)
    optimizer = Muon([W], lr=0.1, momentum=0.9, weight_decay=0.5)
    for _ in range(2):
        W.grad = torch.randn(4, 9, generator=g, dtype=torch.float64)
        optimizer.step()
        buffer = 0.9 * buffer + 0.1 * W.grad
        nesterov = 0.1 * W.grad + 0.9 * buffer
        wanted = wanted * (1 - 0.1 * 0.5) - 0.1 * (9 / 4) ** 0.5 * orthogonalised(nesterov[None])[0]
        assert same(W, wanted, FLOAT64)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch has Muon since 2.9")
@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4)])
def test_is_torchs(shape, half, g) -> None:
    ours = nn.Parameter(torch.randn(shape, generator=g))
    theirs = nn.Parameter(ours.detach().T.clone())  # torch's matrices are (fan_out, fan_in)
    mine = Muon([ours], lr=0.1, weight_decay=0.2, half=half)
    other = torch.optim.Muon([theirs], lr=0.1, momentum=0.95, weight_decay=0.2)
    for _ in range(5):
        ours.grad = torch.randn(shape, generator=g)
        theirs.grad = ours.grad.T.clone()
        mine.step()
        other.step()
    # torch iterates in bfloat16, which keeps 2 to 3 digits of a step of 0.1
    assert (ours - theirs.T).abs().max() < 0.02


def test_matrices_side_by_side_are_moved_apart(g) -> None:
    joined = nn.Parameter(torch.randn(6, 10, generator=g, dtype=torch.float64))
    apart = [nn.Parameter(part.clone()) for part in joined.detach().split([6, 2, 2], dim=1)]
    joined.grad = torch.randn(6, 10, generator=g, dtype=torch.float64)
    for p, grad in zip(apart, joined.grad.split([6, 2, 2], dim=1), strict=True):
        p.grad = grad
    Muon([{"params": [joined], "splits": [6, 2, 2]}]).step()
    Muon(apart).step()
    assert same(joined, torch.cat([p.detach() for p in apart], 1), FLOAT64)


def test_parameters_without_a_gradient_stay() -> None:
    W = nn.Parameter(torch.ones(2, 2))
    Muon([W], weight_decay=0.5).step()
    assert torch.equal(W, torch.ones(2, 2))


def test_goes_on_from_its_state(g) -> None:
    def steps(optimizer: Muon, W: nn.Parameter, numbers: range) -> None:
        for number in numbers:
            W.grad = torch.randn(3, 3, generator=torch.Generator().manual_seed(number))
            optimizer.step()

    W, again = (nn.Parameter(torch.ones(3, 3)) for _ in range(2))
    whole, first, second = Muon([W]), Muon([again]), Muon([again])
    steps(whole, W, range(4))
    steps(first, again, range(2))
    second.load_state_dict(first.state_dict())
    steps(second, again, range(2, 4))
    assert torch.equal(W, again)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Muon([nn.Parameter(torch.ones(3))]), r"Muon is for matrices; got a parameter of \(3,\)"),
        (lambda: Muon([nn.Parameter(torch.ones(3, 3))], lr=-1), r"Muon got lr=-1"),
        (lambda: Muon([nn.Parameter(torch.ones(3, 3))], momentum=1), r"momentum=1"),
        (
            lambda: Muon([{"params": [nn.Parameter(torch.ones(3, 3))], "splits": [2, 2]}]),
            r"splits \[2, 2\] do not add up to 3 columns",
        ),
    ],
)
def test_refusals(make, words) -> None:
    with pytest.raises(ConfigError, match=words):
        make()


class TestGroups:
    def test_of_a_gpt(self) -> None:
        model = GPTModel(preset("lecture", vocab_size=65, layers=2, width=48), generator=torch.Generator())
        hidden, rest = muon_groups(model, weight_decay=0.1)
        names = {id(p): name for name, p in model.named_parameters()}
        muon = {names[id(p)] for group in hidden for p in group["params"]}
        assert muon == {
            f"blocks.{i}.{part}.W"
            for i in (0, 1)
            for part in ("attention.qkv", "attention.output", "mlp.up", "mlp.down")
        }
        assert [group["splits"] for group in hidden if group["splits"]] == [[48, 48, 48]]
        adam = [names[id(p)] for group in rest for p in group["params"]]
        assert {"embedding.C", "positions.C", "head.W", "head.b", "norm.gamma"} <= set(adam)
        assert len(muon) + len(adam) == len(names)
        Muon(hidden)

    def test_matrices_decay_and_vectors_do_not(self) -> None:
        model = GPTModel(preset("lecture", vocab_size=65, layers=1, width=48), generator=torch.Generator())
        decayed, kept = decay_groups(model, 0.1)
        assert (decayed["weight_decay"], kept["weight_decay"]) == (0.1, 0.0)
        assert {p.dim() for p in decayed["params"]} == {2}
        assert {p.dim() for p in kept["params"]} == {1}
        assert len(decayed["params"]) + len(kept["params"]) == len(list(model.parameters()))
        assert len(decay_groups(GPTModel(preset("nano"), generator=torch.Generator()), 0.1)) == 1

    def test_with_tied_weights_the_table_is_adams(self) -> None:
        model = GPTModel(preset("nano", tie_weights=True), generator=torch.Generator())
        hidden, rest = muon_groups(model)
        assert sum(len(group["params"]) for group in hidden) == 8
        assert [p is model.embedding.C for group in rest for p in group["params"]] == [True]


def test_both_at_once_are_each_by_itself(g) -> None:
    """MuonAndAdamW moves the matrices as Muon and the rest as torch's AdamW; its state can be put into another."""
    nets = [GPTModel(preset("nano", vocab_size=7, output_init="same"), generator=g) for _ in range(2)]
    nets[1].load_state_dict(nets[0].state_dict())
    both = MuonAndAdamW(nets[0], lr_rest=0.5, weight_decay=0.1, beta2=0.95)
    hidden, rest = muon_groups(nets[1], 0.1)
    apart = [Muon(hidden, lr=0.02), torch.optim.AdamW(rest, lr=0.01, betas=(0.9, 0.95))]
    for _ in range(3):
        for p, q in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
            p.grad = torch.randn(p.shape, generator=g)
            q.grad = p.grad.clone()
        both.step(0.02)
        for optimizer in apart:
            optimizer.step()
    for p, q in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        assert torch.allclose(p, q, atol=1e-6)
    assert len(both.state()) == len(both.matrices) + 2 * len(both.adamw.parameters) + 1
    assert all(momentum.any() for name, momentum in both.state().items() if name.startswith("momentum"))


def test_a_net_without_a_matrix_for_muon(g) -> None:
    with pytest.raises(ConfigError, match="has no matrix for Muon between its ends"):
        MuonAndAdamW(nn.Sequential(), lr_rest=1.0)
