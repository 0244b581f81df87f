"""A train step is a forward pass that keeps its tables, the gradients in reverse, and one update at the end.

`zth.backprop.step.train_step` is the one to read: cross-entropy is 5.2's, BatchNorm 5.3's, the rest 5.1's. Autograd
does nothing else, except that it finds the order by itself.

Three things go wrong most often, and none of them raises an error:

- C's rows. `emb = C[xb]` reads a row as often as its character stands in the batch, so its gradient is a sum.
- the order. W2 is needed for dh, and W1 for dembcat: whoever updates on the way back uses tomorrow's weights today.
- the variance. n - 1 in the forward pass and n in the backward pass, or the other way round, still trains; it is just
  not the gradient of the loss.

After training the net needs a mean and a variance that do not depend on who else is in the batch. The lecture takes
them once, over all training examples.

For 200,000 steps Python's and torch's overhead weighs more than the arithmetic. `zth.backprop.engine` runs the same
step as a list of NumPy calls on buffers that are made once, and is tested against this one.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from zth.backprop import step
from zth.backprop.atoms import Parameters
from zth.backprop.engine import Engine
from zth.backprop.step import as_layers, of_layers, predict

__all__ = ["calibrate", "train", "train_step"]

BATCH = 32


def train_step(parameters: Sequence[Tensor], xb: Tensor, yb: Tensor, lr: float) -> tuple[Tensor, list[Tensor]]:
    """The seven of lecture 5's net, (n, T) contexts, (n,) targets -> the loss () before, the seven after.

    >>> from zth.seeds import stream
    >>> before = Parameters.draw(stream(42, "init"), hidden=200)
    >>> loss, after = train_step(before, torch.tensor([[0, 0, 5], [0, 5, 13]]), torch.tensor([13, 13]), 0.1)
    >>> len(after), bool(after[3].equal(before.W2))
    (7, False)
    """
    after = Parameters(*(p.clone() for p in parameters))
    return step.train_step(after, xb, yb, lr), list(after)


def calibrate(parameters: Sequence[Tensor], X: Tensor) -> tuple[Tensor, Tensor]:
    """(N, T) contexts -> mean (1, H) and variance (1, H) of hprebn over all of them."""
    return step.calibrate(Parameters(*parameters), X)


def train(parameters: Sequence[Tensor], X: Tensor, Y: Tensor, n_steps: int) -> Callable[[Tensor], Tensor]:
    """(N, T) contexts, (N,) targets -> (n, T) contexts to (n, V) logits."""
    net = as_layers(Parameters(*parameters))
    rows = torch.randint(len(X), (n_steps, BATCH), generator=torch.Generator().manual_seed(42))
    lr = np.where(np.arange(n_steps) < 2 / 3 * n_steps, 0.3, 0.03)
    Engine(net, batch_size=BATCH, block_size=X.shape[1], bessel=True).steps(X, Y, rows, lr)
    trained = of_layers(net)
    return partial(predict, trained, step.calibrate(trained, X))
