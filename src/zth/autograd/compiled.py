"""A loss that is recorded once for each shape of its inputs, and replayed ever after.

Letters: P parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zth.autograd.replay import Replay
from zth.autograd.tape import record
from zth.autograd.value import Value

Array = NDArray[Any]


class Compiled:
    """`loss(*inputs)` as a function of (P,) `parameters`; a call sets `gradients`.

    `loss` returns a Value, or a list that begins with it. `parameters` starts as the numbers of the Values and
    counts from then on: an optimizer changes it in place, and `store` writes it back to the Values.

    >>> w = Value(2.0)
    >>> compiled = Compiled(lambda x: (w * x - 1) ** 2, [w])
    >>> compiled(3.0).tolist(), compiled.gradients.tolist()
    ([25.0], [30.0])
    >>> compiled.parameters -= 0.05 * compiled.gradients
    >>> compiled(3.0).tolist(), w.data
    ([0.25], 2.0)
    >>> compiled.store()
    >>> w.data
    0.5
    """

    def __init__(self, loss: Callable[..., Any], values: Sequence[Value], *, dtype: Any = np.float64) -> None:
        self.loss, self.values = loss, list(values)
        self.parameters = np.array([p.data for p in self.values], dtype)
        self.gradients = np.zeros_like(self.parameters)
        self._replays: dict[tuple[tuple[int, ...], ...], Replay] = {}

    def __call__(self, *inputs: Any) -> Array:
        """(outputs,) what the loss returns; the gradients of the first one are in `gradients` then."""
        shapes = tuple(map(np.shape, inputs))
        if shapes not in self._replays:
            self._replays[shapes] = self._record(inputs)
        replay = self._replays[shapes]
        outputs: Array = replay.forward(*inputs)[:, 0]
        replay.backward()
        self.gradients[...] = replay.parameter_gradients
        return outputs

    def store(self) -> None:
        """Write the parameters back to the Values that they came from."""
        for p, number in zip(self.values, self.parameters.tolist(), strict=True):
            p.data = number

    def _record(self, inputs: Sequence[Any]) -> Replay:
        self.store()  # the recording is a run of the eager engine, and it should meet the numbers of today
        replay = Replay(record(self.loss, *inputs, parameters=self.values), dtype=self.parameters.dtype)
        replay.parameters = self.parameters  # one array for the tapes of all shapes
        return replay
