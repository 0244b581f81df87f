"""From logits to the probabilities that are drawn from. Letters: V ids in the vocabulary; all are plain lists.

Sources: temperature is Boltzmann's; top-k is from Fan, Lewis and Dauphin, "Hierarchical neural story generation"
(2018); top-p from Holtzman et al., "The curious case of neural text degeneration" (2020).
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def tempered(logits: Sequence[float], temperature: float) -> list[float]:
    """(V,) logits -> V probabilities, those of the logits divided by `temperature`, which is above 0.

    >>> [round(p, 4) for p in tempered([0.0, 1.0], 1.0)], [round(p, 4) for p in tempered([0.0, 1.0], 0.25)]
    ([0.2689, 0.7311], [0.018, 0.982])
    """
    scaled = [logit / temperature for logit in logits]
    largest = max(scaled)  # exp of a number up to 0 cannot overflow, however small the temperature
    exps = [math.exp(z - largest) for z in scaled]
    return [e / sum(exps) for e in exps]


def top_k(probs: Sequence[float], k: int) -> list[float]:
    """(V,) probabilities -> V probabilities, 0 for all but the k likeliest; of equals, the first stay.

    >>> top_k([0.5, 0.125, 0.25, 0.125], 2)
    [0.6666666666666666, 0.0, 0.3333333333333333, 0.0]
    """
    return _only(probs, _ranked(probs)[:k])


def top_p(probs: Sequence[float], p: float) -> list[float]:
    """(V,) probabilities -> V probabilities, 0 for all but the fewest likeliest that together have at least p.

    >>> top_p([0.5, 0.125, 0.25, 0.125], 0.75)
    [0.6666666666666666, 0.0, 0.3333333333333333, 0.0]
    """
    kept: list[int] = []
    total = 0.0
    for i in _ranked(probs):
        if total >= p:
            break
        kept.append(i)
        total += probs[i]
    return _only(probs, kept)


def _ranked(probs: Sequence[float]) -> list[int]:
    """The places, the likeliest first; sorted() keeps equals in their order."""
    return sorted(range(len(probs)), key=lambda i: -probs[i])


def _only(probs: Sequence[float], kept: Sequence[int]) -> list[float]:
    total = sum(probs[i] for i in kept)
    return [probs[i] / total if i in kept else 0.0 for i in range(len(probs))]
