"""The two recurrent nets that the course's makemore names: a state that reads one id after the other.

Letters: B texts, T ids in each, E the embedding's width, H the state's, V ids in the vocabulary.

    RNN (Mikolov et al. 2010)    h' = tanh(x @ Wx + h @ Wh + b)
    GRU (Cho et al. 2014)        r  = sigmoid(x @ Wxr + h @ Whr + br)          which parts of h the candidate sees
                                 z  = sigmoid(x @ Wxz + h @ Whz + bz)          which parts of h stay
                                 n  = tanh(x @ Wxn + bxn + r * (h @ Whn + bhn))
                                 h' = (1 - z) * n + z * h

These are torch.nn.RNN's and torch.nn.GRU's conventions: z keeps the old state, where the paper's keeps the new one,
and r acts behind the product with Whn, where the paper's acts on h before it.

**Where a text begins.** id 0 is the boundary of a vocabulary of lines: whatever came before it, the state starts anew
there, from zeros, and a context that lacks its boundary gets one. So ".....emma" and ".emma" and "emma" are the same
context, windows with their leading boundaries are scored like whole names, and several names may stand in one row.
Between boundaries nothing is forgotten by force: a state may reach further back than `block_size`, which only says
how wide windows must be (16 holds every one of the names).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zth.layers import Dropout, Embedding, Linear
from zth.layers.init import LAST_GAIN, fan_in_std
from zth.models.net import NetConfig, NetModel
from zth.models.protocol import Continuation
from zth.models.space import Between, Space


@dataclass(frozen=True, kw_only=True)
class RecurrentConfig(NetConfig):
    """Raises ConfigError for sizes under 1, and a dropout outside 0 .. 1.

    >>> RecurrentConfig(hidden=0)
    Traceback (most recent call last):
    zth.errors.ConfigError: hidden must be a whole number from 1 up; got 0. Leave it out for the default.
    """

    block_size: int = 16
    embedding: int = 64
    """The width of a character's vector."""
    hidden: int = 64
    """Numbers in the state."""
    dropout: float = 0.0
    """While training, the share of the state's numbers that the output does not see (Zaremba et al. 2014)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        Dropout(self.dropout)


SPACE: Space = {
    "embedding": Between(low=8, high=64),
    "hidden": Between(low=32, high=256),
    "dropout": Between(low=0.0, high=0.5, log=False),
}


class RNNCell(nn.Module):
    """One step. `from_x` (..., E) -> (..., H) needs no state, so it is computed for all positions beforehand.

    `from_x` holds torch's weight_ih_l0.T and both its biases, summed; `from_h` weight_hh_l0.T.
    """

    def __init__(self, width: int, hidden: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.from_x = Linear(width, hidden, generator=generator)
        self.from_h = Linear(hidden, hidden, generator=generator, bias=False)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """(B, H) of `from_x`, (B, H) state -> (B, H) the next state.

        >>> cell = RNNCell(2, 3, generator=torch.Generator().manual_seed(1))
        >>> tuple(cell(cell.from_x(torch.zeros(5, 2)), torch.zeros(5, 3)).shape)
        (5, 3)
        """
        h_next: Tensor = x + self.from_h(h)
        return h_next.tanh()


class GRUCell(nn.Module):
    """One step. `from_x` (..., E) -> (..., 3H): what r, z and n take from the input, side by side.

    `from_x` holds torch's weight_ih_l0.T and bias_ih_l0, `from_h` weight_hh_l0.T and bias_hh_l0, in torch's order.
    """

    def __init__(self, width: int, hidden: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.from_x = Linear(width, 3 * hidden, generator=generator)
        self.from_h = Linear(hidden, 3 * hidden, generator=generator)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """(B, 3H) of `from_x`, (B, H) state -> (B, H) the next state.

        >>> cell = GRUCell(2, 3, generator=torch.Generator().manual_seed(1))
        >>> tuple(cell(cell.from_x(torch.zeros(5, 2)), torch.zeros(5, 3)).shape)
        (5, 3)
        """
        sizes = [2 * h.shape[-1], h.shape[-1]]
        x_rz, x_n = torch.split(x, sizes, dim=-1)
        h_rz, h_n = torch.split(self.from_h(h), sizes, dim=-1)
        r, z = (x_rz + h_rz).sigmoid().chunk(2, dim=-1)
        n = torch.addcmul(x_n, r, h_n).tanh()
        return torch.lerp(n, h, z)  # (1 - z) * n + z * h


class RecurrentModel(NetModel[RecurrentConfig]):
    """(B, T) ids -> (B, T, V) logits at every position, in one pass. Its parts: `embedding`, `cell`, `output`.

    All weights are N(0, 1/fan_in), the last layer's a tenth of it.
    """

    config_class = RecurrentConfig
    space = SPACE
    reads_lines = True
    cell_class: ClassVar[type[RNNCell | GRUCell]]

    def __init__(self, options: RecurrentConfig, *, generator: torch.Generator) -> None:
        super().__init__(options)
        hidden = options.hidden
        self.embedding = Embedding(options.vocab_size, options.embedding, generator=generator)
        self.cell = self.cell_class(options.embedding, hidden, generator=generator)
        self.dropout = Dropout(options.dropout)
        self.output = Linear(hidden, options.vocab_size, generator=generator, std=LAST_GAIN * fan_in_std(hidden))

    def forward(self, ids: Tensor) -> Tensor:
        """(B, T) ids -> (B, T, V): at t the logits of the id that follows ids[:, : t + 1]."""
        h, places = self._run(ids)
        return _unpacked(self.output(self.dropout(h)), places)

    def log_probs(self, contexts: Tensor) -> Tensor:
        """(B, T) ids -> (B, V)."""
        return self.log_probs_from(self.last_state(contexts))

    def log_probs_everywhere(self, ids: Tensor) -> Tensor:
        """(B, T) ids -> (B, T, V)."""
        h, places = self._run(ids)
        return _unpacked(self.log_probs_from(h), places)

    def log_probs_from(self, h: Tensor) -> Tensor:
        """(..., H) states -> (..., V)."""
        return F.log_softmax(self.output(h), dim=-1)

    def continuation(self, contexts: Tensor) -> Continuation:
        """One that keeps the state, so that an id more costs one step."""
        return RecurrentContinuation(self, contexts)

    def states(self, ids: Tensor) -> Tensor:
        """(B, T) ids -> (B, T, H): the state after each."""
        h, places = self._run(ids)
        return _unpacked(h, places)

    def _run(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T) ids -> (P, H) states, (B, T) which of them is that after each id.

        The boundaries at the end of a row, as those that make lines equally long, cost nothing: the state is the same
        behind all of them. With the longest rows first, a step works on those alone that have not come to an end.
        """
        order, counts, places = _packed(ids)
        alive = [column[:n] for column, n in zip(ids[order].unbind(1), counts, strict=False)]
        start = self._start(1)
        states, h = [], start.expand(len(ids), -1)
        if alive:
            xs = self.cell.from_x(self.embedding(torch.cat(alive))).split(counts)  # each (n, H) or (n, 3H)
            for ids_t, x_t, n in zip(alive, xs, counts, strict=True):
                h = self.cell(x_t, h[:n] * self._inside(ids_t))
                states.append(h)
        return torch.cat([*states, start]), places

    def last_state(self, contexts: Tensor) -> Tensor:
        """(B, T) ids -> (B, H): the state after all of them, in the memory of one."""
        h = self._start(len(contexts))
        for ids in contexts.unbind(1):
            h = self.step(ids, h)
        return h

    def step(self, ids: Tensor, h: Tensor) -> Tensor:
        """(B,) ids, (B, H) states before them -> (B, H) states after them."""
        h_next: Tensor = self.cell(self.cell.from_x(self.embedding(ids)), h * self._inside(ids))
        return h_next

    def _inside(self, ids: Tensor) -> Tensor:
        """(...) ids -> (..., 1), 0 at a boundary and 1 elsewhere: the factor of the state before it."""
        return (ids != 0)[..., None].to(self.embedding.C.dtype)

    def _start(self, n: int) -> Tensor:
        """(n, H) states, each that behind a boundary."""
        C = self.embedding.C
        boundary = torch.zeros(1, dtype=torch.int64, device=C.device)
        return self.step(boundary, C.new_zeros(1, self.options.hidden)).expand(n, -1)


def _packed(ids: Tensor) -> tuple[Tensor, list[int], Tensor]:
    """(B, T) ids -> (B,) the rows, longest first; how many of them still run at each t; (B, T) where t's state is.

    A row runs up to its last id that is no boundary. The states of all t lie one behind the other, those of one t in
    the order of the rows; where a row has ended, the place is the one behind them all.

    >>> order, counts, places = _packed(torch.tensor([[0, 3, 0], [0, 5, 6]]))
    >>> order.tolist(), counts, places.tolist()
    ([1, 0], [2, 2, 1], [[1, 3, 5], [0, 2, 4]])
    """
    B, T = ids.shape
    t = torch.arange(T, device=ids.device)
    lengths = ((ids != 0) * (t + 1)).amax(1) if T else ids.new_zeros(B)
    order = lengths.argsort(descending=True, stable=True)
    n_at = (lengths[:, None] > t).sum(0)
    before = n_at.cumsum(0) - n_at
    rank = torch.empty_like(order).scatter_(0, order, torch.arange(B, device=ids.device))
    places = torch.where(lengths[:, None] > t, before + rank[:, None], n_at.sum())
    return order, [n for n in n_at.tolist() if n], places


def _unpacked(x: Tensor, places: Tensor) -> Tensor:
    """(P, C), (B, T) -> (B, T, C)."""
    return x.index_select(0, places.flatten()).view(*places.shape, x.shape[-1])


class RNNModel(RecurrentModel):
    """A RecurrentModel with an RNNCell.

    >>> model = RNNModel(RecurrentConfig(), generator=torch.Generator().manual_seed(42))
    >>> sum(p.numel() for p in model.parameters()), tuple(model(torch.zeros(32, 16, dtype=torch.int64)).shape)
    (11739, (32, 16, 27))
    """

    family = "rnn"
    recipe: ClassVar[Mapping[str, Any]] = {"steps": 20_000, "batch_size": 64, "lr": 0.005}
    cell_class = RNNCell


class GRUModel(RecurrentModel):
    """A RecurrentModel with a GRUCell.

    >>> model = GRUModel(RecurrentConfig(), generator=torch.Generator().manual_seed(42))
    >>> sum(p.numel() for p in model.parameters()), tuple(model(torch.zeros(32, 16, dtype=torch.int64)).shape)
    (28443, (32, 16, 27))
    """

    family = "gru"
    recipe: ClassVar[Mapping[str, Any]] = {"steps": 12_000, "batch_size": 64, "lr": 0.005}
    cell_class = GRUCell


class RecurrentContinuation(Continuation):
    """Keeps the (B, H) states of the contexts."""

    model: RecurrentModel

    def __init__(self, model: RecurrentModel, contexts: Tensor) -> None:
        super().__init__(model, contexts)
        self.h = model.last_state(contexts)

    def log_probs(self) -> Tensor:
        return self.model.log_probs_from(self.h)

    def append(self, ids: Tensor) -> None:
        super().append(ids)
        self.h = self.model.step(ids, self.h)
