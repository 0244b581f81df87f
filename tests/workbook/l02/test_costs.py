"""What a computation costs, against sums worked by hand."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from zth.workbook.l02_bigrams.costs import kept_bytes, peak_bytes, seconds

N, V = 1000, 27
TABLE = 4 * N * V  # bytes of an (N, V) float32 table


@pytest.fixture
def logits() -> torch.Tensor:
    return torch.randn(N, V, generator=torch.Generator().manual_seed(0))


def test_the_peak_is_what_lives_at_one_time() -> None:
    assert peak_bytes(lambda: None) == 0
    assert peak_bytes(lambda: [torch.zeros(1000) for _ in range(5)]) == 5 * 4000  # all are held
    assert peak_bytes(lambda: [torch.zeros(1000).sum() for _ in range(5)]) == 4000 + 5 * 4  # one after the other


def test_views_and_results_written_in_place_are_no_new_memory(logits: torch.Tensor) -> None:
    assert peak_bytes(lambda: logits.view(V, N).t()[3:]) == 0
    assert peak_bytes(lambda: logits.clone().add_(1).exp_()[0]) == TABLE


def test_one_hot_rows_take_what_the_formula_says(logits: torch.Tensor) -> None:
    xs = torch.randint(V, (N,), generator=torch.Generator().manual_seed(1))
    assert peak_bytes(lambda: F.one_hot(xs, V)) == 8 * N * V
    assert peak_bytes(lambda: F.one_hot(xs, V).float()) == (8 + 4) * N * V


def test_the_backward_pass_counts_too(logits: torch.Tensor) -> None:
    leaf = logits.clone().requires_grad_()
    forward = peak_bytes(lambda: leaf.exp().exp().sum())
    both = peak_bytes(lambda: torch.autograd.grad(leaf.exp().exp().sum(), leaf))
    assert forward >= 2 * TABLE
    assert both >= 3 * TABLE


def test_kept_is_what_the_backward_pass_needs(logits: torch.Tensor) -> None:
    leaf = logits.clone().requires_grad_()
    assert kept_bytes(lambda: (2 * leaf).sum(), [leaf]) == []  # the slope is 2, whatever went in
    assert kept_bytes(lambda: leaf.exp().sum(), [leaf]) == [TABLE]
    assert kept_bytes(lambda: (leaf * leaf).sum(), [leaf]) == []  # only the leaf itself
    assert kept_bytes(lambda: (leaf.exp() * leaf.exp()).sum(), [leaf]) == [TABLE, TABLE]


def test_the_ways_take_turns_on_one_thread() -> None:
    before, calls, threads = torch.get_num_threads(), [], set[int]()

    def way(name: str) -> None:
        calls.append(name)
        threads.add(torch.get_num_threads())

    torch.set_num_threads(2)  # the tests themselves run on one
    try:
        found = seconds({"a": lambda: way("a"), "b": lambda: way("b")}, rounds=3)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert calls == ["a", "b"] * 4  # one round more, which does not count
    assert threads == {1}
    assert list(found) == ["a", "b"]
    assert min(found.values()) > 0
