"""7.3 Pretrain on a large corpus, finetune on a small one. When you have written the functions: zth check 7.3

A vocabulary is a string of V characters; a character's id is its place in it. `weights` is a dictionary:
"C" (V, E) has a row for each character, "W2" (H, V) a column, "b2" (V,) a number. "W1" is (E, H), and "b1" (H,).
"""

import torch
import torch.nn.functional as F


def encode(text, vocabulary):
    """A text of n characters -> (n,) ids. Given."""
    return torch.tensor([vocabulary.index(character) for character in text])


def train(weights, ids, steps, lr, velocity=None):
    """Gradient descent with momentum on all neighbours in `ids` -> the new weights, and the velocity. Given.

    Nothing that is passed in is changed. Without a velocity it starts at zero.
    """
    weights = {name: tensor.clone().requires_grad_() for name, tensor in weights.items()}
    velocity = velocity or {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
    for _ in range(steps):
        h = torch.tanh(weights["C"][ids[:-1]] @ weights["W1"] + weights["b1"])
        loss = F.cross_entropy(h @ weights["W2"] + weights["b2"], ids[1:])
        gradients = dict(zip(weights, torch.autograd.grad(loss, list(weights.values())), strict=True))
        velocity = {name: 0.9 * velocity[name] + gradients[name] for name in weights}
        weights = {name: (weights[name] - lr * velocity[name]).detach().requires_grad_() for name in weights}
    return {name: tensor.detach() for name, tensor in weights.items()}, velocity


def leaks(text, corpus, least=30):
    """The dev lines of `text`, of `least` characters or more, that stand anywhere in `corpus`."""
    raise NotImplementedError("`leaks` is not written yet: return a list of lines.")


def free_plays(plays, text):
    """The titles of the plays into which nothing leaks; `plays` has a text for each title."""
    raise NotImplementedError("`free_plays` is not written yet: return a list of titles.")


def common(old, text):
    """The characters of the vocabulary `old` and of `text`, each once, in order."""
    raise NotImplementedError("`common` is not written yet: return a string of characters.")


def carry_over(weights, old, new):
    """Weights for the vocabulary `old` -> weights for the vocabulary `new`, which has all characters of `old`."""
    raise NotImplementedError("`carry_over` is not written yet: return a dictionary of five tensors.")


def finetuned(weights, corpus, text, steps, lr):
    """Initial weights for the characters of `corpus` -> weights for the common vocabulary: pretrained, finetuned."""
    raise NotImplementedError("`finetuned` is not written yet: return a dictionary of five tensors.")


def compared(pretraining, finetuning, scratch):
    """The lowest dev losses, finetuned and from scratch: at equal steps, and at equal time in all."""
    raise NotImplementedError('`compared` is not written yet: return {"equal steps": (., .), "equal time": (., .)}.')
