"""The mean of a channel is over everything that shares the channel.

A BatchNorm's gamma and beta belong to a channel: C of each. So do its statistics. In a tree each of the T positions
is handled by the same weights, and all of them are examples of the same channels: B*T numbers for one mean. Averaging
over the batch axis alone gives each position a mean and a variance of its own. That costs in three ways:

- **noise**: a mean of B numbers jumps sqrt(T) times as far from batch to batch as one of B*T, and the net is trained
  on those jumps;
- **information**: whether position 0 has larger values than position 3 is subtracted away, though the weights are
  shared and cannot put it back;
- **shape**: the running mean has become (1, T, C), so the trained net works for one T alone.

Nothing complains since (1, T, C) broadcasts wherever (C,) does, and since the loss still falls: the bug costs about a
hundredth. What finds it is looking at shapes, or a check that asks for the right thing. The output's overall mean and
variance is the wrong thing: 0 and 1 either way, as a mean of zeros is zero.

`BatchNorm1d` takes its statistics over all axes but the last. torch.nn.BatchNorm1d does so too, but its channels are
the *middle* axis, (B, C, T).
"""

from torch import Tensor

from zth.layers import BatchNorm1d

__all__ = ["batch_norm", "has_bug", "numbers"]


def batch_norm(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor, Tensor]:
    """x (B, C) or (B, T, C), the four (C,) -> y like x, running_mean (C,), running_var (C,).

    >>> import torch
    >>> x, ones, zeros = torch.tensor([[[1.0], [5.0]], [[3.0], [7.0]]]), torch.ones(1), torch.zeros(1)
    >>> y, mean, var = batch_norm(x, ones, zeros, zeros, ones, training=True)
    >>> [round(number, 2) for number in y.flatten().tolist()], tuple(mean.shape)
    ([-1.34, 0.45, -0.45, 1.34], (1,))
    """
    layer = BatchNorm1d(len(gamma), momentum=momentum, eps=eps).train(training)
    state = {"gamma": gamma, "beta": beta, "running_mean": running_mean.clone(), "running_var": running_var.clone()}
    layer.load_state_dict(state, assign=True)  # assign: so that float64 stays float64
    return layer(x).detach(), layer.running_mean, layer.running_var


def has_bug(y: Tensor) -> bool:
    """y (B, T, C), made in training with gamma 1 and beta 0 -> whether each position had a mean of its own.

    >>> import torch
    >>> has_bug(torch.tensor([[[-1.0], [-1.0]], [[1.0], [1.0]]]))
    True
    """
    return bool((y.mean(0).abs() < 1e-3).all())


def numbers(B: int, T: int, C: int) -> dict[str, tuple[int, int]]:
    """How many numbers each mean is taken over, and how many means are remembered.

    >>> numbers(32, 4, 68)
    {'bug': (32, 272), 'fixed': (128, 68)}
    """
    return {"bug": (B, T * C), "fixed": (B * T, C)}
