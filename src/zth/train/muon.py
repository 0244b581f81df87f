"""Muon, an optimizer for matrices, and which parameters go to which optimizer.

Letters: n matrices of one shape, (fan_in, fan_out) each; r the smaller of the two.

Muon (Keller Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks",
https://kellerjordan.github.io/posts/muon) takes the momentum of a matrix, and moves in all of its directions equally
far: of U S V^T it keeps U V^T. The singular values are brought near 1 by five rounds of a polynomial in X (a
Newton-Schulz iteration) instead of being computed:

    X <- a X + b (X X^T) X + c (X X^T)^2 X,          a, b, c = 3.4445, -4.7750, 2.0315

The coefficients are theirs, made for speed at small singular values: the others end between about 0.7 and 1.2.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from zth.errors import ConfigError
from zth.layers import Linear
from zth.train.optim import AdamW

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalised(matrices: Tensor, rounds: int = 5, *, half: bool = False) -> Tensor:
    """(n, fan_in, fan_out) -> the same shape: U S V^T -> about U V^T, of each.

    `half` works in bfloat16, as the authors do: half the time where the processor has instructions for it.

    >>> x = orthogonalised(torch.randn(1, 4, 6, generator=torch.Generator().manual_seed(1)))
    >>> bool((torch.linalg.svdvals(x) - 1).abs().max() < 0.35)
    True
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[-2] > matrices.shape[-1]
    X = matrices.mT if tall else matrices  # so that X X^T is the smaller one: (n, r, r)
    X = X / (X.norm(dim=(-2, -1), keepdim=True) + 1e-7)  # no singular value above 1
    X = X.bfloat16() if half else X
    for _ in range(rounds):
        A = X @ X.mT
        B = torch.baddbmm(A, A, A, beta=b, alpha=c)  # b A + c A A
        X = torch.baddbmm(X, B, X, beta=a)  # a X + B X
    return (X.mT if tall else X).to(matrices.dtype)


class Muon(torch.optim.Optimizer):
    """Muon for matrices (fan_in, fan_out): W <- W - lr * scale * orthogonalised(momentum), as zth's Linear has them.

    `scale` = sqrt(max(1, fan_out / fan_in)) is the authors'; momentum is Nesterov's; weight decay is AdamW's, apart
    from the gradient. A group may have `splits`: how many columns belong to each of several matrices that lie side by
    side in one parameter (queries, keys and values), which are orthogonalised apart. Matrices of one shape go through
    the iteration together. Raises ConfigError for parameters that are no matrices and values that make no sense.

    >>> W = torch.nn.Parameter(torch.zeros(4, 4))
    >>> W.grad = torch.eye(4)
    >>> Muon([W], lr=0.1).step()
    >>> bool((W + 0.1 * torch.eye(4)).abs().max() < 0.035)
    True
    """

    def __init__(
        self,
        params: Iterable[Any],
        *,
        lr: float = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        rounds: int = 5,
        half: bool = False,
    ) -> None:
        if not (lr >= 0 and 0 <= momentum < 1 and weight_decay >= 0 and rounds >= 1):
            raise ConfigError(
                f"Muon got lr={lr}, momentum={momentum}, weight_decay={weight_decay}, rounds={rounds}.",
                "Try lr=0.02, momentum=0.95, weight_decay=0, rounds=5.",
            )
        defaults: dict[str, Any] = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        defaults |= {"rounds": rounds, "half": half, "splits": None}
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                _check_matrix(p, group["splits"])

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]  # torch: overloads
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for (_, rounds, half), parts in self._parts().items():
            updates = orthogonalised(torch.stack([update for _, update, _ in parts]), rounds, half=half)
            for (columns, _, rate), update in zip(parts, updates, strict=True):
                fan_in, fan_out = update.shape
                columns.sub_(update, alpha=rate * max(1.0, fan_out / fan_in) ** 0.5)
        return loss

    def _parts(self) -> dict[tuple[torch.Size, int, bool], list[tuple[Tensor, Tensor, float]]]:
        """Shape, rounds, half -> (columns of a parameter, the momentum there, the rate). Decays the weights too."""
        parts = defaultdict(list)
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                p.mul_(1 - group["lr"] * group["weight_decay"])
                update = self._momentum(p, group["momentum"])
                splits = group["splits"] or [p.shape[1]]
                for columns, part in zip(torch.split(p, splits, 1), torch.split(update, splits, 1), strict=True):
                    parts[part.shape, group["rounds"], group["half"]].append((columns, part, group["lr"]))
        return parts

    def _momentum(self, p: Tensor, momentum: float) -> Tensor:
        """The gradient averaged with those before it, and once more looked ahead (Nesterov)."""
        assert p.grad is not None
        state = self.state[p]
        if not state:
            state["momentum"] = torch.zeros_like(p)
        state["momentum"].lerp_(p.grad, 1 - momentum)
        return p.grad.lerp(state["momentum"], momentum)


class MuonAndAdamW:
    """A net's matrices by Muon, and by AdamW what is none: tables, the last layer, vectors (see `muon_groups`).

    Like SGD and AdamW of zth.train.optim it is told the rate at each step; AdamW's is `lr_rest` times that. Raises
    ConfigError for a net without a matrix between its first layer and its last.
    """

    def __init__(
        self,
        net: nn.Module,
        *,
        lr_rest: float,
        weight_decay: float = 0.0,
        beta1: float = 0.9,
        beta2: float = 0.999,
        half: bool = False,
    ) -> None:
        hidden, rest = muon_groups(net, weight_decay)
        if not hidden:
            raise ConfigError(f"This {type(net).__name__} has no matrix for Muon between its ends.", "Use adamw.")
        self.muon, self.lr_rest = Muon(hidden, half=half), lr_rest
        others = [p for group in rest for p in group["params"]]
        self.adamw = AdamW(others, weight_decay=weight_decay, beta1=beta1, beta2=beta2)
        self.matrices = [p for group in self.muon.param_groups for p in group["params"]]
        for p in self.matrices:  # from the beginning, so that there is something to restore into
            self.muon.state[p]["momentum"] = torch.zeros_like(p)

    def step(self, lr: float) -> None:
        """Move every parameter that has a gradient."""
        for group in self.muon.param_groups:
            group["lr"] = lr
        self.muon.step()
        self.adamw.step(lr * self.lr_rest)

    def state(self) -> dict[str, Tensor]:
        """What the next step depends on besides parameters and gradients; to be written to as well."""
        momenta = {f"momentum.{n}": self.muon.state[p]["momentum"] for n, p in enumerate(self.matrices)}
        return {**momenta, **self.adamw.state()}


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups for AdamW: matrices and tables decay; biases, gains and other vectors do not.

    >>> model = Linear(3, 2, generator=torch.Generator())
    >>> [(len(group["params"]), group["weight_decay"]) for group in decay_groups(model, 0.1)]
    [(1, 0.1), (1, 0.0)]
    """
    return _decay_groups([p for p in model.parameters() if p.requires_grad], weight_decay)


def muon_groups(model: nn.Module, weight_decay: float = 0.0) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The groups for Muon, and those for Adam: the matrices between the first layer and the last one, and the rest.

    Muon takes the W of every Linear but the last, if that one gives the logits; a model may say in `column_splits`
    which of them hold several matrices. Tables, the last layer and vectors are Adam's.

    >>> from zth.layers import Embedding, Sequential
    >>> g = torch.Generator()
    >>> net = Sequential(Embedding(5, 3, generator=g), Linear(3, 4, generator=g), Linear(4, 5, generator=g))
    >>> net.vocab_size = 5
    >>> hidden, rest = muon_groups(net)
    >>> [tuple(p.shape) for group in hidden for p in group["params"]], sum(len(group["params"]) for group in rest)
    ([(3, 4)], 4)
    """
    splits: Mapping[str, Sequence[int]] = getattr(model, "column_splits", {})
    linears = {f"{name}.W": layer.W for name, layer in model.named_modules() if isinstance(layer, Linear)}
    last = next(reversed(linears.values()), None)
    matrices = {
        name: W
        for name, W in linears.items()
        if W.requires_grad and not (W is last and W.shape[1] == getattr(model, "vocab_size", None))
    }
    by_split = defaultdict(list)
    for name, W in matrices.items():
        by_split[tuple(splits.get(name, ()))].append(W)
    hidden = [
        {"params": params, "splits": list(sizes) or None, "weight_decay": weight_decay}
        for sizes, params in by_split.items()
    ]
    taken = {id(W) for W in matrices.values()}
    rest = [p for p in model.parameters() if p.requires_grad and id(p) not in taken]
    return hidden, _decay_groups(rest, weight_decay)


def _decay_groups(parameters: Sequence[Tensor], weight_decay: float) -> list[dict[str, Any]]:
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def _check_matrix(p: Tensor, splits: Sequence[int] | None) -> None:
    if p.dim() != 2:
        raise ConfigError(f"Muon is for matrices; got a parameter of {tuple(p.shape)}.", "Give that one to Adam.")
    if splits and sum(splits) != p.shape[1]:
        raise ConfigError(f"splits {list(splits)} do not add up to {p.shape[1]} columns.", "Leave them out.")
