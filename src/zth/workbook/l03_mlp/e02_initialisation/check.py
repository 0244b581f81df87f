"""Check of 3.2: the loss of given nets, their flat places, and what an initialisation is worth, in words.

`looks` says in words what is seen of an initialisation, one thing for each part of the second half.
"""

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor

from zth.workbook.check import Mistake, Part
from zth.workbook.l03_mlp.e02_initialisation import looks
from zth.workbook.l03_mlp.e02_initialisation.looks import LECTURE, NARROW, WIDE, Five, drawn, examples, forward
from zth.workbook.l03_mlp.e02_initialisation.solution import init


def _nets() -> list[tuple[Five, Tensor, Tensor]]:
    """Small with large weights, where every slip shows, then the lecture's net on names."""
    small = (5, 2, 3, 4)
    X, Y = examples(LECTURE)
    return [
        (
            drawn(small, 1.0),
            torch.tensor([[0, 1], [4, 2], [3, 3], [2, 0], [1, 4], [2, 0]]),
            torch.tensor([1, 0, 4, 4, 2, 2]),
        ),
        (drawn(LECTURE, 0.3), X[:60], Y[:60]),
    ]


def _flat_nets() -> list[tuple[Five, Tensor]]:
    """Units that switch between -1 and 1, units at rest, and units that are flat for some examples only."""
    small = drawn((5, 2, 3, 6), 1.5, seed=5)
    small[0][:, 0] = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0])
    small[1][:, 1], small[1][0, 1], small[2][1] = 0.0, 4.0, 0.0  # always flat, at 1 or -1 by the first character
    small[1][:, 4], small[2][4] = 0.0, -3.0  # always flat, at -1
    X = torch.tensor([[0, 1], [4, 2], [3, 3], [2, 0], [1, 4], [2, 2], [0, 4]])
    names_X = examples(LECTURE)[0]
    return [(small, X), (drawn(LECTURE, 1.0), names_X[:60])]


SIZES = [LECTURE, WIDE, NARROW]
PARTS = [
    Part(name="uniform_loss", ask=lambda answer, V: answer.uniform_loss(V), cases=[(27,), (2,), (65,), (1,)]),
    Part(
        name="loss", ask=lambda answer, *given: answer.loss(*given), cases=_nets, shown="loss(parameters, {1}, {2})"
    ),
    Part(
        name="saturation",
        ask=lambda answer, *given: answer.saturation(*given),
        cases=_flat_nets,
        shown="saturation(parameters, {1})",
    ),
    Part(
        name="dead_units",
        ask=lambda answer, *given: answer.dead_units(*given),
        cases=_flat_nets,
        shown="dead_units(parameters, {1})",
    ),
    Part(name="init", ask=looks.shapes, cases=SIZES, shown="the shapes of init({}, {}, {}, {}, seed=1)"),
    Part(
        name="init: the first loss", ask=looks.first_loss, cases=SIZES, shown="loss of init({}, {}, {}, {}, seed=1)"
    ),
    Part(
        name="init: the hidden layer",
        ask=looks.hidden_layer,
        cases=SIZES,
        shown="h after init({}, {}, {}, {}, seed=1)",
    ),
    Part(
        name="init: the first step",
        ask=looks.first_step,
        cases=SIZES,
        shown="the gradients after init({}, {}, {}, {}, seed=1)",
    ),
    Part(name="init: seeds", ask=looks.seeds, cases=[LECTURE], shown="init({}, {}, {}, {}, seed)"),
]


# --- the wrong answers --------------------


def _loss(
    *,
    lay_out: Callable[[Tensor], Tensor] = lambda emb: emb.flatten(1),
    hidden: Callable[[Tensor, Tensor], Tensor] = lambda sums, b1: torch.tanh(sums + b1),
    b2_counts: bool = True,
    probs: Callable[[Tensor], Tensor] = lambda logits: logits.softmax(1),
    nll: Callable[[Tensor, Tensor], Tensor] = lambda probs, Y: -probs[torch.arange(len(Y)), Y].log().mean(),
) -> Callable[[Five, Tensor, Tensor], Tensor]:
    """The forward pass and its loss; the options are the places to go wrong."""

    def loss(parameters: Five, X: Tensor, Y: Tensor) -> Tensor:
        C, W1, b1, W2, b2 = parameters
        logits = hidden(lay_out(C[X]) @ W1, b1) @ W2
        return nll(probs(logits + b2 if b2_counts else logits), Y)

    return loss


def _picked(probs: Tensor, Y: Tensor) -> Tensor:
    return probs[torch.arange(len(Y)), Y]


def _share(flat: Callable[[Tensor], Tensor], *, before_tanh: bool = False) -> Callable[[Five, Tensor], Tensor]:
    def saturation(parameters: Five, X: Tensor) -> Tensor:
        C, W1, b1, _, _ = parameters
        sums = C[X].flatten(1) @ W1 + b1
        return flat(sums if before_tanh else torch.tanh(sums)).float().mean()

    return saturation


def _dead(flat: Callable[[Tensor], Tensor]) -> Callable[[Five, Tensor], list[int]]:
    """`flat` makes of h (N, H) the mask whose true places are reported."""
    return lambda parameters, X: flat(forward(parameters, X)[0]).nonzero().flatten().tolist()


def _init(
    change: Callable[[Five], object] | None = None,
    *,
    C: float = 1.0,
    W1: Callable[[int, int], float] = lambda fan_in, _: 5 / 3 / math.sqrt(fan_in),
    b1: float = 0.01,
    W2: Callable[[int, int], float] = lambda _fan_in, _fan_out: 0.01,
    b2: float = 0.0,
) -> Callable[[int, int, int, int, int], Five]:
    """The five tensors with other scales, by fan_in and fan_out, or changed afterwards."""

    def init(V: int, T: int, E: int, H: int, seed: int) -> Five:
        scales = [C, W1(T * E, H), b1, W2(H, V), b2]
        made = [tensor * scale for tensor, scale in zip(drawn((V, T, E, H), 1.0, seed), scales, strict=True)]
        if change is not None:
            change(made)
        return made

    return init


def _unit(_fan_in: int, _fan_out: int) -> float:
    return 1.0


def _all_rows_alike(parameters: Five) -> None:
    _, W1, b1, W2, _ = parameters
    for tensor, value in ((W1, len(W1) ** -0.5), (b1, 0.0), (W2, 0.001)):
        tensor[...] = value


_luck = itertools.cycle(range(1, 4))
"""What fresh draws come out as; a few that are known, so that each proof of this mistake ends alike."""


def _unseeded(V: int, T: int, E: int, H: int, _seed: int) -> Five:
    return init(V, T, E, H, next(_luck))


MISTAKES = [
    Mistake(
        name="log of the probability",
        says="That is ln(1 / V), which is below 0. The loss is minus that: ln V.",
        instead={"uniform_loss": lambda V: -math.log(V)},
    ),
    Mistake(
        name="bits instead of nats",
        says="That is the logarithm to the base 2. The losses here are in nats: use the natural logarithm, math.log.",
        instead={"uniform_loss": lambda V: math.log2(V)},
    ),
    Mistake(
        name="the probability itself",
        says="1 / V is the probability of each character. Its loss is minus the logarithm of that.",
        instead={"uniform_loss": lambda V: 1 / V},
    ),
    Mistake(
        name="tanh left out",
        says="The hidden layer's sums went on without tanh: h = tanh(x @ W1 + b1).",
        instead={"loss": _loss(hidden=lambda sums, b1: sums + b1)},
    ),
    Mistake(
        name="b1 after tanh",
        says="b1 was added after tanh. It belongs inside: tanh(x @ W1 + b1).",
        instead={"loss": _loss(hidden=lambda sums, b1: torch.tanh(sums) + b1)},
    ),
    Mistake(
        name="b1 forgotten",
        says="The hidden layer has a bias: tanh(x @ W1 + b1).",
        instead={"loss": _loss(hidden=lambda sums, _: torch.tanh(sums))},
    ),
    Mistake(
        name="b2 forgotten",
        says="The output has a bias too: logits = h @ W2 + b2.",
        instead={"loss": _loss(b2_counts=False)},
    ),
    Mistake(
        name="the vectors interleaved",
        says="The numbers of the T vectors were laid out in turns: first number of each, second of each, and so on. "
        "Whole vectors stand side by side: C[X].view(len(X), -1).",
        instead={"loss": _loss(lay_out=lambda emb: emb.transpose(1, 2).flatten(1))},
    ),
    Mistake(
        name="the characters in reverse",
        says="The vectors stand side by side in the wrong order: the oldest character comes first, as in X.",
        instead={"loss": _loss(lay_out=lambda emb: emb.flip(1).flatten(1))},
    ),
    Mistake(
        name="softmax over the batch",
        says="The softmax went over dim 0, the examples. The V characters of one example compete: dim 1.",
        instead={"loss": _loss(probs=lambda logits: logits.softmax(0))},
    ),
    Mistake(
        name="softmax twice",
        says="F.cross_entropy takes logits and does the softmax itself; it was given probabilities, so it happened "
        "twice.",
        instead={"loss": _loss(probs=lambda logits: logits.softmax(1).softmax(1))},
    ),
    Mistake(
        name="sum instead of mean",
        says="That is the sum over the examples. Divide by how many there are.",
        instead={"loss": _loss(nll=lambda probs, Y: -_picked(probs, Y).log().sum())},
    ),
    Mistake(
        name="log of the mean",
        says="The probabilities were averaged first, then the logarithm taken. Take the logarithm of each, then the "
        "mean.",
        instead={"loss": _loss(nll=lambda probs, Y: -_picked(probs, Y).mean().log())},
    ),
    Mistake(
        name="minus forgotten",
        says="That is the mean log likelihood, which is below 0. The loss is minus that.",
        instead={"loss": _loss(nll=lambda probs, Y: _picked(probs, Y).log().mean())},
    ),
    Mistake(
        name="one side of tanh only",
        says="Only h > 0.97 was counted. At -0.97 tanh is just as flat: take h.abs() > 0.97.",
        instead={"saturation": _share(lambda h: h > 0.97), "dead_units": _dead(lambda h: (h > 0.97).all(0))},
    ),
    Mistake(
        name="looked before tanh",
        says="That is the share of the sums beyond 0.97, before tanh. tanh is flat where h itself is near 1 or -1.",
        instead={"saturation": _share(lambda sums: sums.abs() > 0.97, before_tanh=True)},
    ),
    Mistake(
        name="the share that is not saturated",
        says="That is the share of h that still learns. The exercise asks for the other one: h.abs() > 0.97.",
        instead={"saturation": _share(lambda h: h.abs() <= 0.97)},
    ),
    Mistake(
        name="the share of dead units",
        says="That is how many units are flat for every example. Saturation counts all N * H places.",
        instead={"saturation": _share(lambda h: (h.abs() > 0.97).all(0))},
    ),
    Mistake(
        name="flat once is not dead",
        says="Those units are flat for at least one example; a unit is dead if it is flat for every one: .all(0), "
        "not .any(0).",
        instead={"dead_units": _dead(lambda h: (h.abs() > 0.97).any(0))},
    ),
    Mistake(
        name="examples instead of units",
        says="You looked along the wrong axis: those are examples for which every unit is flat. Units lie along "
        "axis 1, so all examples of one are .all(0).",
        instead={"dead_units": _dead(lambda h: (h.abs() > 0.97).all(1))},
    ),
    Mistake(
        name="averaged over the examples first",
        says="The mean of h over the examples was compared with 0.97. A unit that jumps between -1 and 1 has a mean "
        "near 0, and is dead all the same: compare first, then .all(0).",
        instead={"dead_units": _dead(lambda h: h.mean(0).abs() > 0.97)},
    ),
    Mistake(
        name="W1 on its side",
        says="W1 is (H, T*E), as torch.nn.Linear keeps it. The lecture multiplies x @ W1, so it is (T*E, H), and W2 "
        "(H, V).",
        instead={"init": lambda *given: [p.T if p.dim() == 2 and i else p for i, p in enumerate(init(*given))]},
    ),
    Mistake(
        name="one embedding wide",
        says="W1 has E rows. The T vectors stand side by side, so it has T * E.",
        instead={"init": lambda V, _T, E, H, seed: init(V, 1, E, H, seed)},
    ),
    Mistake(
        name="seed ignored",
        says="Seeds 1 and 2 give the same numbers: pass `seed` to the generator.",
        instead={"init": lambda V, T, E, H, _: init(V, T, E, H, 42)},
    ),
    Mistake(
        name="not seeded",
        says="Seed 1 gave other numbers the second time. Draw from a generator of your own, "
        "torch.Generator().manual_seed(seed), and pass it to each torch.randn.",
        instead={"init": _unseeded},
    ),
    Mistake(
        name="only the output repaired",
        says="The first loss is right, and hides that h is saturated in most places: x @ W1 is a sum of T*E "
        "products, of size sqrt(T*E). Divide W1 by that.",
        instead={"init": _init(W1=_unit, b1=1.0)},
    ),
    Mistake(
        name="the lecture's first way",
        says="Everything is drawn from N(0, 1), as the lecture begins: logits of size 14, so the net is sure of "
        "wrong characters. Make W2 small, b2 zero, and W1 such that x @ W1 has size 1.",
        instead={"init": _init(W1=_unit, b1=1.0, W2=_unit, b2=1.0)},
    ),
    Mistake(
        name="b2 left at size 1",
        says="The first loss is a little too high: W2 is small, but b2 adds logits of size 1 that know nothing. "
        "Begin with zeros in b2.",
        instead={"init": _init(b2=1.0)},
    ),
    Mistake(
        name="the lecture's 0.2 for every size",
        says="0.2 fits 30 inputs; with 128 the sums are twice as large, and tanh saturates again. Let the scale "
        "follow from the number of inputs: divide by sqrt(T*E).",
        instead={"init": _init(W1=lambda _fan_in, _fan_out: 0.2)},
    ),
    Mistake(
        name="fan_out instead of fan_in",
        says="W1 was scaled by the number of hidden units. Each sum runs over the inputs, T*E of them: divide by "
        "sqrt(T*E).",
        instead={"init": _init(W1=lambda _, fan_out: 5 / 3 / math.sqrt(fan_out))},
    ),
    Mistake(
        name="the variance instead of its root",
        says="W1 was divided by the number of inputs, not by its root, so h is close to 0. The variance should be "
        "1/(T*E), and you multiply by the standard deviation: 1/sqrt(T*E).",
        instead={"init": _init(W1=lambda fan_in, _: 1 / fan_in)},
    ),
    Mistake(
        name="all weights tiny",
        says="h is next to zero: the hidden layer passes on hardly anything of the characters, and hardly any "
        "gradient comes back to them. Only W2 needs to be that small.",
        instead={"init": _init(W1=lambda _fan_in, _fan_out: 0.001, b1=0.001, W2=lambda _fan_in, _fan_out: 0.001)},
    ),
    Mistake(
        name="W2 all zero",
        says="The first loss is ln V exactly, but in the first step C, W1 and b1 have no gradient: on its way to "
        "them it is multiplied by W2. Take small numbers instead of zeros.",
        instead={"init": _init(W2=lambda _fan_in, _fan_out: 0.0)},
    ),
    Mistake(
        name="everything zero",
        says="Everything is zero: only b2 has a gradient, in the first step and in all that follow. Exercise 4.1 "
        "is about this net.",
        instead={"init": _init(C=0, W1=lambda *_: 0.0, b1=0, W2=lambda *_: 0.0)},
    ),
    Mistake(
        name="all units alike",
        says="Every hidden unit begins with the same weights. So all get the same gradient and stay alike: 200 "
        "units do the work of one. Draw random numbers.",
        instead={"init": _init(_all_rows_alike)},
    ),
]
