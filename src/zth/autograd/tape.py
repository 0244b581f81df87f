"""A tape: the graph of ordinary Value code, run once and kept as flat arrays. `replay.py` runs it again, fast.

::

    node   0 1 2      3 4 ...       5 ...        6 7 8 ...
           inputs     parameters    constants    one row each: op, first operand, second operand

A node is known by its place. Operands stand before what is made of them, so whoever goes from left to right meets no
number that is not there yet; from right to left is the order in which `Value.backward` hands gradients down.

Letters: I inputs, P parameters, N nodes in all, M of them made by an op.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from zth.autograd.ops import SCALAR
from zth.autograd.value import METHODS, Value, recording
from zth.autograd.walk import collector_paused, number_constants, operands_first
from zth.errors import ConfigError, RunError, ShapeError
from zth.files import atomic_write

Array = NDArray[Any]

ROWS = tuple(SCALAR.values())
"""The table's rows: an op's code is its place here."""
CODES = {op.name: code for code, op in enumerate(ROWS)}
_METHODS = [METHODS[op.name] for op in ROWS]
_PART = 1 << 16
_ARRAYS = ("codes", "a", "b", "numbers", "wanted")
_FACTS = ("shapes", "n_parameters", "outputs", "labels")


@dataclass(frozen=True, kw_only=True, eq=False)
class Tape:
    """A recorded graph. `print(tape)` lists it; `values()` makes Values of it again, to be drawn.

    >>> w = Value(3.0, label="w")
    >>> print(record(lambda x: x * w + 1, 2.0))
    %0  input          2
    %1  parameter   w  3
    %2  constant       1
    %3  *              %0 %1
    %4  +              %3 %2
    returns %4
    """

    codes: Array
    """(M,) uint8, places in ROWS."""
    a: Array
    """(M,) int32, the first operand's node."""
    b: Array
    """(M,) int32, the second one's; -1 where the op has one operand."""
    numbers: Array
    """(leaves,) float64: what stood in inputs, parameters and constants when it was recorded."""
    shapes: tuple[tuple[int, ...], ...]
    """Of each input."""
    wanted: Array
    """(I,) bool: which inputs came as Values, so that their gradient is wanted; plain numbers are data."""
    n_parameters: int
    outputs: tuple[int, ...]
    """The nodes that were returned. Gradients are those of the first."""
    labels: dict[int, str]
    """Of the nodes that have one."""
    parameters: tuple[Value, ...] = field(default=(), repr=False)
    """The Values that stood for the parameters; () for a tape from a file."""

    @property
    def n_inputs(self) -> int:
        return len(self.wanted)

    @property
    def n_leaves(self) -> int:
        return len(self.numbers)

    @property
    def n_nodes(self) -> int:
        return len(self.numbers) + len(self.codes)

    @property
    def nbytes(self) -> int:
        """What its arrays hold."""
        return sum(x.nbytes for x in (self.codes, self.a, self.b, self.numbers, self.wanted))

    def values(self, numbers: Sequence[float] | None = None) -> list[Value]:
        """(leaves,) numbers, or those of the recording -> a Value for each node, run by the eager engine.

        Raises DomainError where the arithmetic leaves the real numbers.
        """
        nodes = [
            Value(x, label=self.labels.get(i, "")) for i, x in enumerate(self.numbers if numbers is None else numbers)
        ]
        for i, (code, a, b) in enumerate(self.steps(), len(nodes)):
            node = _METHODS[code](nodes[a]) if b < 0 else _METHODS[code](nodes[a], nodes[b])
            node.label = self.labels.get(i, "")
            nodes.append(node)
        return nodes

    def steps(self) -> Iterator[tuple[int, int, int]]:
        """(op code, first operand, second operand or -1) of each node that an op made, in order."""
        for part in range(
            0, len(self.codes), _PART
        ):  # a part at a time: lists of all would take ten times the arrays
            arrays = (x[part : part + _PART].tolist() for x in (self.codes, self.a, self.b))
            yield from zip(*arrays, strict=True)

    def kind(self, node: int) -> str:
        """ "input", "parameter", "constant", or the op's symbol."""
        if node >= self.n_leaves:
            return ROWS[int(self.codes[node - self.n_leaves])].symbol
        return (
            "input"
            if node < self.n_inputs
            else "parameter"
            if node < self.n_inputs + self.n_parameters
            else "constant"
        )

    def lines(self, limit: int | None = None) -> Iterator[str]:
        """A line for each node, or for the first and the last of `limit`."""
        leave_out = (
            range(0) if limit is None or limit >= self.n_nodes else range(limit // 2, self.n_nodes - limit // 2)
        )
        width = len(str(self.n_nodes)) + 1
        names = max((len(label) for label in self.labels.values()), default=0)
        for node in range(self.n_nodes):
            if node in leave_out:
                if node == leave_out.start:
                    yield f"... {len(leave_out):,} more"
                continue
            made_of = f"{self.numbers[node]:g}" if node < self.n_leaves else self._operands(node - self.n_leaves)
            label = self.labels.get(node, "")
            yield f"{f'%{node}':<{width}}  {self.kind(node):<10}  {label:<{names}}  {made_of}".rstrip()
        yield f"returns {' '.join(f'%{node}' for node in self.outputs)}"

    def save(self, path: Path) -> None:
        """One safetensors file: arrays, and JSON in its header. Raises RunError where it cannot be written.

        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "squares.safetensors"
        >>> record(lambda x: x * x, 3.0).save(path)
        >>> print(Tape.load(path))
        %0  input         3
        %1  *             %0 %0
        returns %1
        """
        facts = {name: getattr(self, name) for name in _FACTS} | {"ops": list(CODES)}
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}
        try:
            atomic_write(path, to_bytes(arrays, metadata={"zth": json.dumps(facts)}))
        except OSError as error:
            raise RunError(
                f"The tape cannot be written to {path}: {error.strerror}.", "Choose another folder."
            ) from error

    @classmethod
    def load(cls, path: Path) -> Tape:
        """What `save` wrote; it has no `parameters`. Raises RunError where there is none, or a damaged one."""
        try:
            with safe_open(path, framework="np") as file:
                facts = json.loads((file.metadata() or {})["zth"])
                arrays = {name: file.get_tensor(name) for name in _ARRAYS}
            known = np.array([CODES[name] for name in facts["ops"]], np.uint8)  # a later table may have other places
            tape = cls(
                **arrays | {"codes": known[arrays["codes"]]},
                shapes=tuple(tuple(map(int, shape)) for shape in facts["shapes"]),
                n_parameters=int(facts["n_parameters"]),
                outputs=tuple(map(int, facts["outputs"])),
                labels={int(node): str(label) for node, label in facts["labels"].items()},
            )
            tape._check()
        except FileNotFoundError as error:
            raise RunError(f"There is no {path}.", "Save a tape there first.") from error
        except (SafetensorError, KeyError, IndexError, TypeError, ValueError, AttributeError, OSError) as error:
            raise RunError(f"{path} is no tape: {error!r:.100}.", "Record it again, and save it.") from error
        return tape

    def _check(self) -> None:
        """Raises ValueError where a file holds what `record` never makes."""
        here = np.arange(self.n_leaves, self.n_nodes)
        binary = np.array([op.arity == 2 for op in ROWS])[self.codes]
        fit = (
            [x.dtype for x in (self.codes, self.a, self.b, self.numbers, self.wanted)]
            == [np.dtype(name) for name in ("uint8", "int32", "int32", "float64", "bool")]
            and self.a.shape == self.b.shape == self.codes.shape
            and sum(map(prod, self.shapes)) == self.n_inputs
            and 0 <= self.n_parameters <= self.n_leaves - self.n_inputs
            and bool(((self.a >= 0) & (self.a < here) & (self.b < here)).all())
            and np.array_equal(self.b >= 0, binary)
            and len(self.outputs) > 0
            and all(0 <= node < self.n_nodes for node in self.outputs)
        )
        if not fit:
            raise ValueError("its arrays do not fit together")

    def _operands(self, step: int) -> str:
        return f"%{self.a[step]}" if self.b[step] < 0 else f"%{self.a[step]} %{self.b[step]}"

    def __str__(self) -> str:
        return "\n".join(self.lines(limit=100))


def record(f: Callable[..., Any], *inputs: Any, parameters: Sequence[Value] | None = None) -> Tape:
    """Run `f` once on Values that stand for the `inputs`, and keep what it did.

    An input is a number, a Value, or lists or an array of these, of one shape; `f` gets it as nested lists of Values.
    It returns a Value, or a list that begins with the one whose gradient is wanted. Any other leaf that was there
    before is a parameter (pass them as `parameters` to settle their order); those that `f` makes are constants.
    Raises ConfigError, with the line, where `f` reads or compares the number of a Value: the tape could not follow.

    >>> tape = record(lambda x: [x[0] * x[1], x[0].exp()], [2.0, 3.0])
    >>> tape.n_nodes, tape.outputs
    (4, (2, 3))
    """
    grids = [_grid(x) for x in inputs]
    given = [x for grid in grids for x in grid.ravel().tolist()]
    leaves = [Value(x.data, label=x.label) if isinstance(x, Value) else Value(x) for x in given]
    with collector_paused():
        with recording() as made:
            outputs = _returned(f(*_like(grids, leaves)))
        nodes, met = operands_first(outputs)
        ids = {leaf: i for i, leaf in enumerate(leaves)}
        made.update(leaves)
        found = tuple(parameters if parameters is not None else (leaf for leaf in met if leaf not in made))
        for p in found:
            ids.setdefault(p, len(ids))
        if len(ids) != len(leaves) + len(found):
            raise ConfigError("A parameter was passed twice.", "Pass each one once.")
        numbers = [leaf.data for leaf in ids] + number_constants(met, ids)
        labels = {i: leaf.label for leaf, i in ids.items() if leaf.label}
        for i, node in enumerate(nodes, len(numbers)):
            ids[node] = i
            if node.label:
                labels[i] = node.label
        return Tape(
            codes=np.array([CODES[node.op.name] for node in nodes if node.op], np.uint8),
            a=np.array([ids[node._a] for node in nodes], np.int32),
            b=np.array([-1 if node._b is None else ids[node._b] for node in nodes], np.int32),
            numbers=np.array(numbers),
            shapes=tuple(grid.shape for grid in grids),
            wanted=np.array([isinstance(x, Value) for x in given], bool),
            n_parameters=len(found),
            outputs=tuple(ids[node] for node in outputs),
            labels=labels,
            parameters=found,
        )


def _grid(numbers: Any) -> Array:
    """A number, a Value, or lists of them -> an array of objects."""
    try:
        grid = np.array(numbers, dtype=object)
    except ValueError as error:
        raise ShapeError("An input has rows of different lengths.", "Pass them as inputs of their own.") from error
    for x in grid.ravel().tolist():
        if isinstance(x, (list, tuple)):
            raise ShapeError("An input has rows of different lengths.", "Pass them as inputs of their own.")
    return grid


def _like(grids: Sequence[Array], leaves: Sequence[Value]) -> list[Any]:
    """The leaves, nested as the inputs were."""
    nested, rest = [], iter(leaves)
    for grid in grids:
        filled = np.empty(grid.shape, dtype=object)
        filled.ravel()[:] = [leaf for _, leaf in zip(range(grid.size), rest, strict=False)]
        nested.append(filled.tolist())
    return nested


def _returned(result: Any) -> list[Value]:
    """What f returned, as a list of Values."""
    outputs = [result] if isinstance(result, Value) else list(result) if isinstance(result, (list, tuple)) else []
    if not outputs or not all(isinstance(x, Value) for x in outputs):
        raise ConfigError(
            f"What was recorded returned {type(result).__name__} {result!r:.60}; wanted a Value or a list of them.",
            "Return what the gradient is wanted of, first.",
        )
    return outputs
