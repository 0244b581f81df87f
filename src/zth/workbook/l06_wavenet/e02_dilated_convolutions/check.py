"""Check of 6.2: one level at every position, then whole nets, then one so deep that its windows fit no memory."""

import math
from collections.abc import Callable, Sequence
from functools import cache
from string import ascii_lowercase
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zth.compare import FLOAT64
from zth.data.vocab import Vocabulary
from zth.workbook.check import Mistake, Part
from zth.workbook.l06_wavenet.e02_dilated_convolutions.solution import dilated

LONG, DEEP = 2_000, 18
"""Ids and levels of the last part: its windows would be 2,000 * 262,144 ids of 8 bytes, 4.2 GB."""
TOO_MANY = 10**8
"""Ids of windows that the check's own mistake refuses to lay out."""

Parameters = dict[str, Any]
Layer = Callable[[Tensor, Tensor, Tensor, int], Tensor]


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@cache
def _layers() -> list[tuple[Tensor, Tensor, Tensor, int]]:
    """The task's example; vectors, at each dilation of the lecture; a text shorter than the dilation."""
    g = _generator(62)
    x, W, b = (torch.randn(*shape, generator=g) for shape in ((2, 9, 3), (6, 4), (4,)))
    example = torch.tensor([[[1.0], [2.0], [3.0], [4.0], [5.0]]])
    return [
        (example, torch.tensor([[1.0], [10.0]]), torch.zeros(1), 2),
        *((x, W, b, dilation) for dilation in (1, 2, 4)),
        (x[:, :3], W, b, 4),
    ]


def _parameters(n_levels: int, *, V: int = 27, E: int = 3, H: int = 5, double: bool = False) -> Parameters:
    g = _generator(n_levels)

    def normal(*shape: int) -> Tensor:
        numbers = torch.randn(*shape, generator=g, dtype=torch.float64) / math.sqrt(shape[0])
        return numbers if double else numbers.float()

    levels = [(normal(2 * (H if level else E), H), normal(H)) for level in range(n_levels)]
    return {"C": normal(V, E) * math.sqrt(V), "levels": levels, "W": normal(H, V), "b": normal(V)}


@cache
def _ids() -> Tensor:
    """(4, 12): names, each behind a dot, filled up with dots."""
    vocabulary = Vocabulary.of_lines([ascii_lowercase])
    words = ("emma", "mia", "christopher", "olivia")
    return torch.stack([torch.tensor(vocabulary.encode(f".{word:.<11}")) for word in words])


def _nets(*, double: bool = False) -> list[tuple[Tensor, Parameters]]:
    """Three levels, on names, on what begins with a letter, on single ids; then two levels, and four."""
    three, two, four = (_parameters(n_levels, double=double) for n_levels in (3, 2, 4))
    return [(_ids(), three), (_ids()[:, 1:], three), (_ids()[:, 1:2], three), (_ids()[:, 2:9], two), (_ids(), four)]


@cache
def _deep() -> list[tuple[Tensor, Parameters]]:
    ids = torch.randint(5, (1, LONG), generator=_generator(DEEP))
    return [(ids, _parameters(DEEP, V=5, E=4, H=4, double=True))]


PARTS = [
    Part(
        name="dilated",
        ask=lambda answer, x, W, b, dilation: answer.dilated(x, W, b, dilation),
        cases=_layers,
    ),
    Part(
        name="all_positions",
        shown="all_positions({}, parameters)",
        ask=lambda answer, ids, parameters: answer.all_positions(ids, parameters),
        cases=_nets,
    ),
    Part(
        name="all_positions in float64",
        shown="all_positions({}, parameters), all of float64",
        ask=lambda answer, ids, parameters: answer.all_positions(ids, parameters),
        cases=lambda: _nets(double=True),
        tolerance=FLOAT64,
    ),
    Part(
        name="all_positions of a long text",
        shown="all_positions({}, parameters of 18 levels)",
        ask=lambda answer, ids, parameters: answer.all_positions(ids, parameters),
        cases=_deep,
    ),
]


def _doubling(n_levels: int) -> list[int]:
    return [2**level for level in range(n_levels)]


def _net(
    *,
    layer: Layer = dilated,
    dilations: Callable[[int], Sequence[int]] = _doubling,
    looked_up: Callable[[Tensor, Tensor], Tensor] = lambda C, ids: C[F.pad(ids, (1, 0))],
    tanh: Callable[[int, int, Tensor], Tensor] = lambda _level, _n_levels, x: x.tanh(),
    kept: Callable[[Tensor], Tensor] = lambda x: x[:, 1:],
    finished: Callable[[Tensor], Tensor] = lambda logits: logits,
) -> Callable[[Tensor, Parameters], Tensor]:
    """The solution's net; the options are the places to go wrong."""

    def all_positions(ids: Tensor, parameters: Parameters) -> Tensor:
        levels = parameters["levels"]
        x = looked_up(parameters["C"], ids)
        for level, dilation in enumerate(dilations(len(levels))):
            W, b = levels[level]
            x = tanh(level, len(levels), layer(x, W, b, dilation))
        return finished(kept(x) @ parameters["W"] + parameters["b"])

    return all_positions


def _all_over(layer: Layer) -> dict[str, object]:
    """Who has a wrong level has wrong logits too."""
    return {"dilated": layer, "all_positions": _net(layer=layer)}


def _pair(before: Tensor, x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return torch.cat([before, x], dim=-1) @ W + b


def _at(x: Tensor, places: Tensor) -> Tensor:
    """(B, T, C), (T,) -> (B, T, C): places outside are zeros."""
    inside = (places >= 0) & (places < x.shape[1])
    return x[:, places.clamp(0, x.shape[1] - 1)] * inside[:, None]


def _t(x: Tensor) -> Tensor:
    return torch.arange(x.shape[1])


def _swapped(x: Tensor, W: Tensor, b: Tensor, dilation: int) -> Tensor:
    return _pair(x, x[:, (_t(x) - dilation).clamp(min=0)], W, b)


def _ahead(x: Tensor, W: Tensor, b: Tensor, dilation: int) -> Tensor:
    return _pair(x, x[:, (_t(x) + dilation).clamp(max=x.shape[1] - 1)], W, b)


def _ahead_of_zeros(x: Tensor, W: Tensor, b: Tensor, dilation: int) -> Tensor:
    return _pair(x, _at(x, _t(x) + dilation), W, b)


def _zeros_before(x: Tensor, W: Tensor, b: Tensor, dilation: int) -> Tensor:
    return _pair(_at(x, _t(x) - dilation), x, W, b)


def _rolled(x: Tensor, W: Tensor, b: Tensor, dilation: int) -> Tensor:
    return _pair(torch.roll(x, dilation, dims=1), x, W, b)


def _neighbours(x: Tensor, W: Tensor, b: Tensor, dilation: int) -> Tensor:  # noqa: ARG001
    return dilated(x, W, b, 1)


def _one_too_far(x: Tensor, W: Tensor, b: Tensor, dilation: int) -> Tensor:
    return dilated(x, W, b, dilation + 1)


def _shorter(x: Tensor, W: Tensor, b: Tensor, dilation: int) -> Tensor:
    return _pair(x[:, :-dilation], x[:, dilation:], W, b)


def _around(x: Tensor, W: Tensor, b: Tensor, dilation: int) -> Tensor:
    """What padding="same" of torch's conv1d does: the places before and behind share the zeros."""
    before = dilation // 2
    return _pair(_at(x, _t(x) - before), _at(x, _t(x) + dilation - before), W, b)


def _both_ends(x: Tensor, W: Tensor, b: Tensor, dilation: int) -> Tensor:
    """What padding=dilation of torch's conv1d does."""
    x = F.pad(x, (0, 0, dilation, dilation))
    return _shorter(x, W, b, dilation)


def _cut_in_turns(x: Tensor, W: Tensor, b: Tensor, dilation: int) -> Tensor:
    """W's rows dealt out to the two places in turn, as W.T.view(H, C, 2) deals them."""
    return dilated(x, torch.cat([W[::2], W[1::2]]), b, dilation)


def _long_enough(x: Tensor, W: Tensor, b: Tensor, dilation: int) -> Tensor:
    first = x[:, :1].expand(-1, dilation, -1)
    return _pair(torch.cat([first, x[:, :-dilation]], dim=1), x, W, b)


def _by_windows(ids: Tensor, parameters: Parameters) -> Tensor:
    """A tree at each position, as the stub's."""
    block = 2 ** len(parameters["levels"])
    if ids.numel() * block > TOO_MANY:
        torch.empty(2**60, dtype=torch.uint8)  # PyTorch's own error; a learner's differs in the number alone
    x = parameters["C"][F.pad(ids, (block - 1, 0)).unfold(1, block, 1)]
    for W, b in parameters["levels"]:
        x = (x.unflatten(2, (-1, 2)).flatten(3) @ W + b).tanh()
    logits: Tensor = x[:, :, 0] @ parameters["W"] + parameters["b"]
    return logits


def _rounded(ids: Tensor, parameters: Parameters) -> Tensor:
    single = {name: value.float() for name, value in parameters.items() if name != "levels"}
    return _net()(ids, {**single, "levels": [(W.float(), b.float()) for W, b in parameters["levels"]]})


MISTAKES: list[Mistake] = [
    Mistake(
        name="the pair turned around",
        says="You put `x[t]` before `x[t - dilation]`. The upper half of W belongs to what comes first in the "
        "text: torch.cat([before, x], dim=-1).",
        instead=_all_over(_swapped),
    ),
    Mistake(
        name="looks ahead",
        says="Position t was fused with t + dilation: it sees what it has to predict. A causal convolution looks "
        "back: t - dilation.",
        instead=_all_over(_ahead),
    ),
    Mistake(
        name="looks ahead, zeros behind the end",
        says="Position t was fused with t + dilation, and the zeros stand after the end: the model sees what it "
        "has to predict. A causal convolution looks back, so the zeros would have to go in front.",
        instead=_all_over(_ahead_of_zeros),
    ),
    Mistake(
        name="zeros before the beginning",
        says="Before the beginning you took zeros. Dots lie there, and a node over dots is not 0. Take x[:, 0].",
        instead=_all_over(_zeros_before),
    ),
    Mistake(
        name="rolled around",
        says="torch.roll brings the end of the text to its beginning, so the first positions see the last ones. "
        "Where t - dilation is below 0, take x[:, 0].",
        instead=_all_over(_rolled),
    ),
    Mistake(
        name="dilation ignored",
        says="Whatever `dilation` is, neighbours were fused. Position t belongs to t - dilation.",
        instead={"dilated": _neighbours},
    ),
    Mistake(
        name="one place too far",
        says="The two places lie dilation + 1 apart. There are dilation - 1 places between them: t - dilation and t.",
        instead=_all_over(_one_too_far),
    ),
    Mistake(
        name="shorter than x",
        says="The first positions are missing: only those with a whole pair inside the text are there. There must be "
        "T of them; where t - dilation lies before the beginning, take x[:, 0].",
        instead=_all_over(_shorter),
    ),
    Mistake(
        name='padding="same"',
        says='torch\'s padding="same" puts half of the places in front and half at the end, so a position also '
        "sees what comes after it. And its padding is zeros. Pad the front alone, with x[:, 0].",
        instead=_all_over(_around),
    ),
    Mistake(
        name="padded at both ends",
        says="There are T + dilation positions: torch's `padding` pads both ends, with zeros. Pad the front alone, "
        "with x[:, 0].",
        instead=_all_over(_both_ends),
    ),
    Mistake(
        name="W dealt out in turns",
        says="The rows of W were dealt out to the two places in turn. The first C rows belong to x[t - dilation], "
        "the other C to x[t]; for conv1d that is W.view(2, C, H).permute(2, 1, 0).",
        instead=_all_over(_cut_in_turns),
    ),
    Mistake(
        name="bias forgotten",
        says="`b` is missing: ... @ W + b.",
        instead=_all_over(lambda x, W, b, dilation: dilated(x, W, torch.zeros_like(b), dilation)),
    ),
    Mistake(
        name="tanh too early",
        says="`dilated` is the convolution alone. The tanh comes after it, in `all_positions`.",
        instead=_all_over(lambda x, W, b, dilation: dilated(x, W, b, dilation).tanh()),
    ),
    Mistake(
        name="a text shorter than the dilation",
        says="With T = 3 and dilation = 4, all earlier places lie before the beginning, and T of them are needed, "
        "not 4. Make them by index, (torch.arange(T) - dilation).clamp(min=0), or cut what you have put together "
        "to T places.",
        instead=_all_over(_long_enough),
    ),
    Mistake(
        name="dilation 1 on every level",
        says="Every level fused neighbours. On the second level a node covers two ids, and its neighbour overlaps "
        "with it: the two halves of its pair end at t - 2 and at t. The dilation doubles with each level: 1, 2, 4.",
        instead={"all_positions": _net(dilations=lambda n_levels: [1] * n_levels)},
    ),
    Mistake(
        name="dilations from 2",
        says="The dilations are 2, 4, 8. On the first level the pair are neighbours: 1, 2, 4, that is 2**level with "
        "levels counted from 0.",
        instead={"all_positions": _net(dilations=lambda n_levels: _doubling(n_levels + 1)[1:])},
    ),
    Mistake(
        name="dilations 1, 2, 3",
        says="The dilation grew by 1 with each level. It doubles, as the ids below a node do: 1, 2, 4.",
        instead={"all_positions": _net(dilations=lambda n_levels: range(1, n_levels + 1))},
    ),
    Mistake(
        name="dilations from large to small",
        says="The dilations go 4, 2, 1. The level next to the ids fuses neighbours: 1, 2, 4.",
        instead={"all_positions": _net(dilations=lambda n_levels: _doubling(n_levels)[::-1])},
    ),
    Mistake(
        name="three levels always",
        says="You took three levels. Take as many as there are in parameters['levels'].",
        instead={"all_positions": _net(dilations=lambda _: (1, 2, 4))},
    ),
    Mistake(
        name="no dot in front",
        says="You filled what lies before the text with its first id. Dots lie there: put one in front of the ids, "
        "F.pad(ids, (1, 0)), and drop its place at the end.",
        instead={"all_positions": _net(looked_up=lambda C, ids: C[ids], kept=lambda x: x)},
    ),
    Mistake(
        name="the dot behind the ids",
        says="The dot was put after the ids. It belongs in front: F.pad(ids, (1, 0)); (0, 1) pads the end.",
        instead={"all_positions": _net(looked_up=lambda C, ids: C[F.pad(ids, (0, 1))])},
    ),
    Mistake(
        name="the dot's place kept",
        says="There are T + 1 positions. The first is that of the dot which you put in front; drop it: x[:, 1:].",
        instead={"all_positions": _net(kept=lambda x: x)},
    ),
    Mistake(
        name="one position late",
        says="The logits stand one position too late: the last position was dropped, and the dot in front was kept. "
        "Drop the dot's: x[:, 1:].",
        instead={"all_positions": _net(kept=lambda x: x[:, :-1])},
    ),
    Mistake(
        name="a vector of zeros in front",
        says="In front of the characters' vectors you put zeros. What stands there is a dot, and its vector is C[0]: "
        "put id 0 in front of the ids, before you look them up.",
        instead={"all_positions": _net(looked_up=lambda C, ids: F.pad(C[ids], (0, 0, 1, 0)))},
    ),
    Mistake(
        name="tanh forgotten",
        says="There is no tanh between the levels, so all of them are one linear layer. Each level is "
        "tanh(dilated(...)).",
        instead={"all_positions": _net(tanh=lambda _level, _n_levels, x: x)},
    ),
    Mistake(
        name="no tanh on the last level",
        says="The last of the levels has a tanh as well; only the layer after it, parameters['W'], has none.",
        instead={"all_positions": _net(tanh=lambda level, n_levels, x: x if level == n_levels - 1 else x.tanh())},
    ),
    Mistake(
        name="log-probabilities instead of logits",
        says="Those are log-probabilities. Return the logits; the softmax comes after them.",
        instead={"all_positions": _net(finished=lambda logits: logits.log_softmax(-1))},
    ),
    Mistake(
        name="the last position alone",
        says="That is one prediction for each text. Return the logits of all T positions, (B, T, V).",
        instead={"all_positions": _net(kept=lambda x: x[:, -1])},
    ),
    Mistake(
        name="rounded to float32",
        says="The parameters are float64 here, and the result was computed in float32. Make your own tensors with "
        "the dtype of what comes in.",
        instead={"all_positions": _rounded},
    ),
    Mistake(
        name="windows after all",
        says="The numbers are right, but there is a window for each position: 2,000 windows of 262,144 ids. Compute "
        "each node once: one `dilated` a level, for all positions.",
        instead={"all_positions": _by_windows},
    ),
]
