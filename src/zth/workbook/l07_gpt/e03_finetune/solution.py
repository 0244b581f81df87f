"""Three things make a finetuning fair and right: a corpus without the dev text, weights that follow their characters,
and a comparison that counts the pretraining.

**Leaks.** A model that has read the dev lines is asked what it knows by heart. Files are never equal as wholes, and
editions differ in case and line breaks: so line by line, in a plain form. Short lines stand in every play and prove
nothing. `zth.data.leaks` is the library's; a test holds the 29 plays to it.

**Characters.** An id is a place in a sorted list. One new character in front ("$" comes before all letters) moves
every other by one, and a net carried over by index reads each letter as its neighbour. The table's rows, the last
layer's columns and its biases belong to characters; all else belongs to none. `zth.train.origin` does it for every
net here, and finds the axes by building one with a vocabulary that is larger by one.

**Fair.** At equal finetuning steps the finetuned net has seen far more text. At equal time in all it has not: there
pretraining has to win with the same work.

The optimizer's memory stays behind: it is a mean of gradients of another text, scaled for larger steps.
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from zth.data.leaks import leaking_lines
from zth.data.split import split_text
from zth.data.vocab import Vocabulary, places
from zth.data.vocab import common as common_vocabulary
from zth.train.origin import carry_over as carry_tensor

__all__ = ["carry_over", "common", "compared", "encode", "finetuned", "free_plays", "leaks", "train"]

Weights = dict[str, Tensor]
Look = tuple[int, float, float]
"""Step, seconds, dev loss."""

AXES = {"C": (0,), "W1": (), "b1": (), "W2": (1,), "b2": (0,)}
"""Which axes of a tensor have an entry for each character."""


def encode(text: str, vocabulary: str) -> Tensor:
    """A text of n characters -> (n,) ids. Given."""
    return torch.tensor([vocabulary.index(character) for character in text])


def train(
    weights: Weights, ids: Tensor, steps: int, lr: float, velocity: Weights | None = None
) -> tuple[Weights, Weights]:
    """Gradient descent with momentum on all neighbours in `ids` -> the new weights, and the velocity. Given."""
    weights = {name: tensor.clone().requires_grad_() for name, tensor in weights.items()}
    velocity = velocity or {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
    for _ in range(steps):
        h = torch.tanh(weights["C"][ids[:-1]] @ weights["W1"] + weights["b1"])
        loss = F.cross_entropy(h @ weights["W2"] + weights["b2"], ids[1:])
        gradients = dict(zip(weights, torch.autograd.grad(loss, list(weights.values())), strict=True))
        velocity = {name: 0.9 * velocity[name] + gradients[name] for name in weights}
        weights = {name: (weights[name] - lr * velocity[name]).detach().requires_grad_() for name in weights}
    return {name: tensor.detach() for name, tensor in weights.items()}, velocity


def leaks(text: str, corpus: str, least: int = 30) -> list[str]:
    """The dev lines of `text` that stand in `corpus`."""
    return leaking_lines(split_text(text)[1], corpus, least=least)


def free_plays(plays: Mapping[str, str], text: str) -> list[str]:
    """The titles of the plays without a leak."""
    return [title for title, play in plays.items() if not leaks(text, play)]


def common(old: str, text: str) -> str:
    """Both vocabularies' characters.

    >>> common("abe", "be$")
    '$abe'
    """
    return "".join(common_vocabulary(Vocabulary.of_text(old), Vocabulary.of_text(text)).characters)


def carry_over(weights: Weights, old: str, new: str) -> Weights:
    """Rows, columns and biases by character; zeros for the new ones.

    >>> weights = {name: torch.ones([2] * n) for name, n in {"C": 2, "W1": 2, "b1": 1, "W2": 2, "b2": 1}.items()}
    >>> carry_over(weights, "be", "$be")["b2"].tolist()
    [0.0, 1.0, 1.0]
    """
    where = places(Vocabulary(characters=tuple(old)), Vocabulary(characters=tuple(new)))
    grown = {}
    for name, tensor in weights.items():
        shape = [len(new) if axis in AXES[name] else n for axis, n in enumerate(tensor.shape)]
        grown[name] = tensor.new_zeros(shape)
        carry_tensor(tensor, grown[name], AXES[name], where)
    return grown


def finetuned(weights: Weights, corpus: str, text: str, steps: int, lr: float) -> Weights:
    """Pretrained on the corpus, then finetuned on the training part of the text."""
    old = "".join(sorted(set(corpus)))
    new = common(old, text)
    pretrained, _ = train(weights, encode(corpus, old), steps, lr)
    ids = encode(split_text(text)[0], new)
    return train(carry_over(pretrained, old, new), ids, steps // 4, lr / 4)[0]


def compared(
    pretraining: float, finetuning: Sequence[Look], scratch: Sequence[Look]
) -> dict[str, tuple[float, float]]:
    """Lowest dev losses, (finetuned, scratch).

    >>> compared(10, [(5, 5, 1.7)], [(5, 5, 2.0), (15, 15, 1.8), (20, 20, 1.6)])
    {'equal steps': (1.7, 2.0), 'equal time': (1.7, 1.8)}
    """
    steps, seconds, _ = finetuning[-1]
    best = min(loss for *_, loss in finetuning)
    return {
        "equal steps": (best, min(loss for step, _, loss in scratch if step <= steps)),
        "equal time": (best, min(loss for _, taken, loss in scratch if taken <= pretraining + seconds)),
    }
