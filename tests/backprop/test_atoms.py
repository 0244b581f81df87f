"""atoms.py, judged by torch's autograd, by finite differences and by hand."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch
from torch import Tensor

import zth.backprop
from zth.backprop import atoms
from zth.backprop.atoms import Parameters, backward, forward
from zth.compare import FLOAT64, LECTURE_5, Tolerance, difference, finite_differences, largest_difference
from zth.errors import ConfigError, ShapeError
from zth.seeds import stream

# exercise 5.1's, in the order in which the lecture asks for them
ORDER = [
    "logprobs",
    "probs",
    "counts_sum_inv",
    "counts_sum",
    "counts",
    "norm_logits",
    "logit_maxes",
    "logits",
    "h",
    "W2",
    "b2",
    "hpreact",
    "bngain",
    "bnbias",
    "bnraw",
    "bnvar_inv",
    "bnvar",
    "bndiff2",
    "bndiff",
    "bnmeani",
    "hprebn",
    "embcat",
    "W1",
    "b1",
    "emb",
    "C",
]


def draw(dtype: torch.dtype, hidden: int = 64) -> Parameters:
    drawn = Parameters.draw(stream(42, "init"), hidden=hidden)
    return Parameters(*(p.to(dtype).requires_grad_() for p in drawn))


def both(dtype: torch.dtype, batch: tuple[Tensor, Tensor], hidden: int = 64) -> tuple[dict[str, Tensor], ...]:
    """Our 26 gradients, and autograd's."""
    t = forward(draw(dtype, hidden), *batch)
    for name in ORDER:
        getattr(t, name).retain_grad()
    t.loss.backward()
    with torch.no_grad():
        return backward(t), {name: getattr(t, name).grad for name in ORDER}


def test_there_are_26_in_the_lectures_order(batch: tuple[Tensor, Tensor]) -> None:
    ours, _ = both(torch.float32, batch)
    assert list(ours) == ORDER
    assert len(ORDER) == 26


@pytest.mark.parametrize(
    ("dtype", "hidden", "tolerance"),
    [(torch.float32, 64, LECTURE_5), (torch.float64, 64, FLOAT64), (torch.float64, 200, FLOAT64)],
)
def test_each_gradient_is_autograds(
    dtype: torch.dtype, hidden: int, tolerance: Tolerance, batch: tuple[Tensor, Tensor]
) -> None:
    ours, wanted = both(dtype, batch, hidden)
    for name in ORDER:
        assert ours[name].dtype == dtype
        assert difference(ours[name], wanted[name], tolerance) is None, name


def test_in_float64_hardly_a_digit_is_lost(batch: tuple[Tensor, Tensor]) -> None:
    ours, wanted = both(torch.float64, batch)
    for name in ORDER:
        assert largest_difference(ours[name], wanted[name]) < 1e-15 * max(1.0, float(wanted[name].abs().max())), name


def test_the_parameters_gradients_are_slopes(batch: tuple[Tensor, Tensor]) -> None:
    parameters = Parameters(*(p.detach() for p in draw(torch.float64)))
    ours = backward(forward(parameters, *batch))
    for name, p in parameters._asdict().items():
        for place in (0, p.numel() // 2, p.numel() - 1):

            def loss(at: list[float], p: Tensor = p, place: int = place, name: str = name) -> float:
                moved = p.clone()
                moved.view(-1)[place] = at[0]
                return forward(parameters._replace(**{name: moved}), *batch).loss.item()

            slope = finite_differences(loss, [p.view(-1)[place].item()])[0]
            assert slope == pytest.approx(ours[name].reshape(-1)[place].item(), abs=1e-8), (name, place)


def test_a_row_of_c_that_is_asked_for_twice_gets_both_gradients() -> None:
    demb = torch.tensor([[[1.0, 2.0], [10.0, 20.0]], [[100.0, 200.0], [1000.0, 2000.0]]])
    xb = torch.tensor([[2, 0], [2, 1]])
    assert atoms.dC(demb, xb, torch.zeros(3, 2)).tolist() == [[10.0, 20.0], [1000.0, 2000.0], [101.0, 202.0]]


def test_the_shift_of_the_logits_moves_nothing(batch: tuple[Tensor, Tensor]) -> None:
    ours, _ = both(torch.float64, batch)
    assert ours["logit_maxes"].abs().max() < 1e-15
    assert ours["b1"].abs().max() < 1e-15


def test_nothing_in_the_room_calls_autograd(batch: tuple[Tensor, Tensor]) -> None:
    with torch.inference_mode():  # where autograd cannot run at all
        t = forward(Parameters.draw(stream(42, "init")), *batch)
        assert len(backward(t)) == 26
    for path in Path(zth.backprop.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
        called = {node.attr for node in attributes} & {"autograd", "requires_grad_", "retain_grad"}
        assert not called, f"{path.name} uses {called}"
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        loss_backward = [f.value.id for f in calls if isinstance(f, ast.Attribute) and f.attr == "backward"]  # type: ignore[attr-defined]
        assert not loss_backward, f"{path.name} calls backward() of {loss_backward}"


def test_the_sizes_of_the_lecture() -> None:
    assert sum(p.numel() for p in Parameters.draw(stream(1, "init"))) == 4137
    assert sum(p.numel() for p in Parameters.draw(stream(1, "init"), hidden=200)) == 12297


def test_nothing_starts_at_exactly_zero_or_one() -> None:
    for p in Parameters.draw(stream(1, "init")):
        assert bool(((p != 0) & (p != 1)).all())


def test_what_does_not_fit_is_refused() -> None:
    parameters = Parameters.draw(stream(1, "init"))
    with pytest.raises(ShapeError, match=r"contexts \(4, 8\).*W1 takes \(n, 3\)"):
        forward(parameters, torch.zeros(4, 8, dtype=torch.int64), torch.zeros(4, dtype=torch.int64))
    with pytest.raises(ShapeError, match="no variance"):
        forward(parameters, torch.zeros(1, 3, dtype=torch.int64), torch.zeros(1, dtype=torch.int64))
    with pytest.raises(ConfigError, match="hidden must be at least 1; got 0"):
        Parameters.draw(stream(1, "init"), hidden=0)
