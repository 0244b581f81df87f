"""Check of 3.3: the net with direct connections and its gradients, the mixture and its share, rate and penalty."""

import math
from collections.abc import Sequence
from functools import cache
from string import ascii_lowercase
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.workbook.check import Mistake, Part
from zth.workbook.l03_mlp.e03_paper import slips
from zth.workbook.l03_mlp.e03_paper.solution import Predictions

Six = list[Tensor]
SMALL, LECTURE = (5, 2, 3, 4), (27, 3, 10, 40)
"""V, T, E, H; the lecture's net has 200 hidden units, and is a fifth here: some answers loop in Python."""
ALPHAS = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
SHUFFLED = [0.6, 0.2, 0.9, 0.0, 0.4, 0.1, 0.8, 0.3, 0.7, 0.5]


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _six(sizes: tuple[int, int, int, int], scale: float) -> Six:
    (V, T, E, H), generator = sizes, _generator(33)
    shapes = [(V, E), (T * E, H), (H,), (H, V), (V,), (T * E, V)]
    return [torch.randn(shape, generator=generator) * scale for shape in shapes]


@cache
def _nets() -> list[tuple[Six, Tensor, Tensor]]:
    """Ids that stand in several rows and places, and one that stands nowhere; then names."""
    X = torch.tensor([[0, 1], [4, 2], [0, 0], [2, 4], [1, 4], [2, 0]])
    contexts, targets = windows(names()[400:408], Vocabulary.of_lines([ascii_lowercase]), 3)
    return [
        (_six(SMALL, 0.8), X, torch.tensor([1, 0, 4, 4, 2, 3])),
        (_six(LECTURE, 0.3), contexts, targets),
    ]


def _predictions(seed: int, share: float, n: int = 60, V: int = 7) -> Predictions:
    """Two tables of probabilities, and characters drawn from their mixture, the second with this share."""
    generator = _generator(seed)
    net, trigram = (torch.softmax(2 * torch.randn(n, V, generator=generator), 1) for _ in range(2))
    mixture = (1 - share) * net + share * trigram
    return net, trigram, torch.multinomial(mixture, 1, generator=generator)[:, 0]


def _mixtures() -> list[tuple[Tensor, Tensor, Tensor, float]]:
    """By hand, with a trigram that finds what came impossible; then as it comes; then without the trigram."""
    net = torch.tensor([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [0.25, 0.25, 0.5]])
    trigram = torch.tensor([[0.0, 1.0, 0.0], [0.25, 0.25, 0.5], [0.5, 0.0, 0.5]])
    return [
        (net, trigram, torch.tensor([0, 1, 2]), 0.25),
        (*_predictions(3, 0.5), 0.4),
        (*_predictions(4, 0.5), 0.0),
    ]


def _tunings() -> list[tuple[Sequence[float], Predictions, Predictions]]:
    return [
        (ALPHAS, _predictions(5, 0.3), _predictions(6, 0.7)),
        (SHUFFLED, _predictions(7, 0.7), _predictions(8, 0.2)),
    ]


def _gradients_by_name(answer: Any, parameters: Six, X: Tensor, Y: Tensor) -> dict[str, object]:
    """A dictionary, so that a verdict says which of the six is wrong."""
    return dict(zip(("C", "W1", "b1", "W2", "b2", "D"), answer.gradients(parameters, X, Y), strict=True))


PARTS = [
    Part(
        name="logits",
        ask=lambda answer, parameters, X: answer.logits(parameters, X),
        cases=lambda: [(parameters, X) for parameters, X, _ in _nets()],
        shown="logits(parameters, {1})",
    ),
    Part(name="gradients", ask=_gradients_by_name, cases=_nets, shown="gradients(parameters, {1}, {2})"),
    Part(
        name="n_parameters",
        ask=lambda answer, *sizes: answer.n_parameters(*sizes),
        cases=[(27, 3, 10, 200), (27, 8, 24, 128), (65, 2, 5, 7)],
    ),
    Part(name="mixture_loss", ask=lambda answer, *given: answer.mixture_loss(*given), cases=_mixtures),
    Part(
        name="best_alpha",
        ask=lambda answer, alphas, dev, test: answer.best_alpha(list(alphas), dev, test),
        cases=_tunings,
        shown="best_alpha({}, dev, test)",
    ),
    Part(
        name="rate",
        ask=lambda answer, *given: answer.rate(*given),
        cases=[(0, 0.1, 0.01), (1, 0.1, 0.01), (700, 0.1, 0.01), (5, 0.3, 0.2)],
    ),
    Part(
        name="penalty",
        ask=lambda answer, parameters, decay: answer.penalty(parameters, decay),
        cases=lambda: [(parameters, decay) for (parameters, _, _), decay in zip(_nets(), (0.5, 1e-4), strict=True)],
        shown="penalty(parameters, {1})",
    ),
]


MISTAKES = [
    Mistake(
        name="no direct connections",
        says="Those are the logits of the net without `D`. Add x @ D, where x is what the hidden layer gets too.",
        instead=slips.both(slips.net(lambda parameters, x: slips.parts_of_logits(parameters, x)[0])),
    ),
    Mistake(
        name="only the direct connections",
        says="The hidden layer is missing. The two are added: tanh(x @ W1 + b1) @ W2 + b2 + x @ D.",
        instead=slips.both(slips.net(lambda parameters, x: parameters[4] + slips.parts_of_logits(parameters, x)[1])),
    ),
    Mistake(
        name="a tanh before D",
        says="The direct connections are linear: x @ D, without tanh.",
        instead=slips.both(slips.net(lambda ps, x: slips.parts_of_logits(ps, x)[0] + torch.tanh(x) @ ps[5])),
    ),
    Mistake(
        name="direct from the last character only",
        says="Only the last character's embedding was connected. All T of them are: x has T * E numbers, as D has "
        "rows.",
        instead=slips.both(slips.net(slips.last_only)),
    ),
    Mistake(
        name="the two averaged",
        says="The hidden layer's part and the direct part were averaged. They are added.",
        instead=slips.both(slips.net(lambda parameters, x: slips.added(parameters, x) / 2)),
    ),
    Mistake(
        name="b2 twice",
        says="b2 was added to both parts. The direct connections have no bias of their own.",
        instead=slips.both(slips.net(lambda parameters, x: slips.added(parameters, x) + parameters[4])),
    ),
    Mistake(
        name="b1 forgotten",
        says="The hidden layer has a bias: tanh(x @ W1 + b1).",
        instead=slips.both(
            slips.net(lambda ps, x: slips.added([ps[0], ps[1], 0 * ps[2], *ps[3:]], x)),
        ),
    ),
    Mistake(
        name="the vectors interleaved",
        says="The numbers of the T vectors were laid out in turns. Whole vectors stand side by side: "
        "C[X].view(len(X), -1).",
        instead=slips.both(slips.net(lay_out=lambda emb: emb.transpose(1, 2).flatten(1))),
    ),
    Mistake(
        name="the gradient of the sum",
        says="That is the gradient of the sum of the losses. The loss is their mean: divide by N.",
        instead={"gradients": slips.gradients(loss=lambda z, Y: F.cross_entropy(z, Y, reduction="sum"))},
    ),
    Mistake(
        name="the direct path into C forgotten",
        says="C's gradient lacks what comes back through D. The loss depends on C on two paths, so dx is a sum: "
        "through the hidden layer, and dlogits @ D.T.",
        instead={"gradients": slips.gradients(slips.net(slips.direct_detached))},
    ),
    Mistake(
        name="the hidden path into C forgotten",
        says="C's gradient has only what comes back through D. The loss depends on C on two paths, so dx is a sum: "
        "the other term comes through the hidden layer.",
        instead={"gradients": slips.gradients(slips.net(slips.hidden_detached))},
    ),
    Mistake(
        name="D's gradient forgotten",
        says="D has no gradient. It is x.T @ dlogits, as W2's is h.T @ dlogits.",
        instead={"gradients": slips.gradients(after=lambda grads: [*grads[:5], torch.zeros_like(grads[5])])},
    ),
    Mistake(
        name="tanh on the way back forgotten",
        says="The gradient at h went on as it is. Through tanh it is multiplied by 1 - h**2.",
        instead={"gradients": slips.tanh_not_undone},
    ),
    Mistake(
        name="the last use of a character wins",
        says="A character that was used several times got back only its last use. Uses add up: index_add_, or +=, "
        "in a loop over the places.",
        instead={"gradients": slips.each_use_once},
    ),
    Mistake(
        name="uphill",
        says="All signs are reversed: these gradients raise the loss.",
        instead={"gradients": slips.gradients(after=lambda grads: [-grad for grad in grads])},
    ),
    Mistake(
        name="D not counted",
        says="That is the net without direct connections. D has T*E rows and V columns more.",
        instead={"n_parameters": slips.count},
    ),
    Mistake(
        name="D with a bias of its own",
        says="That is V too many: the direct connections share the output's bias b2.",
        instead={"n_parameters": lambda V, T, E, H: slips.count(V, T, E, H) + T * E * V + V},
    ),
    Mistake(
        name="D from the hidden layer",
        says="You counted D as H * V. It goes out from the embeddings: T*E rows.",
        instead={"n_parameters": lambda V, T, E, H: slips.count(V, T, E, H) + H * V},
    ),
    Mistake(
        name="D for one character",
        says="You counted E rows for D. There are T characters of E numbers each.",
        instead={"n_parameters": lambda V, T, E, H: slips.count(V, T, E, H) + E * V},
    ),
    Mistake(
        name="biases not counted",
        says="The biases are learnt too: H in b1 and V in b2.",
        instead={"n_parameters": lambda V, T, E, H: slips.count(V, T, E, H) - H - V + T * E * V},
    ),
    Mistake(
        name="a table for each position",
        says="C was counted T times. All positions share one table of V * E.",
        instead={"n_parameters": lambda V, T, E, H: slips.count(V, T, E, H) + (T - 1) * V * E + T * E * V},
    ),
    Mistake(
        name="logarithms mixed",
        says="The losses (the logarithms) were averaged. Then a character that one of the two rules out stays "
        "ruled out, and the mixture gains nothing. Average the probabilities, and take the logarithm afterwards.",
        instead=slips.wrong_loss(slips.mixture(slips.geometric)),
    ),
    Mistake(
        name="logarithms mixed and normalised",
        says="That is an average of logits. It is a distribution, but not the mixture: average the probabilities.",
        instead=slips.wrong_loss(slips.mixture(slips.normalised_geometric)),
    ),
    Mistake(
        name="alpha turned around",
        says="alpha is the trigram's share; here it went to the net: (1 - alpha) * net + alpha * trigram.",
        instead=slips.wrong_loss(slips.mixture(lambda net, trigram, alpha: alpha * net + (1 - alpha) * trigram)),
    ),
    Mistake(
        name="shares that sum to more than 1",
        says="net + alpha * trigram sums to 1 + alpha. The net's share is what the trigram leaves: 1 - alpha.",
        instead=slips.wrong_loss(slips.mixture(lambda net, trigram, alpha: net + alpha * trigram)),
    ),
    Mistake(
        name="the larger of the two",
        says="For each character the larger probability was taken. Those do not sum to 1: average them.",
        instead=slips.wrong_loss(slips.mixture(lambda net, trigram, _: torch.maximum(net, trigram))),
    ),
    Mistake(
        name="softmax of probabilities",
        says="The mixture was treated as logits (F.cross_entropy does so). It holds probabilities: pick, log, mean, "
        "minus.",
        instead=slips.wrong_loss(lambda net, tri, Y, a: float(F.cross_entropy((1 - a) * net + a * tri, Y))),
    ),
    Mistake(
        name="log of the mean",
        says="The probabilities of all N were averaged first, then the logarithm taken. Take the logarithm of each, "
        "then the mean.",
        instead=slips.wrong_loss(slips.mixture(reduce=lambda probs: -probs.mean().log())),
    ),
    Mistake(
        name="sum instead of mean",
        says="That is the sum over the examples. Divide by how many there are.",
        instead=slips.wrong_loss(slips.mixture(reduce=lambda probs: -probs.log().sum())),
    ),
    Mistake(
        name="minus forgotten",
        says="That is the mean log likelihood, which is below 0. The loss is minus that.",
        instead=slips.wrong_loss(slips.mixture(reduce=lambda probs: probs.log().mean())),
    ),
    Mistake(
        name="chosen on test",
        says="alpha was chosen by its loss on test. Then that loss is the best of many, and no longer a fair "
        "forecast. Choose by dev; ask test once, afterwards.",
        instead={"best_alpha": slips.best(by=slips.only_test)},
    ),
    Mistake(
        name="test in dev's place",
        says="Both losses are test's, and test chose alpha. Choose by dev; ask test once, afterwards.",
        instead={"best_alpha": slips.best(by=slips.only_test, told=slips.only_test)},
    ),
    Mistake(
        name="the best of each",
        says="dev chose one alpha, and test another of its own. The test loss is asked once, with the alpha that "
        "dev chose.",
        instead={"best_alpha": slips.best(tested=lambda _, losses: min(losses, key=losses.__getitem__))},
    ),
    Mistake(
        name="the largest loss",
        says="That is the alpha with the largest loss. Lower is better.",
        instead={"best_alpha": slips.best(pick=lambda losses: max(losses, key=losses.__getitem__))},
    ),
    Mistake(
        name="the place instead of the alpha",
        says="That is the place of the alpha in the list. Return the alpha itself.",
        instead={"best_alpha": slips.best(say=lambda alpha, alphas: list(alphas).index(alpha))},
    ),
    Mistake(
        name="the smallest alpha",
        says="min() has compared the alphas. Compare their losses: min(losses, key=losses.get).",
        instead={"best_alpha": slips.best(pick=min)},
    ),
    Mistake(
        name="steps counted from 1",
        says="Step 0 should have the full rate: 1 + r * t, not 1 + r * (t + 1).",
        instead={"rate": lambda t, start, r: start / (1 + r * (t + 1))},
    ),
    Mistake(
        name="a power instead of a product",
        says="(1 + r)**t falls like compound interest, to almost nothing. The paper's is 1 + r * t.",
        instead={"rate": lambda t, start, r: start / (1 + r) ** t},
    ),
    Mistake(
        name="exponential decay",
        says="exp(-r t) is another schedule, which falls to almost nothing. The paper's is start / (1 + r * t).",
        instead={"rate": lambda t, start, r: start * math.exp(-r * t)},
    ),
    Mistake(
        name="linear decay",
        says="start * (1 - r t) goes below 0 in the end. Divide: start / (1 + r * t).",
        instead={"rate": lambda t, start, r: start * (1 - r * t)},
    ),
    Mistake(
        name="a rate that grows",
        says="The rate was multiplied by 1 + r t, so it grows. Divide.",
        instead={"rate": lambda t, start, r: start * (1 + r * t)},
    ),
    Mistake(
        name="biases decay too",
        says="The biases are in the sum as well. The paper leaves them alone: C, W1, W2 and D.",
        instead={"penalty": slips.penalty(lambda six: six)},
    ),
    Mistake(
        name="C does not decay",
        says="C is missing. It is a table of weights like the others; the paper decays it too.",
        instead={"penalty": slips.penalty(lambda six: [six[1], six[3], six[5]])},
    ),
    Mistake(
        name="D does not decay",
        says="D is missing: C, W1, W2 and D.",
        instead={"penalty": slips.penalty(lambda six: [six[0], six[1], six[3]])},
    ),
    Mistake(
        name="means instead of sums",
        says="The mean of the squares was taken for each tensor. With sums every weight counts the same.",
        instead={"penalty": slips.penalty(size=lambda p: p.square().mean())},
    ),
    Mistake(
        name="absolute values",
        says="Those are absolute values, the L1 penalty, which pulls all weights equally hard. Here squares are "
        "asked for.",
        instead={"penalty": slips.penalty(size=lambda p: p.abs().sum())},
    ),
    Mistake(
        name="the root of the sum",
        says="The root of each sum was taken (torch's norm() does). Leave it out: the sum of the squares itself.",
        instead={"penalty": slips.penalty(size=lambda p: p.norm())},
    ),
    Mistake(
        name="the half forgotten",
        says="The factor is decay / 2, so that the gradient is decay * W.",
        instead={"penalty": slips.penalty(factor=1.0)},
    ),
]
