"""models/recurrent.py against torch.nn.RNN and torch.nn.GRU, whose weights map onto ours one to one."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zth.compare import EXACT, FLOAT32, FLOAT64, same
from zth.errors import ConfigError
from zth.models import GRUModel, RecurrentConfig, RNNModel
from zth.models.recurrent import RecurrentContinuation, RecurrentModel

OPTIONS = RecurrentConfig(embedding=6, hidden=10)
KINDS = {"rnn": (RNNModel, nn.RNN), "gru": (GRUModel, nn.GRU)}


@pytest.fixture
def g() -> torch.Generator:
    return torch.Generator().manual_seed(5)


@pytest.fixture(params=KINDS)
def pair(request: pytest.FixtureRequest, g: torch.Generator) -> tuple[RecurrentModel, nn.Module]:
    """Ours in float64 with no weight at 0, and torch's net with the same weights."""
    kind, judge_class = KINDS[request.param]
    ours = kind(OPTIONS, generator=g).double()
    with torch.no_grad():
        for p in ours.parameters():
            p += 0.3 * torch.randn(p.shape, generator=g)
    judge = judge_class(6, 10, batch_first=True, dtype=torch.float64)
    cell = ours.cell
    with torch.no_grad():
        judge.weight_ih_l0.copy_(cell.from_x.W.T)
        judge.bias_ih_l0.copy_(cell.from_x.b)
        judge.weight_hh_l0.copy_(cell.from_h.W.T)
        judge.bias_hh_l0.copy_(torch.zeros(10) if cell.from_h.b is None else cell.from_h.b)
    return ours, judge


Pair = tuple[RecurrentModel, nn.Module]


def behind_a_boundary(n: int, T: int, g: torch.Generator) -> Tensor:
    """(n, T) ids: a boundary and T - 1 others."""
    return F.pad(torch.randint(1, 27, (n, T - 1), generator=g), (1, 0))


def test_states_are_torchs(pair: Pair, g: torch.Generator) -> None:
    ours, judge = pair
    ids = behind_a_boundary(7, 12, g)
    wanted, last = judge(ours.embedding(ids))  # from zeros
    assert same(ours.states(ids), wanted, FLOAT64)
    assert same(ours.last_state(ids), last[0], FLOAT64)
    assert same(ours(ids), wanted @ ours.output.W + ours.output.b, FLOAT64)


def test_gradients_are_torchs(pair: Pair, g: torch.Generator) -> None:
    ours, judge = pair
    ids = behind_a_boundary(7, 12, g)
    dy = torch.randn(7, 12, 10, generator=g).double()
    ours.states(ids).backward(dy)
    judge(ours.embedding.C.detach()[ids])[0].backward(dy)
    cell = ours.cell
    assert same(cell.from_x.W.grad.T, judge.weight_ih_l0.grad, FLOAT64)
    assert same(cell.from_x.b.grad, judge.bias_ih_l0.grad, FLOAT64)
    assert same(cell.from_h.W.grad.T, judge.weight_hh_l0.grad, FLOAT64)
    if cell.from_h.b is not None:
        assert same(cell.from_h.b.grad, judge.bias_hh_l0.grad, FLOAT64)


def test_a_boundary_starts_anew(pair: Pair, g: torch.Generator) -> None:
    ours, _ = pair
    first, second = behind_a_boundary(3, 5, g), behind_a_boundary(3, 6, g)
    wanted = torch.cat([ours.states(first), ours.states(second)], dim=1)
    assert same(ours.states(torch.cat([first, second], dim=1)), wanted, FLOAT64)


def test_a_context_without_its_boundary_gets_one(pair: Pair, g: torch.Generator) -> None:
    ours, _ = pair
    ids = behind_a_boundary(3, 5, g)
    assert same(ours.states(ids[:, 1:]), ours.states(ids)[:, 1:], FLOAT64)
    assert same(ours.last_state(ids[:, :0]), ours.last_state(ids[:, :1]), FLOAT64)
    assert ours(ids[:, :0]).shape == (3, 0, 27)


def test_remembers_further_back_than_the_block(g: torch.Generator) -> None:
    model = GRUModel(OPTIONS, generator=g).double()
    ids = behind_a_boundary(1, 25, g)
    other = ids.clone()
    other[0, 1] = other[0, 1] % 26 + 1
    assert not same(model.log_probs(ids), model.log_probs(other), EXACT)


def test_looks_never_ahead(pair: Pair, g: torch.Generator) -> None:
    ours, _ = pair
    ids = behind_a_boundary(1, 12, g)
    other = ids.clone()
    other[0, 6] = other[0, 6] % 26 + 1
    moved = (ours(ids) - ours(other)).abs().amax((0, 2)) > 1e-9
    assert moved.nonzero().flatten().tolist() == [6, 7, 8, 9, 10, 11]


class TestContinuation:
    def test_goes_on_as_if_all_were_read_again(self, pair: Pair, g: torch.Generator) -> None:
        ours, _ = pair
        ids = torch.randint(27, (5, 14), generator=g)  # with boundaries in the middle
        ids[0, 9] = 0
        continuation = ours.continuation(ids[:, :4])
        for t in range(4, 14):
            assert same(continuation.log_probs(), ours.log_probs(ids[:, :t]), FLOAT64)
            continuation.append(ids[:, t])
        assert torch.equal(continuation.contexts, ids)

    def test_costs_one_step_an_id(self, pair: Pair) -> None:
        ours, _ = pair
        continuation = ours.continuation(torch.zeros(5, 9, dtype=torch.int64))
        assert isinstance(continuation, RecurrentContinuation)
        n_steps = 0

        def count(*_: object) -> None:
            nonlocal n_steps
            n_steps += 1

        ours.cell.register_forward_hook(count)
        for _ in range(3):
            continuation.append(torch.ones(5, dtype=torch.int64))
            continuation.log_probs()
        assert n_steps == 3


def test_dropout_is_for_training_alone(g: torch.Generator) -> None:
    model = GRUModel(RecurrentConfig(hidden=8, embedding=4, dropout=0.5), generator=g)
    ids = behind_a_boundary(3, 5, g)
    assert not same(model(ids), model(ids), EXACT)
    model.eval()
    assert same(model(ids).log_softmax(-1), model.log_probs_everywhere(ids), FLOAT32)
    with pytest.raises(ConfigError, match="p from 0 up and below 1"):
        RecurrentConfig(dropout=1.5)


def test_rows_that_end_early_are_as_if_alone(pair: Pair, g: torch.Generator) -> None:
    """Work is saved on the boundaries behind a row: the states and the gradients are those of every step taken."""
    ours, judge = pair
    ids = behind_a_boundary(6, 9, g)
    for row, length in enumerate((4, 9, 0, 1, 7, 4)):
        ids[row, length:] = 0
    ids[4, 3] = 0  # a boundary within
    # at every boundary torch's net is started anew, from zeros
    pieces = [(b, t, min([u for u in range(t + 1, 10) if u == 9 or ids[b, u] == 0])) for b, t in zeros(ids)]
    wanted = torch.empty(6, 9, 10).double()
    for b, t, end in pieces:
        wanted[b, t:end] = judge(ours.embedding(ids[b : b + 1, t:end]))[0][0]
    states = ours.states(ids)
    assert same(states, wanted, FLOAT64)
    assert same(ours(ids), wanted @ ours.output.W + ours.output.b, FLOAT64)
    dy = torch.randn(6, 9, 10, generator=g).double()
    found = torch.autograd.grad(states, ours.embedding.C, dy)[0]
    wanted_grad = torch.autograd.grad(wanted, ours.embedding.C, dy)[0]
    assert same(found, wanted_grad, FLOAT64)


def zeros(ids: Tensor) -> list[list[int]]:
    places: list[list[int]] = (ids == 0).nonzero().tolist()
    return places


@pytest.mark.parametrize("shape", [(2, 0), (0, 3), (3, 4)])
def test_rows_without_anything(pair: Pair, shape: tuple[int, int]) -> None:
    ours, judge = pair
    states = ours.states(torch.zeros(shape, dtype=torch.int64))
    wanted = judge(ours.embedding(torch.zeros(1, 1, dtype=torch.int64)))[0][0]
    assert same(states, wanted.expand(*shape, -1), FLOAT64)
