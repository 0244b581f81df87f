"""Check of 6.1: a batch in training, what is remembered, evaluation with other lengths; then outputs to look at."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zth.compare import as_array
from zth.workbook.check import Mistake, Part
from zth.workbook.l06_wavenet.e01_batchnorm_bug.solution import batch_norm, numbers

Batch = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
"""x, gamma, beta, running_mean, running_var."""
Result = tuple[Tensor, Tensor, Tensor]
Norm = Callable[..., Result]

C = 3


def _normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _vectors() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    gamma, beta, mean, var = (_normal(C, seed=seed) for seed in (1, 2, 3, 4))
    return gamma + 2, beta, mean, 0.5 + var.abs()


def _x(*shape: int, seed: int) -> Tensor:
    """(..., C): each channel, and on three axes each position, with a mean and a spread of its own.

    The last channel hardly varies at all: there eps, 1e-5, is not small.
    """
    x = _normal(*shape, seed=seed) * torch.tensor([1.0, 3.0, 1.0]) + torch.tensor([0.0, 2.0, 0.0])
    if len(shape) == 3:
        t = torch.arange(shape[1])[:, None]
        x = x * (1 + t) + t
    return x * torch.tensor([1.0, 1.0, 1e-3])


@cache
def _training() -> list[Batch]:
    """The task's example; two axes; three, once with as many positions as channels; two examples of one channel."""
    one, zero = torch.ones(1), torch.zeros(1)
    example = torch.tensor([[[1.0], [5.0]], [[3.0], [7.0]]])
    shapes = [(8, C), (6, 4, C), (5, C, C), (2, 2, C)]
    cases = [(_x(*shape, seed=seed), *_vectors()) for seed, shape in enumerate(shapes, 60)]
    return [(example, one, zero, zero, one), *cases, (torch.tensor([[1.0], [5.0]]), one, zero, zero, one)]


@cache
def _evaluation() -> list[Batch]:
    return [(_x(*shape, seed=seed), *_vectors()) for seed, shape in enumerate([(5, C), (4, 4, C), (3, 2, C)], 70)]


@cache
def _afterwards() -> list[tuple[Tensor, Tensor]]:
    """A batch to train on, and what comes later: a single example, a shorter text, a longer one."""
    return [(_x(6, 4, C, seed=80), _x(*shape, seed=81)) for shape in [(1, 4, C), (3, 2, C), (2, 7, C)]]


@cache
def _otherwise() -> list[tuple[Tensor, Tensor, Tensor, Tensor, Tensor, bool]]:
    """What is asked with another momentum and another eps: once in training, once in evaluation."""
    return [(_x(6, 4, C, seed=75), *_vectors(), training) for training in (True, False)]


def _around(means: list[list[float]], *, seed: int) -> Tensor:
    """(T, C) -> (16, T, C), each position and channel with just this mean."""
    x = _normal(16, len(means), len(means[0]), seed=seed)
    return x - x.mean(0) + torch.tensor(means)


@cache
def _outputs() -> list[tuple[Tensor]]:
    """What the layer gives with the bug and without.

    Of positions that differ, of some that are alike, and of some whose mean is 0 without the bug, by accident: the
    middle position; the first and the last; two channels of three; each position's channels taken together.
    """
    xs = [
        _x(32, 4, C, seed=90)[:, :, :2],
        _normal(4096, 2, 2, seed=91),  # without the bug each mean is near 0, but not as near as rounding leaves it
        _normal(16, 3, 1, seed=92) + 30,
        _around([[-1.0], [0.0], [1.0]], seed=93),
        _around([[0.0], [1.0], [-1.0], [0.0]], seed=94),
        _around([[0.0, -1.0, 0.0], [0.0, 1.0, 0.0]], seed=95),
        _around([[-1.0], [1.0]], seed=96) * torch.tensor([1.0, -1.0]),
    ]
    made = []
    for x in xs:
        one, zero = torch.ones(x.shape[-1]), torch.zeros(x.shape[-1])
        made += [(norm(x, one, zero, zero, one, training=True)[0],) for norm in (batch_norm, _norm(axes=_batch))]
    return made


def _flat(statistic: object) -> Any:
    """Whether they are (C,) or (1, 1, C) does not matter."""
    return as_array(statistic).reshape(-1)


def _remembered(answer: Any, *batch: Tensor) -> list[Any]:
    _, mean, var = answer.batch_norm(*batch, True)
    return [_flat(mean), _flat(var)]


def _evaluated(answer: Any, *batch: Tensor) -> list[Any]:
    y, mean, var = answer.batch_norm(*batch, False)
    return [y, _flat(mean), _flat(var)]


def _with_others(answer: Any, *batch: Any) -> list[Any]:
    y, mean, var = answer.batch_norm(*batch, momentum=0.3, eps=0.01)
    return [y, _flat(mean), _flat(var)]


def _later(answer: Any, x: Tensor, later: Tensor) -> Any:
    gamma, beta, mean, var = _vectors()
    _, mean, var = answer.batch_norm(x, gamma, beta, mean, var, True)
    return answer.batch_norm(later, gamma, beta, mean, var, False)[0]


CALL = "batch_norm({}, gamma, beta, running_mean, running_var, training="
PARTS = [
    Part(
        name="batch_norm in training",
        shown=CALL + "True)[0]",
        ask=lambda answer, *batch: answer.batch_norm(*batch, True)[0],
        cases=_training,
    ),
    Part(
        name="what batch_norm remembers",
        shown=CALL + "True)[1:]",
        ask=_remembered,
        cases=_training,
    ),
    Part(name="batch_norm in evaluation", shown=CALL + "False)", ask=_evaluated, cases=_evaluation),
    Part(
        name="batch_norm's momentum and eps",
        shown="batch_norm({0}, gamma, beta, running_mean, running_var, training={5}, momentum=0.3, eps=0.01)",
        ask=_with_others,
        cases=_otherwise,
    ),
    Part(
        name="batch_norm trained, then evaluated",
        shown="batch_norm of {} in training, then of {} in evaluation",
        ask=_later,
        cases=_afterwards,
    ),
    Part(name="has_bug", ask=lambda answer, y: answer.has_bug(y), cases=_outputs),
    Part(
        name="numbers",
        ask=lambda answer, *shape: answer.numbers(*shape),
        cases=[(32, 4, 68), (2, 3, 5), (7, 1, 2)],
    ),
]

Axes = tuple[int, ...]


def _batch(x: Tensor) -> Axes:  # noqa: ARG001
    """The bug."""
    return (0,)


def _all_but_last(x: Tensor) -> Axes:
    return tuple(range(x.dim() - 1))


def _count(x: Tensor, axes: Axes) -> int:
    return int(np.prod([x.shape[axis] for axis in axes]))


def _moments(x: Tensor, axes: Axes) -> tuple[Tensor, Tensor]:
    return x.mean(axes, keepdim=True), x.var(axes, keepdim=True, unbiased=False)


def _norm(
    *,
    axes: Callable[[Tensor], Axes] = _all_but_last,
    moments: Callable[[Tensor, Axes], tuple[Tensor, Tensor]] = _moments,
    count: Callable[[Tensor, Axes], int] = _count,
    remembered: Callable[[Tensor, int], Tensor] = lambda var, n: var * n / (n - 1),
    normalised: Callable[[Tensor, int], Tensor] = lambda var, _: var,
    moved: Callable[[Tensor, Tensor, float], Tensor] = lambda old, new, momentum: (
        (1 - momentum) * old + momentum * new
    ),
    root: Callable[[Tensor, float], Tensor] = lambda var, eps: (var + eps).sqrt(),
    by: Callable[
        [bool, Sequence[Tensor], Sequence[Tensor], Sequence[Tensor]], Sequence[Tensor]
    ] = lambda training, of_batch, old, _new: of_batch if training else old,
    moves: Callable[[bool], bool] = lambda training: training,
    affine: bool = True,
) -> Norm:
    """The solution spelled out; the options are the places to go wrong. `by`: which mean and variance normalise."""

    def norm(
        x: Tensor,
        gamma: Tensor,
        beta: Tensor,
        running_mean: Tensor,
        running_var: Tensor,
        training: bool,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Result:
        over = axes(x)
        n, (mean, var) = count(x, over), moments(x, over)
        old = (running_mean, running_var)
        new = (moved(running_mean, mean, momentum), moved(running_var, remembered(var, n), momentum))
        mean, var = by(training, (mean, normalised(var, n)), old, new)
        y = (x - mean) / root(var, eps)
        return (y * gamma + beta if affine else y, *(new if moves(training) else old))

    return norm


def _mean_of_variances(x: Tensor, axes: Axes) -> tuple[Tensor, Tensor]:
    mean = x.mean(axes, keepdim=True)
    return mean, x.var(0, keepdim=True, unbiased=False).mean(axes, keepdim=True)


def _channels_in_the_middle(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Result:
    mean, var = running_mean.clone(), running_var.clone()
    return F.batch_norm(x, mean, var, gamma, beta, training, momentum, eps), mean, var


def _a_tenth(old: Tensor, new: Tensor, _momentum: float) -> Tensor:
    return 0.9 * old + 0.1 * new


def _root_with_the_usual_eps(var: Tensor, _eps: float) -> Tensor:
    return (var + 1e-5).sqrt()


def _instead(**options: Any) -> dict[str, object]:
    return {"batch_norm": _norm(**options)}


def _swapped(B: int, T: int, C: int) -> dict[str, tuple[int, int]]:
    right = numbers(B, T, C)
    return {"bug": right["fixed"], "fixed": right["bug"]}


MISTAKES: list[Mistake] = [
    Mistake(
        name="the bug is still there",
        says="Each position still has a mean and a variance of its own: they are taken over axis 0 alone. On "
        "(B, T, C), average over the batch and the positions: dim=(0, 1).",
        instead=_instead(axes=_batch),
    ),
    Mistake(
        name="over the batch and the channels",
        says="You averaged over axes 0 and 2, which leaves a mean for each position. The channels are the last axis "
        "here, and they are what is kept: dim=(0, 1).",
        instead=_instead(axes=lambda x: (0, 2) if x.dim() == 3 else (0,)),
    ),
    Mistake(
        name="torch's BatchNorm1d, channels in the middle",
        says="PyTorch takes (B, C, T): its channels are the middle axis, so it has taken the positions for channels. "
        "Here they are the last axis: give it x.reshape(-1, C), or x.transpose(1, 2).",
        instead={"batch_norm": _channels_in_the_middle},
    ),
    Mistake(
        name="over axis 1",
        says="You averaged over axis 1 alone. Then each example has statistics of its own, and with two axes the "
        "channels are mixed. Average over all axes but the last.",
        instead=_instead(axes=lambda _: (1,)),
    ),
    Mistake(
        name="over all axes",
        says="One mean for all channels. Each channel has its own, as it has its own gamma and beta: average over "
        "all axes but the last.",
        instead=_instead(axes=lambda x: tuple(range(x.dim()))),
    ),
    Mistake(
        name="over the channels",
        says="That is LayerNorm: you averaged over the channels of each example. A BatchNorm averages over "
        "everything else: all axes but the last.",
        instead=_instead(axes=lambda _: (-1,)),
    ),
    Mistake(
        name="two axes are broken now",
        says="On (B, T, C) it is right, but on (B, C) the dims (0, 1) are batch and channels. Ask x.dim(): with two "
        "axes it is dim 0 alone.",
        instead=_instead(axes=lambda _: (0, 1)),
    ),
    Mistake(
        name="the mean of the positions' variances",
        says="The mean is right, but the variance is that of each position, averaged. How far the positions lie "
        "apart belongs to it: take x.var over both axes at once.",
        instead=_instead(moments=_mean_of_variances),
    ),
    Mistake(
        name="n - 1 where it normalises",
        says="The variance that normalises is over n here, as in PyTorch: var(..., unbiased=False). Only the one "
        "that is remembered is over n - 1.",
        instead=_instead(normalised=lambda var, n: var * n / (n - 1)),
    ),
    Mistake(
        name="eps outside the root",
        says="eps stands inside the root: (var + eps).sqrt(). One channel here hardly varies, which shows the "
        "difference.",
        instead=_instead(root=lambda var, eps: var.sqrt() + eps),
    ),
    Mistake(
        name="eps forgotten",
        says="eps is missing: (var + eps).sqrt(). One channel here hardly varies, which shows the difference.",
        instead=_instead(root=lambda var, _: var.sqrt()),
    ),
    Mistake(
        name="divided by the variance",
        says="You divided by the variance; divide by its root, the standard deviation.",
        instead=_instead(root=lambda var, eps: var + eps),
    ),
    Mistake(
        name="gamma and beta forgotten",
        says="y is normalised; then it is multiplied by gamma, and beta is added.",
        instead=_instead(affine=False),
    ),
    Mistake(
        name="running statistics in training",
        says="In training the batch's own mean and variance normalise. The running ones are for evaluation.",
        instead=_instead(by=lambda _training, _of_batch, old, _new: old),
    ),
    Mistake(
        name="the new running statistics in training",
        says="In training the batch's own mean and variance normalise, not the running ones that it has just moved. "
        "Those are for evaluation.",
        instead=_instead(by=lambda training, _of_batch, old, new: new if training else old),
    ),
    Mistake(
        name="always as in training",
        says="`training` is ignored. With False, the running mean and variance normalise, and come back as they went "
        "in: an example's result must not depend on what else is in the batch.",
        instead=_instead(by=lambda _training, of_batch, _old, _new: of_batch, moves=lambda _: True),
    ),
    Mistake(
        name="the batch's statistics in evaluation",
        says="In evaluation the running mean and variance normalise. The batch's own would make an example's result "
        "depend on what else is in the batch, and a single example has no variance.",
        instead=_instead(by=lambda _training, of_batch, _old, _new: of_batch),
    ),
    Mistake(
        name="moved in evaluation",
        says="In evaluation nothing is learnt: the running mean and variance come back as they went in.",
        instead=_instead(moves=lambda _: True),
    ),
    Mistake(
        name="never moved",
        says="The running mean and variance come back as they went in. In training they move: "
        "(1 - momentum) * running + momentum * the batch's.",
        instead=_instead(moves=lambda _: False),
    ),
    Mistake(
        name="momentum the wrong way round",
        says="The running statistics kept a tenth and took nine tenths. With momentum 0.1 they take a tenth: "
        "(1 - momentum) * running + momentum * the batch's.",
        instead=_instead(moved=lambda old, new, momentum: momentum * old + (1 - momentum) * new),
    ),
    Mistake(
        name="remembered without n - 1",
        says="The variance that is remembered is over n - 1: var * n / (n - 1). It is an estimate for all data.",
        instead=_instead(remembered=lambda var, _: var),
    ),
    Mistake(
        name="n is still B",
        says="The mean and the variance are right, but in n / (n - 1), n is still B. It is how many numbers a mean "
        "is taken over, and with positions that is B * T.",
        instead=_instead(count=lambda x, _: len(x)),
    ),
    Mistake(
        name="the standard deviation remembered",
        says="The variance is what is remembered, not its root.",
        instead=_instead(remembered=lambda var, n: (var * n / (n - 1)).sqrt()),
    ),
    Mistake(
        name="momentum and eps ignored",
        says="With momentum=0.3 and eps=0.01 you still moved by a tenth and added 1e-5. Those are only the default "
        "values: use `momentum` and `eps` instead of the numbers.",
        instead=_instead(moved=_a_tenth, root=_root_with_the_usual_eps),
    ),
    Mistake(
        name="momentum ignored",
        says="With momentum=0.3 the running statistics still took a tenth: use `momentum`, not 0.1 and 0.9.",
        instead=_instead(moved=_a_tenth),
    ),
    Mistake(
        name="eps ignored",
        says="With eps=0.01 you still added 1e-5 to the variance: use `eps`.",
        instead=_instead(root=_root_with_the_usual_eps),
    ),
    Mistake(
        name="has_bug finds nothing",
        says="False for every y. The mean and the variance over everything are 0 and 1 with the bug, too. Look at "
        "each position: y.mean(0) has T rows. And allow for rounding: it is never exactly 0.",
        instead={"has_bug": lambda _: False},
    ),
    Mistake(
        name="has_bug finds it everywhere",
        says="True for every y, even for one of a correct layer. A mean over everything is 0 either way. Look at "
        "each position: y.mean(0) has T rows, and only with the bug all of it is 0.",
        instead={"has_bug": lambda _: True},
    ),
    Mistake(
        name="has_bug turned around",
        says="The answers are the wrong way round: True means that the bug is there. It is there where y.mean(0) "
        "is 0.",
        instead={"has_bug": lambda y: bool((y.mean(0).abs() > 1e-3).any())},
    ),
    Mistake(
        name="has_bug takes small for zero",
        says="You found the bug in a correct layer. With 4,096 examples, positions that are alike have means near "
        "0, but not as near as with rounding alone: allow 0.001, no more.",
        instead={"has_bug": lambda y: bool((y.mean(0).abs() < 0.1).all())},
    ),
    Mistake(
        name="has_bug: any instead of all",
        says="You found the bug in a correct layer because one of its means was 0. A position may happen to lie at "
        "the mean of all of them. With the bug *every* position has the mean 0, in every channel: .all(), not "
        ".any().",
        instead={"has_bug": lambda y: bool((y.mean(0).abs() < 1e-3).any())},
    ),
    Mistake(
        name="has_bug: one position only",
        says="You found the bug in a correct layer whose first and last positions happen to lie at the mean of "
        "all; those between do not. With the bug *every* position has the mean 0: look at all T.",
        instead={"has_bug": lambda y: bool((y[:, 0].mean(0).abs() < 1e-3).all())},
    ),
    Mistake(
        name="has_bug: one channel only",
        says="You found the bug in a correct layer whose positions are alike in the first channel and differ in "
        "another. With the bug *every* channel has the mean 0 at every position: look at all C.",
        instead={"has_bug": lambda y: bool((y[:, :, 0].mean(0).abs() < 1e-3).all())},
    ),
    Mistake(
        name="has_bug: one position of one channel",
        says="You looked at the mean of one position and one channel; in a correct layer that may happen to be 0. "
        "With the bug *all* T times C means are 0: y.mean(0) has them.",
        instead={"has_bug": lambda y: bool(y[:, 0, 0].mean().abs() < 1e-3)},
    ),
    Mistake(
        name="has_bug: the channels averaged, too",
        says="You averaged over the channels of a position, and there one channel's mean can cancel another's. "
        "Average over the batch alone, y.mean(0): T rows of C.",
        instead={"has_bug": lambda y: bool((y.mean((0, 2)).abs() < 1e-3).all())},
    ),
    Mistake(
        name="bug and fixed exchanged",
        says='"bug" and "fixed" are exchanged. With the bug, a mean is taken over the B examples alone.',
        instead={"numbers": _swapped},
    ),
    Mistake(
        name="the pairs turned around",
        says="The pairs are in the wrong order: first how many numbers a mean is taken over, then how many means "
        "there are.",
        instead={"numbers": lambda B, T, C: {key: pair[::-1] for key, pair in numbers(B, T, C).items()}},
    ),
    Mistake(
        name="the channels counted in",
        says="A mean is of one channel: C does not count among the numbers that it is taken over. There are C means, "
        "and T times as many with the bug.",
        instead={"numbers": lambda B, T, C: {"bug": (B * C, T), "fixed": (B * T * C, 1)}},
    ),
    Mistake(
        name="C means with the bug",
        says="With the bug each position has means of its own: T * C of them.",
        instead={"numbers": lambda B, T, C: {**numbers(B, T, C), "bug": (B, C)}},
    ),
]
