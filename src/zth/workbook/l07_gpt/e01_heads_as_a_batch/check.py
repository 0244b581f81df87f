"""Check of 7.1: heads split and joined, attention and its gradients, then what dropout does, and when.

Letters: B texts, T positions, C the width, H heads, D = C / H the size of a head.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zth.compare import FLOAT64, Tolerance, as_array
from zth.workbook.check import Mistake, Part
from zth.workbook.l07_gpt.e01_heads_as_a_batch.solution import Weights, join_heads, split_heads

# softmax and three products, each summed over some ten numbers of size 1; dy makes sums of B * T of them
GRADIENTS = Tolerance(relative=2e-5, absolute=2e-5)
N_TEXTS, P = 2_000, 0.4

Attention = Callable[..., Tensor]
Gradients = Callable[[Tensor, Weights, int, Tensor], Weights]


def _normal(g: torch.Generator, *shape: int, double: bool = False) -> Tensor:
    numbers = torch.randn(*shape, generator=g, dtype=torch.float64)
    return numbers if double else numbers.float()


@cache
def _cases(double: bool = False) -> list[tuple[Tensor, Weights, int, Tensor]]:
    """x, weights, heads, dy: several heads, T and H alike, one head, heads of size 1, a single position."""
    g = torch.Generator().manual_seed(71)
    cases = []
    for B, T, C, H in ((2, 5, 12, 3), (2, 4, 8, 4), (3, 6, 4, 1), (1, 3, 4, 4), (2, 1, 6, 2)):
        weights = {name: _normal(g, C, C, double=double) / math.sqrt(C) for name in ("Wq", "Wk", "Wv", "Wo")}
        weights |= {"bo": _normal(g, C, double=double)}
        x, dy = _normal(g, B, T, C, double=double), _normal(g, B, T, C, double=double)
        cases.append((1.5 * x, weights, H, dy))
    return cases


def _whole() -> list[tuple[Tensor, int]]:
    g = torch.Generator().manual_seed(7)
    example = torch.arange(1.0, 9).view(1, 2, 4)
    return [(example, 2), *((_normal(g, B, T, C), H) for B, T, C, H in ((2, 5, 12, 3), (2, 4, 8, 4), (1, 3, 4, 1)))]


def _different(rows: Tensor) -> list[tuple[int, ...]]:
    return sorted(set(map(tuple, rows.tolist())))


def _dropped(answer: Any, options: Mapping[str, object]) -> dict[str, object]:
    """N_TEXTS times the same two positions: which outputs occur, and how often the first one is left out."""
    x = torch.tensor([[1.0, 2.0, 1.0, 5.0], [1.0, 3.0, 1.0, 7.0]]).expand(N_TEXTS, 2, 4).contiguous()
    # queries and keys are the ones, so that scores differ from 0 and all weights of the second position are 1/2
    ones = torch.diag(torch.tensor([1.0, 0.0, 1.0, 0.0]))
    weights = {"Wq": ones, "Wk": ones, "Wv": torch.eye(4), "Wo": torch.eye(4), "bo": torch.zeros(4)}
    out = torch.from_numpy(as_array(answer.attention(x, weights, 2, **options)))
    if tuple(out.shape) != (N_TEXTS, 2, 4):
        return {"shape": list(out.shape)}
    rows = (out.double() * 1_000).round().long().flatten(1)
    kinds = [_different(rows[:, place : place + 2]) for place in (0, 2, 4, 6)]
    both = _different(rows[:, 4:])
    left_out = (rows[:, 0] == 0).double().mean().item()
    return {
        "outputs of each head, in thousandths": kinds,
        "each head has its own chance": len(both) > max(map(len, kinds)),
        "left out, in steps of 0.1": round(left_out * 10),
    }


PARTS = [
    Part(name="split_heads", ask=lambda answer, x, n_heads: answer.split_heads(x, n_heads), cases=_whole),
    Part(
        name="join_heads",
        ask=lambda answer, y: answer.join_heads(y),
        cases=lambda: [(split_heads(x, n_heads).contiguous(),) for x, n_heads in _whole()],
    ),
    Part(
        name="attention",
        shown="attention({}, weights, {})",
        ask=lambda answer, x, weights, n_heads: answer.attention(x, weights, n_heads),
        cases=lambda: [(x, weights, n_heads) for x, weights, n_heads, _ in _cases()],
        tolerance=GRADIENTS,
    ),
    Part(
        name="attention in float64",
        shown="attention({}, weights, {}), all of float64",
        ask=lambda answer, x, weights, n_heads: answer.attention(x, weights, n_heads),
        cases=lambda: [(x, weights, n_heads) for x, weights, n_heads, _ in _cases(True)],
        tolerance=FLOAT64,
    ),
    Part(
        name="gradients",
        shown="gradients({}, weights, {}, {})",
        ask=lambda answer, *case: answer.gradients(*case),
        cases=_cases,
        tolerance=GRADIENTS,
    ),
    Part(
        name="gradients in float64",
        shown="gradients({}, weights, {}, {}), all of float64",
        ask=lambda answer, *case: answer.gradients(*case),
        cases=lambda: _cases(True),
        tolerance=FLOAT64,
    ),
    Part(
        name="dropout",
        shown="attention(x, weights, 2, dropout=0.4, training={})",
        ask=lambda answer, training: _dropped(answer, {"dropout": P, "training": training}),
        cases=[(False,), (True,)],
    ),
    Part(
        name="dropout by default",
        shown="attention(x, weights, 2, **{})",
        ask=_dropped,
        cases=[({"dropout": P},), ({"training": True},)],
    ),
]


def _causal(scores: Tensor, diagonal: int = 0) -> Tensor:
    """(..., T, T) bool: what is to be hidden."""
    return torch.ones(scores.shape[-2:]).tril(diagonal) == 0


def _weighed(scores: Tensor) -> Tensor:
    return scores.masked_fill(_causal(scores), -math.inf).softmax(-1)


def _attention(
    *,
    split: Callable[[Tensor, int], Tensor] = split_heads,
    join: Callable[[Tensor], Tensor] = join_heads,
    order: tuple[str, str, str] = ("Wq", "Wk", "Wv"),
    scale: Callable[[int, int], float] = lambda _C, D: D**-0.5,
    weigh: Callable[[Tensor], Tensor] = _weighed,
    project: Callable[[Tensor, Weights], Tensor] = lambda y, weights: y @ weights["Wo"] + weights["bo"],
    drop: Callable[[Tensor, float, bool], Tensor] = F.dropout,
    drop_scores: bool = False,
    drop_values: bool = False,
) -> Attention:
    """The solution's attention; the options are the places to go wrong."""

    def attention(x: Tensor, weights: Weights, n_heads: int, dropout: float = 0.0, training: bool = False) -> Tensor:
        q, k, v = (split(x @ weights[name], n_heads) for name in order)
        scores = q @ k.transpose(-2, -1) * scale(x.shape[-1], q.shape[-1])
        if drop_scores:
            return project(join(weigh(drop(scores, dropout, training)) @ v), weights)
        if drop_values:
            return project(join(weigh(scores) @ drop(v, dropout, training)), weights)
        return project(join(drop(weigh(scores), dropout, training) @ v), weights)

    return attention


def _gradients(
    attention: Attention | None = None,
    loss: Callable[[Tensor, Tensor], Tensor] = lambda y, dy: (y * dy).sum(),
    after: Callable[[Weights], Weights] = lambda found: found,
) -> Gradients:
    """By autograd, of another attention or another loss, or changed afterwards."""

    def gradients(x: Tensor, weights: Weights, n_heads: int, dy: Tensor) -> Weights:
        leaves = {name: tensor.clone().requires_grad_() for name, tensor in {"x": x, **weights}.items()}
        value = loss((attention or _attention())(leaves["x"], leaves, n_heads), dy)
        found = torch.autograd.grad(value, list(leaves.values()), allow_unused=True, materialize_grads=True)
        return after(dict(zip(leaves, found, strict=True)))

    return gradients


def _both(**options: Any) -> Mapping[str, object]:
    """Whose attention is wrong has wrong gradients too."""
    attention = _attention(**options)
    return {"attention": attention, "gradients": _gradients(attention)}


def _split_wrong(split: Callable[[Tensor, int], Tensor]) -> Mapping[str, object]:
    return {"split_heads": split}


def _join_wrong(join: Callable[[Tensor], Tensor]) -> Mapping[str, object]:
    return {"join_heads": join, **_both(join=join)}


def _viewed(x: Tensor, n_heads: int) -> Tensor:
    B, T, C = x.shape
    return x.reshape(B, n_heads, T, C // n_heads)


def _joined_as_it_lies(y: Tensor) -> Tensor:
    B, H, T, D = y.shape
    return y.reshape(B, T, H * D)


def _masked(diagonal: int, fill: float = -math.inf) -> Callable[[Tensor], Tensor]:
    return lambda scores: scores.masked_fill(_causal(scores, diagonal), fill).softmax(-1)


def _ahead(scores: Tensor) -> Tensor:
    return scores.masked_fill(torch.ones(scores.shape[-2:]).triu() == 0, -math.inf).softmax(-1)


def _over(dim: int) -> Callable[[Tensor], Tensor]:
    return lambda scores: scores.masked_fill(_causal(scores), -math.inf).softmax(dim)


def _single(x: Tensor, weights: Weights, n_heads: int, dropout: float = 0.0, training: bool = False) -> Tensor:
    single = {name: tensor.float() for name, tensor in weights.items()}
    return _attention()(x.float(), single, n_heads, dropout, training)


MISTAKES: list[Mistake] = [
    Mistake(
        name="a view without transpose",
        says="`view(B, H, T, D)` has the right shape, but it cuts the text into pieces, not the width: a head gets "
        "all columns of a few positions. View as (B, T, H, D) first, then transpose(1, 2).",
        instead=_split_wrong(_viewed),
    ),
    Mistake(
        name="columns dealt out in turns",
        says="The columns were dealt out to the heads in turns. Head h has the columns h*D to (h+1)*D, next to each "
        "other: view(B, T, H, D), not (B, T, D, H).",
        instead=_split_wrong(lambda x, n: x.view(*x.shape[:2], -1, n).permute(0, 3, 1, 2)),
    ),
    Mistake(
        name="heads behind the positions",
        says="That is (B, T, H, D). The heads belong in front of the positions, with the batch: transpose(1, 2).",
        instead=_split_wrong(lambda x, n: x.view(*x.shape[:2], n, -1)),
    ),
    Mistake(
        name="joined without transposing back",
        says="The heads were joined as they lie in memory: a position gets pieces of several positions of one head. "
        "First y.transpose(1, 2), (B, T, H, D), then the reshape.",
        instead=_join_wrong(_joined_as_it_lies),
    ),
    Mistake(
        name="joined in turns",
        says="The columns of the heads take turns. Head h has the columns h*D to (h+1)*D: transpose(1, 2), which "
        "gives (B, T, H, D), not (B, T, D, H).",
        instead=_join_wrong(lambda y: y.permute(0, 2, 3, 1).flatten(2)),
    ),
    Mistake(
        name="no causal mask",
        says="Every position sees the whole text, even what it has to predict. Mask the scores where s > t.",
        instead=_both(weigh=lambda scores: scores.softmax(-1)),
    ),
    Mistake(
        name="sees the next position",
        says="The mask is off by one: position t also sees t + 1, just what it has to predict. tril(), not tril(1).",
        instead=_both(weigh=_masked(1)),
    ),
    Mistake(
        name="does not see itself",
        says="The mask is off by one: position t does not see itself, and the first one sees nothing, which gives "
        "nan. Hide only where tril() is 0: the diagonal stays visible.",
        instead=_both(weigh=_masked(-1)),
    ),
    Mistake(
        name="the mask turned around",
        says="The past is hidden and the future is seen. Keep the lower triangle: tril(), not triu().",
        instead=_both(weigh=_ahead),
    ),
    Mistake(
        name="filled with 0",
        says="The future's scores were set to 0, and exp(0) is 1: it still has a weight. Fill with -inf.",
        instead=_both(weigh=_masked(0, 0.0)),
    ),
    Mistake(
        name="masked after the softmax",
        says="The softmax saw the future, and the mask came after it: the weights no longer sum to 1. Mask the "
        "scores.",
        instead=_both(weigh=lambda scores: scores.softmax(-1).tril()),
    ),
    Mistake(
        name="softmax over those that ask",
        says="The softmax went over the positions that ask, dim=-2. Each of them divides its attention among those "
        "that answer: dim=-1.",
        instead=_both(weigh=_over(-2)),
    ),
    Mistake(
        name="softmax over the heads",
        says="The softmax went over dim=1, and that is the heads now. Count from the end: dim=-1.",
        instead=_both(weigh=_over(1)),
    ),
    Mistake(
        name="scaled by the width",
        says="You divided by sqrt(C). A score is a sum of D products, since a head has D columns: divide by sqrt(D).",
        instead=_both(scale=lambda C, _D: C**-0.5),
    ),
    Mistake(
        name="no scale",
        says="The scores are not divided by sqrt(D), so the softmax is too sharp.",
        instead=_both(scale=lambda _C, _D: 1.0),
    ),
    Mistake(
        name="divided by D",
        says="You divided by D. The spread of a sum of D products grows with sqrt(D): divide by that.",
        instead=_both(scale=lambda _C, D: 1 / D),
    ),
    Mistake(
        name="query and key swapped",
        says="Keys ask and queries answer. Row t of the scores belongs to the query of t: q @ k.transpose(-2, -1).",
        instead=_both(order=("Wk", "Wq", "Wv")),
    ),
    Mistake(
        name="key and value swapped",
        says="Keys and values are swapped: the scores are q . k, and what they add up is v.",
        instead=_both(order=("Wq", "Wv", "Wk")),
    ),
    Mistake(
        name="projection forgotten",
        says="Those are the heads side by side. The projection comes after that: y @ Wo + bo.",
        instead=_both(project=lambda y, _weights: y),
    ),
    Mistake(
        name="bias forgotten",
        says="`bo` is missing: y @ Wo + bo.",
        instead=_both(project=lambda y, weights: y @ weights["Wo"]),
    ),
    Mistake(
        name="projection on its side",
        says="That is y @ Wo.T, as torch.nn.Linear holds its weight. Here it is y @ Wo + bo.",
        instead=_both(project=lambda y, weights: y @ weights["Wo"].T + weights["bo"]),
    ),
    Mistake(
        name="rounded to float32",
        says="x and weights are float64 here, and the result was computed in float32. Take their dtype for your own.",
        instead={"attention": _single, "gradients": _gradients(_single)},
    ),
    Mistake(
        name="the weights cut off the graph",
        says="Nothing comes back through the softmax: Wq and Wk have gradients of 0. Leave detach(), .data and "
        "no_grad away from scores and weights.",
        instead={"gradients": _gradients(_attention(weigh=lambda scores: _weighed(scores).detach()))},
    ),
    Mistake(
        name="dy ignored",
        says="Those are the gradients of y.sum(). The loss is (y * dy).sum(): y.backward(dy) does the same.",
        instead={"gradients": _gradients(loss=lambda y, _dy: y.sum())},
    ),
    Mistake(
        name="the gradient of the mean",
        says="Those are the gradients of the mean of y * dy. The loss is the sum.",
        instead={"gradients": _gradients(loss=lambda y, dy: (y * dy).mean())},
    ),
    Mistake(
        name="uphill",
        says="All signs are reversed.",
        instead={"gradients": _gradients(after=lambda found: {name: -grad for name, grad in found.items()})},
    ),
    Mistake(
        name="dropout active in evaluation",
        says="With training=False nothing may be left out: F.dropout(wei, dropout, training). Its third argument "
        "is True if you leave it out.",
        instead={"attention": _attention(drop=lambda x, p, _training: F.dropout(x, p))},
    ),
    Mistake(
        name="dropout forgotten",
        says="With training=True nothing was left out. Dropout applies to the weights, after the softmax.",
        instead={"attention": _attention(drop=lambda x, _p, _training: x)},
    ),
    Mistake(
        name="dropout without its division",
        says="Weights are left out, but the others stay as they were. They are divided by 1 - dropout, so that the "
        "sum is the same on average.",
        instead={"attention": _attention(drop=lambda x, p, training: F.dropout(x, p, training) * (1 - p * training))},
    ),
    Mistake(
        name="dropout before the softmax",
        says="A score that is left out becomes 0, and the softmax gives it a weight again. Dropout comes after it.",
        instead={"attention": _attention(drop_scores=True)},
    ),
    Mistake(
        name="dropout on the values",
        says="Single numbers of the values were left out. Dropout applies to the weights: a position as a whole is "
        "left out, or it is not.",
        instead={"attention": _attention(drop_values=True)},
    ),
]
