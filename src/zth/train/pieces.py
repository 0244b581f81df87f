"""A batch in pieces: for several processes, and for one after another (gradient accumulation).

Letters: B examples in a batch, N examples, T targets of each.

The loss of a batch is the mean over its targets. A piece makes a share of that mean: its part of the targets that
count (where lines are padded, pieces have different numbers of them). So

    loss of the batch = sum over pieces of  share * loss of the piece

and the same holds for the gradients, whoever computes them: what comes out differs from the batch in one piece only
by rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from zth.errors import ConfigError
from zth.models.protocol import IGNORED
from zth.train.config import TrainConfig
from zth.train.distributed import ALONE, World, refuse_batchnorm


class Pieces:
    """What this process computes of each batch.

    Of n processes, process r takes rows r, r + n, r + 2n, ...; those are cut into config.accumulate pieces. `targets`
    are the (N,) or (N, T) ones that rows count from; without them every row has equally many. Raises ConfigError
    where a batch cannot be cut into equal pieces, or the net has BatchNorm.

    >>> pieces = Pieces(nn.Linear(1, 1), TrainConfig(batch_size=4, accumulate=2), targets=torch.tensor(
    ...     [[5, 6], [7, IGNORED], [8, IGNORED]]))
    >>> [(piece.tolist(), share) for piece, share in pieces.of(np.array([0, 1, 2, 0]))]
    [([0, 1], 0.5), ([2, 0], 0.5)]
    >>> [(piece.tolist(), share) for piece, share in pieces.of(np.array([0, 0, 2, 1]))]
    [([0, 0], 0.666...), ([2, 1], 0.333...)]
    """

    def __init__(
        self, net: nn.Module, config: TrainConfig, world: World = ALONE, *, targets: Tensor | None = None
    ) -> None:
        n_pieces = world.size * config.accumulate
        if config.batch_size % n_pieces:
            raise ConfigError(
                f"A batch of {config.batch_size} cannot be cut into {n_pieces} equal pieces: {world.size} processes, "
                f"{config.accumulate} for each.",
                f"Take a batch_size that is a multiple of {n_pieces}.",
            )
        if config.accumulate > 1:
            refuse_batchnorm(net, f"{config.accumulate} pieces")
        self.world, self.accumulate = world, config.accumulate
        self.net = world.parallel(net)
        """To be called for the logits."""
        self.whose = f"/{world.rank}" if world.size > 1 else ""
        """What tells the random streams of several processes apart."""
        self._counts = _counts(targets) if n_pieces > 1 else None
        self._left = 0

    def of(self, row: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], float]]:
        """(B,) a batch -> this process' pieces of it, each with its share; `backward` after each, in order."""
        pieces = np.split(row[self.world.rank :: self.world.size], self.accumulate)
        for number, piece in enumerate(pieces):
            last = number == len(pieces) - 1
            # the processes add up their gradients once: at the last piece
            with nullcontext() if last or not isinstance(self.net, DistributedDataParallel) else self.net.no_sync():
                yield piece, self._share(piece, row)

    def placed(self, examples: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """On the device where the net is."""
        x, y = examples
        return x.to(self.world.device), y.to(self.world.device)

    def backward(self, loss: Tensor) -> None:
        """Add the gradient of a piece. What is summed over the processes is their mean times their number."""
        with self.world.watched():
            (loss * self.world.size if self.world.size > 1 else loss).backward()  # type: ignore[no-untyped-call]

    def seed_chance(self, seed: int) -> None:
        """Seed the generator that Dropout draws from."""
        if self.world.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        else:
            torch.default_generator.manual_seed(seed)

    def _share(self, piece: NDArray[np.int64], row: NDArray[np.int64]) -> float:
        if self._counts is None:
            return len(piece) / len(row)
        return float(self._counts[piece].sum() / self._counts[row].sum())


def _counts(targets: Tensor | None) -> NDArray[np.int64] | None:
    """(N,) or (N, T) -> (N,): how many targets of each example count."""
    if targets is None or targets.dim() == 1:
        return None
    counts: NDArray[np.int64] = (targets != IGNORED).sum(1).numpy()
    return counts
