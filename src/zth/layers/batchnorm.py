"""Batch normalisation (Ioffe and Szegedy 2015; lectures 4 to 6), spelled out.

Letters: B examples, T positions, C channels, n numbers that share one mean: B of them, or B*T.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zth.errors import ConfigError, ShapeError


class BatchNorm1d(nn.Module):
    """(B, C) or (B, T, C) -> the same shape: each channel brought to mean 0 and variance 1, times gamma plus beta.

    The channels are the *last* axis, as lecture 6 has them, and the statistics run over all the others: a mean over
    axis 0 alone would give each of the T positions statistics of its own, from T times fewer numbers, and let them
    depend on the position (the lecture's bug, exercise 6.1). torch.nn.BatchNorm1d takes (B, C, T) instead:
    `BatchNorm1d(C)(x)` equals `torch.nn.BatchNorm1d(C)(x.transpose(1, 2)).transpose(1, 2)`.

    In training the batch's own mean and variance normalise, and move the running ones by `momentum` of the way
    towards themselves; in evaluation the running ones normalise. Bessel's correction is torch's: the variance that
    normalises divides by n (it describes this batch), the one that is remembered by n - 1 (it estimates that of all
    data). The lectures' own class divides by n - 1 both times. torch's third buffer, num_batches_tracked, only serves
    its momentum=None, which there is not here.

    Raises ConfigError for n_features under 1, eps not above 0, and a momentum outside 0..1.

    >>> layer = BatchNorm1d(2)
    >>> layer(torch.tensor([[1.0, 10.0], [3.0, 30.0]])).detach().round(decimals=3).tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    >>> layer.running_mean.tolist(), layer.running_var.tolist()  # 0.9 * (0, 0) + 0.1 * (2, 20), and so on
    ([0.2..., 2.0], [1.1..., 20.8...])
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, n_features: int, *, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        if n_features < 1:
            raise ConfigError(f"BatchNorm1d needs at least 1 feature; got {n_features}.", "Pass the layer's width.")
        if not eps > 0:
            raise ConfigError(f"eps must be above 0; got {eps}.", "Try eps=1e-5.")
        if not 0 <= momentum <= 1:
            raise ConfigError(f"momentum must be from 0 to 1; got {momentum}.", "Try momentum=0.1.")
        self.eps, self.momentum = eps, momentum
        self.gamma = nn.Parameter(torch.ones(n_features))
        self.beta = nn.Parameter(torch.zeros(n_features))
        self.register_buffer("running_mean", torch.zeros(n_features))
        self.register_buffer("running_var", torch.ones(n_features))

    def forward(self, x: Tensor) -> Tensor:
        """Raises ShapeError for other shapes, and in training where a channel has only one number (n < 2)."""
        if x.dim() not in (2, 3) or x.shape[-1:] != self.gamma.shape:
            n_features = len(self.gamma)
            raise ShapeError(
                f"{self!r} got {tuple(x.shape)}; it takes (B, {n_features}) or (B, T, {n_features}), channels last.",
                "From torch's (B, C, T): x.transpose(1, 2).",
            )
        if self.training:
            diff, var = self._batch_statistics(x)
        else:
            diff, var = x - self.running_mean, self.running_var
        return diff * (self.gamma / (var + self.eps).sqrt()) + self.beta

    def extra_repr(self) -> str:
        return str(len(self.gamma))

    def _batch_statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x -> x minus its mean, and its biased variance (C,); moves the running ones."""
        axes = tuple(range(x.dim() - 1))
        n = x.shape[:-1].numel()
        if n < 2:
            raise ShapeError(
                f"{self!r} got {tuple(x.shape)} in training; the variance of a channel needs at least 2 numbers, "
                f"and here is {n}.",
                "Drop a last batch of one, or call model.eval() first.",
            )
        mean = x.mean(axes)
        diff = x - mean
        var = (diff * diff).mean(axes)
        with torch.no_grad():
            # lerp_: running += momentum * (new - running)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var * (n / (n - 1)), self.momentum)
        return diff, var
