import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from zth.autograd import Value
from zth.autograd import functional as ours
from zth.compare import same
from zth.errors import ConfigError, DomainError, ShapeError

LOGITS = [0.0, 3.0, -2.0, 1.0]


def leaves(numbers: list[float]) -> list[Value]:
    return [Value(x) for x in numbers]


def data(values: list[Value]) -> list[float]:
    return [v.data for v in values]


def tensor(numbers: Any) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64, requires_grad=True)


def test_the_lectures_gradient_to_its_printed_digits() -> None:
    # LECTURES 1.2: logits 0, 3, -2, 1 and label 3, by softmax and then a logarithm
    logits = leaves(LOGITS)
    (-ours.softmax(logits)[3].log()).backward()
    printed = ["0.0417725705", "0.8390245075", "0.0056533027", "-0.8864503806"]
    assert [f"{x.grad:.10f}" for x in logits] == printed
    again = leaves(LOGITS)
    ours.cross_entropy(again, 3).backward()
    assert [f"{x.grad:.10f}" for x in again] == printed


@pytest.mark.parametrize("logits", [LOGITS, [0.5], [2.0, 2.0, 2.0], [-700.0, 0.0, 700.0], [1e4, 1e4 - 1]])
def test_values_and_gradients_are_torchs(logits: list[float]) -> None:
    for target in range(len(logits)):
        mine, judge = leaves(logits), tensor(logits)
        loss, wanted = ours.cross_entropy(mine, target), F.cross_entropy(judge[None], torch.tensor([target]))
        loss.backward()
        wanted.backward()
        assert judge.grad is not None
        assert same(loss.data, wanted)
        assert same([x.grad for x in mine], judge.grad)
    judge = tensor(logits)
    assert same(data(ours.softmax(logits)), judge.softmax(0))
    assert same(data(ours.log_softmax(logits)), judge.log_softmax(0))
    assert same(ours.logsumexp(logits).data, judge.logsumexp(0))


def test_each_softmax_output_has_torchs_gradient() -> None:
    for i in range(len(LOGITS)):
        mine, judge = leaves(LOGITS), tensor(LOGITS)
        ours.softmax(mine)[i].backward()
        judge.softmax(0)[i].backward()
        assert judge.grad is not None
        assert same([x.grad for x in mine], judge.grad)


def test_a_masked_logit_has_probability_zero() -> None:
    assert data(ours.softmax([0.0, -math.inf])) == [1.0, 0.0]
    assert data(ours.log_softmax([0.0, -math.inf])) == [0.0, -math.inf]


def test_far_apart_logits_are_safe_only_through_log_softmax() -> None:
    with pytest.raises(DomainError, match="log"):
        ours.softmax([0.0, 1000.0])[0].log()
    assert ours.log_softmax([0.0, 1000.0])[0].data == -1000.0


def test_nll_takes_the_targets_entry() -> None:
    assert ours.nll([-0.5, Value(-2.0)], 1).data == 2.0
    for target in (2, -1):
        with pytest.raises(ShapeError, match=f"The target {target} is not among 2 classes"):
            ours.nll([-0.5, -2.0], target)


def test_svm_loss_is_the_mean_hinge() -> None:
    scores, labels = [2.0, 0.5, -3.0, 0.2], [1, -1, -1, 1]
    mine, judge = leaves(scores), tensor(scores)
    loss, wanted = ours.svm_loss(mine, labels), (1 - torch.tensor(labels) * judge).relu().mean()
    loss.backward()
    wanted.backward()
    assert judge.grad is not None
    assert same(loss.data, wanted)
    assert same([x.grad for x in mine], judge.grad)


def test_arrays_of_numbers_will_do() -> None:
    assert same(data(ours.softmax(np.array(LOGITS))), tensor(LOGITS).softmax(0))  # type: ignore[arg-type]
    assert ours.svm_loss(np.array([2.0, 0.5]), np.array([1, -1])).data == 0.75  # type: ignore[arg-type]


def test_what_does_not_fit_is_refused() -> None:
    for f in (ours.softmax, ours.log_softmax, ours.logsumexp, lambda xs: ours.svm_loss(xs, [])):
        with pytest.raises(ShapeError, match="empty"):
            f([])
    with pytest.raises(ShapeError, match="2 scores and 1 labels"):
        ours.svm_loss([1.0, 2.0], [1])
    with pytest.raises(ConfigError, match="must be -1 or"):
        ours.svm_loss([1.0, 2.0], [0, 1])
