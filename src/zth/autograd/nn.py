"""Neuron, Layer, MLP: a small neural net whose every number is a Value (lecture 1).

n inputs go into a neuron; a layer of m neurons turns (n,) into (m,). Each weight, product and sum is a node that can
be looked at and drawn.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from zth.autograd.value import Value
from zth.errors import ConfigError, ShapeError
from zth.seeds import python_stream

if TYPE_CHECKING:
    from zth.autograd.compiled import Compiled

Inputs = Sequence[Value] | Sequence[float] | Sequence[Value | float]
SEED = 1337
"""The seed of the initial weights where none is given: two nets of one shape begin alike."""


class Module:
    """Something with parameters."""

    def parameters(self) -> list[Value]:
        """The leaves to be trained, in a fixed order."""
        return []

    def zero_grad(self) -> None:
        """Forget the gradients: without this they add up from step to step, as in PyTorch."""
        for p in self.parameters():
            p.grad = 0.0

    def compiled(self, loss: Callable[..., Any], *, dtype: Any = "float64") -> Compiled:
        """`loss(self, *inputs)`, recorded at the first call and replayed from then on, on flat (P,) parameters.

        >>> model = MLP(2, [16, 16, 1])
        >>> fast = model.compiled(lambda model, x: model(x) ** 2)
        >>> float(fast([0.5, -1.0])[0]) == (model([0.5, -1.0]) ** 2).data, fast.gradients.shape
        (True, (337,))
        """
        from zth.autograd.compiled import Compiled  # and with it NumPy, which the engine itself does without

        return Compiled(partial(loss, self), self.parameters(), dtype=dtype)


class Neuron(Module):
    """(n,) inputs -> one Value: relu(w . x + b), or without the relu where `nonlin` is False.

    The weights are drawn uniformly from -1..1, the bias is 0. `rng` is a seed or a random.Random.

    >>> neuron = Neuron(2, rng=1)
    >>> neuron, len(neuron.parameters())
    (ReLUNeuron(2), 3)
    """

    def __init__(self, nin: int, nonlin: bool = True, *, rng: random.Random | int = SEED) -> None:
        if nin < 1:
            raise ConfigError(f"A neuron needs at least one input; got {nin}.", "Pass nin=1 or more.")
        rng = _generator(rng)
        self.w = [Value(rng.uniform(-1, 1), label=f"w{i}") for i in range(nin)]
        self.b = Value(0.0, label="b")
        self.nonlin = nonlin

    def __call__(self, x: Inputs) -> Value:
        """Raises ShapeError where x has another length than the weights."""
        if len(x) != len(self.w):
            raise ShapeError(f"{self!r} got {len(x)} inputs; it has {len(self.w)} weights.", "Pass one for each.")
        activation = sum(map(operator.mul, self.w, x), self.b)  # one tenth faster than a generator of products
        return activation.relu() if self.nonlin else activation

    def parameters(self) -> list[Value]:
        return [*self.w, self.b]

    def __repr__(self) -> str:
        return f"{'ReLU' if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """(n,) inputs -> (m,) Values, or the bare Value where m is 1.

    >>> Layer(2, 3)
    Layer of [ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2)]
    """

    def __init__(self, nin: int, nout: int, nonlin: bool = True, *, rng: random.Random | int = SEED) -> None:
        if nout < 1:
            raise ConfigError(f"A layer needs at least one neuron; got {nout}.", "Pass nout=1 or more.")
        rng = _generator(rng)
        self.neurons = [Neuron(nin, nonlin, rng=rng) for _ in range(nout)]

    def __call__(self, x: Inputs) -> Any:
        shared = [xi if isinstance(xi, Value) else Value(xi) for xi in x]  # one node an input, not one a neuron
        out = [neuron(shared) for neuron in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self) -> list[Value]:
        return [p for neuron in self.neurons for p in neuron.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module):
    """(n,) inputs -> the last layer's output; relu between the layers, the last one linear.

    >>> model = MLP(2, [16, 16, 1])  # the lecture's, for the two moons
    >>> len(model.parameters())
    337
    >>> type(model([0.5, -1.0])).__name__
    'Value'
    """

    def __init__(self, nin: int, nouts: Sequence[int], *, rng: random.Random | int = SEED) -> None:
        if not nouts:
            raise ConfigError("An MLP needs at least one layer; got none.", "Pass the widths, as in MLP(2, [16, 1]).")
        rng = _generator(rng)
        last = len(nouts) - 1
        self.layers = [Layer(m, n, nonlin=i < last, rng=rng) for i, (m, n) in enumerate(pairwise([nin, *nouts]))]

    def __call__(self, x: Inputs) -> Any:
        out: Any = x
        for i, layer in enumerate(self.layers):
            out = layer(out if i == 0 or isinstance(out, list) else [out])
        return out

    def parameters(self) -> list[Value]:
        return [p for layer in self.layers for p in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"


def _generator(rng: random.Random | int) -> random.Random:
    return rng if isinstance(rng, random.Random) else python_stream(rng, "init")
