"""Check of 4.1: which parameters of several nets move and when, the loss, the gradients, and a training of one's own.

Letters: N examples, T ids in a context, V ids, E the embedding's width, H hidden units.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zth.compare import as_array
from zth.data.sources import names as all_names
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.texts import say
from zth.workbook.check import Limits, Mistake, Part
from zth.workbook.l04_batchnorm.e01_all_zero.rules import Rules
from zth.workbook.l04_batchnorm.e01_all_zero.solution import gradients, train

LIMITS = Limits(seconds=20.0)
"""What the statement promises."""
NEAR = 0.005
"""Nats from the loss at which the net stops, as the statement asks."""
ALWAYS = 10
"""Steps after which nothing new begins to move: a gradient needs one for each layer, and there are at most seven."""

ONE = ["C", "W1", "b1", "W2", "b2"]
TWO = [*ONE, "W3", "b3"]
NORM = ["C", "W1", "bngain", "bnbias", "W2", "b2"]

Claim = tuple[list[str], list[str], str, int]


def _claims(names: list[str], *asked: tuple[str, str, Sequence[int]]) -> list[Claim]:
    return [(names, zero.split(), activation, n) for zero, activation, steps in asked for n in steps]


def _one_hidden_layer() -> list[Claim]:
    return _claims(
        ONE,
        ("W1 b1 W2 b2", "tanh", (1, ALWAYS)),
        ("W1 b1 W2 b2", "relu", (ALWAYS,)),
        ("", "tanh", (1,)),
        ("W2 b2", "tanh", (1, 2)),
        ("W1 b1", "tanh", (1, 2)),
        ("W1 b1", "relu", (1, ALWAYS)),
        ("C", "tanh", (1, 2)),
        ("C W1 b1", "tanh", (1, 2, ALWAYS)),
        ("W1 W2 b2", "tanh", (1, 2, 3)),
        ("C W1 b1 W2 b2", "tanh", (ALWAYS,)),
    )


def _two_hidden_layers() -> list[Claim]:
    return _claims(
        TWO,
        ("W1 b1 W2 b2 W3 b3", "tanh", (ALWAYS,)),
        ("W2 b2", "tanh", (1, 2)),
        ("W2 b2", "relu", (ALWAYS,)),
        ("W1 b1 W2 b2", "tanh", (1, 2, ALWAYS)),
        ("W1 W2 b2 W3 b3", "tanh", (ALWAYS,)),
        ("W1 W2 W3 b3", "tanh", (1, 2, 3, 4)),
    )


def _with_batchnorm() -> list[Claim]:
    return _claims(
        NORM,
        ("W1 W2 b2 bnbias", "tanh", (ALWAYS,)),
        ("W1 bnbias", "tanh", (1, 2)),
        ("W1 bnbias", "relu", (ALWAYS,)),
        ("bngain", "tanh", (1, 2)),
        ("W1 bngain bnbias", "tanh", (1, 2, ALWAYS)),
        ("W2 b2", "tanh", (1, 2)),
    )


def _counts() -> list[tuple[Tensor]]:
    text = ".".join(all_names()[:2000])
    return [
        (torch.tensor([3, 1]),),
        (torch.full((27,), 40),),
        (torch.tensor([text.count(character) for character in ".abcdefghijklmnopqrstuvwxyz"]),),
    ]


@cache
def _examples(part: str) -> tuple[Tensor, Tensor]:
    """X (N, 3), Y (N,) of some names; each of the 27 characters comes. "train" is given to answers, "dev" is not."""
    step, first = (400, 0) if part == "train" else (200, 77)
    words = [*all_names()[first::step], "queen", "jax", "zev", "wyf", "uriah"]
    return windows(words, Vocabulary.of_lines(all_names()), 3)


@cache
def _parameters() -> list[tuple[dict[str, Tensor], Tensor, Tensor]]:
    """Zero nets with their batch: at the first step, of another shape, and when b2 has moved."""
    generator = torch.Generator().manual_seed(41)
    X, Y = _examples("train")

    def zero_net(V: int, T: int, H: int, b2: float) -> dict[str, Tensor]:
        net = {"C": torch.randn(V, 2, generator=generator), "W1": torch.zeros(2 * T, H), "b1": torch.zeros(H)}
        return {**net, "W2": torch.zeros(H, V), "b2": b2 * torch.randn(V, generator=generator)}

    small = torch.tensor([[0, 1], [2, 2], [1, 3]]), torch.tensor([1, 1, 3])
    return [(zero_net(4, 2, 3, 0.0), *small), (zero_net(4, 2, 3, 1.0), *small), (zero_net(27, 3, 5, 1.0), X, Y)]


@cache
def _to_train() -> list[tuple[Tensor, int, Tensor, Tensor]]:
    return [(torch.randn(27, 2, generator=torch.Generator().manual_seed(42)), 5, *_examples("train"))]


def _sorted(names: Any) -> list[str] | None:
    return None if names is None else sorted(set(names))


def _ask_to_train(answer: Any, C: Tensor, n_hidden: int, X: Tensor, Y: Tensor) -> dict[str, Any] | None:
    way = answer.train
    # the solution is asked once for each mistake that trains as it does: once is enough
    trained = _trained_by_the_solution() if way is train else way(C, n_hidden, X, Y)
    return _about(trained, _zeros(C, n_hidden, X))


@cache
def _trained_by_the_solution() -> dict[str, Tensor]:
    return train(*_to_train()[0])


def _about(trained: Any, start: Mapping[str, Tensor]) -> dict[str, Any] | None:
    """What a training is judged by: which parameters are not where they began, the losses, or what is amiss."""
    if trained is None:
        return None
    found = {}
    for name, begun in start.items():
        if name not in trained:
            return {"problem": say("there is no {name} in what train returned", name=name)}
        found[name] = torch.as_tensor(as_array(trained[name]), dtype=torch.float64)
        if found[name].shape != begun.shape:
            shape, wanted = tuple(found[name].shape), tuple(begun.shape)
            return {"problem": say("{name} has shape {got}, wanted {wanted}", name=name, got=shape, wanted=wanted)}
    moved = [name for name, begun in start.items() if not torch.allclose(found[name], begun.double(), atol=1e-6)]
    losses = {part: _loss(found, *_examples(part)) for part in ("train", "dev")}
    return {"moved": moved, "C": _what_became_of(found["C"], start["C"].double()), **losses}


def _what_became_of(C: Tensor, begun: Tensor) -> str:
    """ "" for nothing, else a sentence."""
    if torch.allclose(C, begun, atol=1e-6):
        return ""
    if not C.any():
        return say("C came back as zeros. Only the Linears begin at 0; C is given.")
    share = (C * begun).sum() / (begun * begun).sum()
    if 0 < share < 1 and torch.allclose(C, share * begun, atol=1e-5):
        return say(
            "All of C has become {percent:.2g} % smaller, though its gradient is 0: that is weight decay. Train "
            "without it.",
            percent=100 * (1 - share),
        )
    return say(
        "C is not the one that you were given, and it has no gradient. Begin with the one that you were given."
    )


def _loss(p: Mapping[str, Tensor], X: Tensor, Y: Tensor) -> float:
    h = torch.tanh(p["C"][X].flatten(1) @ p["W1"] + p["b1"])
    return F.cross_entropy(h @ p["W2"] + p["b2"], Y).item()


def _zeros(C: Tensor, n_hidden: int, X: Tensor) -> dict[str, Tensor]:
    shapes = {"W1": (X.shape[1] * C.shape[1], n_hidden), "b1": (n_hidden,), "W2": (n_hidden, len(C)), "b2": (len(C),)}
    return {"C": C, **{name: torch.zeros(shape) for name, shape in shapes.items()}}


def _accept(got: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """A training will do if what moved, and the losses on both sets, are the solution's; the way is free."""
    if "problem" in got:
        return say("{problem}: return a dictionary of C, W1, b1, W2 and b2.", problem=got["problem"])
    if got["C"] and set(got["moved"]) <= {"C", "b2"}:  # with other weights moving, C would have a gradient
        return str(got["C"])
    if got["moved"] != wanted["moved"]:
        strange = sorted(set(got["moved"]) ^ set(wanted["moved"]))
        return say(
            "After training, {moved} had changed; look at {strange}. Begin with the C that you were given and with "
            "zeros, and change all five by their gradients alone.",
            moved=_told(got["moved"]),
            strange=_told(strange),
        )
    for part in ("train", "dev"):
        if not abs(got[part] - wanted[part]) <= NEAR:
            return say(
                "The loss on {on} is {got:.4f}; it stops at {wanted:.4f}. Train longer, at a higher rate, or at a "
                "lower one if it jumps about.",
                on="X, Y" if part == "train" else say("names that you were not given"),
                got=got[part],
                wanted=wanted[part],
            )
    return ""


def _told(names: Iterable[str]) -> str:
    return ", ".join(names) or say("none of them")


def _moves_part(name: str, cases: Callable[[], list[Claim]]) -> Part:
    return Part(
        name=name,
        shown="moves({}, {}, {}, {})",
        ask=lambda answer, names, zero, activation, steps: _sorted(answer.moves(names, zero, activation, steps)),
        cases=cases,
    )


def _limit_part(name: str, cases: Callable[[], list[tuple[Tensor]]]) -> Part:
    return Part(name=name, shown="limit({})", ask=lambda answer, counts: answer.limit(counts), cases=cases)


PARTS = [
    _moves_part("moves", _one_hidden_layer),
    _moves_part("moves with two hidden layers", _two_hidden_layers),
    _moves_part("moves with BatchNorm", _with_batchnorm),
    _limit_part("limit", _counts),
    _limit_part("limit where a count is 0", lambda: [(torch.tensor([2, 0, 2]),)]),
    Part(
        name="gradients",
        shown="gradients(parameters, {1}, {2})",
        ask=lambda answer, parameters, X, Y: answer.gradients(parameters, X, Y),
        cases=_parameters,
    ),
    Part(
        name="train",
        ask=_ask_to_train,
        cases=_to_train,
        accept=_accept,
    ),
]


def _last_weight(names: Sequence[str]) -> set[str]:
    return {max(name for name in names if name.startswith("W"))}


def _zero_stays(names: Sequence[str], zero: Sequence[str], activation: str, steps: int) -> list[str]:
    return [name for name in Rules().moves(names, zero, activation, steps) if name not in zero]


def _those_that_do_not(names: Sequence[str], zero: Sequence[str], activation: str, steps: int) -> list[str]:
    moving = Rules().moves(names, zero, activation, steps)
    return [name for name in names if name not in moving]


def _entropy(
    *,
    log: Callable[[Tensor], Tensor] = torch.log,
    add: float = 0.0,
    of: Callable[[Tensor, Tensor], Tensor] = lambda p, logp: -(p * logp).sum(),
) -> Callable[[Tensor], float]:
    """The entropy of the counts; the options are the places to go wrong."""

    def entropy(counts: Tensor) -> float:
        counts = counts.double() + add
        p = (counts / counts.sum())[counts > 0]
        return float(of(p, log(p)))

    return entropy


def _not_a_number(counts: Tensor) -> float:
    p = counts.double() / counts.sum()
    return float(-(p * p.log()).sum())


def _log_of_zero(counts: Tensor) -> float:
    p = [count / sum(counts.tolist()) for count in counts.tolist()]
    return float(-sum(q * math.log(q) for q in p))


Gradients = Callable[[Mapping[str, Tensor], Tensor, Tensor], dict[str, Any]]


def _gradients(**change: Callable[[Mapping[str, Tensor], Tensor, Tensor, Tensor], Any]) -> Gradients:
    """The right gradients, of which each name in `change` is made from (parameters, X, Y, the right one of b2)."""

    def changed(parameters: Mapping[str, Tensor], X: Tensor, Y: Tensor) -> dict[str, Any]:
        right = gradients(parameters, X, Y)
        return {**right, **{name: make(parameters, X, Y, right["b2"]) for name, make in change.items()}}

    return changed


def _of_zero_bias(p: Mapping[str, Tensor], _X: Tensor, Y: Tensor, _db2: Tensor) -> Tensor:
    return 1 / len(p["b2"]) - torch.bincount(Y, minlength=len(p["b2"])) / len(Y)


def _of_each_example(p: Mapping[str, Tensor], _X: Tensor, Y: Tensor, _db2: Tensor) -> Tensor:
    return (F.softmax(p["b2"], 0) - F.one_hot(Y, len(p["b2"]))) / len(Y)


def _as_if_h_were_1(p: Mapping[str, Tensor], _X: Tensor, _Y: Tensor, db2: Tensor) -> Tensor:
    return db2.expand_as(p["W2"]).clone()


def _train(
    *,
    start: Callable[[dict[str, Tensor]], dict[str, Tensor]] = dict,
    steps: int = 100,
    lr: float = 8.0,
    decay: float = 0.0,
    reset: bool = True,
    trained: Sequence[str] = ONE,
) -> Callable[[Tensor, int, Tensor, Tensor], dict[str, Tensor]]:
    """A training as the lecture writes it; the options are the places to go wrong."""

    def wrong(C: Tensor, n_hidden: int, X: Tensor, Y: Tensor) -> dict[str, Tensor]:
        p = {name: tensor.clone().requires_grad_() for name, tensor in start(_zeros(C, n_hidden, X)).items()}
        for _ in range(steps):
            for parameter in p.values():
                parameter.grad = None if reset else parameter.grad
            h = torch.tanh(p["C"][X].flatten(1) @ p["W1"] + p["b1"])
            F.cross_entropy(h @ p["W2"] + p["b2"], Y).backward()  # type: ignore[no-untyped-call]
            for name in trained:
                parameter = p[name]
                assert parameter.grad is not None
                parameter.data -= lr * (parameter.grad + decay * parameter.data)
        return {name: parameter.detach() for name, parameter in p.items()}

    return wrong


def _random(names: Sequence[str], std: float) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    """Some of the parameters drawn from N(0, std**2), always the same."""

    def start(zeros: dict[str, Tensor]) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(2147483647)
        drawn = {name: std * torch.randn(zeros[name].shape, generator=generator) for name in names}
        return {**zeros, **drawn}

    return start


MISTAKES = [
    Mistake(
        name="all move",
        says="You let every parameter move in every net. Go forward with real zeros: where h is 0, so is dW2 = h.T "
        "@ dlogits; where W2 is 0, so is dh = dlogits @ W2.T, and all that comes through it.",
        instead={"moves": Rules(always=set).moves},
    ),
    Mistake(
        name="those that do not move",
        says="Those are the parameters that stay. The question is which ones move.",
        instead={"moves": _those_that_do_not},
    ),
    Mistake(
        name="only the first step",
        says="That is right for the first step alone. What moved in it is not 0 in the second, and may let a "
        "gradient through to others: go on for `steps` steps.",
        instead={"moves": Rules(look_at=lambda _: 1).moves},
    ),
    Mistake(
        name="in the end, not so soon",
        says="Those move in the end, but not within so few steps: a gradient gets past one layer of zeros a step.",
        instead={"moves": Rules(look_at=lambda _: ALWAYS).moves},
    ),
    Mistake(
        name="a step too many",
        says="You went one step too far: in the first step all gradients are taken before anything has moved.",
        instead={"moves": Rules(look_at=lambda steps: steps + 1).moves},
    ),
    Mistake(
        name="the embeddings always move",
        says="C is not 0 itself, but its gradient comes through W1: dx = dhpreact @ W1.T. Where W1 is 0, or nothing "
        "reaches it, C stays.",
        instead={"moves": Rules(always=lambda _: {"C"}).moves},
    ),
    Mistake(
        name="all biases move",
        says="A bias gets the sum of what comes back to its layer. Only the last one gets it from the loss itself; "
        "for one in a hidden layer it must come through the weights after it, and through the activation.",
        instead={"moves": Rules(always=lambda names: {name for name in names if name[0] == "b"} - {"bngain"}).moves},
    ),
    Mistake(
        name="the last layer moves",
        says="You let the last weights move whatever h is. Their gradient is h.T @ dlogits: with h = 0 it is 0.",
        instead={"moves": Rules(always=_last_weight).moves},
    ),
    Mistake(
        name="whatever sees inputs moves",
        says="You let weights move wherever their inputs are not 0. The gradient is x.T @ dy: what comes back must "
        "not be 0 either.",
        instead={"moves": Rules(weights_need=lambda x, _: x).moves},
    ),
    Mistake(
        name="whatever gets something back moves",
        says="You let weights move wherever something comes back. The gradient is x.T @ dy: what goes in must not "
        "be 0 either.",
        instead={"moves": Rules(weights_need=lambda _, dy: dy).moves},
    ),
    Mistake(
        name="zero stays zero",
        says="You keep at 0 what begins at 0. Whether a parameter is 0 does not matter for its own gradient: b2 "
        "begins at 0 and moves. It matters for the gradients of others.",
        instead={"moves": _zero_stays},
    ),
    Mistake(
        name="relu has a slope at 0",
        says="You let gradients through relu at 0. Its slope there is 0 (a choice, and torch's): a layer of zeros "
        "before a relu lets nothing back.",
        instead={"moves": Rules(slope_at_0={"tanh": True, "relu": True}).moves},
    ),
    Mistake(
        name="tanh has no slope at 0",
        says="You let nothing through tanh at 0. Its slope is 1 - tanh(x)**2: 1 at 0. It lets nothing through at "
        "large values.",
        instead={"moves": Rules(slope_at_0={"tanh": False, "relu": False}).moves},
    ),
    Mistake(
        name="BatchNorm of equal inputs lets nothing back",
        says="With equal inputs n is 0, but its slope is not: (x - mean) / sqrt(0 + eps) has slope 1 / sqrt(eps), "
        "which is even large. W1 gets a gradient through it.",
        instead={"moves": Rules(norm_of_equals_passes=False).moves},
    ),
    Mistake(
        name="bngain without n",
        says="bngain multiplies n, so its gradient is the sum of n times what comes back: where all n are 0, it is "
        "0.",
        instead={"moves": Rules(gain_needs_n=False).moves},
    ),
    Mistake(
        name="uniform",
        says="That is ln V, where it begins: all characters alike. b2 learns which are frequent.",
        instead={"limit": lambda counts: math.log(len(counts))},
    ),
    Mistake(
        name="bits",
        says="That is in bits. The loss is in nats: the natural logarithm.",
        instead={"limit": _entropy(log=torch.log2)},
    ),
    Mistake(
        name="smoothed",
        says="You added 1 to each count. Gradient descent adds nothing: it goes to the frequencies themselves.",
        instead={"limit": _entropy(add=1.0)},
    ),
    Mistake(
        name="mean of the logarithms",
        says="That is the mean of -log p over the V characters. A frequent one counts more often: weight each by p.",
        instead={"limit": _entropy(of=lambda _, logp: -logp.mean())},
    ),
    Mistake(
        name="divided by V",
        says="You took the mean of p * log(p). p adds up to 1 already: take the sum.",
        instead={"limit": _entropy(of=lambda p, logp: -(p * logp).mean())},
    ),
    Mistake(
        name="sign",
        says="The loss is positive: minus the sum of p * log(p).",
        instead={"limit": _entropy(of=lambda p, logp: (p * logp).sum())},
    ),
    Mistake(
        name="the most frequent alone",
        says="That is -log of the largest p, the loss where only the most frequent character comes. All of them "
        "come.",
        instead={"limit": _entropy(of=lambda p, _: -p.max().log())},
    ),
    Mistake(
        name="perplexity",
        says="That is exp of the loss, the perplexity. The exercise asks for the loss itself.",
        instead={"limit": _entropy(of=lambda p, logp: (-(p * logp).sum()).exp())},
    ),
    Mistake(
        name="0 times minus infinity",
        says="0 * log(0) gave nan. A character that never comes adds nothing: leave it out, or use xlogy.",
        instead={"limit": _not_a_number},
    ),
    Mistake(
        name="log of 0",
        says="A count of 0 reached the logarithm. A character that never comes adds nothing: leave it out.",
        instead={"limit": _log_of_zero},
    ),
    Mistake(
        name="b2 taken for 0",
        says="That is the gradient of b2 at the very first step, when every probability is 1/V. When b2 has moved, "
        "it is softmax(b2).",
        instead={"gradients": _gradients(b2=_of_zero_bias)},
    ),
    Mistake(
        name="not divided by B",
        says="The gradient of b2 belongs to the sum of the losses. The loss is their mean: divide by B.",
        instead={"gradients": _gradients(b2=lambda _p, _X, Y, db2: db2 * len(Y))},
    ),
    Mistake(
        name="uphill",
        says="The sign of b2's gradient is reversed: it is softmax minus what came.",
        instead={"gradients": _gradients(b2=lambda _p, _X, _Y, db2: -db2)},
    ),
    Mistake(
        name="stopped at the logits",
        says="b2's gradient has a row for each example. b2 was added to all rows, so it gets their sum: .sum(0).",
        instead={"gradients": _gradients(b2=_of_each_example)},
    ),
    Mistake(
        name="h taken for 1",
        says="W2's gradient is not 0 in your answer. It is h.T @ dlogits, and h = tanh(0) = 0.",
        instead={"gradients": _gradients(W2=_as_if_h_were_1)},
    ),
    Mistake(
        name="no gradient instead of 0",
        says="Those that do not move have None in your answer. Their gradient is there and is 0: zeros of their "
        "shape.",
        instead={"gradients": _gradients(**dict.fromkeys(ONE[:-1], lambda *_: None))},
    ),
    Mistake(
        name="one 0 for a whole tensor",
        says="Those that do not move have a single 0 in your answer. A gradient has its parameter's shape: zeros.",
        instead={"gradients": _gradients(**dict.fromkeys(ONE[:-1], lambda *_: 0.0))},
    ),
    Mistake(
        name="began at random",
        says="W1, b1, W2 and b2 were random at the start, so the net learnt more than it should. Begin with zeros.",
        instead={"train": _train(start=_random(("W1", "b1", "W2", "b2"), 0.1), lr=0.5)},
    ),
    Mistake(
        name="embeddings of your own",
        says="C is not the one that you were given. Begin with that one.",
        instead={"train": _train(start=_random(("C",), 1.0))},
    ),
    Mistake(
        name="embeddings zero too",
        says="C came back as zeros. Only the Linears begin at 0; C is given.",
        instead={"train": _train(start=lambda zeros: {**zeros, "C": torch.zeros_like(zeros["C"])})},
    ),
    Mistake(
        name="weight decay",
        says="C has become smaller, though its gradient is 0: that is weight decay. Train without it.",
        instead={"train": _train(decay=1e-3)},
    ),
    Mistake(
        name="not trained",
        says="Everything is as it was at the start. Take a few hundred steps.",
        instead={"train": _train(steps=0)},
    ),
    Mistake(
        name="gradients never reset",
        says="The gradients were never set back to zero, so each step added them to those of all steps before, and "
        "b2 swings about. Reset them before backward().",
        instead={"train": _train(reset=False)},
    ),
    Mistake(
        name="upwards",
        says="The loss went up: subtract the rate times the gradient.",
        instead={"train": _train(lr=-1.0, steps=50)},
    ),
]
