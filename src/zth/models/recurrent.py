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
        xr, xz, xn = x.chunk(3, dim=-1)
        hr, hz, hn = self.from_h(h).chunk(3, dim=-1)
        r = (xr + hr).sigmoid()
        z = (xz + hz).sigmoid()
        n = (xn + r * hn).tanh()
        h_next: Tensor = n + z * (h - n)  # (1 - z) * n + z * h
        return h_next


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
        logits: Tensor = self.output(self.dropout(self.states(ids)))
        return logits

    def log_probs(self, contexts: Tensor) -> Tensor:
        """(B, T) ids -> (B, V)."""
        return self.log_probs_from(self.last_state(contexts))

    def log_probs_everywhere(self, ids: Tensor) -> Tensor:
        """(B, T) ids -> (B, T, V)."""
        return self.log_probs_from(self.states(ids))

    def log_probs_from(self, h: Tensor) -> Tensor:
        """(..., H) states -> (..., V)."""
        return F.log_softmax(self.output(h), dim=-1)

    def continuation(self, contexts: Tensor) -> Continuation:
        """One that keeps the state, so that an id more costs one step."""
        return RecurrentContinuation(self, contexts)

    def states(self, ids: Tensor) -> Tensor:
        """(B, T) ids -> (B, T, H): the state after each."""
        x = self.cell.from_x(self.embedding(ids.T))  # (T, B, H) or (T, B, 3H)
        states = [self._start(len(ids))]
        for x_t, inside_t in zip(x.unbind(), self._inside(ids.T).unbind(), strict=True):
            states.append(self.cell(x_t, states[-1] * inside_t))
        return torch.stack(states, dim=1)[:, 1:]

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
