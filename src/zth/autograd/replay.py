"""A tape run again, forward and backward, by a few operations on whole arrays: schedule.py says which, operations.py how.

Letters: B examples, I inputs, P parameters, N nodes of the tape.
"""

from __future__ import annotations

from math import isfinite, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zth.autograd.operations import Memory, operations
from zth.autograd.schedule import SUM, Graph, groups
from zth.autograd.tape import CODES, Tape
from zth.errors import ConfigError, ShapeError

Array = NDArray[Any]


class Replay:
    """A tape, ready to be run with other numbers, for `batch` examples at once.

    `forward` gives the outputs; `backward` then the gradients of the first one, summed over the batch.

    The order of adding up: sums that share their factors, as those of a layer do, are products of matrices, and there
    BLAS decides; every other sum, and every gradient that comes from several uses, keeps the order of the eager engine.
    With `in_order` there are no matrices. Then what is made of + - * / -x relu abs max sqrt is the eager engine's bit
    for bit in float64 and a batch of 1 (but for the sign of a zero); exp, log, sin, cos, tanh, sigmoid and powers are
    NumPy's, which may round the last bit otherwise than Python.

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
        self.tape, self.batch = tape, batch
        graph = Graph(tape)
        plan = list(groups(graph, batch=batch, matrices=not in_order))
        self.memory = memory = Memory(tape, graph.live, plan, batch, np.dtype(dtype))
        self.operations = operations(tape, plan, memory)
        self._backward = [op for op, group in zip(self.operations, plan, strict=True) if group.live][::-1]
        middle = 2 + tape.n_inputs
        self._inputs, self._parameters = memory.values[2:middle], memory.values[middle : middle + tape.n_parameters]
        self._pull_inputs = memory.pull(2, middle) if tape.wanted.any() else None
        self._pull_parameters = memory.pull(middle, middle + tape.n_parameters)
        self._outputs = memory.place[list(tape.outputs)]
        self.parameters = tape.numbers[tape.n_inputs : tape.n_inputs + tape.n_parameters].astype(dtype)
        """(P,) what `forward` runs on; write here to change it, as an optimizer does."""
        self.parameter_gradients = np.zeros(tape.n_parameters, dtype)
        """(P,) after backward()."""
        self.input_gradients = np.zeros((tape.n_inputs, batch), dtype)
        """(I, B) after backward(); 0 for inputs that were recorded as plain numbers."""
        self._ran = False

    def forward(self, *inputs: Any) -> Array:
        """The inputs as they were recorded, for a batch above 1 with an axis of B before them -> (outputs, B).

        Raises ShapeError where an input has another shape, and DomainError where the first output is no number and
        the eager engine finds an operand that an op cannot take, as in the log of 0.
        """
        self._write(inputs)
        self._parameters[...] = self.parameters[:, None]
        with np.errstate(all="ignore"):
            for operation in self.operations:
                operation.forward()
        self._ran = True
        outputs: Array = self.memory.values[self._outputs]
        if not isfinite(outputs[0].sum()):
            self._explain()
        return outputs

    def backward(self) -> None:
        """Set `parameter_gradients` and `input_gradients`. Once after each forward: it uses up what that wrote."""
        if not self._ran:
            raise ConfigError("There is nothing to go back through.", "Call forward() before each backward().")
        self._ran = False
        with np.errstate(all="ignore"):
            for operation in self._backward:
                operation.backward()
        np.sum(self._pull_parameters(), axis=1, out=self.parameter_gradients)
        if self._pull_inputs is not None:
            self.input_gradients[...] = self._pull_inputs()

    def _write(self, inputs: tuple[Any, ...]) -> None:
        shapes = self.tape.shapes
        if len(inputs) != len(shapes):
            raise ShapeError(f"Got {len(inputs)} inputs; {len(shapes)} were recorded.", "Pass one for each.")
        row = 0
        for given, shape in zip(inputs, shapes, strict=True):
            numbers = np.asarray(given)
            wanted = (self.batch, *shape) if self.batch > 1 else shape
            if numbers.shape != wanted:
                raise ShapeError(f"An input has shape {numbers.shape}; wanted {wanted}.", "Record a tape for this shape.")
            self._inputs[row : row + prod(shape)] = numbers.reshape(self.batch, -1).T
            row += prod(shape)

    def _explain(self) -> None:
        """The eager engine refuses what has no number, and says what and why; it may also find nothing wrong."""
        leaves = self.memory.values[2 : 2 + self.tape.n_leaves]
        for example in range(self.batch):
            self.tape.values(leaves[:, example].tolist())

    def node_values(self) -> Array:
        """(N, B) the number of every node of the tape, those too that have gone into a sum."""
        place = self.memory.place[:-2]
        found: Array = self.memory.values[place]
        for node, (code, a, b) in enumerate(self.tape.steps(), self.tape.n_leaves):
            if place[node] < 0:  # only + and * go into sums, and max into others
                found[node] = (np.multiply if code == CODES["mul"] else np.add if code == CODES["add"] else np.maximum)(
                    found[a], found[b]
                )
        return found

    def node_gradients(self) -> Array:
        """(N, B) the gradient of every node of the tape; that of a term is that of its sum."""
        place = self.memory.place[:-2]
        found = np.zeros((self.tape.n_nodes, self.batch), self.memory.values.dtype)
        known = place >= 0
        found[known] = self.memory.pull(2, len(self.memory.values))()[place[known] - 2]
        a, b = self.tape.a.tolist(), self.tape.b.tolist()
        for node in range(self.tape.n_nodes - 1, self.tape.n_leaves - 1, -1):
            for operand in (a[node - self.tape.n_leaves], b[node - self.tape.n_leaves]):
                if operand >= 0 and not known[operand]:
                    found[operand] = found[node]
        return found
