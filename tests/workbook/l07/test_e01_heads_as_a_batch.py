"""7.1: the solution against the lecture's list, the library and torch, the measured story, and real wrong files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from zth.compare import FLOAT64, same
from zth.models.gpt.lecture import HeadList, as_attention
from zth.runs import read
from zth.workbook.exercise import get
from zth.workbook.l07_gpt.e01_heads_as_a_batch import check, solution
from zth.workbook.measure import measure

EXERCISE = get("7.1")


def test_the_experiment_finds_equal_outputs_and_gradients(tmp_path: Path) -> None:
    record = read(measure(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    held = [figure for figure in record.figures if figure.reference is not None]
    assert len(held) == 10
    assert [figure.name for figure in held if not figure.ok] == []
    assert [block["kind"] for block in record.blocks].count("plot") == 3
    assert [block["kind"] for block in record.blocks].count("table") == 4


@pytest.mark.parametrize(("width", "n_heads"), [(12, 3), (8, 1), (8, 8)])
def test_the_solution_is_the_lectures_list_and_the_librarys_class(width: int, n_heads: int) -> None:
    g = torch.Generator().manual_seed(7)
    heads = HeadList(width, n_heads, generator=g).double()
    with torch.no_grad():
        for parameter in heads.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=g, dtype=torch.float64))
    x = torch.randn(3, 7, width, generator=g, dtype=torch.float64)
    got = solution.attention(x, solution.of_heads(heads), n_heads)
    assert same(got, heads(x), FLOAT64)
    assert same(got, as_attention(heads)(x), FLOAT64)


def test_the_solution_is_the_stubs_list_of_heads_and_its_gradients() -> None:
    stub: dict[str, object] = {}
    exec((EXERCISE.folder / "stub.py").read_text(), stub)
    for x, weights, n_heads, dy in check._cases(True):
        leaves = {name: p.clone().requires_grad_() for name, p in {"x": x, **weights}.items()}
        y = stub["list_of_heads"](leaves["x"], leaves, n_heads)  # type: ignore[operator]
        y.backward(dy)
        assert same(solution.attention(x, weights, n_heads), y, FLOAT64)
        wanted = {name: leaf.grad for name, leaf in leaves.items()}
        assert same(solution.gradients(x, weights, n_heads, dy), wanted, FLOAT64)


def test_joining_undoes_splitting() -> None:
    for x, n_heads in check._whole():
        split = solution.split_heads(x, n_heads)
        assert torch.equal(split[:, 0], x[..., : x.shape[-1] // n_heads])
        assert torch.equal(solution.join_heads(split), x)


@pytest.mark.parametrize(
    ("style", "old", "new", "mistake"),
    [
        (
            "lecture_style",
            "x.view(B, T, n_heads, C // n_heads).transpose(1, 2)",
            "x.reshape(B, n_heads, T, C // n_heads)",
            "a view without transpose",
        ),
        ("lecture_style", "y.transpose(1, 2).reshape", "y.reshape", "joined without transposing back"),
        ("lecture_style", "q.shape[-1] ** -0.5", "x.shape[-1] ** -0.5", "scaled by the width"),
        ("lecture_style", 'float("-inf")', "0.0", "filled with 0"),
        ("lecture_style", "torch.ones(T, T)) == 0", "torch.ones(T, T), 1) == 0", "sees the next position"),
        ("lecture_style", "torch.ones(T, T)) == 0", "torch.ones(T, T), -1) == 0", "does not see itself"),
        ("lecture_style", "F.softmax(wei, dim=-1)", "F.softmax(wei, dim=1)", "softmax over the heads"),
        (
            "lecture_style",
            "F.dropout(wei, dropout, training)",
            "F.dropout(wei, dropout)",
            "dropout active in evaluation",
        ),
        ("fused", ", is_causal=True", "", "no causal mask"),
        ("fused", "dropout if training else 0.0", "dropout", "dropout active in evaluation"),
        ("fused", 'weights["Wo"].T', 'weights["Wo"]', "projection on its side"),
        ("fused", ".backward(dy)", ".sum().backward()", "dy ignored"),
        ("numpy_by_hand", " / (1 - dropout)", "", "dropout without its division"),
    ],
)
def test_slips_in_a_real_file_are_named(slip, style: str, old: str, new: str, mistake: str) -> None:
    failure = slip(EXERCISE, style, old, new).first_failure
    assert failure is not None
    assert failure.mistake == mistake
