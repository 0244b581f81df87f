"""A tape run again, forward and backward: schedule.py says by which operations on arrays, operations.py how.

Letters: B examples, I inputs, P parameters, N nodes of the tape.
"""

from __future__ import annotations

from math import isfinite, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zth.autograd.operations import Vectorised
from zth.autograd.schedule import Graph, Group, groups
from zth.autograd.stepwise import Stepwise
from zth.autograd.tape import Tape
from zth.errors import ConfigError, ShapeError

Array = NDArray[Any]

NARROW = 8
"""Nodes in a vector operation, on average, below which a node costs less by itself."""
ENOUGH = 100
"""Groups after which it is clear whether a tape is narrow."""


class Replay:
    """A tape, ready to be run with other numbers, for `batch` examples at once.

    `forward` gives the outputs; `backward` then the gradients of the first one, summed over the batch.

    The order of adding up: sums that share their factors, as those of a layer do, are products of matrices, and there
    BLAS decides; every other sum, and every gradient that comes from several uses, keeps the order of the eager
    engine. With `in_order` there are no matrices. Then what is made of + - * / -x relu abs max sqrt is the eager
    engine's bit for bit in float64 and a batch of 1 (but for the sign of a zero); exp, log, sin, cos, tanh, sigmoid
    and powers are NumPy's, which may round the last bit otherwise than Python. A tape on which next to nothing runs
    side by side, such as one long chain, is run node by node on Python's floats, and is always bit for bit.

    >>> from zth.autograd.tape import record
    >>> from zth.autograd.value import Value
    >>> w = Value(3.0)
    >>> replay = Replay(record(lambda x: w * x * x, Value(1.0)), batch=2)
    >>> replay.forward([2.0, 10.0]).tolist()
    [[12.0, 300.0]]
    >>> replay.backward()
    >>> replay.input_gradients.tolist(), replay.parameter_gradients.tolist()
    ([[12.0, 60.0]], [104.0])
    """

    def __init__(self, tape: Tape, *, batch: int = 1, dtype: Any = np.float64, in_order: bool = False) -> None:
        if batch < 1:
            raise ConfigError(f"A batch has at least one example; got {batch}.", "Pass batch=1 or more.")
        if np.dtype(dtype) not in (np.float64, np.float32):
            raise ConfigError(f"A replay runs in float64 or float32; got {np.dtype(dtype)}.", "Pass one of these.")
        self.tape, self.batch = tape, batch
        self.runner = _runner(tape, batch, np.dtype(dtype), in_order)
        """What does the work."""
        self.runner.leaves[...] = tape.numbers[:, None]
        inputs, parameters = slice(0, tape.n_inputs), slice(tape.n_inputs, tape.n_inputs + tape.n_parameters)
        self._inputs, self._parameters = self.runner.leaves[inputs], self.runner.leaves[parameters]
        self._pull_inputs, self._pull_parameters = self.runner.pull(inputs), self.runner.pull(parameters)
        self.parameters = tape.numbers[parameters].astype(dtype)
        """(P,) what `forward` runs on; write here to change it, as an optimizer does."""
        self.parameter_gradients = np.zeros(tape.n_parameters, dtype)
        """(P,) after backward()."""
        self.input_gradients = np.zeros((tape.n_inputs, batch), dtype)
        """(I, B) after backward(); 0 for inputs that were recorded as plain numbers."""
        self._ran = False

    def forward(self, *inputs: Any) -> Array:
        """The inputs as they were recorded, for a batch above 1 with an axis of B before them -> (outputs, B).

        Raises ShapeError where an input has another shape, and DomainError where the first output is no finite number
        and the eager engine finds an operand that an op cannot take, as in the log of 0.
        """
        self._write(inputs)
        self._parameters[...] = self.parameters[:, None]
        self._ran = False
        try:
            with np.errstate(all="ignore"):
                outputs = self.runner.forward()
                fine = isfinite(outputs[0].sum())
        except (ValueError, ArithmeticError):
            fine = False
        if not fine:
            self._explain()
        self._ran = True
        return outputs

    def backward(self) -> None:
        """Set `parameter_gradients` and `input_gradients`. Once after each forward: it uses up what that wrote."""
        if not self._ran:
            raise ConfigError("There is nothing to go back through.", "Call forward() before each backward().")
        self._ran = False
        with np.errstate(all="ignore"):
            self.runner.backward()
            np.sum(self._pull_parameters(), axis=1, out=self.parameter_gradients)
            if self.tape.wanted.any():
                np.copyto(self.input_gradients, self._pull_inputs())

    def node_values(self) -> Array:
        """(N, B) the number of every node of the tape, after forward()."""
        return self.runner.values()

    def node_gradients(self) -> Array:
        """(N, B) the gradient of every node, after backward(); 0 where it leads to no parameter and no Value."""
        return self.runner.gradients()

    def _write(self, inputs: tuple[Any, ...]) -> None:
        shapes = self.tape.shapes
        if len(inputs) != len(shapes):
            raise ShapeError(f"Got {len(inputs)} inputs; {len(shapes)} were recorded.", "Pass one for each.")
        row = 0
        for given, shape in zip(inputs, shapes, strict=True):
            numbers = np.asarray(given)
            wanted = (self.batch, *shape) if self.batch > 1 else shape
            if numbers.shape != wanted:
                raise ShapeError(
                    f"An input has shape {numbers.shape}; wanted {wanted}.",
                    "A tape is for one shape: record another.",
                )
            self._inputs[row : row + prod(shape)] = numbers.reshape(self.batch, -1).T
            row += prod(shape)

    def _explain(self) -> None:
        """The eager engine refuses what has no number, and says what and why; it may also find nothing wrong."""
        for example in range(self.batch):
            self.tape.values(self.runner.leaves[:, example].tolist())


def _runner(tape: Tape, batch: int, dtype: np.dtype[Any], in_order: bool) -> Vectorised | Stepwise:
    graph = Graph(tape)
    plan: list[Group] = []
    n_numbers = 0
    for group in groups(graph, batch=batch, matrices=not in_order):
        plan.append(group)
        n_numbers += max(operand.size for operand in group.operands)
        if batch == 1 and len(plan) >= ENOUGH and n_numbers < NARROW * len(plan):
            return Stepwise(tape, graph.live, dtype)
    return Vectorised(tape, graph.live, plan, batch, dtype)
