"""Which parameters of a net with zeros move, by reasoning alone: the solution of 4.1 asks autograd instead.

With y = x @ W + b: dW is not 0 where neither x nor dy is; db where dy is not; dx where neither W nor dy is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Which things are 0 in each step, and which not; the options are the places to go wrong.

    Nothing here multiplies: a thing is true where it is not 0.
    """

    slope_at_0: Mapping[str, bool] = field(default_factory=lambda: {"tanh": True, "relu": False})
    norm_of_equals_passes: bool = True
    gain_needs_n: bool = True
    look_at: Callable[[int], int] = lambda steps: steps
    always: Callable[[Sequence[str]], set[str]] = lambda _: set()
    weights_need: Callable[[bool, bool], bool] = lambda x, dy: x and dy

    def moves(self, names: Sequence[str], zero: Sequence[str], activation: str, steps: int) -> list[str]:
        alive = {name: name not in zero for name in names}
        found: set[str] = self.always(names)
        for _ in range(self.look_at(steps)):
            with_gradient = self.one_step(alive, activation)
            found |= with_gradient
            alive |= dict.fromkeys(with_gradient, True)
        return [name for name in names if name in found]

    def one_step(self, alive: Mapping[str, bool], activation: str) -> set[str]:
        """The parameters with a gradient in this step."""
        n_layers = sum(name.startswith("W") for name in alive)
        inputs, slopes, n = self._forward(alive, activation, n_layers)
        found: set[str] = set()
        dy = True
        for i in reversed(range(1, n_layers + 1)):
            found |= {f"W{i}"} if self.weights_need(inputs[i - 1], dy) else set()
            found |= {f"b{i}"} if dy else set()
            dy = dy and alive[f"W{i}"]
            if i > 1:
                dy = dy and slopes[i - 2]
                if "bngain" in alive:
                    found |= {"bnbias"} if dy else set()
                    found |= {"bngain"} if dy and (n or not self.gain_needs_n) else set()
                    dy = dy and alive["bngain"] and (n or self.norm_of_equals_passes)
        return (found | ({"C"} if dy else set())) & set(alive)

    def _forward(
        self, alive: Mapping[str, bool], activation: str, n_layers: int
    ) -> tuple[list[bool], list[bool], bool]:
        """What goes into each Linear, the slope behind each hidden one, and n."""
        x = varies = alive["C"]  # varies: differs from one example to the next
        inputs, slopes, n = [x], [], False
        for i in range(1, n_layers):
            varies = varies and alive[f"W{i}"]
            x = (x and alive[f"W{i}"]) or alive.get(f"b{i}", False)
            if "bngain" in alive:
                n = varies
                varies = n and alive["bngain"]
                x = varies or alive["bnbias"]
            inputs.append(x)
            slopes.append(x or self.slope_at_0[activation])
        return inputs, slopes, n
